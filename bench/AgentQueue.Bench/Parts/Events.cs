using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace AgentQueue.Bench;

/// <summary>
/// From an event to the first instruction of what it starts, in a new log and in a long one; and the same from the
/// change of a file that is watched; and what watching a large tree costs.
/// </summary>
internal static class Events
{
    private const string Section = "Events";
    private const int LongLog = 10_000;
    private const int ManyFiles = 50_000;
    private const int FilesInFolder = 25;
    private const int DebounceMs = 100;

    public static void Measure(Workbench bench, Findings findings)
    {
        Samples unit = new(),
            launch = new(),
            late = new();
        using (var fresh = bench.NewQueue())
        using (var grown = bench.NewQueue())
        using (var freshBell = new Doorbell(Path.Join(fresh.Folder, "bell")))
        using (var grownBell = new Doorbell(Path.Join(grown.Folder, "bell")))
        {
            Rules(fresh, freshBell);
            Rules(grown, grownBell);
            Grow(grown);
            for (var i = 0; i < bench.Scope.Rounds; i++)
            {
                unit.Add(bench.Empty().Wall);
                launch.Add(Trigger(fresh, freshBell));
                late.Add(Trigger(grown, grownBell));
            }
        }

        var ratio = launch.RelativeTo(unit);
        findings.Add(
            new Figure(
                Section,
                "from calling `trigger` to the first instruction of what it starts, wall",
                "×",
                ratio,
                Target.AtMost(5, "×"),
                ratio
            )
        );
        var slower = late.RelativeTo(launch);
        findings.Add(
            new Figure(
                Section,
                $"the same with {Show.Count(LongLog)} events in the log, to that",
                "×",
                slower,
                Target.AtMost(1.2, "×"),
                slower
            )
        );
        Watch(bench, findings);
    }

    private static TimeSpan Trigger(ScratchQueue queue, Doorbell bell)
    {
        var rang = bell.Listen();
        var begin = Stopwatch.GetTimestamp();
        queue.Agentq("trigger", "go");
        var took = Stopwatch.GetElapsedTime(begin, rang.GetAwaiter().GetResult());
        queue.Agentq("wait");
        return took;
    }

    private static void Rules(ScratchQueue queue, Doorbell bell, string more = "") =>
        File.WriteAllText(
            Path.Join(queue.Folder, "agent-config.json"),
            $"{{{more} \"agents\": {{\"job\": {{\"command\": \"sh\", \"args\": [\"-c\", {JsonSerializer.Serialize(bell.Ring)}], \"triggers\": [\"go\"], \"keepHistory\": 5}}}}}}"
        );

    private static void Grow(ScratchQueue queue)
    {
        queue.Agentq("trigger", "nothing");
        var log = Path.Join(queue.Folder, ".agents", "events", "log.jsonl");
        File.AppendAllLines(
            log,
            Enumerable
                .Range(0, LongLog)
                .Select(static i =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{{\"seq\":{i + 2},\"at\":\"2026-01-01T00:00:00.000Z\",\"event\":\"nothing\",\"id\":\"event/{i}\"}}"
                    )
                )
        );
    }

    private static void Watch(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        using var bell = new Doorbell(Path.Join(queue.Folder, "bell"));
        Rules(queue, bell, "\"watch\": [{\"paths\": [\"src/**\"], \"event\": \"go\"}],");
        Workbench.Say("making a tree of files");
        for (var i = 0; i < ManyFiles; i++)
        {
            var folder = Path.Join(
                queue.Folder,
                "src",
                (i / FilesInFolder).ToString(CultureInfo.InvariantCulture)
            );
            if (i % FilesInFolder == 0)
            {
                Directory.CreateDirectory(folder);
            }

            File.WriteAllText(Path.Join(folder, $"{i}.txt"), "");
        }

        var begin = Stopwatch.GetTimestamp();
        using var watch = Process.Start(
            new ProcessStartInfo(bench.Agentq, queue.Command("watch"))
            {
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
            }
        )!;
        try
        {
            watch.StandardInput.Close();
            _ = watch.StandardOutput.ReadLine();
            var ready = Stopwatch.GetElapsedTime(begin);
            var reader = watch.StandardOutput.ReadToEndAsync();
            var change = new Samples();
            for (var i = 0; i < bench.Scope.Rounds; i++)
            {
                var rang = bell.Listen();
                var saved = Stopwatch.GetTimestamp();
                File.WriteAllText(Path.Join(queue.Folder, "src", "0", "0.txt"), "x");
                change.Add(
                    Stopwatch.GetElapsedTime(saved, rang.GetAwaiter().GetResult())
                        - TimeSpan.FromMilliseconds(DebounceMs)
                );
                queue.Agentq("wait");
            }

            var live = new LiveProcess(watch.Id);
            // What it prints of the last end is not idling.
            Thread.Sleep(TimeSpan.FromSeconds(1));
            var ticks = live.CpuTicks;
            Thread.Sleep(TimeSpan.FromSeconds(5));
            ticks = live.CpuTicks - ticks;
            findings.Add(
                new Figure(
                    Section,
                    $"`watch` of {Show.Count(ManyFiles)} files, until it watches",
                    "ms",
                    new([ready.TotalMilliseconds]),
                    Target.AtMost(1000, "ms")
                )
            );
            findings.Add(
                new Figure(
                    Section,
                    "`watch` of these, idle, CPU in 5 s",
                    "ticks",
                    new([ticks]),
                    Target.AtMost(0, "ticks")
                )
            );
            findings.Add(
                new Figure(
                    Section,
                    "from a file's change to the first instruction, less the debounce",
                    "ms",
                    change,
                    Target.AtMost(50, "ms")
                )
            );
            watch.Kill();
            _ = reader.Result;
        }
        finally
        {
            watch.Kill();
        }
    }
}
