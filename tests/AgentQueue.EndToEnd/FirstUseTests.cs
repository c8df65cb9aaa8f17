namespace AgentQueue.EndToEnd;

/// <summary>What people do in their first hour, by mistake or to see what happens.</summary>
public sealed class FirstUseTests
{
    [Fact]
    public void The_version_tells_which_commit_it_is_and_when_it_was_built()
    {
        using var box = new Sandbox();
        var text = box.Run("--version").Gives(0).Out;
        var json = box.Run("--version", "--json", "--no-color").Gives(0).Json;
        var (version, commit, built) = (Word("agentq"), Word("commit"), Word("built"));

        Assert.Equal(
            $"agentq {version} (commit {commit ?? "unknown"}{(built is null ? "" : $", built {built}")})\n",
            text
        );
        Assert.Matches(@"^\d+\.\d+\.\d+$", version);
        Assert.Matches("^([0-9a-f]{7,40}(-dirty)?|unknown)$", commit ?? "unknown");
        Assert.Matches(@"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$", built ?? "");
        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Folder));

        string? Word(string name) => json.GetProperty(name).GetString();
    }

    [Theory]
    [InlineData("status")]
    [InlineData("--frob")]
    public void The_version_is_no_answer_where_something_else_was_meant(string word)
    {
        using var box = new Sandbox();
        Assert.Empty(box.Run("--version", word).Gives(2).Out);
    }

    [Fact]
    public void A_deleted_run_folder_brings_no_second_agent_and_no_false_verdict()
    {
        using var box = new Sandbox();
        var go = Path.Join(box.Outside, "go");
        var id = box.RunInBackground(
            $"echo x >> starts; until test -e {go}; do sleep 0.05; done",
            "--auto-retry"
        );
        // Its supervisor may just make a file in there, for the event of the start.
        Eventually.Holds(
            () => box.Sh("rm -rf .agents/run; test ! -e .agents/run").Code == 0,
            "the folder is deleted"
        );

        box.Run("status").Gives(0);
        Assert.Equal("running", box.Task(id).Status);
        box.Run("run").Gives(0);

        File.WriteAllText(go, "");
        Assert.Equal("complete", box.Ended(id).Status);
        Assert.Equal(["x"], File.ReadAllLines(Path.Join(box.Folder, "starts")));
        Assert.Single(box.Ids);
    }

    [Theory]
    [InlineData("--depends-on", "")]
    [InlineData("--depends-on", ",")]
    [InlineData("--label", "")]
    [InlineData("--env", "")]
    public void An_empty_value_is_refused_and_does_not_mean_none(string option, string value)
    {
        using var box = new Sandbox();
        box.Run("start", "shell", "true", option, value).Gives(2);
        Assert.Empty(box.Ids);
    }

    [Fact]
    public void A_word_that_is_no_verb_is_told_even_if_a_verb_follows()
    {
        using var box = new Sandbox();
        Assert.Contains(
            "no verb 'frob'",
            box.Run("frob", "start").Gives(2).Err,
            StringComparison.Ordinal
        );
        Assert.Contains("Usage:", box.Run("help", "start").Gives(0).Out, StringComparison.Ordinal);
        Assert.Contains("Commands:", box.Run().Gives(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_waits_for_a_task_that_cannot_start_is_told_why()
    {
        using var box = new Sandbox();
        var held = box.Enqueue("true", "--hold");
        Assert.Contains(
            "is held",
            box.Run("wait", held, "--timeout", "1").Gives(5).Err,
            StringComparison.Ordinal
        );

        var failed = box.Enqueue("exit 1");
        box.Run("run", failed, "--wait").Gives(3);
        Assert.Contains(
            $"Dependency {failed} failed",
            box.Run("start", "shell", "true", "--depends-on", failed).Gives(0).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_supervisor_that_is_told_to_end_does_not_begin_with_the_next_task()
    {
        using var box = new Sandbox();
        var first = box.Enqueue("exec sleep 300");
        var second = box.Enqueue("true");
        box.Run("run", "--drain", "--parallel", "1").Gives(0);

        Processes.Signal(box.SupervisorOf(first), 15);

        Assert.Equal("lost", box.Ended(first).Reason);
        Eventually.Holds(() => box.Supervisors.Count == 0, "the supervisor has gone");
        Assert.Equal("pending", box.Task(second).Status);
    }

    [Fact]
    public void A_task_that_is_not_archived_is_not_restored()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true");
        box.Run("run", id, "--wait").Gives(0);
        Assert.Contains(
            "is not archived",
            box.Run("archive", "restore", id).Gives(1).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_log_that_became_a_fifo_keeps_nobody_waiting()
    {
        using var box = new Sandbox();
        var id = box.Enqueue(
            "rm .agents/logs/$AGENTQ_TASK_ID.log; mkfifo .agents/logs/$AGENTQ_TASK_ID.log; exit 3"
        );
        box.Run("run", id, "--wait").Gives(3);
        Assert.Equal("exit", box.Task(id).Reason);
    }
}
