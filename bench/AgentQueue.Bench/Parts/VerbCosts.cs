namespace AgentQueue.Bench;

/// <summary>
/// CPU time of the verbs at growing queue sizes, in two shapes of folder. The empty program runs in turns
/// with them, so that whatever else the machine does falls on both. Every round leaves the queue as large
/// as it was, by agentq's own verbs, so that what it keeps to be faster stays as good as in real use.
/// </summary>
internal static class VerbCosts
{
    private const string Mixed = "90 % finished";
    private const string Pending = "all pending";
    private const int ColdRounds = 3;
    private static readonly TimeSpan s_untilKnown = TimeSpan.FromSeconds(3.2);
    private const double StartMultiple = 3;
    private const double ClaimMultiple = 4;

    public static void Measure(Workbench bench, Findings findings)
    {
        MeasureVerbs? smallest = null;
        foreach (var size in bench.Scope.QueueSizes)
        {
            var verbs = new MeasureVerbs(bench, size);
            verbs.Run();
            smallest ??= verbs;
            verbs.Report(findings, smallest);
        }

        foreach (var size in bench.Scope.QueueSizes)
        {
            MeasurePending(bench, findings, size);
        }
    }

    private sealed class MeasureVerbs(Workbench bench, int size)
    {
        private readonly Random _random = new(size);
        private readonly Samples _empty = new();
        private readonly Verb _status = new("status"),
            _start = new("start"),
            _show = new("show ID"),
            _cancel = new("cancel ID"),
            _claim = new("run");

        private readonly Samples _coldStatus = new(),
            _coldClaim = new(),
            _quietStatus = new(),
            _quietClaim = new();

        public void Run()
        {
            Workbench.Say($"{Show.Count(size)} tasks, {Mixed}");
            using var queue = bench.NewQueue();
            bench.Pattern.Fill(queue, size, size / 10 * 9);
            var ids = Ids(queue);
            queue.Agentq("status");
            Round(queue, ids, measured: false);
            bench.Scope.Repeat(size, () => Round(queue, ids, measured: true));
            for (var i = 0; i < ColdRounds; i++)
            {
                // Such a while after its last change agentq believes that it knows the names of the folder.
                queue.Start("true");
                Thread.Sleep(s_untilKnown);
                queue.Agentq("status");
                _quietStatus.Add(queue.Agentq("status").Cpu);
                var next = queue.Claim(out var price);
                _quietClaim.Add(price.Cpu);
                Clear(queue, next);
            }

            for (var i = 0; i < ColdRounds; i++)
            {
                Quiet(queue);
                queue.ForgetCaches();
                _coldStatus.Add(queue.Agentq("status").Cpu);
                queue.Start("true");
                queue.ForgetCaches();
                var id = queue.Claim(out var cost);
                _coldClaim.Add(cost.Cpu);
                Clear(queue, id);
            }
        }

        public void Report(Findings findings, MeasureVerbs smallest)
        {
            var section = $"CPU, {Mixed}";
            var tasks = Show.Count(size) + " tasks";
            findings.Add(
                new Figure(section, $"an empty native program, beside {tasks}", "ms", _empty)
                {
                    Cell = new Cell("an empty native program", size),
                }
            );
            Add(_status, StatusTarget(size, _empty));
            foreach (var verb in (Verb[])[_start, _cancel, _show])
            {
                var small =
                    verb.Name == "start" ? smallest._start
                    : verb.Name == "show ID" ? smallest._show
                    : smallest._cancel;
                Add(
                    verb,
                    size < 100_000
                        ? Target.AtMostTimes(StartMultiple, _empty)
                        : Target.AtMostTimes(1.5, small.Cpu, " that at 10")
                );
            }

            Add(_claim, ClaimTarget(size, _empty));
            const string Known = "nothing changed for 3 s";
            findings.AddCpu(section, $"`status`, {tasks}, {Known}", _quietStatus, _empty, null);
            findings.AddCpu(section, $"`run`, {tasks}, {Known}", _quietClaim, _empty, null);
            findings.AddCpu(
                section,
                $"`status`, {tasks}, caches deleted",
                _coldStatus,
                _empty,
                null
            );
            findings.AddCpu(section, $"`run`, {tasks}, caches deleted", _coldClaim, _empty, null);

            void Add(Verb verb, Target target)
            {
                var cell = new Cell($"`{verb.Name}`", size);
                findings.AddCpu(section, $"`{verb.Name}`, {tasks}", verb.Cpu, _empty, target, cell);
                findings.Points.Add(new PlotPoint("agentq " + verb.Name, size, verb.Wall.Median));
            }
        }

