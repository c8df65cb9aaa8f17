namespace AgentQueue.Tasks;

/// <summary>How a task stands against the time that it may take.</summary>
/// <param name="Elapsed">Null if it has not started.</param>
/// <param name="Warning">How long before the limit it counts as near it.</param>
internal readonly record struct TimeLimit(TimeSpan Limit, TimeSpan? Elapsed, TimeSpan Warning)
{
    /// <summary>Negative once the time is over.</summary>
    public TimeSpan Remaining => Limit - (Elapsed ?? TimeSpan.Zero);

    public bool IsOverdue => Elapsed is not null && Remaining < TimeSpan.Zero;

    public bool IsNear => Elapsed is not null && !IsOverdue && Remaining <= Warning;

    /// <summary>Null if the task has no limit, or has ended.</summary>
    public static TimeLimit? Of(TaskSummary task, DateTimeOffset now) =>
        task is { Timeout: { } limit, IsFinished: false }
            ? new TimeLimit(
                limit,
                task.State is TaskState.Running running ? now - running.StartedAt : null,
                task.TimeoutWarning ?? TaskSummary.DefaultTimeoutWarning
            )
            : null;
}
