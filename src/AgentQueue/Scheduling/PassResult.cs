using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>One task that a pass started, or tried to.</summary>
internal sealed record StartedTask(AgentTask Task, ISupervisorStart Start);

/// <summary>What a pass over the queue came to.</summary>
/// <param name="Started">In the order in which they were started.</param>
/// <param name="Running">How many run now, those included.</param>
/// <param name="Ready">How many more could start if there were slots.</param>
/// <param name="NextDue">When the next back-off ends or the next time that was set comes; null if none is waited for.</param>
internal sealed record PassResult(
    IReadOnlyList<StartedTask> Started,
    int Running,
    int Ready,
    int Pending,
    DateTimeOffset? NextDue
)
{
    /// <summary>A task that the caller runs itself, with its lock.</summary>
    public (AgentTask Task, HeldLock Lock)? Taken { get; init; }

    /// <summary>All that had not ended when the pass began.</summary>
    public IReadOnlyList<TaskId> Unfinished { get; init; } = [];

    /// <summary>
    /// Pending tasks whose lock somebody held (they are starting, or a verb is at work on them and they
    /// will be free in a moment), and retries that are being made.
    /// </summary>
    public int InHand { get; init; }
}
