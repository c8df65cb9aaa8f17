using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class TaskStandingTests : IDisposable
{
    private static readonly DateTimeOffset s_now = TimedQueue.Now;
    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(1, true)]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    public void A_back_off_is_waited_for_until_its_very_moment(int left, bool waits)
    {
        var standing = Standing(new TaskState.Pending(NotBefore: s_now.AddSeconds(left)));

        Assert.Equal(waits, standing.IsWaiting);
        Assert.Equal(waits ? TimeSpan.FromSeconds(left) : null, standing.StartsIn);
        Assert.Equal(waits ? "waiting" : "pending", standing.Word);
    }

    [Fact]
    public void What_is_starting_neither_waits_nor_is_held()
    {
        var state = new TaskState.Pending(Held: true, NotBefore: s_now.AddSeconds(9));
        var standing = Standing(state) with { IsStarting = true };

        Assert.False(standing.IsHeld);
        Assert.False(standing.IsWaiting);
        Assert.Null(standing.StartsIn);
        Assert.Equal((TaskStatus.Running, "pending"), (standing.Status, standing.Word));
    }

    [Fact]
    public void Only_a_running_task_has_time_left()
    {
        var limited = TimedQueue.Running(1, elapsed: 10) with { Timeout = TimeSpan.FromMinutes(5) };

        Assert.Equal(290, new TaskStanding(limited, s_now).Remaining?.TotalSeconds);
        Assert.Equal(-10, new TaskStanding(limited, s_now.AddSeconds(300)).Remaining?.TotalSeconds);
        Assert.Null(Standing(TimedQueue.Running(1, elapsed: 10).State).Remaining);
        Assert.False(Standing(TimedQueue.Running(1, elapsed: 10).State).IsNearLimit);
        var pending = new TaskStanding(limited with { State = new TaskState.Pending() }, s_now);
        Assert.Null(pending.Remaining);
        Assert.False(pending.IsNearLimit);
        var ended = TimedQueue.Complete(1, ago: 1) with { Timeout = TimeSpan.FromSeconds(6) };
        Assert.Null(new TaskStanding(ended, s_now).Remaining);
        Assert.False(new TaskStanding(ended, s_now).IsNearLimit);
    }

    [Theory]
    [InlineData(null, 60)]
    [InlineData(5, 5)]
    public void A_warning_of_its_own_comes_before_the_usual_one(int? own, int seconds)
    {
        var task = TimedQueue.Running(1, elapsed: 0) with
        {
            Timeout = TimeSpan.FromMinutes(5),
            TimeoutWarning = own is { } s ? TimeSpan.FromSeconds(s) : null,
        };

        Assert.Equal(seconds, new TaskStanding(task, s_now).Warning.TotalSeconds);
        Assert.False(new TaskStanding(task, s_now.AddSeconds(299 - seconds)).IsNearLimit);
        Assert.True(new TaskStanding(task, s_now.AddSeconds(300 - seconds)).IsNearLimit);
    }

    [Fact]
    public void How_long_it_took_is_known_if_it_ever_ran()
    {
        Assert.Equal(5, Standing(TimedQueue.Complete(1, ago: 100).State).Elapsed?.TotalSeconds);
        Assert.Equal(7, Standing(TimedQueue.Running(1, elapsed: 7).State).Elapsed?.TotalSeconds);
        Assert.Null(Standing(new TaskState.Cancelled(null, s_now)).Elapsed);
        Assert.Null(Standing(new TaskState.Pending()).Elapsed);
        Assert.Equal(
            TimeSpan.Zero,
            Standing(new TaskState.Complete(s_now, s_now.AddSeconds(-5))).Elapsed
        );
    }

    [Fact]
    public void It_names_what_it_waits_for()
    {
        var standing = Standing(new TaskState.Pending());
        Assert.Empty(standing.WaitingFor);
        Assert.False(standing.IsWaiting);
        TaskId[] others = [TimedQueue.Id(2), TimedQueue.Id(3)];
        var waiting = standing with { Readiness = new Readiness.Waiting(others) };
        Assert.Equal(others, waiting.WaitingFor);
        Assert.True(waiting.IsWaiting);
        Assert.True(
            (standing with { Readiness = new Readiness.Blocked(others[0], "no") }).IsWaiting
        );
        Assert.False((waiting with { Summary = TimedQueue.Running(1, 3) }).IsWaiting);
    }

    [Fact]
    public void Its_lock_and_its_dependencies_are_looked_at_only_where_they_matter()
    {
        var first = _temp.Put(TimedQueue.Pending(1));
        var second = _temp.Put(TimedQueue.Pending(2) with { DependsOn = [first.Id] });
        Assert.False(Of(first).IsStarting);
        Assert.IsType<Readiness.Waiting>(Of(second).Readiness);
        Assert.False(Of(second).IsStarting);

        using var one = _temp.Queue.TryLockTask(first.Id);
        using var two = _temp.Queue.TryLockTask(second.Id);
        Assert.True(Of(first).IsStarting);
        Assert.IsType<Readiness.Ready>(Of(first).Readiness);
        Assert.True(Of(second).IsStarting);
        Assert.IsType<Readiness.Waiting>(Of(second).Readiness);
        Assert.False(Of(first, mayBeSupervised: false).IsStarting);
        Assert.False(Of(TimedQueue.Running(1, elapsed: 1)).IsStarting);
    }

    [Fact]
    public void The_rest_of_the_queue_is_looked_at_only_for_a_task_that_depends_on_some_of_it()
    {
        var task = _temp.Put(TimedQueue.Pending(1));
        var dependencies = new Lazy<Dependencies>(() => new Dependencies(_temp.Queue, null));
        using var held = _temp.Queue.TryLockTask(task.Id);

        TaskStanding Look(AgentTask at) =>
            TaskStanding.Of(at, _temp.Queue, static _ => true, dependencies, s_now);

        Assert.True(Look(task).IsStarting);
        Look(TimedQueue.Running(2, elapsed: 1) with { DependsOn = [task.Id] });
        Assert.False(dependencies.IsValueCreated);
        Look(TimedQueue.Pending(3) with { DependsOn = [task.Id] });
        Assert.True(dependencies.IsValueCreated);
    }

    private TaskStanding Of(AgentTask task, bool mayBeSupervised = true) =>
        TaskStanding.Of(
            task,
            _temp.Queue,
            _ => mayBeSupervised,
            new Lazy<Dependencies>(() => new Dependencies(_temp.Queue, _temp.Take())),
            s_now
        );

    private static TaskStanding Standing(TaskState state) =>
        new(TimedQueue.Pending(1) with { State = state }, s_now);
}
