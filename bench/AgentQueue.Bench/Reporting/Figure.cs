using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>One line of a table: a measured quantity and what it should come to.</summary>
/// <param name="Ratio">
/// The same against something that was measured beside it on this machine, less being better; only ratios
/// can be compared from machine to machine, so only they go into the baseline.
/// </param>
internal sealed record Figure(
    string Section,
    string Name,
    string Unit,
    Samples Samples,
    Target? Target = null,
    Samples? Ratio = null
)
{
    /// <summary>Where the figure stands in the summary, if it does.</summary>
    public Cell? Cell { get; init; }

    public bool IsMet => Target is null || Target.IsMetBy(Samples.Median);
}

/// <summary>A place in the table of verbs against queue sizes.</summary>
internal sealed record Cell(string Row, int QueueSize);

/// <summary>A bound, in the figure's unit, and how to say it.</summary>
internal abstract record Target(double Bound, string Text)
{
    public abstract bool IsMetBy(double value);

    public static Target AtMost(double bound, string unit) =>
        new Ceiling(bound, string.Create(CultureInfo.InvariantCulture, $"≤ {bound:#,0.##} {unit}"));

    /// <summary>A multiple of what was measured beside it, named by <paramref name="of"/>.</summary>
    public static Target AtMostTimes(double times, Samples unit, string of = "") =>
        new Ceiling(
            times * unit.Median,
            string.Create(CultureInfo.InvariantCulture, $"≤ {times:0.##} ×{of}")
        );

    public static Target AtLeast(double bound, string unit) =>
        new Floor(bound, string.Create(CultureInfo.InvariantCulture, $"≥ {bound:#,0.##} {unit}"));

    private sealed record Ceiling(double Bound, string Text) : Target(Bound, Text)
    {
        public override bool IsMetBy(double value) => value <= Bound;
    }

    private sealed record Floor(double Bound, string Text) : Target(Bound, Text)
    {
        public override bool IsMetBy(double value) => value >= Bound;
    }
}

/// <summary>A quantity that could not be measured, and why.</summary>
/// <param name="IsMissingTool">Nothing went wrong: what it takes is not installed here.</param>
internal sealed record Gap(string Name, string Reason, bool IsMissingTool)
{
    public static Gap Of(string name, Exception why) =>
        new(name, why.Message, why is MissingToolException);
}

/// <summary>A place on the plot: how long it took with so many entries in the queue.</summary>
internal sealed record PlotPoint(string Line, int QueueSize, double Milliseconds);
