using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Storage;

public sealed class LockTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");

    [Theory, OnEachDisk]
    public void One_holder_keeps_out_every_other_until_it_lets_go(string disk)
    {
        using var stage = DiskStage.On(disk);
        var path = stage.Path("lock");
        using (var held = stage.Disk.TryLock(path, create: true))
        {
            Assert.NotNull(held);
            Assert.Null(stage.Disk.TryLock(path, create: true));
            Assert.Null(stage.Disk.TryLock(path, create: false));
            Assert.Null(stage.Disk.TryLockShared(path, create: true));
        }

        using var next = stage.Disk.TryLock(path, create: false);
        Assert.NotNull(next);
    }

    [Theory, OnEachDisk]
    public void Shared_holders_keep_out_only_an_exclusive_one(string disk)
    {
        using var stage = DiskStage.On(disk);
        var path = stage.Path("lock");
        using (var one = stage.Disk.TryLockShared(path, create: true))
        using (var two = stage.Disk.TryLockShared(path, create: true))
        {
            Assert.NotNull(one);
            Assert.NotNull(two);
            Assert.Null(stage.Disk.TryLock(path, create: true));
        }

        using var alone = stage.Disk.TryLock(path, create: true);
        Assert.NotNull(alone);
    }

    [Theory, OnEachDisk]
    public void A_lock_that_nobody_made_is_not_made_by_asking(string disk)
    {
        using var stage = DiskStage.On(disk);
        Assert.Null(stage.Disk.TryLock(stage.Path("lock"), create: false));
        Assert.Null(stage.Disk.Facts(stage.Path("lock")));
    }

    [Theory, OnEachDisk]
    public void A_lock_brings_its_deleted_folder_back(string disk)
    {
        using var stage = DiskStage.On(disk);
        using var held = stage.Disk.TryLock(stage.Path("gone/lock"), create: true);
        Assert.NotNull(held);
        Assert.Null(stage.Disk.TryLock(stage.Path("gone/lock"), create: true));
    }

    [Theory, OnEachDisk]
    public void Whoever_locks_after_the_file_was_removed_holds_a_new_one(string disk)
    {
        using var stage = DiskStage.On(disk);
        var path = stage.Path("lock");
        using var first = stage.Disk.TryLock(path, create: true);
        stage.Disk.Delete(path);
        using var second = stage.Disk.TryLock(path, create: true);
        Assert.NotNull(second);
        Assert.Null(stage.Disk.TryLock(path, create: true));

        // The first must not take the second's file away.
        stage.Disk.RemoveLock(first!, path);
        Assert.NotNull(stage.Disk.Facts(path));
        stage.Disk.RemoveLock(second, path);
        Assert.Null(stage.Disk.Facts(path));
    }

    [Theory, OnEachDisk]
    public void A_passing_lock_leaves_no_file(string disk)
    {
        using var stage = DiskStage.On(disk);
        stage.Queue.Create();
        using (var held = stage.Queue.TryLockPassing(s_id))
        {
            Assert.NotNull(held);
            Assert.True(stage.Queue.IsSupervised(s_id));
            Assert.Null(stage.Queue.TryLockPassing(s_id));
        }

        Assert.Null(stage.Disk.Facts(stage.Queue.LockFile(s_id)));
        Assert.False(stage.Queue.IsSupervised(s_id));
    }

    [Theory, OnEachDisk]
    public void Asking_who_holds_a_lock_changes_nothing(string disk)
    {
        using var stage = DiskStage.On(disk);
        stage.Queue.Create();
        Assert.False(stage.Queue.IsSupervised(s_id));
        Assert.Empty(stage.Disk.List(stage.Queue.Run));
        using (stage.Queue.TryLockTask(s_id))
        {
            Assert.True(stage.Queue.IsSupervised(s_id));
            Assert.False(stage.Queue.IsAgentAlive(s_id));
        }

        Assert.False(stage.Queue.IsSupervised(s_id));
    }

    [Fact]
    public void A_lock_in_use_is_waited_for_and_then_refused()
    {
        using var stage = DiskStage.On("memory");
        stage.Queue.Create();
        using var held = stage.Queue.LockQueue();
        var e = Assert.Throws<QueueException>(() => stage.Queue.LockQueue());
        Assert.Contains("has held the queue for 2 s", e.Message, StringComparison.Ordinal);
        Assert.InRange(stage.Time.Elapsed.TotalSeconds, 2, 2.1);
    }

    [Fact]
    public void A_lock_that_comes_free_meanwhile_is_taken()
    {
        using var stage = DiskStage.On("memory");
        stage.Queue.Create();
        var held = stage.Queue.LockQueue();
        stage.Time.Plan(TimeSpan.FromSeconds(1), held.Dispose);
        using var next = stage.Queue.LockQueue();
        Assert.InRange(stage.Time.Elapsed.TotalSeconds, 1, 1.1);
    }

    [Fact]
    public void A_lock_ends_with_the_last_who_inherited_it()
    {
        var disk = new MemoryDisk(new FakeTime());
        disk.Plant("/x/.keep", "");
        var (parent, child, other) = (disk.Process(), disk.Process(), disk.Process());
        var held = parent.TryLock("/x/lock", create: true)!;
        var inherited = child.Inherit(held.Descriptor);
        held.Dispose();
        Assert.Null(other.TryLock("/x/lock", create: false));
        child.Die();
        Assert.NotNull(other.TryLock("/x/lock", create: false));
        inherited.Dispose();
        Assert.Null(disk.Process().TryLock("/x/lock", create: false));
    }
}
