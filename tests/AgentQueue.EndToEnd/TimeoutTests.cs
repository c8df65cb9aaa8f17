namespace AgentQueue.EndToEnd;

/// <summary>Time limits: kept by the supervisor, with nobody of ours in the foreground.</summary>
public sealed class TimeoutTests
{
    [Fact]
    public void A_limit_of_1_s_ends_a_sleep_of_300_within_2_s_although_run_returned_at_once()
    {
        using var box = new Sandbox();
        // The task's own times: how long this test was kept waiting says nothing about agentq. Of three the
        // quickest, because a busy machine keeps some of them waiting, and a slow agentq would keep all.
        var took = new List<double>();
        for (var i = 0; i < 3; i++)
        {
            var id = box.Enqueue("sleep 300", "--timeout", "1");
            var endless = box.Enqueue("sleep 300");
            box.Run("run", id, endless).Gives(0);
            Assert.Equal("running", box.Task(endless).Status);

            var task = box.Ended(id);

            Assert.Equal(("failed", "timeout"), (task.Status, task.Reason));
            Assert.Contains("1s", task.Error, StringComparison.Ordinal);
            took.Add((task.CompletedAt - task.StartedAt)!.Value.TotalSeconds);
            Assert.Empty(box.ProcessesOf(id));
            Assert.True(File.Exists(box.PathOf("tasks", id, ".timeout")));
        }

        Assert.All(took, static t => Assert.True(t >= 1.0, $"{t} s"));
        Assert.InRange(took.Min(), 1.0, 2.0);
    }

    [Fact]
    public void An_agent_that_ignores_term_is_killed_after_the_grace()
    {
        using var box = new Sandbox();
        box.Settings("\"grace\": \"1s\"");
        var id = box.RunInBackground("trap '' TERM; while :; do sleep 1; done", "--timeout", "1");

        var task = box.Ended(id);

        Assert.Equal("timeout", task.Reason);
        Assert.Equal(128 + Processes.Kill, task.ExitCode);
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void A_stopped_agent_is_ended_too()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("kill -STOP $$; sleep 300", "--timeout", "1");

        Assert.Equal("timeout", box.Ended(id).Reason);
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void An_extension_counts_while_the_task_runs()
    {
        using var box = new Sandbox();
        var gate = Path.Join(box.Outside, "gate");
        var id = box.RunInBackground(
            $"until test -e {gate}; do sleep 0.05; done; echo through",
            "--timeout",
            "5"
        );

        box.Run("timeout", "extend", id, "300").Gives(0);

        var due = box.Task(id).StartedAt!.Value.AddSeconds(7);
        Eventually.Holds(
            () => DateTimeOffset.UtcNow > due,
            "it runs for longer than it had at first"
        );
        File.WriteAllText(gate, "");
        var task = box.Ended(id);
        Assert.Equal("complete", task.Status);
        Assert.Equal(305, task.Number("timeout"));
        Assert.Contains("through", box.Log(id), StringComparison.Ordinal);
    }

    [Fact]
    public void Forcing_a_timeout_ends_a_running_task_that_has_no_limit()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");

        box.Run("timeout", id).Gives(0);

        var task = box.Task(id);
        Assert.Equal(("failed", "timeout"), (task.Status, task.Reason));
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void The_list_shows_full_ids_of_what_runs_with_a_limit()
    {
        using var box = new Sandbox();
        var limited = box.RunInBackground("sleep 300", "--timeout", "5m");
        var free = box.RunInBackground("sleep 300");

        var list = box.Run("timeout", "list").Gives(0);

        Assert.Contains(limited, list.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(free, list.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silent_agent_is_stalled_and_a_talking_one_is_not()
    {
        using var box = new Sandbox();
        var silent = box.RunInBackground("echo once; sleep 300", "--idle-timeout", "1");
        // For longer than its limit, and many times within it.
        var talking = box.RunInBackground(
            "for i in $(seq 35); do echo $i; sleep 0.2; done",
            "--idle-timeout",
            "5"
        );

        var task = box.Ended(silent);
        Assert.Equal(("failed", "stalled"), (task.Status, task.Reason));
        Assert.Equal("complete", box.Ended(talking).Status);
        Assert.Empty(box.ProcessesOf(silent));
    }

    [Fact]
    public void A_limit_can_be_the_agents_own()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "napper": { "command": "sleep", "args": ["300"], "timeout": "1s", "promptVia": "stdin" }
            """
        );
        var id = box.Run("start", "napper", "nap", "--quiet", "--run").Gives(0).Text;

        Assert.Equal("timeout", box.Ended(id).Reason);
    }
}
