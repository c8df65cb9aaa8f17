using System.Globalization;
using AgentQueue.EndToEnd.Plans;
using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

/// <summary>What follows from what, and when it does not.</summary>
public sealed class ChainTests
{
    [Fact]
    public void Each_change_of_a_task_is_an_event_with_its_names_and_what_led_to_it()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("ok", "true", Triggers("go"))
                + ","
                + Job("bad", "exit 7", Triggers("go"))
                + ","
                + Job("long", "exec sleep 300", Triggers("go"), "\"cancelOn\": [\"stop\"]")
        );
        box.Trigger("go");
        box.Runs("long");
        box.Trigger("stop");
        box.Settles();

        Assert.Equal(
            [
                "bad: task_started:bad",
                "bad: task_failed:bad task_finished:bad",
                "long: task_started:long",
                "long: task_cancelled:long task_finished:long",
                "ok: task_started:ok",
                "ok: task_success:ok task_finished:ok",
            ],
            box.Happened()
                .Where(static h => h.Task is not null)
                .OrderBy(h => box.Task(h.Task!).Text("agent"), StringComparer.Ordinal)
                .Select(h => $"{box.Task(h.Task!).Text("agent")}: {string.Join(' ', h.Names)}")
        );
        Assert.All(
            box.Happened().Where(static h => h.Task is not null),
            static h => Assert.Equal(["go"], h.Chain)
        );
        Assert.Equal(["long"], box.Happened("stop")[0].Agents("cancelled"));
        Assert.Equal(["bad", "long", "ok"], box.Happened("go")[0].Agents("started"));
    }

    [Fact]
    public void A_star_stands_for_any_run_of_characters()
    {
        using var box = new Sandbox();
        box.Rules(
            Tells("any-failure", "task_failed:*")
                + ","
                + Tells("python", "saved/*.py")
                + ","
                + Tells("both", "*:x", "saved/*")
                + ","
                + Job("bad", "exit 1", Triggers("saved/a.md", "task_success:python"))
        );

        box.TriggerWhole("saved/src/a.py");
        Assert.Equal(
            ["any-failure task_failed:bad", "both saved/src/a.py", "python saved/src/a.py"],
            box.Noted().Order(StringComparer.Ordinal)
        );
        box.TriggerWhole("saved/");
        Assert.Equal(4, box.Noted().Length);
        box.TriggerWhole("resaved/a.py");
        box.TriggerWhole("y");
        Assert.Equal(4, box.Noted().Length);
        box.TriggerWhole("y:x");
        Assert.Equal("both y:x", box.Noted()[^1]);

        string Tells(string name, params string[] events) =>
            Job(
                name,
                $"echo {name} {{{{ event }}}} >> {box.Notes()}",
                Triggers(events),
                "\"onRetrigger\": \"queue\""
            );
    }

    [Fact]
    public void A_join_fires_when_all_came_and_again_only_after_all_came_anew()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "join",
                $"echo {{{{ event }}}} >> {box.Notes()}",
                "\"allOf\": [\"x\", \"y\", \"z\"]"
            )
        );

        box.TriggerWhole("x");
        box.TriggerWhole("x");
        box.TriggerWhole("y");
        Assert.Empty(box.Noted());
        box.TriggerWhole("z");
        Assert.Equal(["z"], box.Noted());
        box.TriggerWhole("z");
        box.TriggerWhole("y");
        Assert.Equal(["z"], box.Noted());
        box.TriggerWhole("x");
        Assert.Equal(["z", "x"], box.Noted());
        Assert.Equal("complete complete", box.StatesOf("join"));
    }

    [Fact]
    public void A_join_of_two_branches_runs_once_for_each_time_both_have_succeeded()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go"))
                + ","
                + Job("b", "test {{ event }} = go", Triggers("go", "again"))
                + ","
                + Job(
                    "join",
                    $"echo joined >> {box.Notes()}",
                    "\"allOf\": [\"command_success:a\", \"task_success:b\"]"
                )
        );

        box.TriggerWhole("go");
        Assert.Equal(["joined"], box.Noted());
        box.TriggerWhole("again");
        Assert.Equal(["joined"], box.Noted());
        box.TriggerWhole("go");
        Assert.Equal(["joined", "joined"], box.Noted());
    }

    [Fact]
    public void Cancelling_by_an_event_ends_what_events_started_and_nothing_else()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "long",
                "exec sleep 300",
                Triggers("go"),
                "\"cancelOn\": [\"stop\", \"task_failed:*\"]",
                "\"onRetrigger\": \"queue\""
            )
                + ","
                + Job("bad", "exit 1", Triggers("break"))
        );
        box.Trigger("go");
        var first = box.Runs("long");
        box.Trigger("go");
        var mine = box.Run("start", "long", "x", "--quiet").Gives(0).Text;
        box.Run("run", mine).Gives(0);
        Eventually.Holds(() => box.Task(mine).Status == "running", "mine runs", 60);

        box.Trigger("break");
        box.Ended(first, 60);
        Eventually.Holds(
            () => box.TasksOf("long").Count(static t => t.Status == "cancelled") == 2,
            "the one that waited is cancelled too",
            60
        );

        Assert.Equal("running", box.Task(mine).Status);
        // The event's own line comes after what it did.
        Assert.Equal(["long", "long"], box.Happens("task_failed:bad").Agents("cancelled"));
        Assert.Empty(box.Trigger("stop", "--json").Json.GetProperty("cancelled").EnumerateArray());
    }

    [Fact]
    public void What_would_go_round_is_refused_and_its_way_is_told()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go", "task_success:c"))
                + ","
                + Job("b", "true", Triggers("task_success:a"))
                + ","
                + Job("c", "true", Triggers("task_success:b"))
        );

        box.TriggerWhole("go");
        box.Settles();

        Assert.Equal(2, box.TasksOf("a").Count);
        Assert.Equal(
            "it would go round: task_success:a → task_success:b → task_success:c → task_success:a",
            box.Happened("task_success:a")[1].WhyNot("b")
        );
        Assert.Contains(
            "task_success:a → task_success:b → task_success:c → task_success:a",
            box.Run("events").Gives(0).Out
        );
        // Another time it may.
        box.TriggerWhole("go");
        Assert.Equal(4, box.TasksOf("a").Count);
    }

    [Fact]
    public void Without_a_look_for_loops_it_ends_at_the_depth_that_may_be()
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("go", "task_success:a"), "\"loopDetection\": false"));

        box.Trigger("go");
        Eventually.Holds(
            () => box.Happened().Any(static h => h.WhyNot("a") is not null),
            "it comes to an end",
            300
        );
        box.Settles();

        var last = box.Happened("task_success:a")[^1];
        Assert.Contains("100 events lie behind it", last.WhyNot("a"));
        Assert.Equal(100, box.TasksOf("a").Count);
        Assert.All(box.Tasks, static t => Assert.Equal("complete", t.Status));
    }

    [Fact]
    public void A_task_knows_the_event_that_started_it_and_all_behind_it()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go")) + "," + Job("b", "true", Triggers("command_success:a"))
        );
        box.TriggerWhole("go", "--var", "x=1");

        var a = box.TasksOf("a")[0];
        var b = box.TasksOf("b")[0];
        Assert.Equal("go", a.Text("triggerEvent"));
        Assert.Equal(["go"], a.Texts("triggerChain"));
        Assert.Equal("task_success:a", b.Text("triggerEvent"));
        Assert.Equal(["go", "task_success:a"], b.Texts("triggerChain"));
        Assert.Equal(a.Id, b.Text("triggerTask"));
        var shown = box.Run("show", b.Id, "--json").Gives(0).Json.GetProperty("task");
        Assert.Equal("task_success:a", shown.GetProperty("triggerEvent").GetString());
        Assert.Equal(
            ["go", "task_success:a"],
            shown
                .GetProperty("triggerChain")
                .EnumerateArray()
                .Select(static e => e.GetString()!)
                .ToArray()
        );
        Assert.Null(box.Task(box.Enqueue("true")).Text("triggerEvent"));
    }

    [Fact]
    public void What_a_task_lets_happen_continues_its_chain_and_is_waited_for()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "agentq trigger inner --var n=1", Triggers("outer"))
                + ","
                + Job(
                    "b",
                    $"echo {{{{ n }}}} >> {box.Notes()}; agentq trigger outer",
                    Triggers("inner")
                )
        );

        box.TriggerWhole("outer");

        Assert.Equal(["1"], box.Noted());
        Assert.Equal(["outer", "inner"], box.TasksOf("b")[0].Texts("triggerChain"));
        Assert.Equal(box.TasksOf("a")[0].Id, box.Happened("inner")[0].Task);
        Assert.Equal(
            "it would go round: outer → inner → outer",
            box.Happened("outer")[1].WhyNot("a")
        );
        Assert.Single(box.TasksOf("a"));
    }

    [Fact]
    public void A_task_that_nobody_s_event_started_begins_a_chain()
    {
        using var box = new Sandbox();
        box.Rules(Job("next", "true", Triggers("task_success:shell", "task_cancelled:by hand")));
        box.Run("run", box.Enqueue("true")).Gives(0);
        box.Happens("task_success:next");
        Assert.Equal(["task_success:shell"], box.TasksOf("next")[0].Texts("triggerChain"));

        box.Run("cancel", box.Enqueue("true", "--name", "by hand")).Gives(0);

        box.Happens("task_success:next", 2);
        Assert.Equal(["task_cancelled:by hand"], box.TasksOf("next")[1].Texts("triggerChain"));
    }

    [Fact]
    public void The_end_of_a_run_of_a_plan_is_an_event_with_its_run()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "good",
                $"echo {{{{ event }}}} {{{{ run }}}} >> {box.Notes()}",
                Triggers("plan_finished:good plan")
            )
                + ","
                + Job(
                    "bad",
                    $"echo {{{{ event }}}} {{{{ run }}}} >> {box.Notes()}",
                    Triggers("plan_failed:*")
                )
        );

        box.Write("good plan.yaml", "tasks: [{id: a, cmd: \"true\"}, {id: b, cmd: \"true\"}]\n");
        box.Write("bad.plan.yaml", "tasks: [{id: a, cmd: \"false\"}, {id: b, cmd: \"true\"}]\n");
        box.RunLong(60, "plan", "run", "good plan.yaml").Gives(0);
        var good = box.Plan().Run;
        box.Happens("task_success:good");
        box.RunLong(60, "plan", "run", "bad.plan.yaml").Gives(3);
        var bad = box.Plan().Run;
        box.Happens("task_success:bad");
        box.Settles();

        Assert.Equal(
            [$"plan_finished:good plan {good}", $"plan_failed:bad.plan {bad}"],
            box.Noted()
        );
        Assert.Single(box.Happened("plan_finished:good plan"));
        Assert.Single(box.Happened("plan_failed:bad.plan"));
    }

    [Fact]
    public void That_nothing_runs_any_more_is_told_once()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go"))
                + ","
                + Job("b", "true", Triggers("task_success:a"))
                + ","
                + Job("c", "true", Triggers("task_success:a"))
                + ","
                + Job("idle", $"echo idle >> {box.Notes()}", Triggers("queue_idle"))
        );

        box.TriggerWhole("go");
        box.Settles();
        Eventually.Holds(() => box.Noted().Length > 0, "it is heard", 60);
        box.Settles();

        Assert.Equal(["idle"], box.Noted());
        // Once after the chain, and once after what it led to itself.
        Assert.Equal(2, box.Happened("queue_idle").Count);
        Assert.True(
            box.Happened("queue_idle")[0].Sequence
                > box.Happened()
                    .Where(static h => h.Name.EndsWith(":b", StringComparison.Ordinal))
                    .Max(static h => h.Sequence)
        );
        for (var i = 0; i < 3; i++)
        {
            box.Run("status").Gives(0);
        }

        Assert.Equal(2, box.Happened("queue_idle").Count);
    }

    [Needs(Machine.Linux)]
    public void Who_only_asks_whether_anybody_works_keeps_nobody_from_telling_that_nothing_does()
    {
        using var box = new Sandbox();
        for (var round = 1; round <= 6; round++)
        {
            var gate = $"gate{round}";
            box.Run("run", box.Enqueue(box.Gate(gate))).Gives(0);
            // As one who asks, and is kept from going on for a while.
            using var asks = box.Program(
                "/usr/bin/env",
                null,
                "flock",
                Path.Join(box.Queue, "run", "supervisors"),
                "sleep",
                "0.3"
            );
            Eventually.Holds(
                () =>
                    Processes.CommandLine(asks.Pid).StartsWith("flock", StringComparison.Ordinal)
                    && (Processes.Status(asks.Pid, "State") ?? "").StartsWith('S'),
                "it stands behind the supervisor"
            );

            box.Open(gate);

            box.Happens("queue_idle", round);
            asks.End().Gives(0);
        }
    }

    [Fact]
    public void Events_that_queue_run_one_after_the_other_in_their_order()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "a",
                $"{box.Gate()}; {box.Journal.Around($"echo {{{{ n }}}} >> {box.Notes()}")}",
                Triggers("go"),
                "\"onRetrigger\": \"queue\""
            )
        );

        for (var i = 1; i <= 6; i++)
        {
            box.Trigger("go", "--var", string.Create(CultureInfo.InvariantCulture, $"n={i}"));
        }

        box.Open();
        box.Settles();
        Assert.Equal(["1", "2", "3", "4", "5", "6"], box.Noted());
        Assert.Equal(1, box.Journal.MostAtOnce);
        box.Journal.ShowsNoSecondStart();
    }

    [Fact]
    public void As_many_run_at_once_as_may_and_no_more()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "a",
                box.Journal.Around(box.Gate()),
                Triggers("go"),
                "\"onRetrigger\": \"queue\", \"maxConcurrent\": 2"
            )
        );
        for (var i = 0; i < 5; i++)
        {
            box.Trigger("go");
        }

        Eventually.Holds(() => box.Journal.Starts.Count() == 2, "two run", 60);
        box.Open();
        box.Settles();

        Assert.Equal(2, box.Journal.MostAtOnce);
        Assert.Equal(5, box.Journal.Starts.Count());
    }

    [Fact]
    public void The_newest_takes_the_place_of_what_runs()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "a",
                $"test {{{{ n }}}} = 3 && echo 3 >> {box.Notes()} || exec sleep 300",
                Triggers("go")
            )
        );

        for (var i = 1; i <= 3; i++)
        {
            box.Trigger("go", "--var", string.Create(CultureInfo.InvariantCulture, $"n={i}"));
        }

        box.Settles();
        Assert.Equal("cancelled cancelled complete", box.StatesOf("a"));
        Assert.Equal(["3"], box.Noted());
    }
}
