namespace AgentQueue.Bench;

/// <summary>One line of the table: a measured quantity and what it must not exceed.</summary>
/// <param name="Target">Null for a figure that is only told.</param>
internal sealed record Figure(string Name, string Unit, Samples Samples, double? Target)
{
    public bool IsMet => Target is null || Samples.Median <= Target;
}

/// <summary>A quantity that could not be measured, and why.</summary>
internal sealed record Gap(string Name, string Reason);
