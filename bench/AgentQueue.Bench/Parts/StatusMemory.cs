namespace AgentQueue.Bench;

/// <summary>The most memory that <c>status</c> holds, beside that of the empty program.</summary>
internal static class StatusMemory
{
    private const int Repeats = 5;

    public static void Measure(Workbench bench, Findings findings)
    {
        foreach (var (size, bound) in ((int, double)[])[(10, 12), (10_000, 30), (100_000, 120)])
        {
            if (!bench.Scope.QueueSizes.Contains(size))
            {
                continue;
            }

            Workbench.Say($"{Show.Count(size)} tasks");
            using var queue = bench.NewQueue();
            bench.Pattern.Fill(queue, size, size / 10 * 9);
            var empty = Repeat(bench.EmptyMemory);
            var cold = Repeat(() =>
            {
                queue.ForgetCaches();
                return queue.PeakMemory("status");
            });
            var warm = Repeat(() => queue.PeakMemory("status"));
            Add("", warm, Target.AtMost(bound, "MB"));
            Add(", caches deleted", cold, null);

            void Add(string how, Samples samples, Target? target) =>
                findings.Add(
                    new Figure(
                        "Memory",
                        $"`status` of {Show.Count(size)} tasks, memory{how}",
                        "MB",
                        samples,
                        target,
                        samples.RelativeTo(empty)
                    )
                    {
                        Cell = target is null ? null : new Cell("memory of `status`, MB", size),
                    }
                );
        }
    }

    private static Samples Repeat(Func<double> measure) =>
        new([.. Enumerable.Range(0, Repeats).Select(_ => measure())]);
}
