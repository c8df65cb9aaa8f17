using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class QueueWaitTests
{
    private static readonly TaskId s_a = TaskId.Parse("task_a");
    private static readonly TaskId s_b = TaskId.Parse("task_b");
    private readonly World _world = new();
    private readonly List<string> _told = [];

    [Fact]
    public void All_are_waited_for_and_each_end_is_told_once()
    {
        Put("a");
        Put("b");
        EndAfter(3, "a");
        EndAfter(5, "b");

        Assert.Equal(["task_a", "task_b"], Until([s_a, s_b, s_a]));
        Assert.Equal(["task_a", "task_b"], _told);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 5, 7);
    }

    [Fact]
    public void Any_one_of_them_is_enough_if_that_is_asked()
    {
        Put("a");
        Put("b");
        EndAfter(3, "b");

        Assert.Equal(["task_b"], Until([s_a, s_b], any: true));
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 3, 5);
    }

    [Fact]
    public void Only_so_long_is_waited_and_what_has_ended_is_returned()
    {
        Put("a");
        Put("b");
        EndAfter(1, "a");

        Assert.Equal(["task_a"], Until([s_a, s_b], timeout: 4.5));
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 4.5, 4.6);
    }

    [Fact]
    public void Who_looks_on_may_stop_it()
    {
        Put("a");
        var looks = 0;

        Assert.Empty(Until([s_a], look: () => ++looks < 3));
        Assert.Equal(3, looks);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 1, 3);
    }

    [Fact]
    public void What_has_ended_already_is_not_waited_for()
    {
        Put("a", Complete());
        Assert.Equal(["task_a"], Until([s_a]));
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void A_task_whose_supervisor_is_gone_is_settled_by_whoever_waits()
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        Assert.Equal(["task_a"], Until([s_a], timeout: 10));
        Assert.Equal(TaskStatus.Failed, _world.Read(s_a).Status);
    }

    [Fact]
    public void A_task_that_its_supervisor_has_is_left_to_it()
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_a);
        Assert.Empty(Until([s_a], timeout: 3));
        Assert.Equal(TaskStatus.Running, _world.Read(s_a).Status);
    }

    [Fact]
    public void A_marker_on_a_pending_task_ends_it_and_the_wait()
    {
        Put("a");
        _world.Disk.Plant($"{World.Root}/.agents/tasks/task_a.done", "");
        Assert.Equal(["task_a"], Until([s_a], timeout: 10));
    }

    [Fact]
    public void What_was_archived_meanwhile_has_ended()
    {
        Put("a", Complete());
        var own = _world.Open();
        own.Disk.CreateFolder(own.Queue.Archive);
        own.Disk.Rename(own.Queue.TaskFile(s_a), own.Queue.ArchivedTask(s_a));
        Assert.Equal(["task_a"], Until([s_a]));
    }

    [Fact]
    public void What_was_removed_or_cannot_be_read_is_not_waited_for_in_vain()
    {
        Put("b");
        Assert.Contains(
            "was removed",
            Assert.Throws<QueueException>(() => Until([s_a])).Message,
            StringComparison.Ordinal
        );
        _world.Disk.Plant($"{World.Root}/.agents/tasks/task_a.json", "{");
        Assert.Contains(
            "Cannot read",
            Assert.Throws<QueueException>(() => Until([s_a])).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void An_empty_queue_is_idle_and_there_was_nothing_to_wait_for()
    {
        Put("a", Complete());
        var (ended, timedOut, waited) = UntilIdle();
        Assert.Empty(ended);
        Assert.False(timedOut);
        Assert.False(waited);
    }

    [Fact]
    public void What_has_just_ended_counts_if_it_is_named()
    {
        Put("a", Complete());
        var (ended, timedOut, waited) = UntilIdle(also: [s_a]);
        Assert.Equal(s_a, Assert.Single(ended).Id);
        Assert.Equal((false, true), (timedOut, waited));
        Assert.Equal(["task_a"], _told);
    }

    [Fact]
    public void A_queue_that_is_at_work_is_waited_for_until_its_time_is_up()
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_a);
        var (ended, timedOut, waited) = UntilIdle(timeout: 2.5);
        Assert.Empty(ended);
        Assert.Equal((true, true), (timedOut, waited));
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 2.5, 2.6);
    }

    [Fact]
    public void One_end_in_a_busy_queue_is_enough_if_that_is_asked()
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        Put("b", new TaskState.Running(FakeTime.Start, 78));
        using var a = _world.Open("supervisor").Queue.TryLockTask(s_a);
        using var b = _world.Open("supervisor").Queue.TryLockTask(s_b);
        EndAfter(3, "b");

        var (ended, timedOut, waited) = UntilIdle(timeout: 60, any: true);
        Assert.Equal(s_b, Assert.Single(ended).Id);
        Assert.Equal((false, true), (timedOut, waited));
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 3, 5);
    }

    [Fact]
    public void An_end_among_others_is_not_enough_if_it_is_not_asked()
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        Put("b", new TaskState.Running(FakeTime.Start, 78));
        using var a = _world.Open("supervisor").Queue.TryLockTask(s_a);
        using var b = _world.Open("supervisor").Queue.TryLockTask(s_b);
        EndAfter(3, "b");

        var (ended, timedOut, _) = UntilIdle(timeout: 10);
        Assert.Equal(s_b, Assert.Single(ended).Id);
        Assert.True(timedOut);
        Assert.Equal(["task_b"], _told);
    }

    [Fact]
    public void Whoever_looks_long_rests_nine_times_as_long()
    {
        Put("a");
        var looks = new List<TimeSpan>();
        Until(
            [s_a],
            timeout: 20,
            look: () =>
            {
                looks.Add(_world.Time.Elapsed);
                _world.Time.Advance(TimeSpan.FromMilliseconds(50));
                return looks.Count < 3;
            }
        );
        // 50 ms of looking, 450 of rest, a second without a sign of change.
        Assert.Equal([0, 1.5, 3], looks.Select(static l => Math.Round(l.TotalSeconds, 3)));
    }

    [Fact]
    public void A_very_long_look_is_followed_by_a_second_of_rest()
    {
        Put("a");
        var looks = new List<TimeSpan>();
        Until(
            [s_a],
            timeout: 20,
            look: () =>
            {
                looks.Add(_world.Time.Elapsed);
                _world.Time.Advance(TimeSpan.FromMilliseconds(500));
                return looks.Count < 3;
            }
        );
        Assert.Equal([0, 2.5, 5], looks.Select(static l => Math.Round(l.TotalSeconds, 3)));
    }

    [Theory]
    [InlineData(0, 2.5, new[] { 0, 1, 2, 2.5 })]
    [InlineData(50, 4.2, new[] { 0, 1.5, 3, 4.2 })]
    public void A_busy_queue_is_looked_at_once_a_second_after_a_rest(
        int lookMs,
        double timeout,
        double[] expected
    )
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_a);
        var looks = new List<double>();
        _world.Disk.Before = _ =>
        {
            var now = _world.Time.Elapsed.TotalSeconds;
            if (looks.Count == 0 || now - looks[^1] > 0.1)
            {
                looks.Add(Math.Round(now, 3));
                _world.Time.Advance(TimeSpan.FromMilliseconds(lookMs));
            }
        };

        Assert.True(UntilIdle(timeout).TimedOut);
        Assert.Equal(expected, looks);
    }

    [Fact]
    public void The_end_of_a_drain_is_seen_within_a_hundredth_of_a_second()
    {
        Put("a", Complete());
        var supervisor = _world.Open("supervisor");
        var drain = new Drain(supervisor.Queue, QueueScope.None);
        drain.Begin(new(1));
        var joined = drain.TryJoin();
        Assert.NotNull(joined);
        _world.Time.Plan(
            TimeSpan.FromMilliseconds(35),
            () =>
            {
                drain.End();
                joined.Dispose();
            }
        );

        var (_, timedOut, waited) = UntilIdle(timeout: 60);

        Assert.Equal((false, false), (timedOut, waited));
        Assert.Equal(40, _world.Time.Elapsed.TotalMilliseconds);
    }

    [Fact]
    public void A_queue_without_a_limit_of_time_is_waited_for_until_it_is_idle()
    {
        Put("a", new TaskState.Running(FakeTime.Start, 77));
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_a);
        _world.Time.Plan(
            TimeSpan.FromSeconds(2.5),
            () =>
            {
                Put("a", Complete());
                held!.Dispose();
            }
        );

        var (ended, timedOut, waited) = UntilIdle();

        Assert.Equal(s_a, Assert.Single(ended).Id);
        Assert.Equal((false, true), (timedOut, waited));
        Assert.Equal(2.5, _world.Time.Elapsed.TotalSeconds);
    }

    [Fact]
    public void A_task_that_was_retried_is_told_as_its_last_retry_that_has_ended()
    {
        Put("a", Failed(retriedBy: s_b));
        Put("b", Complete());
        Assert.Equal(s_b, Assert.Single(UntilIdle(also: [s_a, s_b]).Ended).Id);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("complete", 0)]
    [InlineData("complete cancelled complete", 2)]
    [InlineData("cancelled failed", 1)]
    [InlineData("failed cancelled complete", 1)]
    public void A_failure_weighs_more_than_a_cancellation(string states, int weight)
    {
        var outcome = QueueWait.Outcome(
            states
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(s =>
                    _world.NewTask("a") with
                    {
                        State = s switch
                        {
                            "complete" => Complete(),
                            "failed" => Failed(),
                            _ => new TaskState.Cancelled(null, FakeTime.Start),
                        },
                    }
                )
        );
        ExitCode[] expected = [ExitCode.Ok, ExitCode.WorkFailed, ExitCode.WorkCancelled];
        Assert.Equal(expected[weight], outcome);
    }

    private List<string> Until(
        TaskId[] ids,
        bool any = false,
        double? timeout = null,
        Func<bool>? look = null
    ) =>
        _world
            .Open()
            .Wait.Until(
                ids,
                any,
                timeout is { } s ? TimeSpan.FromSeconds(s) : null,
                t => _told.Add(t.Id.Value),
                look ?? (static () => true)
            )
            .Select(static t => t.Id.Value)
            .ToList();

    private (IReadOnlyList<AgentTask> Ended, bool TimedOut, bool Waited) UntilIdle(
        double? timeout = null,
        TaskId[]? also = null,
        bool any = false
    )
    {
        var own = _world.Open();
        return own.Wait.UntilIdle(
            own.Run,
            timeout is { } s ? TimeSpan.FromSeconds(s) : null,
            any,
            t => _told.Add(t.Id.Value),
            also
        );
    }

    private void Put(string token, TaskState? state = null) =>
        _world.Put(_world.NewTask(token) with { State = state ?? new TaskState.Pending() });

    private void EndAfter(int seconds, string token) =>
        _world.Time.Plan(TimeSpan.FromSeconds(seconds), () => Put(token, Complete()));

    private static TaskState.Complete Complete() => new(null, FakeTime.Start);

    private static TaskState.Failed Failed(TaskId? retriedBy = null) =>
        new(null, FakeTime.Start, Reason.Exit, "no") { RetriedBy = retriedBy };
}
