namespace AgentQueue.Config;

/// <summary>What tasks together may use before no further one of them is started.</summary>
internal sealed record BudgetRule
{
    /// <summary>Only tasks of this agent; null for any.</summary>
    public string? Agent { get; init; }

    /// <summary>Only tasks with this label, <c>KEY=VALUE</c>; null for any.</summary>
    public string? Label { get; init; }

    /// <summary>Counted from midnight, local time; else from the beginning.</summary>
    public bool PerDay { get; init; }

    /// <summary>Counted for each run of a plan by itself.</summary>
    public bool PerPlan { get; init; }

    /// <summary>Dollars; null for no limit.</summary>
    public decimal? Usd { get; init; }

    /// <summary>Tokens in and out, cached ones not counted; null for no limit.</summary>
    public long? Tokens { get; init; }

    /// <summary>Turns of the agents; null for no limit.</summary>
    public int? Turns { get; init; }

    /// <summary>How long the agents ran, added up; null for no limit.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>In words, as messages name it.</summary>
    public string Name =>
        string.Join(
            ", ",
            new[]
            {
                Label is { } label ? $"label {label}" : null,
                Agent is { } agent ? $"agent {agent}" : null,
                PerPlan ? "each run of a plan" : null,
                PerDay ? "a day" : null,
            }.OfType<string>()
        )
            is { Length: > 0 } words
            ? words
            : "all tasks";
}
