using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class TaskBatchTests
{
    private static readonly TaskId s_a = TaskId.Parse("task_a");
    private static readonly TaskId s_b = TaskId.Parse("task_b");
    private static readonly TaskId s_c = TaskId.Parse("task_c");
    private readonly World _world = new();

    [Fact]
    public void A_batch_leaves_its_tasks_with_their_plans_and_no_journal()
    {
        var own = Open();
        TaskBatch.Create(own.Queue, Batch());

        Assert.Equal([s_a, s_b, s_c], Stored());
        Assert.Equal(3, _world.Disk.FilesIn(own.Queue.Plans).Count());
        Assert.Empty(QueueSnapshot.Take(own.Queue).Journals);
    }

    [Fact]
    public void A_batch_that_the_disk_refuses_is_taken_back_with_its_plans_and_the_disks_own_words()
    {
        var own = Open();
        OnSync(1, static () => { });

        var refused = Assert.Throws<QueueException>(() => TaskBatch.Create(own.Queue, Batch()));

        Assert.Equal("No space left on device", refused.Message);
        Assert.Empty(Stored());
        Assert.Empty(_world.Disk.FilesIn(own.Queue.Plans));
        Assert.Empty(QueueSnapshot.Take(own.Queue).Journals);
    }

    [Fact]
    public void What_somebody_has_begun_of_a_batch_stays_and_is_named()
    {
        var own = Open();
        HeldLock? starting = null;
        OnSync(
            1,
            () =>
            {
                starting = _world.Open("supervisor").Queue.TryLockTask(s_a);
                _world.Put(Ended(s_b));
            }
        );

        var refused = Assert.Throws<QueueException>(() => TaskBatch.Create(own.Queue, Batch()));

        Assert.Contains("stay: task_a, task_b", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("task_c", refused.Message, StringComparison.Ordinal);
        Assert.Equal([s_a, s_b], Stored());
        Assert.Equal(2, _world.Disk.FilesIn(own.Queue.Plans).Count());
        starting?.Dispose();
    }

    [Fact]
    public void Who_cannot_take_a_batch_back_says_that_it_may_still_come()
    {
        var own = Open();
        OnSync(int.MaxValue, static () => { });

        var refused = Assert.Throws<QueueException>(() => TaskBatch.Create(own.Queue, Batch()));

        Assert.Contains("could not be taken back", refused.Message, StringComparison.Ordinal);
        _world.Disk.Before = null;
        Assert.Equal(3, _world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot.Count);
    }

    [Fact]
    public void A_refused_batch_is_all_or_nothing_whenever_its_maker_and_the_power_go()
    {
        for (var seed = 0; seed < 800; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            var queue = world.Open().Queue;
            queue.Create();
            // Room for the journal and two of the tasks.
            world.Disk.Capacity = 2200 + fate.Next(400);
            var refused = false;
            var died = Crash.At(
                world,
                fate.Next(45),
                own =>
                {
                    try
                    {
                        TaskBatch.Create(own.Queue, Batch());
                    }
                    catch (QueueException e)
                    {
                        Assert.Contains("No space", e.Message, StringComparison.Ordinal);
                        refused = true;
                    }
                }
            );
            world.Disk.Capacity = long.MaxValue;
            world.Disk.LosePower(fate);

            var found = world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot;
            Assert.Empty(found.Unreadable);
            Assert.True(found.Count is 0 or 3, $"seed {seed}: {found.Count} tasks");
            Assert.False(refused && found.Count > 0, $"seed {seed}: refused, and there");
            Assert.False(!refused && !died && found.Count == 0, $"seed {seed}: accepted, and lost");
        }
    }

    [Fact]
    public void Who_finishes_a_batch_leaves_alone_what_has_gone_on_since()
    {
        LeaveJournal();
        _world.Put(Ended(s_a));

        Assert.Equal(
            3,
            _world.Open().Reconciler.Reconcile(autoRetry: true, Closeness.EveryFile).Snapshot.Count
        );
        Assert.Equal(TaskStatus.Complete, _world.Read(s_a).Status);
        Assert.Equal(TaskStatus.Pending, _world.Read(s_b).Status);
    }

    [Fact]
    public void Finishing_says_if_there_was_anything_to_finish_and_it_was_finished()
    {
        LeaveJournal();
        var own = _world.Open();
        var journals = QueueSnapshot.Take(own.Queue).Journals;

        Assert.False(TaskBatch.FinishInterrupted(own.Queue, []));
        using (_world.Open("maker").Queue.TryLockRun("batch.lock"))
        {
            Assert.False(TaskBatch.FinishInterrupted(own.Queue, journals));
        }

        _world.Disk.Capacity = 1;
        Assert.False(TaskBatch.FinishInterrupted(own.Queue, journals));
        Assert.Empty(Stored());

        _world.Disk.Capacity = long.MaxValue;
        Assert.True(TaskBatch.FinishInterrupted(own.Queue, journals));
        Assert.Equal([s_a, s_b, s_c], Stored());
    }

    [Theory]
    [InlineData(0, 0xFF)]
    [InlineData(3, 0xFF)]
    [InlineData(4, 0xFF)]
    [InlineData(7, 0xFF)]
    [InlineData(8, 0xFF)]
    [InlineData(11, 0xFF)]
    [InlineData(4, 0)]
    [InlineData(8, 0)]
    [InlineData(12, (byte)' ')]
    public void A_journal_with_a_wrong_byte_makes_no_task_and_is_left(int at, byte wrong)
    {
        LeaveJournal();
        var path = Path.Join(World.Root, ".agents/tasks", QueueSnapshot.BatchJournal + s_a.Value);
        var damaged = _world.Disk.TryRead(path)!.ToArray();
        damaged[at] = wrong;
        _world.Disk.Plant(path, damaged);

        Assert.Equal(0, _world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot.Count);
        Assert.Equal(damaged, _world.Disk.TryRead(path));
    }

    private AgentqProcess Open()
    {
        var own = _world.Open();
        own.Queue.Create();
        return own;
    }

    private static AgentTask[] Batch() => [.. new[] { s_a, s_b, s_c }.Select(Pending)];

    private static AgentTask Pending(TaskId id) =>
        new()
        {
            Id = id,
            Agent = "coder",
            Prompt = "do it",
            CreatedAt = FakeTime.Start,
            State = new TaskState.Pending(),
        };

    private static AgentTask Ended(TaskId id) =>
        Pending(id) with
        {
            State = new TaskState.Complete(FakeTime.Start, FakeTime.Start),
        };

    private IEnumerable<TaskId> Stored()
    {
        var snapshot = QueueSnapshot.Take(_world.Open().Queue);
        return snapshot
            .Unfinished.Select(static t => t.Id)
            .Concat(snapshot.Finished.Select(static t => t.Id))
            .Order();
    }

    // Refuses so many syncs of everything; before each, something happens.
    private void OnSync(int refusals, Action happens) =>
        _world.Disk.Before = step =>
        {
            if (step.Kind == "sync all" && refusals-- > 0)
            {
                happens();
                throw new QueueException("No space left on device");
            }
        };

    // A batch whose maker was killed as soon as its journal had its name.
    private void LeaveJournal()
    {
        var queue = Open().Queue;
        for (var step = 0; QueueSnapshot.Take(queue).Journals.Count == 0; step++)
        {
            Assert.True(Crash.At(_world, step, static own => TaskBatch.Create(own.Queue, Batch())));
        }

        Assert.Empty(Stored());
    }
}
