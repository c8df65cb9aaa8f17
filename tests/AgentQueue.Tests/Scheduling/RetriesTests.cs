using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class RetriesTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();

    [Fact]
    public void A_retry_is_a_new_task_in_the_same_line()
    {
        Fail(t =>
            t with
            {
                Priority = 9,
                Timeout = TimeSpan.FromMinutes(1),
                DependsOn = [TaskId.Parse("task_dep")],
                Name = "title",
            }
        );
        var retry = _world.Open().Retries.Create(s_id, new RetryOptions());
        var stored = _world.Read(retry.Id);
        Assert.Equal(1, stored.RetryCount);
        Assert.Equal(s_id, stored.Parent);
        Assert.Equal(9, stored.Priority);
        Assert.Equal(TimeSpan.FromMinutes(1), stored.Timeout);
        Assert.Equal("task_dep", Assert.Single(stored.DependsOn).Value);
        Assert.False(stored.AutoRetry);
        var record = Assert.Single(stored.RetryHistory);
        Assert.Equal(
            (1, "it failed", (TaskId?)s_id),
            (record.Attempt, record.Error, record.RetriedFrom)
        );
        Assert.Equal(retry.Id, Failed(s_id).RetriedBy);
        Assert.Null(Failed(s_id).RetryIntent);
    }

    [Fact]
    public void A_task_is_retried_once_by_hand()
    {
        Fail();
        var own = _world.Open();
        var first = own.Retries.Create(s_id, new RetryOptions());
        var e = Assert.Throws<QueueException>(() => own.Retries.Create(s_id, new RetryOptions()));
        Assert.Contains(first.Id.Value, e.Message, StringComparison.Ordinal);
        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void Only_a_failed_task_with_retries_left_is_retried()
    {
        var own = _world.Open();
        _world.Put(_world.NewTask("p"));
        Assert.Throws<QueueException>(() =>
            own.Retries.Create(TaskId.Parse("task_p"), new RetryOptions())
        );
        Fail(static t => t with { RetryCount = 3 });
        var e = Assert.Throws<QueueException>(() => own.Retries.Create(s_id, new RetryOptions()));
        Assert.Contains("--max-retries 4", e.Hint, StringComparison.Ordinal);
        Assert.Equal(4, own.Retries.Create(s_id, new RetryOptions(MaxRetries: 4)).RetryCount);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 4)]
    public void An_automatic_retry_comes_when_its_wait_is_over(int retryCount, int wait)
    {
        Fail(t => t with { AutoRetry = true, RetryCount = retryCount });
        _world.Time.Advance(TimeSpan.FromSeconds(wait) - TimeSpan.FromMilliseconds(1));
        Reconcile();
        Assert.Equal(1, CountTasks());
        _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        Reconcile();
        Assert.Equal(2, CountTasks());
        Assert.True(_world.Read(Failed(s_id).RetriedBy!.Value).AutoRetry);
    }

    [Fact]
    public void However_often_it_is_reconciled_there_is_one_retry()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 10; i++)
        {
            Reconcile();
        }

        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void A_clock_that_was_set_back_a_little_makes_no_retry_early()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.SetWall(TimeSpan.FromMinutes(-4));
        _world.Time.Advance(TimeSpan.FromMinutes(3));
        Reconcile();
        Assert.Equal(1, CountTasks());
    }

    [Fact]
    public void A_clock_that_was_set_back_keeps_no_retry_waiting_for_longer_than_any_back_off()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.SetWall(TimeSpan.FromDays(-3650));
        Reconcile();
        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void A_retry_whose_maker_was_killed_at_any_step_is_made_once()
    {
        for (var step = 0; ; step++)
        {
            var world = new World();
            world.Put(NewFailure(world) with { AutoRetry = true });
            world.Time.Advance(TimeSpan.FromHours(1));
            if (!Crash.At(world, step, static own => own.Reconciler.Reconcile(autoRetry: true)))
            {
                Assert.InRange(step, 8, 100);
                return;
            }

            AssertOneRetry(world, $"killed before step {step}");
        }
    }

    [Fact]
    public void A_retry_whose_maker_lost_the_power_at_any_step_is_made_once()
    {
        for (var seed = 0; seed < 600; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            world.Put(NewFailure(world) with { AutoRetry = true });
            world.Disk.LosePower(fate);
            world.Time.Advance(TimeSpan.FromHours(1));
            Crash.At(world, fate.Next(20), static own => own.Reconciler.Reconcile(autoRetry: true));
            world.Disk.LosePower(fate);
            AssertOneRetry(world, $"seed {seed}");
        }
    }

    [Fact]
    public void The_full_disk_makes_no_second_retry()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.Advance(TimeSpan.FromHours(1));
        var size = _world.Disk.Files().Sum(static f => f.Content.Length);
        for (var room = 0; room < 4000; room += 50)
        {
            _world.Disk.Capacity = size + room;
            try
            {
                Reconcile();
            }
            catch (QueueException e)
            {
                Assert.Contains("No space", e.Message, StringComparison.Ordinal);
            }
        }

        _world.Disk.Capacity = long.MaxValue;
        Reconcile();
        Assert.Equal(2, CountTasks());
    }

    private static void AssertOneRetry(World world, string when)
    {
        world.Open().Reconciler.Reconcile(autoRetry: true);
        var tasks = QueueSnapshot.Take(world.Open().Queue);
        Assert.True(tasks.Count == 2, $"{when}: {tasks.Count} tasks");
        Assert.Empty(tasks.Unreadable);
        var retry = Assert.Single(tasks.Unfinished);
        var failed = Assert.IsType<TaskState.Failed>(world.Read(s_id).State);
        Assert.Equal(retry.Id, failed.RetriedBy);
        Assert.Null(failed.RetryIntent);
        Assert.Equal(s_id, world.Read(retry.Id).Parent);
        var before = world.Disk.Dump();
        world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(before, world.Disk.Dump());
    }

    private void Fail(Func<AgentTask, AgentTask>? change = null)
    {
        var task = NewFailure(_world);
        _world.Put(change is null ? task : change(task));
    }

    private static AgentTask NewFailure(World world) =>
        world.NewTask("a") with
        {
            State = new TaskState.Failed(null, world.Time.GetUtcNow(), Reason.Exit, "it failed"),
        };

    private TaskState.Failed Failed(TaskId id) =>
        Assert.IsType<TaskState.Failed>(_world.Read(id).State);

    private void Reconcile() => _world.Open().Reconciler.Reconcile(autoRetry: true);

    private int CountTasks() => QueueSnapshot.Take(_world.Open().Queue).Count;
}
