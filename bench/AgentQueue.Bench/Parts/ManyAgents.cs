using System.Text.Json;

namespace AgentQueue.Bench;

/// <summary>What the supervisors of 200 agents that run at once cost together.</summary>
internal static class ManyAgents
{
    private const int Count = 200;
    private static readonly TimeSpan s_untilTheyWait = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan s_watched = TimeSpan.FromSeconds(10);

    public static void Measure(Workbench bench, Findings findings)
    {
        using var queue = bench.NewQueue();
        queue.StartBatch("exec sleep 1000", Count);
        queue.Agentq("run", "--parallel", $"{Count}");
        var supervisors = Supervisors(queue, Count);
        // What they do to get going is not waiting.
        Thread.Sleep(s_untilTheyWait);
        var before = supervisors.Sum(s => s.Cpu.TotalSeconds);
        Thread.Sleep(s_watched);
        var seconds = supervisors.Sum(s => s.Cpu.TotalSeconds) - before;
        var memory = supervisors.Sum(s => s.Proportional);
        var percent = 100 * seconds / s_watched.TotalSeconds;

        var name = $"the supervisors of {Count} agents together";
        findings.Add(
            new Figure(
                "Many at once",
                $"{name}, CPU",
                "% of a core",
                new([percent]),
                Target.AtMost(1, "% of a core")
            )
        );
        findings.Add(
            new Figure(
                "Many at once",
                $"{name}, memory (PSS)",
                "MB",
                new([memory]),
                Target.AtMost(1024, "MB"),
                new([memory / bench.EmptyMemory()])
            )
        );
    }

    public static List<LiveProcess> Supervisors(ScratchQueue queue, int count)
    {
        for (var look = 0; look < 100; look++)
        {
            queue.Agentq("status", "--state", "running", "--all", "--json");
            using var status = JsonDocument.Parse(queue.Printed);
            var pids = status
                .RootElement.GetProperty("tasks")
                .EnumerateArray()
                .Select(t => t.GetProperty("pid"))
                .Where(p => p.ValueKind == JsonValueKind.Number)
                .Select(p => p.GetInt32())
                .Distinct()
                .ToList();
            if (pids.Count == count)
            {
                return [.. pids.Select(p => new LiveProcess(p))];
            }

            Thread.Sleep(200);
        }

        throw new BenchException($"there are not {count} supervisors");
    }
}