        private void Round(ScratchQueue queue, string[] ids, bool measured)
        {
            var empty = bench.Empty();
            var status = queue.Agentq("status");
            queue.Start("true", out var start);
            var show = queue.Agentq("show", ids[_random.Next(ids.Length)]);
            var unwanted = queue.Start("true");
            var cancel = queue.Agentq("cancel", unwanted);
            var claimed = queue.Claim(out var claim);
            Clear(queue, claimed, unwanted);
            if (measured)
            {
                _empty.Add(empty.Cpu);
                _status.Add(status);
                _start.Add(start);
                _show.Add(show);
                _cancel.Add(cancel);
                _claim.Add(claim);
            }
        }

        /// <summary>Finished tasks, which no round takes away.</summary>
        private static string[] Ids(ScratchQueue queue) =>
            [
                .. Directory
                    .EnumerateFiles(queue.Tasks, "*.done", SearchOption.AllDirectories)
                    .Select(p => Path.GetFileNameWithoutExtension(p)),
            ];
    }

    private static void MeasurePending(Workbench bench, Findings findings, int size)
    {
        Workbench.Say($"{Show.Count(size)} tasks, {Pending}");
        using var queue = bench.NewQueue();
        bench.Pattern.Fill(queue, size, finished: 0);
        Samples empty = new(),
            status = new(),
            claim = new();
        queue.Agentq("status");
        bench.Scope.Repeat(
            size,
            () =>
            {
                empty.Add(bench.Empty().Cpu);
                status.Add(queue.Agentq("status").Cpu);
                queue.Start("true");
                var id = queue.Claim(out var cost);
                claim.Add(cost.Cpu);
                Clear(queue, id);
            }
        );
        var section = $"CPU, {Pending}";
        var tasks = $"{Show.Count(size)} tasks, {Pending}";
        findings.AddCpu(
            section,
            $"`status`, {tasks}",
            status,
            empty,
            StatusTarget(size, empty),
            new Cell($"`status`, {Pending}", size)
        );
        findings.AddCpu(
            section,
            $"`run`, {tasks}",
            claim,
            empty,
            ClaimTarget(size, empty),
            new Cell($"`run`, {Pending}", size)
        );
    }

    private static Target StatusTarget(int size, Samples empty) =>
        size switch
        {
            <= 10 => Target.AtMostTimes(StartMultiple, empty),
            <= 1_000 => Target.AtMost(15, "ms"),
            <= 10_000 => Target.AtMost(60, "ms"),
            _ => Target.AtMost(300, "ms"),
        };

    private static Target ClaimTarget(int size, Samples empty) =>
        size switch
        {
            <= 1_000 => Target.AtMostTimes(ClaimMultiple, empty),
            <= 10_000 => Target.AtMost(25, "ms"),
            _ => Target.AtMost(150, "ms"),
        };

    private static void Clear(ScratchQueue queue, params string[] ids)
    {
        queue.Agentq(["wait", ids[0]]);
        queue.Agentq(["clean", .. ids, "--yes"]);
    }

    /// <summary>The last supervisor has recorded its end, and has milliseconds to be gone itself.</summary>
    private static void Quiet(ScratchQueue queue)
    {
        Thread.Sleep(200);
        queue.Settle();
    }

    private sealed class Verb(string name)
    {
        public string Name => name;

        public Samples Cpu { get; } = new();

        public Samples Wall { get; } = new();

        public void Add(Cost cost)
        {
            Cpu.Add(cost.Cpu);
            Wall.Add(cost.Wall);
        }
    }
}
