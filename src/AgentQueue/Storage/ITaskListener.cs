using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <summary>
/// Told of a task's changes by whoever records them, after they are on disk and while it still holds the task's
/// lock. What it throws leaves the task's files in <c>run/</c> where they are, so that the next look tells it again.
/// </summary>
internal interface ITaskListener
{
    /// <summary>Its agent was started.</summary>
    void Started(AgentTask task);

    /// <summary>It has ended.</summary>
    /// <param name="again">Somebody may have told of it before, and died before the end was swept.</param>
    void Ended(AgentTask task, bool again);

    /// <summary>It waits again: for a usage limit, or for an answer.</summary>
    void Parked(AgentTask task);

    /// <summary>Goes on with what somebody has begun to tell, and died over.</summary>
    void FinishInterrupted();

    /// <summary>A run of a plan is over, and its report is written. May be told more than once.</summary>
    /// <param name="plan">The plan's name.</param>
    /// <param name="succeeded">Null if it was cancelled.</param>
    /// <param name="ended">When the last of its tasks did.</param>
    void RunOver(RunId run, string plan, bool? succeeded, DateTimeOffset ended);
}
