namespace AgentQueue.EndToEnd;

/// <summary>Cancelling: the whole tree, at once, and only what was cancelled.</summary>
public sealed class CancelTests
{
    [Fact]
    public void Cancel_leaves_nothing_of_a_tree_with_a_process_in_a_session_of_its_own()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sh -c 'setsid sleep 300 & sleep 300 & wait'");
        Eventually.Holds(() => box.ProcessesOf(id).Count >= 3, "the tree has grown");

        box.Run("cancel", id).Gives(0);

        Assert.Empty(box.ProcessesOf(id));
        Assert.Equal("cancelled", box.Task(id).Status);
        Eventually.Holds(() => box.Supervisors.Count == 0, "its supervisor has gone");
    }

    [Theory]
    [InlineData("children 50; sleep 300", 51)]
    [InlineData("setsid; sleep 300", 2)]
    [InlineData("double-fork; sleep 300", 2)]
    [InlineData("daemon; sleep 300", 2)]
    [InlineData("setsid; stop; sleep 300", 2)]
    [InlineData("close-fds; children 2; sleep 300", 1)]
    public void Cancel_leaves_nothing_of_an_agent_that(string steps, int processes)
    {
        using var box = new Sandbox();
        box.ConfigureFakeAgent();
        var id = box.Run("start", "fake", steps, "--quiet", "--run").Gives(0).Text;
        Eventually.Holds(() => box.ProcessesOf(id).Count >= processes, "the tree has grown");

        box.Run("cancel", id).Gives(0);

        Assert.Empty(box.ProcessesOf(id));
        Assert.Equal("cancelled", box.Task(id).Status);
    }

    [Fact]
    public void An_agent_that_ignores_term_is_killed_after_the_grace_and_not_before()
    {
        using var box = new Sandbox();
        box.Settings("\"grace\": \"1s\"");
        box.ConfigureFakeAgent();
        var ready = Path.Join(box.Outside, "ready");
        var id = box.Run(
                "start",
                "fake",
                $"ignore-term; journal {ready} start; sleep 300",
                "--quiet",
                "--run"
            )
            .Gives(0)
            .Text;
        Eventually.Holds(() => File.Exists(ready), "it ignores TERM");

        var cancel = box.Run("cancel", id).Gives(0);

        Assert.True(cancel.Took.TotalSeconds >= 1, $"the agent had no grace: {cancel}");
        Assert.Equal(("cancelled", 137), (box.Task(id).Status, box.Task(id).ExitCode));
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void A_pending_task_is_cancelled_at_once_and_never_runs()
    {
        using var box = new Sandbox();
        var id = box.Enqueue(box.Journal.Around("true"));

        box.Run("cancel", id).Gives(0);

        Assert.Equal("cancelled", box.Task(id).Status);
        box.Run("run", "--parallel", "3", "--wait").Gives(0);
        Assert.Empty(box.Journal.Starts);
    }

    [Fact]
    public void A_finished_task_refuses_and_says_its_state()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("true");
        box.Run("run", "--wait").Gives(0);
        var before = box.Picture();

        var cancel = box.Run("cancel", id).Gives(1);

        Assert.Contains("complete", cancel.Err, StringComparison.Ordinal);
        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void Cancel_all_ends_what_runs_and_what_waits()
    {
        using var box = new Sandbox();
        var running = box.RunInBackground("sleep 300");
        var pending = box.Enqueue("sleep 300");
        var held = box.Enqueue("sleep 300", "--hold");

        box.Run("cancel", "--all").Gives(0);

        Assert.All([running, pending, held], id => Assert.Equal("cancelled", box.Task(id).Status));
        Assert.Empty(box.ProcessesOf(running));
    }

    [Fact]
    public void One_that_refuses_does_not_stop_the_rest()
    {
        using var box = new Sandbox();
        var done = box.Enqueue("true");
        box.Run("run", "--wait").Gives(0);
        var pending = box.Enqueue("true");

        box.Run("cancel", done, pending).Gives(1);

        Assert.Equal("cancelled", box.Task(pending).Status);
    }

    [Fact]
    public void A_dot_cancelled_file_ends_a_running_task()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");

        File.WriteAllText(box.PathOf("tasks", id, ".cancelled"), "");

        Assert.Equal("cancelled", box.Ended(id).Status);
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void Cancelling_races_the_end_and_each_task_has_one_truthful_outcome()
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        for (var round = 0; round < 20; round++)
        {
            var id = box.RunInBackground(box.Journal.Around("sleep 0.0" + (round % 10)));
            var cancel = box.Run("cancel", id);
            var task = box.Ended(id);
            if (cancel.Code == 0 && task.Status == "cancelled")
            {
                Assert.Empty(box.ProcessesOf(id));
            }
            else
            {
                cancel.Gives(0, 1);
                Assert.Equal("complete", task.Status);
            }

            var markers = new[] { ".done", ".cancelled", ".error", ".timeout" }.Count(e =>
                File.Exists(box.PathOf("tasks", id, e))
            );
            Assert.Equal(1, markers);
        }

        box.Journal.ShowsNoSecondStart();
    }
}
