namespace AgentQueue.Bench;

/// <summary>What the bench was asked for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        usage: agentq-bench AGENTQ EMPTY BASELINE.json PLOT.svg [OPTIONS]
          --quick             fewer repeats, queues of up to 10,000 tasks, no plot
          --json              one JSON document instead of tables
          --only PART         only this part, may be repeated; --only help lists them
          --check             fail if a ratio is worse than the committed one, by more than the noise
          --update-baseline   commit the ratios of this run
        """;

    public required string Agentq { get; init; }

    public required string Empty { get; init; }

    public required string Baseline { get; init; }

    public required string Plot { get; init; }

    public bool Quick { get; init; }

    public bool Json { get; init; }

    public bool Check { get; init; }

    public bool UpdateBaseline { get; init; }

    public IReadOnlyList<string> Only { get; init; } = [];

    public static BenchOptions? Parse(string[] arguments)
    {
        if (arguments is not [var agentq, var empty, var baseline, var plot, .. var rest])
        {
            return null;
        }

        var options = new BenchOptions
        {
            Agentq = Path.GetFullPath(agentq),
            Empty = Path.GetFullPath(empty),
            Baseline = Path.GetFullPath(baseline),
            Plot = Path.GetFullPath(plot),
        };
        for (var i = 0; i < rest.Length; i++)
        {
            switch (rest[i])
            {
                case "--quick":
                    options = options with { Quick = true };
                    break;
                case "--json":
                    options = options with { Json = true };
                    break;
                case "--check":
                    options = options with { Check = true };
                    break;
                case "--update-baseline":
                    options = options with { UpdateBaseline = true };
                    break;
                case "--only" when i + 1 < rest.Length:
                    options = options with { Only = [.. options.Only, rest[++i]] };
                    break;
                default:
                    return null;
            }
        }

        return options;
    }
}
