using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class ForegroundRunTests
{
    private readonly World _world = new();
    private readonly List<TaskId> _started = [];
    private readonly List<TaskId> _ended = [];

    public ForegroundRunTests() => _world.Backend.Launched = static s => s.Live();

    [Fact]
    public void What_waits_is_started_and_seen_to_its_end()
    {
        var (a, b) = (Put("a"), Put("b"));
        var done = SeeThrough(1, a, b);
        Assert.Equal([a, b], done.Select(static t => t.Id).Order());
        Assert.All(done, static t => Assert.Equal(TaskStatus.Complete, t.Status));
        Assert.Equal([a, b], _started.Order());
        Assert.Equal([a, b], _ended.Order());
    }

    [Fact]
    public void A_task_with_a_time_is_started_when_it_comes()
    {
        var a = Put(
            "a",
            static t =>
                t with
                {
                    State = new TaskState.Pending(NotBefore: FakeTime.Start.AddMilliseconds(7300)),
                }
        );
        var done = Assert.IsType<TaskState.Complete>(Assert.Single(SeeThrough(1, a)).State);
        Assert.InRange((done.StartedAt! - FakeTime.Start).Value.TotalSeconds, 7.3, 7.4);
    }

    [Fact]
    public void What_others_have_in_hand_is_waited_for()
    {
        var a = Put("a");
        using var held = _world.Open("other").Queue.TryLockTask(a);
        _world.Time.Plan(
            TimeSpan.FromSeconds(3),
            () =>
                _world.Put(
                    _world.Read(a) with
                    {
                        State = new TaskState.Complete(null, FakeTime.Start),
                    }
                )
        );
        Assert.Equal(a, Assert.Single(SeeThrough(1, a)).Id);
        Assert.Empty(_started);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 3, 5);
    }

    [Fact]
    public void A_task_whose_supervisor_is_gone_is_settled_and_told()
    {
        var a = Put("a", t => t with { State = new TaskState.Running(FakeTime.Start, 77) });
        Assert.Equal(TaskStatus.Failed, Assert.Single(SeeThrough(1, a)).Status);
        Assert.Equal([a], _ended);
    }

    [Fact]
    public void What_died_before_is_told_even_to_one_who_leaves_at_once()
    {
        var a = Put("a", t => t with { State = new TaskState.Running(FakeTime.Start, 77) });
        Assert.Equal(a, Assert.Single(SeeThrough(1, static () => false, a)).Id);
    }

    [Theory]
    [InlineData(0.6, 0.3, 0.3)]
    [InlineData(0.3, 0.6, 0.3)]
    [InlineData(0.4, 2.5, 0.4)]
    [InlineData(1.7, 2.5, 1)]
    [InlineData(1, 1, 1)]
    public void The_earliest_back_off_ends_the_wait_or_else_a_second(
        double a,
        double b,
        double next
    )
    {
        var looks = LooksAt(2, FailedUntil("a", a), FailedUntil("b", b));
        Assert.Equal([0, next], looks);
    }

    [Fact]
    public void A_retry_that_somebody_made_is_looked_at_in_a_millisecond_and_then_once_a_second()
    {
        var b = Put("b");
        using var held = _world.Open("other").Queue.TryLockTask(b);
        var a = Put(
            "a",
            t =>
                t with
                {
                    State = new TaskState.Failed(null, FakeTime.Start, Reason.Exit, "no")
                    {
                        RetriedBy = b,
                    },
                }
        );
        Assert.Equal([0, 0.001, 1.001, 2.001], LooksAt(4, a));
    }

    [Fact]
    public void A_retry_takes_the_place_of_what_it_retries()
    {
        _world.Host.Script = NextAgent;
        var a = Put("a", static t => t with { AutoRetry = true, MaxRetries = 1 });
        var done = Assert.Single(SeeThrough(1, a));
        Assert.Equal((TaskStatus.Complete, 1), (done.Status, done.RetryCount));
        Assert.Equal([a, done.Id], _ended);

        FakeAgent NextAgent(TaskId _) =>
            new FakeAgent().Exit(1, code: _world.Host.Started.Count == 0 ? 1 : 0);
    }

    [Fact]
    public void Who_looks_on_may_leave_before_anything_is_started()
    {
        var a = Put("a");
        Assert.Empty(SeeThrough(1, () => false, a));
        Assert.Empty(_started);
    }

    [Fact]
    public void Supervisors_that_die_at_birth_again_and_again_are_not_waited_out()
    {
        _world.Backend.Launched = static s => s.Process.Die();
        var a = Put("a");
        var error = Assert.Throws<QueueException>(() => SeeThrough(1, a));
        Assert.Contains("still pending", error.Message, StringComparison.Ordinal);
        Assert.Equal(6, _started.Count);
        Assert.Equal(TaskStatus.Pending, _world.Read(a).Status);
    }

    // Its automatic retry is due so many seconds from the start.
    private TaskId FailedUntil(string token, double due) =>
        Put(
            token,
            t =>
                t with
                {
                    AutoRetry = true,
                    State = new TaskState.Failed(
                        null,
                        FakeTime.Start.AddSeconds(due) - RetryPolicy.Backoff(0),
                        Reason.Exit,
                        "no"
                    ),
                }
        );

    private List<double> LooksAt(int count, params TaskId[] ids)
    {
        var looks = new List<double>();
        SeeThrough(
            1,
            () =>
            {
                looks.Add(Math.Round(_world.Time.Elapsed.TotalSeconds, 6));
                return looks.Count < count;
            },
            ids
        );
        return looks;
    }

    private TaskId Put(string token, Func<AgentTask, AgentTask>? change = null) =>
        _world.Put(_world.NewTask(token, change)).Id;

    private IReadOnlyList<AgentTask> SeeThrough(int limit, params TaskId[] ids) =>
        SeeThrough(limit, static () => true, ids);

    private IReadOnlyList<AgentTask> SeeThrough(int limit, Func<bool> look, params TaskId[] ids) =>
        _world
            .Open()
            .Foreground.SeeThrough(
                ids,
                limit,
                s => _started.Add(s.Task.Id),
                t => _ended.Add(t.Id),
                look
            );
}
