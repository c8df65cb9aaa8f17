using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>A graph of tasks as its file says it, checked, with parameters and matrices filled in.</summary>
internal sealed record Plan
{
    public const int DefaultParallel = 4;

    /// <summary>What it is for; null if the file does not say.</summary>
    public string? Goal { get; init; }

    /// <summary>Where artifacts are copied to besides the run's folder; relative to the working folder.</summary>
    public string? ArtifactsFolder { get; init; }

    /// <summary>Tasks at once; null for <see cref="DefaultParallel"/>.</summary>
    public int? MaxParallel { get; init; }

    /// <summary>Nothing more is started once a task has failed for good.</summary>
    public bool FailFast { get; init; }

    /// <summary>Parameters with the values that hold, in the order of the file.</summary>
    public ImmutableArray<KeyValuePair<string, string>> Parameters { get; init; } = [];

    /// <summary>In the order of the file; that of a matrix where its task stands.</summary>
    public ImmutableArray<PlanTask> Tasks { get; init; } = [];
}

/// <summary>One node of a plan.</summary>
internal sealed record PlanTask
{
    public const int LongestId = 128;

    /// <summary>1 to 128 of <c>[A-Za-z0-9._-]</c>, the first a letter or digit; unique, whatever the case.</summary>
    public required string Id { get; init; }

    /// <summary>The command and its arguments; empty where an agent does the work.</summary>
    public ImmutableArray<string> Command { get; init; } = [];

    /// <summary>The agent; null exactly where there is a command.</summary>
    public string? Agent { get; init; }

    public string? Prompt { get; init; }

    public ImmutableArray<PlanDependency> DependsOn { get; init; } = [];

    /// <summary>Relative to the run's working folder, or absolute; null for that folder itself.</summary>
    public string? WorkingFolder { get; init; }

    public ImmutableSortedDictionary<string, string> Environment { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public TimeSpan? Timeout { get; init; }

    /// <summary>Further attempts after a failure.</summary>
    public int Retries { get; init; }

    /// <summary>The pause before each retry; the last one repeats. Empty for 2^n seconds, a minute at most.</summary>
    public ImmutableArray<TimeSpan> Backoff { get; init; } = [];

    /// <summary>Globs of the files that are kept as artifacts.</summary>
    public ImmutableArray<string> Outputs { get; init; } = [];

    /// <summary>Commands that must succeed, after the task's own, before it counts as complete.</summary>
    public ImmutableArray<ImmutableArray<string>> Verify { get; init; } = [];

    /// <summary>Each of <see cref="Outputs"/> must match something before it counts as complete.</summary>
    public bool VerifyOutputs { get; init; }

    /// <summary>How often its agent is told what a check said, and goes on.</summary>
    public int FixAttempts { get; init; }

    /// <summary>The git worktree that it works in; null for none.</summary>
    public Worktree? Worktree { get; init; }

    /// <summary>1 to 10, as for any task.</summary>
    public int? Priority { get; init; }

    /// <summary>How many of one matrix run at once; null for any number.</summary>
    public int? MaxParallel { get; init; }

    /// <summary>The task of the file that a matrix made this one of; null without a matrix.</summary>
    public string? MatrixOf { get; init; }

    public PlanCondition? When { get; init; }

    /// <summary>The question that somebody must answer with yes before it starts.</summary>
    public string? Approval { get; init; }

    /// <summary>Names and what they stand for: a path of another task.</summary>
    public ImmutableSortedDictionary<string, string> Inputs { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}

internal sealed record PlanDependency(string Id, DependencyKind Kind = DependencyKind.AfterOk);

/// <summary>Holds if the task's outcome is the one named, or a file of it has a text in it; else the node is skipped.</summary>
/// <param name="Outcome"><c>complete</c>, <c>failed</c> or <c>cancelled</c>; null where a file decides.</param>
/// <param name="File">Relative to that task's working folder.</param>
internal sealed record PlanCondition(string Task, string? Outcome, string? File, string? Contains);
