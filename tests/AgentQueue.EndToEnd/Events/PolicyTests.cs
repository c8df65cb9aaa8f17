using System.Globalization;

namespace AgentQueue.EndToEnd.Events;

/// <summary>What happens to an event while a task of its agent is at work, against real time.</summary>
public sealed class PolicyTests
{
    private const int Rounds = 100;

    [Fact]
    public void Two_events_at_once_never_leave_two_running_where_one_may()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        // The kernel takes the lock from whoever has ended, and not a moment before.
        box.Rules(
            (
                "job",
                $"exec 9> '{box.Outside}/alone'; flock -n -E 77 9; [ $? = 77 ] && echo both >> '{box.Outside}/both'; exec sleep 300",
                "\"triggers\": [\"go\"]"
            )
        );
        for (var round = 0; round < Rounds; round++)
        {
            var both = Enumerable.Range(0, 2).Select(_ => box.Begin("trigger", "go")).ToList();
            foreach (var one in both)
            {
                one.End().Gives(0);
                one.Dispose();
            }

            Assert.True(
                box.Tasks.Count(static t => !t.IsFinished) <= 3,
                $"round {round}: those that are being ended, and one that waits"
            );
        }

        Eventually.Holds(
            () =>
                box.Tasks.Count(static t => t.Status == "running") == 1
                && box.Tasks.All(static t => t.Status is "running" or "cancelled"),
            "the last one runs and all others were cancelled"
        );
        Assert.False(File.Exists(Path.Join(box.Outside, "both")), "two ran at once");
        box.Run("cancel", "--all").Gives(0);
    }

    [Fact]
    public void Ignore_leaves_what_runs_alone_and_says_why()
    {
        using var box = new Sandbox();
        box.Rules(
            (
                "job",
                box.Note("job", Gate(box)),
                "\"triggers\": [\"go\"], \"onRetrigger\": \"ignore\""
            )
        );
        box.Run("trigger", "go").Gives(0);
        Eventually.Holds(() => box.Journal.Lines.Count == 1, "it runs");

        var second = box.Run("trigger", "go", "--json").Gives(0).Json;

        Assert.Equal(0, second.GetProperty("started").GetArrayLength());
        var ignored = second.GetProperty("ignored")[0];
        Assert.Equal("job", ignored.GetProperty("agent").GetString());
        Assert.Contains("onRetrigger is ignore", ignored.GetProperty("why").GetString());
        Open(box);
        box.Rests();
        Assert.Single(box.Tasks);
        Assert.Equal("complete", box.Tasks[0].Status);
    }

    [Fact]
    public void Queue_runs_them_one_after_the_other_and_loses_none()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        box.Rules(
            (
                "job",
                box.Journal.Around("true"),
                "\"triggers\": [\"go\"], \"onRetrigger\": \"queue\""
            )
        );

        for (var i = 0; i < 10; i++)
        {
            box.Run("trigger", "go", "--var", "n=" + i.ToString(CultureInfo.InvariantCulture))
                .Gives(0);
        }

        box.Rests();
        Assert.Equal(10, box.Tasks.Count(static t => t.Status == "complete"));
        Assert.Equal(1, box.Journal.MostAtOnce);
    }

    [Fact]
    public void As_many_run_at_once_as_maxConcurrent_says_and_0_means_any_number()
    {
        using var box = new Sandbox();
        box.Rules(
            (
                "two",
                box.Note("two", Gate(box)),
                "\"triggers\": [\"go\"], \"maxConcurrent\": 2, \"onRetrigger\": \"queue\""
            ),
            ("any", box.Note("any", Gate(box)), "\"triggers\": [\"go\"], \"maxConcurrent\": 0")
        );

        for (var i = 0; i < 4; i++)
        {
            box.Run("trigger", "go").Gives(0);
        }

        Eventually.Holds(
            () => box.Journal.StartsOf("any") == 4 && box.Journal.StartsOf("two") == 2,
            "four of the one run, and two of the other"
        );
        Assert.Equal(2, box.Of("two").Count(static t => t.Status == "pending"));
        Open(box);
        box.Rests();
        Assert.Equal(4, box.Journal.StartsOf("two"));
    }

    [Fact]
    public void What_somebody_started_by_hand_is_not_ended_by_an_event()
    {
        using var box = new Sandbox();
        box.Rules(
            ("job", box.Note("job", Gate(box)), "\"triggers\": [\"go\"], \"cancelOn\": [\"stop\"]")
        );
        var byHand = box.Run("start", "job", "--quiet", "--run").Gives(0).Text;
        Eventually.Holds(() => box.Journal.Lines.Count == 1, "it runs");
        box.Run("trigger", "go").Gives(0);
        Eventually.Holds(() => box.Journal.Lines.Count == 2, "so does the other");

        box.Run("trigger", "stop").Gives(0);

        var byEvent = box.Ids.Single(id => id != byHand);
        Assert.Equal("cancelled", box.Ended(byEvent).Status);
        Assert.Equal("running", box.Task(byHand).Status);
        Open(box);
        Assert.Equal("complete", box.Ended(byHand).Status);
    }

    [Fact]
    public void Debounce_by_start_passes_over_what_comes_too_soon()
    {
        using var box = new Sandbox();
        box.Rules(("job", "true", "\"triggers\": [\"go\"], \"debounceMs\": 600000"));
        box.Run("trigger", "go").Gives(0);
        box.Rests();

        var second = box.Run("trigger", "go").Gives(0);

        Assert.Contains("600000 ms shall lie between", second.Out, StringComparison.Ordinal);
        Assert.Single(box.Tasks);
    }

    [Fact]
    public void Debounce_by_completion_counts_from_the_end()
    {
        using var box = new Sandbox();
        box.Rules(
            (
                "job",
                box.Note("job", Gate(box)),
                "\"triggers\": [\"go\"], \"debounceMs\": 600000, \"debounceMode\": \"completion\", \"onRetrigger\": \"queue\""
            )
        );
        box.Run("trigger", "go").Gives(0);
        Eventually.Holds(() => box.Journal.Lines.Count == 1, "it runs");

        // Nothing has ended yet.
        Assert.Contains("queued", box.Run("trigger", "go").Gives(0).Out, StringComparison.Ordinal);
        Open(box);
        box.Rests();

        Assert.Contains("ended", box.Run("trigger", "go").Gives(0).Out, StringComparison.Ordinal);
        Assert.Equal(2, box.Tasks.Count);
    }

    [Fact]
    public void A_debounce_that_is_over_lets_the_next_event_through()
    {
        using var box = new Sandbox();
        box.Rules(("job", "true", "\"triggers\": [\"go\"], \"debounceMs\": 50"));

        Eventually.Holds(
            () =>
            {
                box.Run("trigger", "go").Gives(0);
                return box.Tasks.Count >= 3;
            },
            "three of them got through"
        );
    }

    [Fact]
    public void Trailing_runs_once_after_a_burst_with_what_the_last_event_brought()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        box.Rules(
            (
                "job",
                $"echo {{{{ n }}}} >> '{box.Outside}/seen'",
                "\"triggers\": [\"go\"], \"debounceMs\": 3000, \"debounceMode\": \"trailing\""
            )
        );

        for (var i = 0; i < 20; i++)
        {
            box.Run("trigger", "go", "--var", "n=" + i.ToString(CultureInfo.InvariantCulture))
                .Gives(0);
        }

        box.Rests();
        var seen = File.ReadAllLines(Path.Join(box.Outside, "seen"));
        Assert.Equal("19", seen[^1]);
        // One, unless the machine took a break of three seconds.
        Assert.InRange(seen.Length, 1, 3);
    }

    [Fact]
    public void Trailing_does_not_lose_the_last_event_while_a_task_runs_though_ignore_is_asked_for()
    {
        using var box = new Sandbox();
        box.Rules(
            (
                "job",
                $"{Gate(box)}; echo {{{{ n }}}} >> '{box.Outside}/seen'",
                "\"triggers\": [\"go\"], \"debounceMs\": 50, \"debounceMode\": \"trailing\", \"onRetrigger\": \"ignore\""
            )
        );
        box.Run("trigger", "go", "--var", "n=1").Gives(0);
        Eventually.Holds(
            () => box.Tasks.Any(static t => t.Status == "running"),
            "the first one runs"
        );

        box.Run("trigger", "go", "--var", "n=2").Gives(0);
        box.Run("trigger", "go", "--var", "n=3").Gives(0);
        Open(box);
        box.Rests();

        Assert.Equal(["1", "3"], File.ReadAllLines(Path.Join(box.Outside, "seen")));
    }

    // Waits until the test lets it go on.
    private static string Gate(Sandbox box) =>
        $"while ! [ -e '{box.Outside}/open' ]; do sleep 0.02; done";

    private static void Open(Sandbox box) => File.WriteAllText(Path.Join(box.Outside, "open"), "");
}
