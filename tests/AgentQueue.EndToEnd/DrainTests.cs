using System.Globalization;

namespace AgentQueue.EndToEnd;

/// <summary><c>run --drain</c>: everything is done in the end, with no process of ours but the supervisors.</summary>
public sealed class DrainTests
{
    [Fact]
    public void Thirty_tasks_run_three_at_a_time_with_no_process_but_supervisors()
    {
        using var box = new Sandbox();
        var ids = ParallelRunTests.Batch(box, 30, box.Journal.Around("sleep 0.05"));

        box.Run("run", "--drain", "--parallel", "3").Gives(0);
        Eventually.Holds(() => box.Supervisors.Count > 0, "it has begun");
        var others = new HashSet<string>();
        Eventually.Holds(
            () =>
            {
                foreach (var pid in box.Mine)
                {
                    var line = Processes.CommandLine(pid);
                    if (line.StartsWith("agentq", StringComparison.Ordinal))
                    {
                        others.Add(string.Join(' ', line.Split(' ').Take(2)));
                    }
                }

                return box.Tasks.All(static t => t.IsFinished);
            },
            "all have ended"
        );

        Assert.Equal(["agentq __supervise"], others);
        Assert.All(ids, id => Assert.Equal(1, box.Journal.StartsOf(id)));
        Assert.InRange(box.Journal.MostAtOnce, 2, 3);
        Eventually.Holds(() => box.Supervisors.Count == 0, "the supervisors have gone");
    }

    [Fact]
    public void However_short_the_tasks_are_supervisors_do_not_grow_in_number()
    {
        using var box = new Sandbox();
        box.Run("config", "set", "fsync", "false").Gives(0);
        ParallelRunTests.Batch(box, 200, "true");

        box.Run("run", "--drain", "--parallel", "2").Gives(0);
        var most = 0;
        Eventually.Holds(
            () =>
            {
                most = Math.Max(most, box.Supervisors.Count);
                return Directory.EnumerateFiles(Path.Join(box.Queue, "tasks"), "*.done").Count()
                    == 200;
            },
            "all have ended",
            60
        );

        // One that is on its way out may be there beside each.
        Assert.InRange(most, 1, 6);
    }

    [Fact]
    public void What_is_queued_during_a_drain_is_done_too()
    {
        using var box = new Sandbox();
        var gate = Path.Join(box.Outside, "gate");
        box.Enqueue($"until test -e {gate}; do sleep 0.05; done");
        box.Run("run", "--drain", "--parallel", "2").Gives(0);

        var later = box.Enqueue("echo later");

        Assert.Equal("complete", box.Ended(later).Status);
        File.WriteAllText(gate, "");
    }

    [Fact]
    public void After_a_drain_has_ended_nothing_starts_by_itself()
    {
        using var box = new Sandbox();
        box.Enqueue("true");
        box.Run("run", "--drain", "--wait").Gives(0);
        Eventually.Holds(() => box.Supervisors.Count == 0, "the drain is over");

        var later = box.Enqueue("true");

        Assert.Equal("pending", box.Task(later).Status);
        Assert.Empty(box.Supervisors);
    }

    [Fact]
    public void Stop_lets_what_runs_go_on_and_starts_nothing_more()
    {
        using var box = new Sandbox();
        var gate = Path.Join(box.Outside, "gate");
        var first = box.Enqueue($"until test -e {gate}; do sleep 0.05; done");
        var second = box.Enqueue("true");
        box.Run("run", "--drain", "--parallel", "1").Gives(0);

        box.Run("run", "--stop").Gives(0);
        File.WriteAllText(gate, "");

        Assert.Equal("complete", box.Ended(first).Status);
        Eventually.Holds(() => box.Supervisors.Count == 0, "its supervisor has gone");
        Assert.Equal("pending", box.Task(second).Status);
    }

    [Fact]
    public void A_failure_does_not_end_a_drain()
    {
        using var box = new Sandbox();
        for (var i = 0; i < 6; i++)
        {
            box.Enqueue(string.Create(CultureInfo.InvariantCulture, $"exit {i % 2}"));
        }

        box.Run("run", "--drain", "--parallel", "2", "--wait").Gives(3);

        Assert.Equal(3, box.Tasks.Count(static t => t.Status == "complete"));
        Assert.Equal(3, box.Tasks.Count(static t => t.Status == "failed"));
    }

    [Fact]
    public void A_drain_in_the_background_waits_for_a_back_off_with_nobody_watching()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("test -e tried || { touch tried; exit 1; }", "--auto-retry");
        box.Run("run", "--drain").Gives(0);

        Eventually.Holds(
            () => box.Tasks.Any(static t => t.Status == "complete"),
            "the retry has run"
        );

        Assert.Equal("failed", box.Task(id).Status);
        Assert.Equal(2, box.Ids.Count);
        Eventually.Holds(() => box.Supervisors.Count == 0, "nobody is left");
    }

    [Fact]
    public void A_chain_runs_link_by_link()
    {
        using var box = new Sandbox();
        string? before = null;
        for (var i = 0; i < 10; i++)
        {
            var command = box.Journal.Around("true");
            before = before is null
                ? box.Enqueue(command)
                : box.Enqueue(command, "--depends-on", before);
        }

        box.Run("run", "--drain", "--parallel", "3", "--wait").Gives(0);

        Assert.Equal(box.Ids, box.Journal.Starts);
        Assert.Equal(1, box.Journal.MostAtOnce);
    }

    [Fact]
    public void A_held_task_does_not_keep_a_drain_alive_and_runs_when_it_is_released_in_one()
    {
        using var box = new Sandbox();
        var gate = Path.Join(box.Outside, "gate");
        var held = box.Enqueue("true", "--hold");
        box.Enqueue($"until test -e {gate}; do sleep 0.05; done");
        box.Run("run", "--drain", "--parallel", "2").Gives(0);

        box.Run("release", held).Gives(0);

        Assert.Equal("complete", box.Ended(held).Status);
        var again = box.Enqueue("true", "--hold");
        File.WriteAllText(gate, "");
        Eventually.Holds(() => box.Supervisors.Count == 0, "the drain is over");
        Assert.Equal("pending", box.Task(again).Status);
    }
}
