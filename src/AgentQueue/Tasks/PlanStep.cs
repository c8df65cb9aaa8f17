using System.Collections.Immutable;

namespace AgentQueue.Tasks;

/// <summary>
/// What a plan asks of one of its tasks, beside what every task has. It stands in the task's file, so that a
/// supervisor needs nothing else, and nobody can change it once the run has begun.
/// </summary>
internal sealed record PlanStep
{
    /// <summary>The agent's name in the file of a task that is a command.</summary>
    public const string CommandAgent = "command";

    /// <summary>The node's id in the plan.</summary>
    public required string Node { get; init; }

    /// <summary>The command and its arguments; empty where an agent does the work.</summary>
    public ImmutableArray<string> Command { get; init; } = [];

    /// <summary>The pause before each automatic retry; the last one repeats. Empty for 2^n seconds, a minute at most.</summary>
    public ImmutableArray<TimeSpan> Backoff { get; init; } = [];

    /// <summary>Globs of the files that are kept as artifacts.</summary>
    public ImmutableArray<string> Outputs { get; init; } = [];

    /// <summary>Where the artifacts are copied to besides the run's folder; absolute.</summary>
    public string? ArtifactsFolder { get; init; }

    public StepCondition? When { get; init; }

    /// <summary>The question that somebody must answer with yes; such a task is held until then.</summary>
    public string? Approval { get; init; }
}

/// <summary>Holds if the other task ended like that, or a file has a text in it; else the task is skipped.</summary>
/// <param name="Task">The first attempt of the other node.</param>
/// <param name="Outcome">A word of <c>status</c>; null where a file decides.</param>
/// <param name="File">Absolute.</param>
internal sealed record StepCondition(TaskId Task, string? Outcome, string? File, string? Contains);
