using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>Where a task stands at one moment: what its summary says, and what follows from the rest of the queue. Pure.</summary>
internal record TaskStanding(TaskSummary Summary, DateTimeOffset Now)
{
    /// <summary>Pending in its file, but a supervisor holds it and is about to start the agent.</summary>
    public bool IsStarting { get; init; }

    /// <summary>The clock on the wall by which times of day are told; asked only if there is one to tell.</summary>
    public Func<TimeZoneInfo> Zone { get; init; } = static () => TimeZoneInfo.Utc;

    /// <summary>What its dependencies say; only for a pending task.</summary>
    public Readiness Readiness { get; init; } = Readiness.Ready.Always;

    public TaskId Id => Summary.Id;

    /// <summary>As it counts: what is starting runs.</summary>
    public TaskStatus Status => IsStarting ? TaskStatus.Running : Summary.Status;

    public bool IsHeld => !IsStarting && Summary.State is TaskState.Pending { Held: true };

    /// <summary>Pending, not held, and kept from starting by a dependency or its time.</summary>
    public bool IsWaiting =>
        Status == TaskStatus.Pending
        && !IsHeld
        && (Readiness is not Readiness.Ready || StartsIn is not null);

    /// <summary>The dependencies that have yet to complete; a retried one is its retry.</summary>
    public IReadOnlyList<TaskId> WaitingFor => Readiness is Readiness.Waiting w ? w.For : [];

    /// <summary>How long it runs, or ran; null if it never did.</summary>
    public TimeSpan? Elapsed =>
        Summary.State switch
        {
            TaskState.Running running => NotNegative(Now - running.StartedAt),
            TaskState.Finished { StartedAt: { } from } end => NotNegative(end.CompletedAt - from),
            _ => null,
        };

    /// <summary>What is left of its time, negative when it is over; null if it has no limit.</summary>
    public TimeSpan? Remaining =>
        Summary.State is TaskState.Running ? Summary.Timeout - Elapsed : null;

    public bool IsNearLimit => Remaining is { } left && left <= Warning;

    public TimeSpan Warning => Summary.TimeoutWarning ?? TaskSummary.DefaultTimeoutWarning;

    /// <summary>Until the time that was set for it; null if it may start as far as that goes.</summary>
    public TimeSpan? StartsIn =>
        Summary.State is TaskState.Pending { NotBefore: { } at } && !IsStarting && at > Now
            ? at - Now
            : null;

    /// <summary>One word: its status, or what keeps a pending one from starting.</summary>
    public string Word =>
        IsHeld ? "held"
        : IsWaiting ? "waiting"
        : TaskJson.NameOf(Summary.Status);

    // A clock that was set back makes nothing run for less than no time.
    protected static TimeSpan NotNegative(TimeSpan time) =>
        TimeSpan.FromTicks(Math.Max(time.Ticks, 0));

    /// <param name="dependencies">Made only when a task has some.</param>
    public static TaskStanding Of(
        TaskSummary task,
        QueueFolder queue,
        Func<TaskId, bool> mayBeSupervised,
        Lazy<Dependencies> dependencies,
        DateTimeOffset now
    )
    {
        return task.State is TaskState.Pending
            ? new TaskStanding(task, now)
            {
                IsStarting = mayBeSupervised(task.Id) && queue.IsSupervised(task.Id),
                Readiness = task.DependsOn.IsEmpty
                    ? Readiness.Ready.Always
                    : dependencies.Value.Check(task),
            }
            : new TaskStanding(task, now);
    }
}
