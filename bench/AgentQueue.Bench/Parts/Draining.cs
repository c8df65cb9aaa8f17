using System.Diagnostics;

namespace AgentQueue.Bench;

/// <summary>
/// Draining tasks of <c>true</c> with two slots, each with its record, log and exit code: without fsync,
/// where the program is the limit, and durably, where the disk is.
/// </summary>
internal static class Draining
{
    private const string Section = "Draining with two slots";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    public static void Measure(Workbench bench, Findings findings)
    {
        var count = bench.Scope.Drained;
        SyncsPerTask syncs;
        try
        {
            Workbench.Say("counting fsyncs");
            syncs = SyncsPerTask.Count(bench);
            findings.Add(
                new Figure(
                    Section,
                    $"fsyncs for one task ({syncs})",
                    "",
                    new([syncs.All]),
                    null,
                    new([syncs.All])
                )
            );
        }
        catch (BenchException e)
        {
            syncs = SyncsPerTask.Usual;
            findings.Gaps.Add(
                Gap.Of("fsyncs for one task (six are taken for the next figures)", e)
            );
        }

        Samples empty = new(),
            inMemory = new(),
            fast = new(),
            durable = new(),
            bare = new(),
            ratio = new();
        for (var i = 0; i < bench.Scope.DrainRepeats; i++)
        {
            empty.Add(EmptyPrograms(bench, count));
            if (bench.MemoryFolder is { } memory)
            {
                Workbench.Say($"draining {Show.Count(count)} tasks, fsync off, in memory");
                inMemory.Add(Drain(bench, count, fsync: false, memory));
            }

            Workbench.Say($"draining {Show.Count(count)} tasks, fsync off");
            fast.Add(Drain(bench, count, fsync: false));
            Workbench.Say($"draining {Show.Count(count)} tasks, durable");
            durable.Add(Drain(bench, count, fsync: true));
            bare.Add(BareSyncs.Measure(Path.Join(bench.Folder, $"bare{i}"), count, syncs));
        }

        if (bench.MemoryFolder is not null)
        {
            AddUnsynced("fsync off, folder in memory", inMemory);
        }

        AddUnsynced("fsync off, on this disk", fast);
        findings.Add(
            new Figure(
                Section,
                $"{Show.Count(count)} tasks of `true`, durable",
                "a second",
                Rate(durable)
            )
        );
        findings.Add(
            new Figure(
                Section,
                "what these fsyncs alone allow on this disk",
                "a second",
                Rate(bare)
            )
        );
        ratio = durable.RelativeTo(bare);
        findings.Add(
            new Figure(
                Section,
                "durable drain to its fsyncs alone, time",
                "×",
                ratio,
                Target.AtMost(2, "×"),
                ratio
            )
        );

        void AddUnsynced(string how, Samples times) =>
            findings.Add(
                new Figure(
                    Section,
                    $"{Show.Count(count)} tasks of `true`, {how}",
                    "a second",
                    Rate(times),
                    Target.AtLeast(600, "a second"),
                    times.RelativeTo(empty)
                )
            );

        Samples Rate(Samples milliseconds) => milliseconds.Select(ms => count / ms * 1000);
    }

    /// <summary>From the call of <c>run --drain</c> to the last exit code.</summary>
    public static TimeSpan Drain(Workbench bench, int count, bool fsync, string? within = null)
    {
        using var queue = bench.NewQueue(fsync, within);
        queue.StartBatch("true", count);
        queue.Settle();
        var begin = Stopwatch.GetTimestamp();
        queue.Agentq("run", "--drain", "--parallel", "2");
        queue.AwaitExitCodes(count, s_patience);
        var time = Stopwatch.GetElapsedTime(begin);
        queue.Agentq("wait");
        return queue.CountOf("complete") == count
            ? time
            : throw new BenchException("not every task of the drain is complete");
    }

    /// <summary>How long so many starts of nothing take, one after the other: the unit of the ratio.</summary>
    private static TimeSpan EmptyPrograms(Workbench bench, int count)
    {
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < count / 10; i++)
        {
            bench.Empty();
        }

        return Stopwatch.GetElapsedTime(begin) * 10;
    }
}
