using AgentQueue.Plans;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Plans;

public sealed class RunViewTests
{
    private readonly RunStage _stage = new("a", "b", "c");

    [Fact]
    public void A_node_waits_is_ready_runs_and_is_complete()
    {
        _stage.Put("a", RunStage.Complete());
        _stage.Put("b", "a");
        _stage.Put("c", "a", "b");
        Assert.Equal("complete, ready, pending: waits for b", Nodes());
        _stage.Put("b", new TaskState.Running(FakeTime.Start));
        Assert.Equal("complete, running, pending: waits for b", Nodes());
        Assert.Equal(RunState.Running, _stage.View().State);
    }

    [Fact]
    public void A_task_that_is_starting_runs()
    {
        PutAll();
        using var held = _stage.World.Open().Queue.TryLockTask(_stage.Id("a"));
        Assert.Equal("running: starting, ready, ready", Nodes());
    }

    [Fact]
    public void More_than_three_that_are_waited_for_are_counted()
    {
        var stage = new RunStage("a", "b", "c", "d", "e", "f");
        foreach (var node in (string[])["a", "b", "c", "d", "e"])
        {
            stage.Put(node);
        }

        stage.Put("f", "a", "b", "c", "d", "e");
        Assert.Equal("waits for a, b, c and 2 more", stage.View().Nodes[5].Reason);
    }

    [Fact]
    public void What_waits_for_a_failure_is_skipped_and_the_run_has_failed()
    {
        _stage.Put("a", RunStage.Failed());
        _stage.Put("b", "a");
        _stage.Put("c", "b");
        Assert.Equal("failed: it failed, skipped: a failed, skipped: b was skipped", Nodes());
        var view = _stage.View();
        Assert.Equal((RunState.Failed, true), (view.State, view.IsOver));
        Assert.Equal(ExitCode.WorkFailed, view.ExitCode);
        Assert.Equal((1, 2), (view.Count(NodeState.Failed), view.Count(NodeState.Skipped)));
    }

    [Fact]
    public void A_run_is_complete_when_all_that_was_to_run_is()
    {
        _stage.Put("a", RunStage.Complete());
        _stage.Put("b", RunStage.Skipped());
        _stage.Put("c", RunStage.Complete() with { Note = "wrote .done, then exited with code 3" });
        Assert.Equal(
            "complete, skipped: a is complete, not failed, complete: wrote .done, then exited with code 3",
            Nodes()
        );
        Assert.Equal(
            (RunState.Complete, ExitCode.Ok),
            (_stage.View().State, _stage.View().ExitCode)
        );
    }

    [Fact]
    public void A_run_with_a_cancelled_node_was_cancelled_whatever_failed()
    {
        _stage.Put("a", RunStage.Cancelled());
        _stage.Put("b", RunStage.Failed());
        _stage.Put("c", "a");
        Assert.Equal("cancelled, failed: it failed, skipped: a was cancelled", Nodes());
        Assert.Equal(
            (RunState.Cancelled, ExitCode.WorkCancelled),
            (_stage.View().State, _stage.View().ExitCode)
        );
    }

    [Fact]
    public void A_node_that_failed_and_is_tried_again_says_when()
    {
        PutAll();
        _stage.World.Put(
            _stage.New("a") with
            {
                MaxRetries = 1,
                AutoRetry = true,
                State = RunStage.Failed(),
            }
        );
        Assert.StartsWith("retrying: retry in ", Nodes(), StringComparison.Ordinal);
        Assert.Equal(RunState.Stopped, _stage.View().State);
    }

    [Fact]
    public void The_last_attempt_at_a_node_counts()
    {
        var second = RunId.RetryOf(_stage.Id("a"), 1);
        var third = RunId.RetryOf(_stage.Id("a"), 2);
        PutAll();
        _stage.Put("a", RunStage.Failed() with { RetriedBy = second });
        _stage.World.Put(
            _stage.New("a") with
            {
                Id = second,
                State = RunStage.Cancelled() with { RetriedBy = third },
            }
        );
        _stage.World.Put(_stage.New("a") with { Id = third, State = RunStage.Complete() });
        var node = _stage.View().Nodes[0];
        Assert.Equal(
            (NodeState.Complete, 3, third),
            (node.State, node.Attempts.Length, node.Last!.Id)
        );
        Assert.Equal(FakeTime.Start, node.StartedAt);
        Assert.Equal(TimeSpan.FromSeconds(2), node.Took(FakeTime.Start.AddHours(1)));
    }

