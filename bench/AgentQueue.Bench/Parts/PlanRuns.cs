using System.Diagnostics;
using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>
/// Runs of plans: a thousand nodes of <c>true</c> that wait for nothing, a chain of a thousand and one of twenty,
/// from the call to the exit code; and how long it takes to check a plan of five thousand.
/// </summary>
internal static class PlanRuns
{
    private const string Section = "Plans";

    public static void Measure(Workbench bench, Findings findings)
    {
        var many = bench.Scope.Drained;
        Samples one = new(),
            short20 = new(),
            fan = new(),
            durable = new(),
            chain = new(),
            validate = new(),
            empty = new();
        for (var i = 0; i < bench.Scope.DrainRepeats; i++)
        {
            Workbench.Say("running plans");
            empty.Add(bench.Empty().Wall);
            one.Add(Run(bench, 1, chain: false));
            short20.Add(Run(bench, 20, chain: true));
            fan.Add(Run(bench, many, chain: false));
            durable.Add(Run(bench, many, chain: false, onDisk: true));
            chain.Add(Run(bench, many, chain: true));
            validate.Add(Validate(bench, 5000));
        }

        var where = bench.MemoryFolder is null ? "once more" : "folder in memory";
        AddRate($"{Show.Count(many)} nodes of `true`, 4 at once, on this disk", durable);
        AddRate($"{Show.Count(many)} nodes of `true`, 4 at once, {where}", fan);
        AddRate($"a chain of {Show.Count(many)}, {where}", chain);
        // 20 times one task, and 20 ms for each.
        var allowed = one.Select(static ms => 20 * (ms + 20));
        findings.Add(
            new Figure(
                Section,
                "a chain of 20, to 20 single runs and 20 ms each",
                "×",
                short20.RelativeTo(allowed),
                Target.AtMost(1, "×"),
                short20.RelativeTo(allowed)
            )
        );
        findings.Add(
            new Figure(
                Section,
                "`plan validate`, 5,000 nodes",
                "ms",
                validate,
                Target.AtMost(1000, "ms"),
                validate.RelativeTo(empty)
            )
        );

        void AddRate(string name, Samples times) =>
            findings.Add(
                new Figure(
                    Section,
                    name,
                    "a second",
                    times.Select(ms => many / ms * 1000),
                    Target.AtLeast(200, "a second"),
                    times.RelativeTo(empty)
                )
            );
    }

    private static TimeSpan Run(Workbench bench, int count, bool chain, bool onDisk = false)
    {
        using var queue = bench.NewQueue(fsync: true, onDisk ? null : bench.MemoryFolder);
        var plan = Write(queue, count, chain);
        queue.Settle();
        var begin = Stopwatch.GetTimestamp();
        queue.Agentq("plan", "run", plan);
        return Stopwatch.GetElapsedTime(begin);
    }

    private static TimeSpan Validate(Workbench bench, int count)
    {
        using var queue = bench.NewQueue(fsync: true, bench.MemoryFolder);
        var plan = Write(queue, count, chain: true);
        var begin = Stopwatch.GetTimestamp();
        queue.Agentq("plan", "validate", plan);
        return Stopwatch.GetElapsedTime(begin);
    }

    private static string Write(ScratchQueue queue, int count, bool chain)
    {
        var path = Path.Join(queue.Folder, "plan.yaml");
        File.WriteAllLines(
            path,
            Enumerable
                .Range(0, count)
                .Select(i =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"  - {{id: t{i}, cmd: [\"true\"]{(chain && i > 0 ? $", depends_on: [t{i - 1}]" : "")}}}"
                    )
                )
                .Prepend("tasks:")
        );
        return path;
    }
}
