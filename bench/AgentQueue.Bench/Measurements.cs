using System.Diagnostics;
using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>
/// What is measured, and how. Ratios compare programs that ran in turns, so that whatever else the machine
/// does at the time falls on both; CPU time is used where a disk or a scheduler would only add noise.
/// </summary>
internal sealed class Measurements(string agentq, string empty, string folder)
{
    private const int Few = 10;
    private const int Many = 40;
    private const int SmallQueue = 10;
    private const int LargeQueuePending = 100;
    private const int LargeQueueFinished = 9_900;

    private readonly List<ScratchQueue> _queues = [];

    public IEnumerable<(string Name, Func<IEnumerable<Figure>> Measure)> All() =>
        [
            ("CPU of start and status", SmallCommands),
            ("a queue of 10,000 tasks", LargeQueue),
            ("from run to the agent", Launch),
            ("from a dependency's end to the next start", Dependency),
            ("cancel", Cancel),
            ("a waiting supervisor", Supervisor),
        ];

    /// <summary>Ends what still runs; called once, whatever happened.</summary>
    public void CancelAll() => _queues.ForEach(q => q.CancelAll());

    private IEnumerable<Figure> SmallCommands()
    {
        var queue = NewQueue();
        queue.WriteTasks(SmallQueue, finished: 0);
        Samples unit = new(),
            start = new(),
            status = new();
        for (var i = 0; i < Many; i++)
        {
            unit.Add(Empty().Cpu);
            var id = queue.Start("true", out var cost);
            start.Add(cost.Cpu);
            queue.Remove(id);
            status.Add(queue.Agentq("status").Cpu);
        }

        return
        [
            new("an empty native program, CPU (the unit ×)", "ms", unit, null),
            new("`start`, CPU", "×", start.RelativeTo(unit), 3),
            new("`status` of 10 tasks, CPU", "×", status.RelativeTo(unit), 3),
        ];
    }

    private IEnumerable<Figure> LargeQueue()
    {
        var small = NewQueue();
        small.WriteTasks(SmallQueue, finished: 0);
        var large = NewQueue();
        large.WriteTasks(LargeQueuePending, LargeQueueFinished);

        Samples cold = new(),
            warm = new(),
            startSmall = new(),
            startLarge = new();
        for (var i = 0; i < Few; i++)
        {
            large.ForgetCaches();
            cold.Add(large.Agentq("status").Cpu);
        }

        for (var i = 0; i < Many; i++)
        {
            warm.Add(large.Agentq("status").Cpu);
        }

        for (var i = 0; i < Many; i++)
        {
            startSmall.Add(StartOnce(small));
            startLarge.Add(StartOnce(large));
        }

        return
        [
            new("`status` of 10,000 tasks, CPU, first", "ms", cold, null),
            new("`status` of 10,000 tasks, CPU", "ms", warm, 60),
            new(
                "`start` at 10,000 tasks to `start` at 10, CPU",
                "×",
                startLarge.RelativeTo(startSmall),
                1.5
            ),
        ];

        static TimeSpan StartOnce(ScratchQueue queue)
        {
            var id = queue.Start("true", out var cost);
            queue.Remove(id);
            return cost.Cpu;
        }
    }

    private IEnumerable<Figure> Launch()
    {
        var queue = NewQueue();
        using var bell = new Doorbell(Path.Join(queue.Folder, "bell"));
        Samples unit = new(),
            launch = new();
        for (var i = 0; i < Many; i++)
        {
            unit.Add(Empty().Wall);
            var id = queue.Start(bell.Ring);
            var rang = bell.Listen();
            var begin = Stopwatch.GetTimestamp();
            queue.Agentq("run", id);
            launch.Add(Stopwatch.GetElapsedTime(begin, Result(rang)));
            queue.Agentq("wait", id);
        }

        return
        [
            new("an empty native program, wall (the unit ×)", "ms", unit, null),
            new(
                "from calling `run` to the agent's first instruction, wall",
                "×",
                launch.RelativeTo(unit),
                8
            ),
        ];
    }

    private IEnumerable<Figure> Dependency()
    {
        var queue = NewQueue();
        using var first = new Doorbell(Path.Join(queue.Folder, "first"));
        using var second = new Doorbell(Path.Join(queue.Folder, "second"));
        var latency = new Samples();
        for (var i = 0; i < Few; i++)
        {
            // The sleep lets `run` be over and the machine be quiet when the dependency ends.
            var dependency = queue.Write($"sleep 0.3; {first.Ring}", "pending");
            var dependant = queue.Write(second.Ring, "pending", dependency);
            var (ended, started) = (first.Listen(), second.Listen());
            queue.Agentq("run", "--drain");
            latency.Add(Stopwatch.GetElapsedTime(Result(ended), Result(started)));
            queue.Agentq("wait", dependant);
        }

        return [new("from a dependency's end to its dependant's start", "ms", latency, 20)];
    }

    private IEnumerable<Figure> Cancel()
    {
        var queue = NewQueue();
        using var bell = new Doorbell(Path.Join(queue.Folder, "bell"));
        var wall = new Samples();
        for (var i = 0; i < Many; i++)
        {
            var id = queue.Start($"{bell.Ring}; exec sleep 1000");
            var rang = bell.Listen();
            queue.Agentq("run", id);
            Result(rang);
            wall.Add(queue.Agentq("cancel", id).Wall);
        }

        return [new("`cancel` of a task that sleeps, wall", "ms", wall, 50)];
    }

    private IEnumerable<Figure> Supervisor()
    {
        var queue = NewQueue();
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

        return
        [
            new("a waiting supervisor, resident memory", "MiB", new([resident]), 10),
            new(
                "a waiting supervisor, its share of memory (PSS)",
                "MiB",
                new([proportional]),
                null
            ),
            new("a waiting supervisor, CPU in 5 s", "ticks", new([ticks]), 0),
        ];
    }

    private static long Result(Task<long> time) => time.GetAwaiter().GetResult();

    private Cost Empty() => Child.Run(empty, [], Path.Join(folder, "output"));

    private ScratchQueue NewQueue()
    {
        var queue = new ScratchQueue(agentq, Path.Join(folder, $"queue{_queues.Count}"));
        _queues.Add(queue);
        return queue;
    }
}
