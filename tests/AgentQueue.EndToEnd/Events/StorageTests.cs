using System.Globalization;
using System.Text;
using System.Text.Json;
using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

/// <summary>What is written down of events and runs, and how it is read again.</summary>
public sealed class StorageTests
{
    [Fact]
    public void The_log_is_told_whole_and_from_any_number_on()
    {
        using var box = new Sandbox();
        Assert.Empty(Events(box));
        box.Rules(Job("a", "true", Triggers("go")));
        box.TriggerWhole("go", "--var", "x=1");
        box.Settles();

        var all = Events(box);
        Assert.Equal(
            ["go", "task_started:a", "task_success:a", "queue_idle"],
            all.Select(static e => e.GetProperty("event").GetString())
        );
        Assert.Equal([1, 2, 3, 4], all.Select(static e => e.GetProperty("seq").GetInt32()));
        Assert.Equal("1", all[0].GetProperty("vars").GetProperty("x").GetString());
        Assert.Equal(
            box.Ids,
            all[0]
                .GetProperty("started")
                .EnumerateArray()
                .Select(static s => s.GetProperty("task").GetString()!)
        );
        Assert.Equal(0, all[2].GetProperty("exitCode").GetInt32());
        Assert.Equal(
            [3, 4],
            Events(box, "--since", "2").Select(static e => e.GetProperty("seq").GetInt32())
        );
        Assert.Empty(Events(box, "--since", "4"));
        Assert.Empty(Events(box, "--since", "99"));
        Assert.Contains("started a", box.Run("events").Gives(0).Lines.First(IsGo));

        static bool IsGo(string line) => line.Contains(" go ", StringComparison.Ordinal);
    }