    [Fact]
    public void Who_has_to_say_yes_is_asked_only_when_the_task_could_start()
    {
        var held = new TaskState.Pending(Held: true);
        _stage.Put("a", new TaskState.Running(FakeTime.Start));
        var task = _stage.New("b", "a");
        _stage.World.Put(
            task with
            {
                Step = task.Step! with { Approval = "Deploy?" },
                State = held,
            }
        );
        _stage.Put("c", held);
        Assert.Equal("running, pending: waits for a, held: held", Nodes());
        _stage.Put("a", RunStage.Complete());
        Assert.Equal("complete, approval: Deploy?, held: held", Nodes());
        Assert.Equal(RunState.Waiting, _stage.View().State);
        _stage.World.Put(_stage.Read("b") with { State = RunStage.Cancelled() });
        Assert.Equal("complete, cancelled: not approved, held: held", Nodes());
    }

    [Fact]
    public void Once_a_task_has_failed_for_good_fail_fast_skips_the_rest()
    {
        var stage = FailFast();
        stage.Put("a", RunStage.Failed());
        stage.Put("b");
        stage.Put("c", "b");
        Assert.Equal(
            "failed: it failed, skipped: fail-fast: a failed, skipped: fail-fast: a failed",
            Nodes(stage)
        );
        Assert.Equal(RunState.Failed, stage.View().State);
    }

    [Fact]
    public void What_would_be_tried_again_is_not_once_fail_fast_has_ended_the_run()
    {
        var stage = FailFast();
        stage.World.Put(
            stage.New("a") with
            {
                MaxRetries = 9,
                AutoRetry = true,
                State = RunStage.Failed(),
            }
        );
        stage.Put("b", RunStage.Failed());
        stage.Put("c", "a", "b");
        stage.Drain();
        Assert.True(stage.View().IsOver, $"{stage.View().State}: {Nodes(stage)}");
        Assert.Equal(RunState.Failed, stage.View().State);
    }

    [Fact]
    public void A_run_whose_supervisors_are_gone_has_stopped()
    {
        PutAll();
        Assert.Equal(RunState.Stopped, _stage.View().State);
        _stage.World.Open().RunOf(RunStage.Run).BeginDrain(new DrainRules(1));
        Assert.Equal(RunState.Running, _stage.View().State);
        _stage.World.Backend.Waiting[0].Process.Die();
        _stage.World.Backend.Waiting.Clear();
        Assert.Equal(RunState.Stopped, _stage.View().State);
    }

    [Fact]
    public void A_run_whose_tasks_were_not_stored_has_stopped()
    {
        Assert.Equal(
            "pending: its task is not there, pending: its task is not there, pending: its task is not there",
            Nodes()
        );
        Assert.Equal((RunState.Stopped, false), (_stage.View().State, _stage.View().IsOver));
        Assert.Null(_stage.View().StartedAt);
    }

    [Fact]
    public void A_run_lasts_from_its_first_start_to_its_last_end()
    {
        _stage.Put("a", RunStage.Complete());
        _stage.Put(
            "b",
            new TaskState.Complete(FakeTime.Start.AddMinutes(-5), FakeTime.Start.AddMinutes(-4))
        );
        _stage.Put("c", RunStage.Skipped());
        var view = _stage.View();
        Assert.Equal(FakeTime.Start.AddMinutes(-5), view.StartedAt);
        Assert.Equal(FakeTime.Start.AddSeconds(2), view.EndedAt);
        _stage.Put("c");
        Assert.Null(_stage.View().EndedAt);
    }

    [Fact]
    public void Every_state_has_a_word()
    {
        Assert.Equal(
            "pending ready running retrying approval held complete failed cancelled skipped",
            string.Join(' ', Enum.GetValues<NodeState>().Select(RunView.WordOf))
        );
        Assert.Equal(
            "running waiting stopped complete failed cancelled",
            string.Join(' ', Enum.GetValues<RunState>().Select(RunView.WordOf))
        );
    }

    private static RunStage FailFast()
    {
        var stage = new RunStage("a", "b", "c");
        return new RunStage("a", "b", "c")
        {
            Record = stage.Record with { Rules = new DrainRules(1) { FailFast = true } },
        };
    }

    private void PutAll()
    {
        _stage.Put("a");
        _stage.Put("b");
        _stage.Put("c");
    }

    private string Nodes() => Nodes(_stage);

    private static string Nodes(RunStage stage) =>
        string.Join(
            ", ",
            stage
                .View()
                .Nodes.Select(static n =>
                    RunView.WordOf(n.State) + (n.Reason.Length > 0 ? ": " + n.Reason : "")
                )
        );
}
