using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>How an agent's adapter is used and what holds for the work of its tasks, as far as a task says nothing.</summary>
internal sealed record AgentWork
{
    /// <summary>The adapter that says how it is called; null for an agent that is only a command.</summary>
    public string? Adapter { get; init; }

    public string? Model { get; init; }

    public Permission? Permission { get; init; }

    /// <summary>Agents of one account share its usage limit; null for one of all agents of the adapter.</summary>
    public string? Account { get; init; }

    /// <summary>False: the variables with keys to pay by are taken away, so that a subscription is used.</summary>
    public bool ApiKeys { get; init; } = true;

    public LimitPolicy? OnLimit { get; init; }

    /// <summary>Agents that a failed task is given to, one after the other.</summary>
    public ImmutableArray<string> Fallback { get; init; } = [];

    /// <summary>Error classes that are retried by themselves; null for all that may pass.</summary>
    public ImmutableArray<string>? RetryOn { get; init; }

    public TimeSpan? StartTimeout { get; init; }

    /// <summary>Dollars for one task.</summary>
    public decimal? MaxUsd { get; init; }

    public long? MaxTokens { get; init; }

    public int? MaxTurns { get; init; }

    /// <summary>Commands, each split like a shell's words.</summary>
    public ImmutableArray<string> Verify { get; init; } = [];

    public bool RequireChanges { get; init; }

    public bool RequireClean { get; init; }

    public int FixAttempts { get; init; }

    /// <summary>The same as a task stores it; null if nothing is asked.</summary>
    public WorkChecks? Checks =>
        Verify.IsEmpty && !RequireChanges && !RequireClean
            ? null
            : new WorkChecks
            {
                Commands = [.. Verify.Select(static v => CheckCommand.Split(v, "verify"))],
                Changes = RequireChanges,
                Clean = RequireClean,
                FixAttempts = FixAttempts,
            };
}