    [Fact]
    public void Who_follows_is_told_of_each_event_when_it_comes_and_once()
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("go")));
        box.TriggerWhole("go");
        box.Settles();
        using var follow = box.Begin("events", "--follow", "--since", "4", "--json");

        box.TriggerWhole("go");
        Eventually.Holds(() => Sequences().Count() >= 4, "it is told: " + follow.Out, 60);
        box.TriggerWhole("other");
        Eventually.Holds(
            () => follow.Out.Contains("\"other\"", StringComparison.Ordinal),
            "the next too",
            60
        );
        Processes.Signal(follow.Pid, Processes.Interrupt);
        follow.End().Gives(130);

        var told = Sequences().ToList();
        Assert.Equal(Enumerable.Range(5, told.Count), told);

        IEnumerable<int> Sequences() =>
            follow
                .Out.Split('\n')[..^1]
                .Select(static line =>
                {
                    using var document = JsonDocument.Parse(line);
                    return document.RootElement.GetProperty("seq").GetInt32();
                });
    }

    [Fact]
    public void A_line_that_a_dying_writer_left_unfinished_costs_nobody_the_rest()
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("go")));
        box.TriggerWhole("go");
        box.Settles();
        var file = Path.Join(box.Queue, "events", "log.jsonl");
        File.AppendAllText(file, "{\"seq\":5,\"at\":\"20");

        Assert.Equal(4, Events(box).Count);
        box.TriggerWhole("go");
        Eventually.Holds(() => Events(box).Count == 8, "the next is told whole", 60);

        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], Numbers(box));
        Assert.Equal("complete complete", box.StatesOf("a"));
    }

    [Fact]
    public void A_log_that_has_become_large_is_put_aside_and_the_numbers_go_on()
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("go")));
        box.TriggerWhole("go");
        box.Settles();
        var file = Path.Join(box.Queue, "events", "log.jsonl");
        var text = new StringBuilder();
        var sequence = 4;
        while (text.Length < 8 << 20)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{{\"seq\":{++sequence},\"at\":\"2026-01-02T03:04:05.678Z\",\"event\":\"old\",\"id\":\"event/{sequence}\",\"vars\":{{\"x\":\"{new string('x', 2000)}\"}}}}\n"
            );
        }

        File.AppendAllText(file, text.ToString());

        box.TriggerWhole("go");
        box.Settles();

        Assert.True(File.Exists(Path.Join(box.Queue, "events", $"log-{sequence}.jsonl")));
        Assert.Equal(
            Enumerable.Range(sequence - 1, 6),
            Events(box, "--since", (sequence - 2).ToString(CultureInfo.InvariantCulture))
                .Select(static e => e.GetProperty("seq").GetInt32())
        );
        Assert.Equal("complete complete", box.StatesOf("a"));
    }

    [Fact]
    public void The_history_tells_what_ran_the_newest_first_and_why()
    {
        using var box = new Sandbox();
        Assert.Empty(Runs(box));
        box.Rules(
            Job("a", "true", Triggers("go"))
                + ","
                + Job("b", "exit 3", Triggers("task_success:a"))
                + ","
                + Job("never", "true", Triggers("never"))
        );
        box.TriggerWhole("go");
        box.Settles();
        var mine = box.Enqueue("true", "--name", "by hand");
        box.Run("run", mine, "--wait").Gives(0);

        var runs = Runs(box);
        Assert.Equal(
            ["shell complete ", "b failed go task_success:a", "a complete go"],
            runs.Select(static r =>
                $"{Text(r, "agent")} {Text(r, "status")} {string.Join(' ', r.GetProperty("triggerChain").EnumerateArray().Select(static c => c.GetString()))}"
            )
        );
        Assert.Equal("by hand", Text(runs[0], "name"));
        Assert.Equal(
            ["", "task_success:a", "go"],
            runs.Select(static r => Text(r, "triggerEvent") ?? "")
        );
        Assert.All(
            runs,
            static r =>
            {
                Assert.InRange(r.GetProperty("durationMs").GetInt64(), 0, 600_000);
                Assert.True(
                    r.GetProperty("completedAt").GetDateTimeOffset()
                        >= r.GetProperty("startedAt").GetDateTimeOffset()
                );
            }
        );
        Assert.Equal(["b"], Runs(box, "b").Select(static r => Text(r, "agent")));
        Assert.Equal([mine], Runs(box, "by hand").Select(static r => Text(r, "taskId")));
        Assert.Equal(2, Runs(box, "--limit", "2").Count);
        Assert.Empty(Runs(box, "never"));
        Assert.Contains("'nevr'", box.Run("history", "nevr").Gives(1).Err);
        var shown = box.Run("history").Gives(0);
        Assert.Contains("go → task_success:a", shown.Out);
        Assert.Matches(" ago|just now", shown.Out);
        Assert.Contains("by hand", shown.Out);
    }

    [Fact]
    public void A_run_of_the_older_version_of_the_queue_s_folder_gets_its_events_kept_out_of_git()
    {
        using var box = new Sandbox();
        box.Run("init").Gives(0);
        box.Sh(
                "git init -q . && git add -A && git -c user.name=t -c user.email=t@localhost commit -qm a"
            )
            .Gives(0);
        box.Rules(Job("a", "true", Triggers("go")));
        box.Sh("git add -A").Gives(0);
        box.TriggerWhole("go");
        box.Settles();

        Assert.DoesNotContain(
            "events",
            box.Sh("git status --porcelain --untracked-files=all").Gives(0).Out
        );
    }

    private static List<JsonElement> Events(Sandbox box, params string[] more) =>
        [
            .. box.Run(["events", "--json", .. more])
                .Gives(0)
                .Json.GetProperty("events")
                .EnumerateArray(),
        ];

    private static IEnumerable<int> Numbers(Sandbox box) =>
        Events(box).Select(static e => e.GetProperty("seq").GetInt32());

    private static List<JsonElement> Runs(Sandbox box, params string[] more) =>
        [
            .. box.Run(["history", "--json", .. more])
                .Gives(0)
                .Json.GetProperty("runs")
                .EnumerateArray(),
        ];

    private static string? Text(JsonElement run, string name) => run.GetProperty(name).GetString();
}
