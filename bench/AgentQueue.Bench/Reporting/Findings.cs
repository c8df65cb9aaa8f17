namespace AgentQueue.Bench;

/// <summary>Everything that one run of the bench found out.</summary>
internal sealed class Findings
{
    public List<Figure> Figures { get; } = [];

    public List<Gap> Gaps { get; } = [];

    public List<PlotPoint> Points { get; } = [];

    public PeerTable Peers { get; } = new();

    public void Add(Figure figure) => Figures.Add(figure);

    /// <summary>CPU time of a process, with its ratio to an empty one that ran in turns with it.</summary>
    public void AddCpu(
        string section,
        string name,
        Samples cpu,
        Samples empty,
        Target? target,
        Cell? cell = null
    ) => Add(new Figure(section, name, "ms", cpu, target, cpu.RelativeTo(empty)) { Cell = cell });
}
