namespace AgentQueue.Bench;

/// <summary><c>start --batch</c>: one call, durable, with 10,000 tasks.</summary>
internal static class BatchStart
{
    private const int Count = 10_000;
    private const int EmptyRepeats = 20;

    public static void Measure(Workbench bench, Findings findings)
    {
        Samples wall = new(),
            cpu = new(),
            empty = new();
        for (var i = 0; i < EmptyRepeats; i++)
        {
            empty.Add(bench.Empty().Cpu);
        }

        for (var i = 0; i < bench.Scope.Batches; i++)
        {
            using var queue = bench.NewQueue();
            queue.Settle();
            var cost = queue.StartBatch("true", Count);
            wall.Add(cost.Wall);
            cpu.Add(cost.Cpu);
        }

        findings.Add(
            new Figure(
                "Many at once",
                "`start --batch` of 10,000 tasks, durable, wall",
                "s",
                wall.Select(ms => ms / 1000),
                Target.AtMost(2, "s")
            )
        );
        findings.AddCpu("Many at once", "`start --batch` of 10,000 tasks, CPU", cpu, empty, null);
    }
}
