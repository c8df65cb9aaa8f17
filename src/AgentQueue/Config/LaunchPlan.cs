using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// Everything needed to start the agent of one task, with nothing left to look up. Holds environment
/// values: it is never stored, logged or shown.
/// </summary>
internal sealed record LaunchPlan
{
    /// <summary>Absolute.</summary>
    public required string Executable { get; init; }

    /// <summary>Without the name of the program itself.</summary>
    public required ImmutableArray<string> Arguments { get; init; }

    /// <summary>The same without values of the environment, for people to see.</summary>
    public required ImmutableArray<string> ShownArguments { get; init; }

    /// <summary>The complete prompt that the agent receives.</summary>
    public required string PromptText { get; init; }

    public required PromptVia PromptVia { get; init; }

    /// <summary>The prompt must stand in <see cref="TaskPaths.PromptFile"/> before the agent starts.</summary>
    public required bool NeedsPromptFile { get; init; }

    /// <summary>For <see cref="AgentEnvironment.Build"/>: a value to set, or null to take the variable away.</summary>
    public required ImmutableSortedDictionary<string, string?> Environment { get; init; }

    /// <summary>Absolute; it existed when the plan was made.</summary>
    public required string WorkingFolder { get; init; }

    public required TimeSpan? Timeout { get; init; }

    public required TimeSpan? IdleTimeout { get; init; }

    public required TimeSpan ExitGrace { get; init; }

    public required Completion Completion { get; init; }

    public required bool KeepChildren { get; init; }
}
