namespace AgentQueue.EndToEnd;

/// <summary>One table of exit codes for all verbs: 0, 3 failed, 4 cancelled, 5 not within the time.</summary>
public sealed class ExitCodeTests
{
    [Theory]
    [InlineData("true", 0)]
    [InlineData("exit 7", 3)]
    [InlineData("touch $AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID.cancelled; sleep 300", 4)]
    public void Start_run_and_wait_tell_the_outcome(string command, int code)
    {
        using var box = new Sandbox();

        box.Run("start", "shell", command, "--wait").Gives(code);

        var id = box.Enqueue(command);
        box.Run("run", id, "--wait").Gives(code);
        box.Run("wait", id).Gives(code);
    }

    [Fact]
    public void A_failure_weighs_more_than_a_cancellation()
    {
        using var box = new Sandbox();
        var good = box.Enqueue("true");
        var bad = box.Enqueue("exit 1");
        var cancelled = box.Enqueue("true");
        box.Run("cancel", cancelled).Gives(0);
        box.Run("run", "--parallel", "3", "--wait").Gives(3);

        box.Run("wait", good).Gives(0);
        box.Run("wait", good, cancelled).Gives(4);
        box.Run("wait", cancelled, good, bad).Gives(3);
    }

    [Fact]
    public void Waiting_that_times_out_gives_5_and_the_task_goes_on()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");

        box.Run("wait", id, "--timeout", "1").Gives(5);
        box.Run("wait", "--timeout", "1").Gives(5);

        Assert.Equal("running", box.Task(id).Status);
    }

    [Fact]
    public void Wait_any_returns_with_the_first_end()
    {
        using var box = new Sandbox();
        var slow = box.RunInBackground("sleep 300");
        var quick = box.RunInBackground("sleep 0.2; exit 1");

        box.Run("wait", "--any", slow, quick).Gives(3);

        Assert.Equal("running", box.Task(slow).Status);
    }

    [Fact]
    public void Wait_without_ids_waits_for_all_that_runs()
    {
        using var box = new Sandbox();
        var one = box.RunInBackground("sleep 0.3");
        var two = box.RunInBackground("sleep 0.6");

        box.Run("wait").Gives(0);

        Assert.True(box.Task(one).IsFinished && box.Task(two).IsFinished);
    }

    [Fact]
    public void An_empty_queue_is_no_error_and_says_so()
    {
        using var box = new Sandbox();
        foreach (
            var verb in new[] { "run", "wait", "status", "run --drain", "run --parallel 3 --wait" }
        )
        {
            var outcome = box.Run(verb.Split(' ')).Gives(0);
            Assert.NotEmpty(outcome.Out + outcome.Err);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Folder));
    }

    [Fact]
    public void Following_a_log_gives_the_outcome_of_its_task()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("echo one; sleep 0.3; echo two; exit 9");

        var logs = box.Run("logs", "-f", id).Gives(3);

        Assert.Contains("one", logs.Out, StringComparison.Ordinal);
        Assert.Contains("two", logs.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_verb_prints_json_that_parses()
    {
        using var box = new Sandbox();
        var start = box.Run("start", "shell", "echo hi", "--json").Gives(0).Json;
        Assert.Equal(1, start.GetProperty("version").GetInt32());
        var id = start.GetProperty("tasks")[0].GetProperty("taskId").GetString()!;
        string[] verbs =
        [
            "run --wait --json",
            $"wait {id} --json",
            "status --json",
            $"show {id} --json",
            $"logs {id} --json",
            "timeout list --json",
            $"deps show {id} --json",
            "deps graph --json",
            "deps validate --json",
            "agents --json",
            "config show --json",
            "config validate --json",
            "config path --json",
            "archive --dry-run --json",
            "archive list --json",
            "archive stats --json",
            "clean completed --dry-run --json",
            "doctor --json",
            $"clean {id} -y --json",
            "cancel --all --json",
        ];

        foreach (var verb in verbs)
        {
            var json = box.Run(verb.Split(' ')).Gives(0, 1).Json;
            Assert.Equal(1, json.GetProperty("version").GetInt32());
        }
    }

    [Theory]
    [InlineData("run", "--wait")]
    [InlineData("wait")]
    public void Who_stops_waiting_is_told_that_the_agents_go_on(params string[] verb)
    {
        using var box = new Sandbox();
        var id = box.Enqueue("exec sleep 300");
        if (verb[0] == "wait")
        {
            box.Run("run", id).Gives(0);
        }

        using var waiting = box.Begin(verb);
        Eventually.Holds(
            () =>
                box.Task(id).Status == "running"
                && Processes.Handles(waiting.Pid, Processes.Interrupt),
            "it waits"
        );
        Processes.Signal(waiting.Pid, Processes.Interrupt);

        var outcome = waiting.End().Gives(128 + Processes.Interrupt);
        Assert.Contains("what runs goes on", outcome.Err, StringComparison.Ordinal);
        Assert.Contains("agentq status", outcome.Err, StringComparison.Ordinal);
        Assert.Equal("running", box.Task(id).Status);
    }
}
