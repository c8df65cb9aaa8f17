using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public class TaskViewTests
{
    private static readonly DateTimeOffset s_now = TimedQueue.Now;

    [Fact]
    public void A_ready_task_needs_no_words()
    {
        var view = new TaskView(TimedQueue.Pending(1), s_now);
        Assert.Equal("", view.Info);
        Assert.Equal("pending", view.Word);
        Assert.Null(view.Elapsed);
        Assert.Null(view.NextChange);
    }

    [Fact]
    public void A_task_names_two_of_those_it_waits_for()
    {
        var view = new TaskView(TimedQueue.Pending(1), s_now)
        {
            Readiness = new Readiness.Waiting([
                TimedQueue.Id(2),
                TimedQueue.Id(3),
                TimedQueue.Id(4),
                TimedQueue.Id(5),
            ]),
        };
        Assert.Equal("waits for task_1737000000002, task_1737000000003 and 2 more", view.Info);
        Assert.True(view.IsWaiting);
        Assert.Equal("waiting", view.Word);
    }

    [Fact]
    public void Two_that_it_waits_for_are_all_named()
    {
        var view = new TaskView(TimedQueue.Pending(1), s_now)
        {
            Readiness = new Readiness.Waiting([TimedQueue.Id(2), TimedQueue.Id(3)]),
        };
        Assert.Equal("waits for task_1737000000002, task_1737000000003", view.Info);
    }

    [Fact]
    public void A_blocked_task_says_by_what()
    {
        var view = new TaskView(TimedQueue.Pending(1), s_now)
        {
            Readiness = new Readiness.Blocked(TimedQueue.Id(2), "Dependency task_2 failed"),
        };
        Assert.Equal("blocked: Dependency task_2 failed", view.Info);
    }

    [Theory]
    [InlineData(0.2, "not before 15:03:09 (in 1s)")]
    [InlineData(4, "not before 15:03:13 (in 4s)")]
    [InlineData(111, "not before 15:05 (in 1m 51s)")]
    [InlineData(86400, "not before 2026-11-22 15:03:09 (in 1d)")]
    [InlineData(-1, "")]
    public void A_task_with_a_time_says_when_by_the_clock_on_the_wall(double left, string info)
    {
        var task = TimedQueue.Pending(1) with
        {
            State = new TaskState.Pending(NotBefore: s_now.AddSeconds(left)),
        };
        var view = new TaskView(task, s_now) { Zone = static () => Zones.Berlin };
        Assert.Equal(info, view.Info);
        Assert.Equal(info.Length > 0, view.IsWaiting);
    }

    [Fact]
    public void A_held_task_does_not_wait()
    {
        var task = TimedQueue.Pending(1) with
        {
            State = new TaskState.Pending(Held: true, NotBefore: s_now.AddSeconds(9)),
        };
        var view = new TaskView(task, s_now);
        Assert.True(view.IsHeld);
        Assert.False(view.IsWaiting);
        Assert.Equal("held", view.Word);
    }

    [Fact]
    public void What_is_starting_counts_as_running()
    {
        var view = new TaskView(TimedQueue.Pending(1), s_now) { IsStarting = true };
        Assert.Equal(AgentQueue.Tasks.TaskStatus.Running, view.Status);
        Assert.Equal("starting", view.Info);
        Assert.False(view.IsWaiting);
    }

    [Fact]
    public void A_task_that_has_ended_since_it_was_found_waiting_waits_for_nothing_any_more()
    {
        var before = new TaskStanding(TimedQueue.Pending(1), s_now)
        {
            IsStarting = true,
            Readiness = new Readiness.Waiting([TimedQueue.Id(2)]),
        };

        var ended = TaskView.Of(TimedQueue.Complete(1, ago: 0), before);
        Assert.Empty(ended.WaitingFor);
        Assert.False(ended.IsStarting);
        var started = TaskView.Of(TimedQueue.Running(1, elapsed: 0), before);
        Assert.False(started.IsStarting);
        var same = TaskView.Of(TimedQueue.Pending(1), before);
        Assert.True(same.IsStarting);
        Assert.Equal([TimedQueue.Id(2)], same.WaitingFor);
    }

    [Theory]
    [InlineData(0, 1.0, "retry in 1s; Exited with code 3")]
    [InlineData(2, 1.5, "retry in 4s; Exited with code 3")]
    [InlineData(2, 9.0, "retry due; Exited with code 3")]
    public void A_failure_counts_down_to_its_retry(int retries, double later, string info)
    {
        var task = TimedQueue.Failed(1, ago: 0) with { AutoRetry = true, RetryCount = retries };
        var view = new TaskView(task, s_now.AddSeconds(later - 1));
        Assert.Equal(info, view.Info);
    }

    [Fact]
    public void A_retry_that_is_due_is_no_change_to_wait_for()
    {
        var task = TimedQueue.Failed(1, ago: 60) with { AutoRetry = true };
        Assert.Null(new TaskView(task, s_now).NextChange);
    }

    [Fact]
    public void A_retried_failure_names_its_retry()
    {
        var task = TimedQueue.Failed(1, ago: 5);
        task = task with
        {
            AutoRetry = true,
            State = (TaskState.Failed)task.State with { RetriedBy = TimedQueue.Id(9) },
        };
        var view = new TaskView(task, s_now);
        Assert.Equal("retried as task_1737000000009; Exited with code 3", view.Info);
        Assert.Null(view.RetryIn);
    }

    [Theory]
    [InlineData(539, false)]
    [InlineData(540, true)]
    [InlineData(700, true)]
    public void A_running_task_is_near_its_limit_from_the_warning_on(int elapsed, bool near)
    {
        var task = TimedQueue.Running(1, elapsed) with { Timeout = TimeSpan.FromMinutes(10) };
        Assert.Equal(near, new TaskView(task, s_now).IsNearLimit);
    }

    [Fact]
    public void A_clock_that_was_set_back_makes_nothing_run_for_less_than_no_time() =>
        Assert.Equal(
            TimeSpan.Zero,
            new TaskView(TimedQueue.Running(1, elapsed: -30), s_now).Elapsed
        );
}
