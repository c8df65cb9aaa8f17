using System.Diagnostics;
using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>What somebody who waits for an agent notices, in wall time; and what a supervisor costs.</summary>
internal static class Latencies
{
    private const string Section = "Latency";
    private const int Few = 10;

    public static void Measure(Workbench bench, Findings findings)
    {
        Launch(bench, findings);
        Dependency(bench, findings);
        Cancel(bench, findings);
        Supervisor(bench, findings);
    }

    private static void Launch(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        using var bell = new Doorbell(Path.Join(queue.Folder, "bell"));
        Samples unit = new(),
            launch = new();
        for (var i = 0; i < bench.Scope.Rounds; i++)
        {
            unit.Add(bench.Empty().Wall);
            var id = queue.Start(bell.Ring);
            var rang = bell.Listen();
            var begin = Stopwatch.GetTimestamp();
            queue.Agentq("run", id);
            launch.Add(Stopwatch.GetElapsedTime(begin, Result(rang)));
            queue.Agentq("wait", id);
        }

        var ratio = launch.RelativeTo(unit);
        findings.Add(new Figure(Section, "an empty native program, wall (the unit ×)", "ms", unit));
        findings.Add(
            new Figure(
                Section,
                "from calling `run` to the agent's first instruction, wall",
                "×",
                ratio,
                Target.AtMost(8, "×"),
                ratio
            )
        );
    }

    private static void Dependency(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        using var first = new Doorbell(Path.Join(queue.Folder, "first"));
        using var second = new Doorbell(Path.Join(queue.Folder, "second"));
        var latency = new Samples();
        for (var i = 0; i < Few; i++)
        {
            // The sleep lets `run` be over and the machine be quiet when the dependency ends.
            var dependency = queue.Start($"sleep 0.3; {first.Ring}");
            var dependant = queue.Start(second.Ring, dependency);
            var (ended, started) = (first.Listen(), second.Listen());
            queue.Agentq("run", "--drain");
            latency.Add(Stopwatch.GetElapsedTime(Result(ended), Result(started)));
            queue.Agentq("wait", dependant);
        }

        findings.Add(
            new Figure(
                Section,
                "from a dependency's end to its dependant's start",
                "ms",
                latency,
                Target.AtMost(20, "ms")
            )
        );
    }

    private static void Cancel(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        using var bell = new Doorbell(Path.Join(queue.Folder, "bell"));
        var wall = new Samples();
        for (var i = 0; i < bench.Scope.Rounds; i++)
        {
            var id = queue.Start($"{bell.Ring}; exec sleep 1000");
            var rang = bell.Listen();
            queue.Agentq("run", id);
            Result(rang);
            wall.Add(queue.Agentq("cancel", id).Wall);
        }

        findings.Add(
            new Figure(
                Section,
                "`cancel` of a task that sleeps, wall",
                "ms",
                wall,
                Target.AtMost(50, "ms")
            )
        );
    }

    private static void Supervisor(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        using var bell = new Doorbell(Path.Join(queue.Folder, "bell"));
        var parent = Path.Join(queue.Folder, "parent");
        var id = queue.Start($"echo $PPID > '{parent}'; {bell.Ring}; exec sleep 1000");
        var rang = bell.Listen();
        queue.Agentq("run", id);
        Result(rang);
        var supervisor = new LiveProcess(
            int.Parse(File.ReadAllText(parent), CultureInfo.InvariantCulture)
        );
        if (!supervisor.Arguments.Contains("__supervise"))
        {
            throw new BenchException("the agent's parent is not a supervisor");
        }

        // What it does to get going is not waiting.
        Thread.Sleep(TimeSpan.FromSeconds(1));
        var ticks = supervisor.CpuTicks;
        Thread.Sleep(TimeSpan.FromSeconds(5));
        ticks = supervisor.CpuTicks - ticks;
        var (resident, proportional) = (supervisor.Resident, supervisor.Proportional);
        queue.Agentq("cancel", id);

        const string Name = "a waiting supervisor";
        findings.Add(
            new Figure(
                Section,
                $"{Name}, resident memory",
                "MB",
                new([resident]),
                Target.AtMost(10, "MB"),
                new([resident / bench.EmptyMemory()])
            )
        );
        findings.Add(
            new Figure(Section, $"{Name}, its share of memory (PSS)", "MB", new([proportional]))
        );
        findings.Add(
            new Figure(
                Section,
                $"{Name}, CPU in 5 s",
                "ticks",
                new([ticks]),
                Target.AtMost(0, "ticks")
            )
        );
    }

    private static long Result(Task<long> time) => time.GetAwaiter().GetResult();
}
