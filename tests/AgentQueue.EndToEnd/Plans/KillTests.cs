using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Plans;

/// <summary>Everything is killed at any moment, or resumed by several at once: each task succeeds once, in order.</summary>
public sealed partial class KillTests(ITestOutputHelper output)
{
    private const int Rounds = 100;

    // Each with what it waits for.
    private static readonly (string Id, string[] After)[] s_graph =
    [
        ("a", []),
        ("b", []),
        ("c", ["a"]),
        ("d", ["a", "b"]),
        ("e", ["b"]),
        ("f", ["c"]),
        ("g", ["c", "d"]),
        ("h", ["d", "e"]),
        ("i", ["f", "g"]),
        ("j", ["h"]),
        ("k", ["i", "j"]),
        ("l", ["k", "a"]),
    ];

    [Fact]
    public void Whatever_is_killed_and_when_each_task_succeeds_once_and_after_what_it_waits_for()
    {
        var seed = int.Parse(
            Environment.GetEnvironmentVariable("AGENTQ_SEED") ?? "20263",
            CultureInfo.InvariantCulture
        );
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        box.Write("p.yaml", Graph());
        var runs = 0;
        string? run = null;
        for (var round = 0; round < Rounds; round++)
        {
            using var verb = run is null
                ? box.Begin("plan", "run", "p.yaml", "--detach")
                : box.Begin("plan", "resume", run, "--detach");
            // Anything from before its first step to the middle of a task.
            Wait(random.NextDouble() * random.NextDouble() * 400);
            box.KillAll();
            run = Newest(box);
            if (run is not null && box.Plan(run).State == "complete")
            {
                Check(box, run);
                runs++;
                run = null;
            }
        }

        run = Newest(box)!;
        box.RunLong(60, "plan", "resume", run).Gives(0);
        Check(box, run);
        output.WriteLine($"{runs + 1} runs in {Rounds} rounds");
    }

    // A run whose maker died before its record was there is none.
    private static string? Newest(Sandbox box)
    {
        var runs = box.Run("plan", "list", "--json").Gives(0).Json.GetProperty("runs");
        return runs.GetArrayLength() == 0 ? null : runs[0].GetProperty("run").GetString();
    }

    private static string Graph() =>
        "max_parallel: 3\ntasks:\n"
        + string.Concat(
            s_graph.Select(static n =>
                $"  - {{id: {n.Id}, cmd: {PlanBox.Sh("j=journal-${AGENTQ_TASK_ID%%-*}; echo start $AGENTQ_TASK_ID $$ >> $j; sleep 0.03; echo end $AGENTQ_TASK_ID $$ >> $j")}, depends_on: [{string.Join(", ", n.After)}]}}\n"
            )
        );

    private static void Check(Sandbox box, string run)
    {
        var state = box.Plan(run);
        Assert.Equal("complete", state.State);
        var lines = File.ReadAllLines(Path.Join(box.Folder, $"journal-task_{run["run_".Length..]}"))
            .Select(static l => l.Split(' '))
            .ToList();
        var attempts = box
            .Tasks.Where(t => t.Id.Contains(run["run_".Length..], StringComparison.Ordinal))
            .ToLookup(static t => NodeOf(t.Id));
        Assert.Equal(s_graph.Length, attempts.Count);
        foreach (var (id, after) in s_graph)
        {
            var success = Assert.Single(attempts[id], static t => t.Status == "complete");
            Assert.Equal(success.Id, state[id].TaskId);
            Assert.All(attempts[id], static t => Assert.True(t.IsFinished, t.ToString()));
            foreach (var attempt in attempts[id])
            {
                Assert.InRange(Count("start", attempt.Id), 0, 1);
            }

            Assert.Equal((1, 1), (Count("start", success.Id), Count("end", success.Id)));
            var firstStart = lines.FindIndex(l => l[0] == "start" && NodeOf(l[1]) == id);
            foreach (var before in after)
            {
                var end = lines.FindIndex(l => l[0] == "end" && l[1] == state[before].TaskId);
                Assert.True(
                    end >= 0 && end < firstStart,
                    $"{id} began before {before} had ended:\n{string.Join('\n', lines.Select(static l => string.Join(' ', l)))}"
                );
            }
        }

        int Count(string word, string task) => lines.Count(l => l[0] == word && l[1] == task);
    }

    private static string NodeOf(string task) => NodeIds().Match(task).Groups[1].Value;

    [GeneratedRegex("-p[0-9]+(?:r[0-9]+)?-(.*)$")]
    private static partial Regex NodeIds();

    // The moment of a kill, not something that is waited for.
    private static void Wait(double milliseconds)
    {
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun).TotalMilliseconds < milliseconds)
        {
            Thread.Sleep(1);
        }
    }

    [Fact]
    public void Of_two_resumes_at_once_each_failed_task_is_run_again_by_one()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        box.Open();
        box.RunPlan(
                $$"""
                tasks:
                  - {id: a, cmd: {{box.Noting("a", box.Gate() + "; exit 1")}} }
                  - {id: b, cmd: {{box.Noting(
                    "b",
                    box.Gate() + "; exit 1"
                )}}, retries: 1, retry_backoff_sec: [0]}
                  - {id: c, cmd: {{box.Noting("c", box.Gate() + "; exit 1")}}, timeout_sec: 100}
                  - {id: d, cmd: {{box.Noting("d")}}, depends_on: [a]}
                """
            )
            .Gives(3);
        for (var round = 1; round <= 20; round++)
        {
            File.Delete(Path.Join(box.Outside, "gate"));
            using var first = box.Begin("plan", "resume", "last", "--detach");
            using var second = box.Begin("plan", "resume", "last", "--detach");
            first.End().Gives(0);
            second.End().Gives(0);
            box.Starts("a", 1 + round);
            box.Starts("b", 2 + 2 * round - 1);
            box.Starts("c", 1 + round);
            var run = box.Plan();
            Assert.Equal("running running running pending", run.States);
            Assert.Equal((1 + round, 1 + round), (run["a"].Attempts, run["c"].Attempts));

            box.Open();
            box.Reaches("failed");
            Assert.Equal(
                (1 + round, 2 + 2 * round, 1 + round),
                (box.Journal.StartsOf("a"), box.Journal.StartsOf("b"), box.Journal.StartsOf("c"))
            );
        }

        Assert.Equal(0, box.Journal.StartsOf("d"));
    }
}
