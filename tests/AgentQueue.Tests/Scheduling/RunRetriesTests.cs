using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

/// <summary>Retries of what a plan has made: by hand for anything that did not succeed, and afresh.</summary>
public sealed class RunRetriesTests
{
    private readonly RunStage _stage = new("a", "b");

    [Fact]
    public void What_was_cancelled_can_be_tried_again()
    {
        _stage.Put("a", RunStage.Cancelled());
        var retry = Retry(_stage.Id("a"));
        Assert.Equal("task_0123456789abcd-p1r1-a", retry.Id.Value);
        Assert.Equal(new TaskState.Pending(), retry.State);
        var ended = Assert.IsType<TaskState.Cancelled>(_stage.Read("a").State);
        Assert.Equal((retry.Id, null), (ended.RetriedBy, ended.RetryIntent));
        Assert.Null(Assert.Single(retry.RetryHistory).Error);
    }

    [Fact]
    public void What_was_skipped_can_be_tried_again_and_keeps_its_reason()
    {
        _stage.Put("a", RunStage.Skipped());
        Retry(_stage.Id("a"));
        Assert.NotNull(Assert.IsType<TaskState.Cancelled>(_stage.Read("a").State).Skipped);
    }

    [Fact]
    public void A_retry_keeps_what_its_plan_asks_and_its_place()
    {
        var task = _stage.New("a") with { State = RunStage.Failed() };
        _stage.World.Put(
            task with
            {
                Step = task.Step! with
                {
                    Outputs = ["*.txt"],
                    Backoff = [TimeSpan.FromSeconds(1.5)],
                },
                Checks = new WorkChecks
                {
                    Commands =
                    [
                        ["test", "-e", "x"],
                    ],
                },
            }
        );
        var retry = Retry(task.Id);
        Assert.Equal(TaskText.Of(_stage.Read("a").Step), TaskText.Of(retry.Step));
        Assert.Equal("test", retry.Checks!.Commands[0][0]);
        Assert.Equal((1, RunStage.Run), (RunId.NodeOf(retry.Id), RunId.Of(retry.Id)));
    }

    [Fact]
    public void By_hand_the_automatic_retries_begin_again()
    {
        _stage.World.Put(
            _stage.New("a") with
            {
                RetryCount = 2,
                MaxRetries = 2,
                AutoRetry = true,
                State = RunStage.Failed(),
            }
        );
        Assert.Null(RetryPolicy.DueAt(_stage.Read("a")));
        var retry = Retry(_stage.Id("a"));
        Assert.Equal((0, 2, true), (retry.RetryCount, retry.MaxRetries, retry.AutoRetry));
        Assert.NotNull(RetryPolicy.DueAt(retry with { State = RunStage.Failed() }));
    }

    [Fact]
    public void Automatic_retries_are_counted_and_end()
    {
        var runs = 0;
        _stage.World.Host.Script = _ =>
        {
            runs++;
            return new FakeAgent().Exit(1, code: 1);
        };
        _stage.World.Put(_stage.New("a") with { MaxRetries = 2, AutoRetry = true });
        _stage.Put("b", "afternotok:a");
        _stage.World.Host.Script = id =>
        {
            runs++;
            return new FakeAgent().Exit(1, code: RunId.NodeOf(id) == 1 ? 1 : 0);
        };
        _stage.Drain();
        Assert.Equal(4, runs);
        Assert.Equal(
            (TaskState.Failed?)null,
            _stage.World.Read(TaskId.Parse("task_0123456789abcd-p1r2-a")).State
                is TaskState.Failed { RetriedBy: not null } f
                ? f
                : null
        );
        Assert.IsType<TaskState.Complete>(_stage.Read("b").State);
    }

    [Fact]
    public void A_retry_by_hand_whose_maker_was_killed_at_any_step_is_made_once_and_afresh()
    {
        for (var step = 0; ; step++)
        {
            var stage = new RunStage("a");
            stage.World.Put(
                stage.New("a") with
                {
                    RetryCount = 2,
                    MaxRetries = 2,
                    AutoRetry = true,
                    RetryHistory = [new RetryRecord(1, FakeTime.Start, null, null)],
                    State = RunStage.Failed(),
                }
            );
            if (!Crash.At(stage.World, step, own => own.Retries.Create(stage.Id("a"), new())))
            {
                Assert.InRange(step, 5, 100);
                return;
            }

            stage.World.Open().Reconciler.Reconcile(autoRetry: true);
            if (stage.Read("a").State is TaskState.Failed { RetriedBy: { } next })
            {
                Assert.Equal("task_0123456789abcd-p1r2-a", next.Value);
                Assert.Equal(0, stage.World.Read(next).RetryCount);
            }
        }
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Who_has_not_been_asked_yet_is_asked_again(bool started, bool asked)
    {
        var task = _stage.New("a");
        _stage.World.Put(
            task with
            {
                Step = task.Step! with { Approval = "Deploy?" },
                State = started ? RunStage.Failed() : RunStage.Cancelled(),
            }
        );
        Assert.Equal(new TaskState.Pending(Held: asked), Retry(task.Id).State);
    }

    [Fact]
    public void All_that_failed_in_the_queue_are_tried_again_but_not_those_of_plans()
    {
        _stage.Put("a", RunStage.Failed());
        _stage.World.Put(_stage.World.NewTask("x") with { State = RunStage.Failed() });
        var own = _stage.World.Open();
        Assert.Equal(
            "task_x",
            Assert
                .Single(
                    own.Retries.FindRetryable(
                        AgentQueue.Storage.QueueSnapshot.Take(own.Queue),
                        new RetryOptions()
                    )
                )
                .Value
        );
    }

    [Fact]
    public void What_runs_or_is_complete_is_not_tried_again()
    {
        foreach (
            var state in (TaskState[])
                [
                    new TaskState.Pending(),
                    new TaskState.Running(FakeTime.Start),
                    RunStage.Complete(),
                ]
        )
        {
            _stage.Put("a", state);
            Assert.Throws<QueueException>(() => Retry(_stage.Id("a")));
        }
    }

    private AgentTask Retry(TaskId id) =>
        _stage.World.Read(_stage.World.Open().Retries.Create(id, new RetryOptions()).Id);
}
