namespace AgentQueue.EndToEnd;

/// <summary>The verdict table with real agents: what they do, and what is made of it.</summary>
public sealed class VerdictTests
{
    private const string Mine = "$AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID";

    [Theory]
    [InlineData("true", "complete", null, 0)]
    [InlineData("exit 1", "failed", "exit", 1)]
    [InlineData("exit 77", "failed", "exit", 77)]
    [InlineData("exit 255", "failed", "exit", 255)]
    [InlineData("kill -TERM $$", "failed", "exit", 143)]
    [InlineData("kill -KILL $$", "failed", "exit", 137)]
    [InlineData("kill -HUP $$", "failed", "exit", 129)]
    [InlineData("kill -SEGV $$", "failed", "exit", 139)]
    [InlineData($"touch {Mine}.done", "complete", null, 0)]
    [InlineData($"touch {Mine}.done; exit 4", "complete", null, 4)]
    [InlineData($"echo broken > {Mine}.error", "failed", "error", 0)]
    [InlineData($"touch {Mine}.done; echo broken > {Mine}.error", "failed", "error", 0)]
    [InlineData($"trap '' TERM; touch {Mine}.cancelled; sleep 0.1; exit 3", "cancelled", null, 3)]
    public void What_an_agent_does_and_what_it_comes_to(
        string command,
        string status,
        string? reason,
        int exitCode
    )
    {
        using var box = new Sandbox();
        var id = box.Enqueue(command);

        box.Run("run", "--wait")
            .Gives(
                status == "complete" ? 0
                : status == "failed" ? 3
                : 4
            );

        var task = box.Task(id);
        Assert.Equal((status, reason), (task.Status, task.Reason));
        Assert.Equal(exitCode, task.ExitCode);
        Assert.Equal(exitCode + "\n", File.ReadAllText(box.PathOf("tasks", id, ".exitcode")));
        Assert.Null(task.Pid);
    }

    [Fact]
    public void Exit_0_without_done_is_complete()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("echo done my work");

        box.Run("run", "--wait").Gives(0);

