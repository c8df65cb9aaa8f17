using System.Globalization;
using AgentQueue.EndToEnd.Plans;
using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

public sealed partial class FormerFaultTests
{
    // CM-B12
    [NeedsTheory(Machine.Linux)]
    [InlineData(100)]
    public void Two_events_at_once_never_have_two_run_where_one_may(int rounds)
    {
        using var box = new Sandbox();
        // The kernel gives the lock up when the last process of a task is gone.
        box.Rules(
            Job(
                "one",
                $"exec 9>> {box.Notes("lock")}; flock -n 9 || echo twice >> {box.Notes("twice")}; exec sleep 300",
                Triggers("go"),
                "\"cancelOn\": [\"stop\"], \"keepHistory\": 5"
            )
        );

        for (var i = 0; i < rounds; i++)
        {
            using var first = box.Begin("trigger", "go");
            using var second = box.Begin("trigger", "go");
            first.End(60).Gives(0);
            second.End(60).Gives(0);
        }

        Eventually.Holds(
            () =>
                box.TasksOf("one") is var all
                && all.Count(static t => t is { Status: "running", Pid: not null }) == 1
                && all.All(static t => t.Status != "pending"),
            "the last one runs alone",
            60
        );
        Assert.Empty(box.Noted("twice"));
        Assert.Equal(2 * rounds, box.Happened("go").Count);
        box.Trigger("stop");
        box.Settles();
        Assert.Empty(box.Noted("twice"));
    }

    // CM-B13
    [Fact]
    public void A_variable_is_what_the_configuration_says_and_the_shell_keeps_its_own()
    {
        using var box = new Sandbox();
        box.Environment["USER"] = "from-environment";
        box.Rules(
            Job(
                "a",
                $"FOO=1; echo {{{{ USER }}}} {{{{ HOME }}}} $FOO ${{FOO}} $USER >> {box.Notes()}",
                Triggers("go"),
                "\"vars\": { \"HOME\": \"of-agent\" }"
            ),
            "\"variables\": { \"USER\": \"of-project\", \"HOME\": \"no\" },"
        );

        box.TriggerWhole("go");

        Assert.Equal(["of-project of-agent 1 1 from-environment"], box.Noted());
    }

