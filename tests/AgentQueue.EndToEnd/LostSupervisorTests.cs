namespace AgentQueue.EndToEnd;

/// <summary>The supervisor dies without a word: the next verb finds out the truth, and starts nothing twice.</summary>
public sealed class LostSupervisorTests
{
    [Theory]
    [InlineData("status")]
    [InlineData("run")]
    [InlineData("wait")]
    [InlineData("cancel --all")]
    [InlineData("doctor --fix")]
    [Trait("Fault", "F7")]
    public void The_next_verb_ends_an_agent_whose_supervisor_was_killed(string verb) =>
        Fault.Inject(
            "F7",
            fault =>
            {
                using var box = new Sandbox();
                fault.Injected();
                var id = box.RunInBackground(box.Journal.Around("sleep 300"));
                Eventually.Holds(() => box.ProcessesOf(id).Count >= 2, "the agent runs");
                box.KillAtOnce(box.SupervisorOf(id));
                Assert.NotEmpty(box.ProcessesOf(id));

                box.Run(verb.Split(' ')).Gives(0, 1, 3, 4);

                var task = box.Task(id);
                Assert.Contains(task.Status, new[] { "failed", "cancelled" });
                Assert.Equal(task.Status == "failed" ? "lost" : null, task.Reason);
                Assert.Empty(box.ProcessesOf(id));
                box.Journal.ShowsNoSecondStart();
            }
        );

    [Fact]
    public void With_the_agent_gone_as_well_the_task_is_lost_and_says_so()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("exec sleep 300");
        box.KillAtOnce(box.SupervisorOf(id));
        box.KillProcessesOf(id);

        box.Run("status").Gives(0);

        Assert.Equal(("failed", "lost"), (box.Task(id).Status, box.Task(id).Reason));
        Assert.False(string.IsNullOrWhiteSpace(box.Task(id).Error));
    }

    [Fact]
    public void An_agent_that_had_written_done_is_complete()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground(
            "touch \"$AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID.done\"; sleep 300"
        );
        Eventually.Holds(() => File.Exists(box.PathOf("tasks", id, ".done")), "it wrote .done");
        box.KillAtOnce(box.SupervisorOf(id));

        box.Run("status").Gives(0);

        Assert.Equal("complete", box.Task(id).Status);
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void An_agent_that_had_written_an_error_failed_with_its_words()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground(
            "echo no such table > \"$AGENTQ_ROOT/.agents/tasks/$AGENTQ_TASK_ID.error\"; sleep 300"
        );
        Eventually.Holds(
            () => new FileInfo(box.PathOf("tasks", id, ".error")) is { Exists: true, Length: > 0 },
            "it wrote .error"
        );
        box.KillAtOnce(box.SupervisorOf(id));

        box.Run("status").Gives(0);

        Assert.Equal(("failed", "error"), (box.Task(id).Status, box.Task(id).Reason));
        Assert.Contains("no such table", box.Task(id).Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Fault", "F7")]
    public void Supervisors_killed_at_any_moment_lose_nothing_and_double_nothing() =>
        Fault.Inject(
            "F7",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                var ids = ParallelRunTests.Batch(box, 30, box.Journal.Around("sleep 0.2"));
                var random = new Random(20261);
                for (var round = 0; round < 40; round++)
                {
                    box.Run("run", "--parallel", "4").Gives(0, 3);
                    Thread.Sleep(random.Next(0, 25));
                    foreach (var pid in box.Supervisors.Where(_ => random.Next(2) == 0))
                    {
                        Processes.Signal(pid, Processes.Kill);
                        fault.Injected();
                    }
                }

                box.Run("run", "--drain", "--parallel", "4", "--wait").Gives(0, 3);

                Assert.Equal(ids.Order(StringComparer.Ordinal), box.Ids);
                Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
                box.Journal.ShowsNoSecondStart();
                foreach (var task in box.Tasks)
                {
                    // What never began is pending again and was run in the end; what did is told as it was. An
                    // agent may have been ended before its first line.
                    Assert.InRange(
                        box.Journal.StartsOf(task.Id),
                        task.Status == "complete" ? 1 : 0,
                        1
                    );
                    if (task.Status == "complete")
                    {
                        Assert.Contains(("stop", task.Id), box.Journal.Lines);
                    }
                    else
                    {
                        Assert.Contains(task.Reason, new[] { "lost", "exit" });
                    }
                }
            }
        );

    [Fact]
    public void A_supervisor_told_to_end_ends_its_agent_and_says_so()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");

        Processes.Signal(box.SupervisorOf(id), Processes.Term);

        var task = box.Ended(id);
        Assert.Equal(("failed", "lost"), (task.Status, task.Reason));
        Assert.Empty(box.ProcessesOf(id));
    }

    [Fact]
    public void A_drain_whose_supervisors_were_all_killed_keeps_nobody_waiting()
    {
        using var box = new Sandbox();
        var id = box.Enqueue("sleep 300");
        box.Run("run", "--drain").Gives(0);
        box.KillAtOnce(box.SupervisorOf(id));

        // It may find the loss before there is anything to wait for.
        box.Run("wait", "--timeout", "20").Gives(0, 3);

        Assert.Equal("lost", box.Task(id).Reason);
        var later = box.Enqueue("true");
        Assert.Equal("pending", box.Task(later).Status);
    }

    [Fact]
    public void A_second_look_changes_nothing()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");
        box.KillAtOnce(box.SupervisorOf(id));
        box.Run("status").Gives(0);
        var before = box.Picture();

        box.Run("status").Gives(0);
        box.Run("status", "--all").Gives(0);

        Assert.Equal(before, box.Picture());
    }
}
