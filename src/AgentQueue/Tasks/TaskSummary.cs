using System.Collections.Immutable;

namespace AgentQueue.Tasks;

/// <summary>
/// What choosing, counting and ordering need to know of a task. Of many thousands only this is kept; who
/// shows or changes a task reads its file.
/// </summary>
internal record TaskSummary
{
    public const int DefaultPriority = 5;
    public static readonly TimeSpan DefaultTimeoutWarning = TimeSpan.FromSeconds(60);

    public required TaskId Id { get; init; }

    /// <summary>The name of an agent in <c>agent-config.json</c>, or a built-in one.</summary>
    public required string Agent { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time allowed for the execution, extensions included; null for the agent's default.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How long before the limit a running task counts as near it.</summary>
    public TimeSpan? TimeoutWarning { get; init; }

    /// <summary>1 (last) to 10 (first).</summary>
    public int Priority { get; init; } = DefaultPriority;

    /// <summary>Tasks that must have ended before this one may start: complete, if nothing else is said.</summary>
    public ImmutableArray<TaskId> DependsOn { get; init; } = [];

    /// <summary>Those of <see cref="DependsOn"/> that may have ended in any way.</summary>
    public ImmutableArray<TaskId> AfterAny { get; init; } = [];

    /// <summary>Those of <see cref="DependsOn"/> that must have failed, or been cancelled.</summary>
    public ImmutableArray<TaskId> AfterNotOk { get; init; } = [];

    /// <summary>
    /// Those of <see cref="DependsOn"/> that are known to have ended as they must: they count as met even if
    /// their files are gone.
    /// </summary>
    public ImmutableArray<TaskId> DependenciesMet { get; init; } = [];

    public required TaskState State { get; init; }

    public TaskStatus Status => State.Status;

    /// <summary>
    /// When a pending task may start at the earliest; null if nothing keeps it back by now. What waits for events to
    /// stop coming was made a moment ago: if that lies ahead, the clock was set back, and the wait is over.
    /// </summary>
    public DateTimeOffset? WaitsUntil(DateTimeOffset now) =>
        State is TaskState.Pending { NotBefore: { } at }
        && at > now
        && !(CreatedAt > now && EventTaskId.Is(Id))
            ? at
            : null;

    public bool IsFinished => State is TaskState.Finished;

    public DependencyKind KindOf(TaskId dependency) =>
        AfterAny.Contains(dependency) ? DependencyKind.AfterAny
        : AfterNotOk.Contains(dependency) ? DependencyKind.AfterNotOk
        : DependencyKind.AfterOk;
}