        Assert.Equal("complete", box.Task(id).Status);
        Assert.True(File.Exists(box.PathOf("tasks", id, ".done")));
    }

    [Fact]
    public void A_failure_shows_the_last_lines_of_the_log()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("echo working; echo 'data.csv: no such file' >&2; exit 3");

        box.Run("run", "--wait").Gives(3);

        Assert.Contains("code 3", box.Task(id).Error, StringComparison.Ordinal);
        Assert.Contains("data.csv: no such file", box.Task(id).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_done_with_a_bad_exit_is_complete_and_noted()
    {
        using var box = new Sandbox();
        var id = box.Enqueue($"touch {Mine}.done; exit 4");

        box.Run("run", "--wait").Gives(0);

        Assert.Contains("4", box.Task(id).Note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """{"error": "no table", "details": "x", "timestamp": "2026-01-01T00:00:00Z"}""",
        "no table"
    )]
    [InlineData("it went wrong", "it went wrong")]
    [InlineData("{\"error\": \"half of it", "{\"error\": \"half of it")]
    public void The_words_of_an_error_are_kept(string content, string message)
    {
        using var box = new Sandbox();
        box.Write("content", content);
        var id = box.Enqueue($"cp content {Mine}.error");

        box.Run("run", "--wait").Gives(3);

        Assert.Equal(message, box.Task(id).Error);
        Assert.Equal(content, File.ReadAllText(box.PathOf("tasks", id, ".error")));
    }

    [Theory]
    [InlineData("exit", "exit 0", "complete", null)]
    [InlineData("exit", "touch {done}; exit 2", "failed", "exit")]
    [InlineData("sentinel", "exit 0", "failed", "no-signal")]
    [InlineData("sentinel", "touch {done}", "complete", null)]
    [InlineData("auto", "exit 0", "complete", null)]
    public void What_counts_as_the_end_is_configured(
        string completion,
        string command,
        string status,
        string? reason
    )
    {
        using var box = new Sandbox();
        box.Configure(
            $$"""
            "worker": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}", "completion": "{{completion}}" }
            """
        );
        var prompt = command.Replace("{done}", Mine + ".done", StringComparison.Ordinal);
        var id = box.Run("start", "worker", prompt, "--quiet").Gives(0).Text;

        box.Run("run", "--wait").Gives(0, 3);

        Assert.Equal((status, reason), (box.Task(id).Status, box.Task(id).Reason));
    }

    [Fact]
    public void An_agent_that_says_done_and_stays_is_ended_after_its_exit_grace()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "worker": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}", "exitGrace": "1s" }
            """
        );
        var id = box.Run("start", "worker", $"touch {Mine}.done; sleep 300", "--quiet", "--run")
            .Gives(0)
            .Text;

        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void A_command_that_does_not_exist_fails_its_task_and_the_queue_goes_on()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "ghost": { "command": "no-such-program-anywhere", "args": ["{prompt}"] },
            "bad": { "command": "./notes.txt", "args": ["{prompt}"] }
            """
        );
        box.Write("notes.txt", "not a program");
        var ghost = box.Run("start", "ghost", "boo", "--quiet", "--priority", "9").Gives(0).Text;
        var bad = box.Run("start", "bad", "boo", "--quiet", "--priority", "8").Gives(0).Text;
        var good = box.Enqueue("echo fine");

        box.Run("run", "--drain", "--parallel", "1", "--wait").Gives(3);

        Assert.Equal(("failed", "launch"), (box.Task(ghost).Status, box.Task(ghost).Reason));
        Assert.Contains(
            "no-such-program-anywhere",
            box.Task(ghost).Error,
            StringComparison.Ordinal
        );
        Assert.Equal(("failed", "launch"), (box.Task(bad).Status, box.Task(bad).Reason));
        Assert.Equal("complete", box.Task(good).Status);
    }

    [Fact]
    public void What_an_agent_leaves_behind_ends_with_it()
    {
        using var box = new Sandbox();
        box.ConfigureFakeAgent();
        foreach (var steps in new[] { "children 3", "setsid", "double-fork", "daemon" })
        {
            var id = box.Run("start", "fake", steps + "; print left", "--quiet").Gives(0).Text;

            box.Run("run", "--wait").Gives(0);

            Assert.Equal("complete", box.Task(id).Status);
            Assert.Empty(box.ProcessesOf(id));
        }
    }

    [Fact]
    public void A_child_that_keeps_stdout_open_delays_nothing()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("sleep 300 & echo on its way");

        var run = box.Run("run", "--wait").Gives(0);

        // Far less than the child takes.
        Assert.True(run.Took.TotalSeconds < 60, run.ToString());
        Assert.Equal("complete", box.Task(id).Status);
    }

    [Fact]
    public void What_is_to_be_kept_is_kept()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "worker": { "command": "sh", "args": ["-c", "{prompt}"], "promptTemplate": "{userPrompt}", "keepChildren": true }
            """
        );
        var id = box.Run("start", "worker", "setsid sleep 300 & echo left", "--quiet")
            .Gives(0)
            .Text;

        box.Run("run", "--wait").Gives(0);

        Assert.Equal("complete", box.Task(id).Status);
        // The child of a shell is the shell's image until it has called exec.
        Eventually.Holds(
            () => box.ProcessesOf(id).Exists(static p => Processes.CommandLine(p) == "sleep 300"),
            "the child goes on"
        );
    }

    [Fact]
    public void A_verdict_never_changes()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("exit 3");
        box.Run("run", "--wait").Gives(3);
        var before = File.ReadAllText(box.TaskPath(id));

        File.WriteAllText(box.PathOf("tasks", id, ".done"), "");
        box.Run("status").Gives(0);
        box.Run("cancel", id).Gives(1);
        box.Run("run", "--wait").Gives(0);

        Assert.Equal(before, File.ReadAllText(box.TaskPath(id)));
    }
}
