using System.Collections.Immutable;
using System.Text.Json;

namespace AgentQueue.Tasks;

/// <summary>
/// One request to run an agent with a prompt, as <c>tasks/&lt;id&gt;.json</c> holds it. What was asked for
/// stands here and never changes once the task has started; what became of it is its state.
/// </summary>
internal sealed record AgentTask : TaskSummary
{
    /// <summary>The highest file format that this program understands.</summary>
    public const int CurrentVersion = 1;

    public const int DefaultMaxRetries = 3;

    public required string Prompt { get; init; }

    /// <summary>A short title for people; null if none was given.</summary>
    public string? Name { get; init; }

    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The agent's working folder, absolute; null for the configured one or the project root.</summary>
    public string? WorkingFolder { get; init; }

    /// <summary>
    /// Environment for this task. A null value means: take it from whoever runs the task. Values given
    /// here are the only ones ever stored; they are masked wherever a task is shown.
    /// </summary>
    public ImmutableSortedDictionary<string, string?> Environment { get; init; } =
        ImmutableSortedDictionary<string, string?>.Empty;

    /// <summary>Time without output after which the task is stalled; null for the agent's default.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>How many retries came before this task: 0 for an original.</summary>
    public int RetryCount { get; init; }

    public int MaxRetries { get; init; } = DefaultMaxRetries;

    public bool AutoRetry { get; init; }

    /// <summary>The first task of this line of retries; null for an original.</summary>
    public TaskId? Parent { get; init; }

    public ImmutableArray<RetryRecord> RetryHistory { get; init; } = [];

    /// <summary>Executions begun so far.</summary>
    public int Attempt { get; init; }

    /// <summary>What a plan asks of it; null for a task of no plan.</summary>
    public PlanStep? Step { get; init; }

    /// <summary>What must hold of its work; null if its end is enough.</summary>
    public WorkChecks? Checks { get; init; }

    /// <summary>What it asks of its agent's adapter; null for nothing of its own.</summary>
    public AgentOptions? Options { get; init; }

    /// <summary>The git worktree that it works in; null for none.</summary>
    public Worktree? Worktree { get; init; }

    /// <summary>The event that started it; null for a task that somebody asked for.</summary>
    public TaskCause? Cause { get; init; }

    /// <summary>JSON members that this version does not know, kept word for word at every rewrite.</summary>
    public ImmutableArray<KeyValuePair<string, JsonElement>> Unknown { get; init; } = [];

    /// <summary>This task without what only its file tells.</summary>
    public TaskSummary ToSummary() =>
        new()
        {
            Id = Id,
            Agent = Agent,
            CreatedAt = CreatedAt,
            Timeout = Timeout,
            TimeoutWarning = TimeoutWarning,
            Priority = Priority,
            DependsOn = DependsOn,
            AfterAny = AfterAny,
            AfterNotOk = AfterNotOk,
            DependenciesMet = DependenciesMet,
            State = State,
        };
}

/// <summary>One earlier execution in a line of retries.</summary>
internal sealed record RetryRecord(
    int Attempt,
    DateTimeOffset Timestamp,
    string? Error,
    TaskId? RetriedFrom
);