    // CM-B14
    [Theory]
    [InlineData("\"debounceMs\": 600000")]
    [InlineData("\"debounceMs\": 600000, \"debounceMode\": \"completion\"")]
    public void An_event_that_is_passed_over_removes_nothing(string policy)
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "echo done {{ n }}", Triggers("go"), "\"keepHistory\": 1", policy));
        box.TriggerWhole("go", "--var", "n=1");
        var id = box.TasksOf("a")[0].Id;
        var before = box.TaskPicture();

        var record = box.Trigger("go", "--var", "n=2", "--json").Json;

        Assert.Empty(record.GetProperty("started").EnumerateArray());
        Assert.Contains(
            "600000 ms",
            record.GetProperty("ignored")[0].GetProperty("why").GetString()
        );
        Assert.Equal(before, box.TaskPicture());
        Assert.Equal("done 1\n", box.Log(id));
    }

    // CM-B14
    [Fact]
    public void An_event_that_comes_while_the_work_goes_on_and_is_ignored_removes_nothing()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "a",
                $"echo done; test {{{{ wait }}}} = no || {box.Gate()}",
                Triggers("go"),
                "\"keepHistory\": 2, \"onRetrigger\": \"ignore\""
            )
        );
        box.TriggerWhole("go", "--var", "wait=no");
        box.Trigger("go", "--var", "wait=yes");
        var id = box.Runs("a");
        Eventually.Holds(
            () => File.Exists(box.PathOf("logs", id, ".log")) && box.Log(id) == "done\n",
            "it has begun",
            60
        );
        var before = box.TaskPicture();

        for (var i = 0; i < 3; i++)
        {
            box.Trigger("go", "--var", "wait=no");
        }

        Assert.Equal(before, box.TaskPicture());
        Assert.Equal("complete running", box.StatesOf("a"));
        Assert.Contains("onRetrigger is ignore", box.Happened("go")[^1].WhyNot("a"));
        box.Open();
        box.Settles();
        Assert.Equal("complete complete", box.StatesOf("a"));
    }

    // CM-B15
    [NeedsTheory(Machine.Faketime)]
    [InlineData("start", "+1d")]
    [InlineData("start", "-1d")]
    [InlineData("completion", "+1d")]
    [InlineData("completion", "-1d")]
    public void A_pause_between_runs_is_kept_though_the_wall_clock_jumps(string mode, string jump)
    {
        using var box = new Sandbox();
        var clock = box.FakeClock();
        box.Rules(
            Job(
                "long",
                "true",
                Triggers("go"),
                $"\"debounceMs\": 3600000, \"debounceMode\": \"{mode}\""
            )
                + ","
                + Job(
                    "short",
                    "true",
                    Triggers("go"),
                    $"\"debounceMs\": 1000, \"debounceMode\": \"{mode}\""
                )
        );
        box.TriggerWhole("go");

        File.WriteAllText(clock, jump + "\n");

        Eventually.Holds(
            () => box.TriggerWhole("go").Out.Contains("started   short", StringComparison.Ordinal),
            "a second passes",
            60
        );
        Assert.Single(box.TasksOf("long"));
        Assert.Equal(2, box.TasksOf("short").Count);
    }

    // CM-B15
    [NeedsTheory(Machine.Faketime)]
    [InlineData("+1h")]
    [InlineData("-1h")]
    public void What_waits_for_the_end_of_a_burst_comes_though_the_wall_clock_jumps(string jump)
    {
        using var box = new Sandbox();
        var clock = box.FakeClock();
        box.Rules(
            Job(
                "a",
                $"echo ran >> {box.Notes()}",
                Triggers("go"),
                "\"debounceMs\": 2000, \"debounceMode\": \"trailing\""
            )
        );
        box.Trigger("go");

        File.WriteAllText(clock, jump + "\n");

        Eventually.Holds(() => box.Noted().Length == 1, "it has run", 60);
    }

    // CM-B15
    [NeedsTheory(Machine.Faketime)]
    [InlineData("+1h")]
    [InlineData("-1h")]
    public void What_a_run_took_is_never_less_than_nothing(string jump)
    {
        using var box = new Sandbox();
        var clock = box.FakeClock();
        box.Rules(Job("a", box.Gate(), Triggers("go")));
        box.Trigger("go");
        var id = box.Runs("a");

        File.WriteAllText(clock, jump + "\n");
        Assert.True(Took() >= 0);
        box.Open();
        box.Ended(id, 60);

        Assert.True(Took() >= 0);
        Assert.DoesNotContain("-", box.Run("history").Gives(0).Lines[^1].Split('|')[4]);

        long Took() =>
            box.Run("history", "--json")
                .Gives(0)
                .Json.GetProperty("runs")[0]
                .GetProperty("durationMs")
                .GetInt64();
    }

    // CM-B16
    [Fact]
    public void Many_that_write_at_once_leave_one_whole_account()
    {
        using var box = new Sandbox();
        const int Many = 20;
        box.Rules(
            Job("a", $"echo {{{{ n }}}} >> {box.Notes()}", Triggers("go"), "\"maxConcurrent\": 0")
        );

        var all = Enumerable
            .Range(1, Many)
            .Select(i =>
                box.Begin(
                    "trigger",
                    "go",
                    "--var",
                    string.Create(CultureInfo.InvariantCulture, $"n={i}")
                )
            )
            .ToList();
        foreach (var one in all)
        {
            one.End(120).Gives(0);
            one.Dispose();
        }

        box.Settles();
        box.AllHaveLeft();
        var log = box.Happened();
        Assert.Equal(
            Enumerable.Range(1, log.Count).Select(static i => (long)i),
            log.Select(static h => h.Sequence)
        );
        var expected = Enumerable
            .Range(1, Many)
            .Select(static i => i.ToString(CultureInfo.InvariantCulture))
            .Order(StringComparer.Ordinal);
        Assert.Equal(expected, box.Noted().Order(StringComparer.Ordinal));
        Assert.Equal(
            expected,
            box.Happened("go").Select(static h => h.Variable("n")!).Order(StringComparer.Ordinal)
        );
        Assert.Equal(Many, box.Happened("task_started:a").Count);
        Assert.Equal(Many, box.Happened("task_success:a").Count);
        Assert.DoesNotContain(
            Directory.EnumerateFiles(box.Queue, "*", SearchOption.AllDirectories),
            static f => f.Contains(".tmp", StringComparison.Ordinal)
        );
    }

    // CM-B16
    [Fact]
    public void Whose_supervisor_died_is_told_from_who_lives_and_the_chain_goes_on()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "exec sleep 300", Triggers("go"))
                + ","
                + Job("b", "true", Triggers("task_failed:a"))
        );
        box.Trigger("go");
        var id = box.Runs("a");
        box.KillAtOnce(box.SupervisorOf(id));

        box.Run("status").Gives(0);

        box.Happens("task_success:b");
        box.Settles();
        Assert.Equal(("failed", "lost"), Outcome(box.Task(id)));
        Assert.Single(box.TasksOf("b"));
    }

    // CM-B17
    [Fact]
    public void Every_event_that_is_told_of_happens()
    {
        using var box = new Sandbox();
        string[] events =
        [
            "task_started:ok",
            "task_success:ok",
            "task_finished:ok",
            "command_started:ok",
            "command_success:ok",
            "command_finished:ok",
            "task_failed:bad",
            "task_finished:bad",
            "command_failed:bad",
            "task_cancelled:long",
            "task_finished:long",
            "command_cancelled:long",
            "plan_finished:p",
            "plan_failed:q",
            "plan_success:p",
            "plan_cancelled:r",
            "queue_idle",
        ];
        box.Rules(
            string.Join(
                ",",
                events.Select(e =>
                    Job(
                        "on-" + e.Replace(':', '-'),
                        $"echo {e} >> {box.Notes()}",
                        Triggers(e),
                        "\"onRetrigger\": \"ignore\", \"debounceMs\": 3600000"
                    )
                )
            )
                + ","
                + Job("ok", "true", Triggers("go"))
                + ","
                + Job("bad", "exit 1", Triggers("go"))
                + ","
                + Job("long", "exec sleep 300", Triggers("go"), "\"cancelOn\": [\"stop\"]")
        );
        box.Write("p.yaml", "tasks: [{id: a, cmd: \"true\"}]\n");
        box.Write("r.yaml", "tasks: [{id: a, cmd: \"sleep 300\"}]\n");
        box.Write("q.yaml", "tasks: [{id: a, cmd: \"false\"}]\n");

        box.Trigger("go");
        box.Runs("long");
        box.Trigger("stop");
        box.RunLong(60, "plan", "run", "p.yaml").Gives(0);
        box.RunLong(60, "plan", "run", "q.yaml").Gives(3);
        box.Run("plan", "run", "r.yaml", "--detach").Gives(0);
        box.Run("plan", "cancel", "last").Gives(0);

        Eventually.Holds(
            () => box.Noted().Length >= events.Length,
            $"all are heard: {string.Join('\n', box.Happened())}",
            60
        );
        Assert.Equal(events.Order(), box.Noted().Order());
        var told = Directory
            .EnumerateFiles(Path.Join(Binaries.Repository, "docs"), "*.md")
            .Append(Path.Join(Binaries.Repository, "README.md"))
            .SelectMany(static f => EventWords().Matches(File.ReadAllText(f)))
            .Select(static m => m.Value.Replace("command_", "task_", StringComparison.Ordinal))
            // Only an agent that can be read makes it happen; the tests of those see it.
            .Where(static word => word != "task_limited:")
            .Distinct();
        var known = box.Happened().SelectMany(static h => h.Names).ToList();
        Assert.All(
            told,
            word => Assert.Contains(known, n => n.StartsWith(word, StringComparison.Ordinal))
        );
    }

    // CM-B17
    [Fact]
    public void Every_verb_that_the_help_names_is_there()
    {
        using var box = new Sandbox();
        var help = box.Run("--help").Gives(0).Out;

        foreach (
            var verb in new[] { "trigger", "triggers", "history", "events", "watch", "schedule" }
        )
        {
            Assert.Contains($" {verb} ", help);
            Assert.Contains("agentq " + verb, box.Run(verb, "--help").Gives(0).Out);
        }
    }

    // CM-B18
    [Theory]
    [InlineData("saved\n")]
    [InlineData("sa\nved")]
    [InlineData("saved\r")]
    [InlineData("sa\tved")]
    [InlineData("\u001b[2J")]
    [InlineData("a\u0085b")]
    [InlineData("")]
    public void A_name_with_a_control_character_is_no_event_anywhere(string name)
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("*")));
        Assert.DoesNotContain('\e', box.Run("trigger", name).Gives(2).Err);
        Assert.Empty(box.Happened());
        Assert.Empty(box.Ids);

        foreach (
            var (agent, rest) in new[]
            {
                (Triggers(name), ""),
                ($"\"allOf\": [{Quoted(name)}, \"b\"]", ""),
                ($"\"cancelOn\": [{Quoted(name)}]", ""),
                (
                    Triggers("x"),
                    $"\"watch\": [{{ \"paths\": [\"*\"], \"event\": {Quoted(name)} }}],"
                ),
                (
                    Triggers("x"),
                    $"\"schedule\": [{{ \"every\": \"15m\", \"event\": {Quoted(name)} }}],"
                ),
                (Triggers("x"), $"\"on\": [{{ \"run\": [\"true\"], \"event\": {Quoted(name)} }}],"),
            }
        )
        {
            box.Rules(Job("a", "true", agent), rest);
            Assert.DoesNotContain('\e', box.Run("config", "validate").Gives(2).Out);
        }
    }
}
