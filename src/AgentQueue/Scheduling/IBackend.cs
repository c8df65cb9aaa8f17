using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Where supervisors run.</summary>
internal interface IBackend
{
    /// <summary>
    /// Starts a supervisor for a task and hands it the task's lock, which the caller then disposes.
    /// </summary>
    /// <exception cref="QueueException">It could not be started; the task is still pending.</exception>
    ISupervisorStart Launch(TaskId id, HeldLock taskLock);

    /// <summary>Starts a supervisor without a task that keeps a drain going until a back-off is over.</summary>
    void LaunchKeeper(QueueScope scope);
}

/// <summary>A supervisor that has been started and has not yet said how its agent's start went.</summary>
internal interface ISupervisorStart
{
    /// <summary>Waits for the word, at most that long.</summary>
    StartReport Await(TimeSpan patience);
}

/// <summary>How the start of a task went.</summary>
internal abstract record StartReport
{
    private StartReport() { }

    /// <param name="Pid">The agent's process.</param>
    internal sealed record Started(int Pid) : StartReport;

    /// <summary>The agent could not be started; the task has failed.</summary>
    internal sealed record Failed(string Message) : StartReport;

    /// <summary>The task was not pending any more.</summary>
    internal sealed record Skipped : StartReport;

    /// <summary>No word yet, or the supervisor died before one; the next reconcile tells.</summary>
    internal sealed record Unknown : StartReport;
}
