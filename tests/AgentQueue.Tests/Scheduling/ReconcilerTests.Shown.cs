using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed partial class ReconcilerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_it_cannot_be_recorded_a_lost_task_is_shown_as_it_ended(bool lockRemains)
    {
        var queue = _world.Open().Queue;
        _world.Put(Running(_world));
        if (lockRemains)
        {
            _world.Disk.Plant(queue.LockFile(s_id), "");
        }

        Assert.Equal(Reason.Lost, Assert.IsType<TaskState.Failed>(Shown().State).Reason);
        Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
        Assert.Equal(lockRemains, _world.Disk.Has(queue.LockFile(s_id)));
        Assert.False(_world.Disk.Has(Marker(Sentinel.Error)));
        Assert.Empty(_world.Orphans.Ended);
    }

    [Fact]
    public void Where_it_cannot_be_recorded_a_task_is_shown_by_all_that_would_count()
    {
        _world.Put(Running(_world) with { IdleTimeout = TimeSpan.FromMinutes(5) });
        _world.Disk.Plant(Marker(Sentinel.Done), "");
        Assert.Equal(TaskStatus.Complete, Shown().Status);
        PutIdentity(_world, Completion.Exit);
        Assert.Equal(Reason.Lost, Assert.IsType<TaskState.Failed>(Shown().State).Reason);
        _world.Disk.Plant($"{World.Root}/.agents/run/{s_id}.{Requests.Stalled}", "");
        Assert.Equal("No output for 5m", Assert.IsType<TaskState.Failed>(Shown().State).Message);
    }

    [Fact]
    public void Where_it_cannot_be_recorded_a_pending_task_is_shown_as_its_marker_says()
    {
        _world.Put(_world.NewTask("a"));
        Assert.Equal(TaskStatus.Pending, Shown().Status);
        _world.Disk.Plant(Marker(Sentinel.Done), "");
        Assert.Equal(TaskStatus.Complete, Shown().Status);
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_id);
        Assert.Equal(TaskStatus.Pending, Shown().Status);
    }

    [Fact]
    public void A_marker_that_is_gone_again_ends_nothing_that_is_shown()
    {
        _world.Put(_world.NewTask("a"));
        _world.Disk.Plant(Marker(Sentinel.Done), "");
        var own = _world.Open();
        _world.Disk.Before = s =>
        {
            if (s.Kind == "stat" && s.Path == own.Queue.LockFile(s_id))
            {
                _world.Disk.Before = null;
                _world.Open("user").Disk.Delete(Marker(Sentinel.Done));
            }
        };
        own.Reconciler.ShowUnrecorded();
        Assert.Null(_world.Disk.Before);
        Assert.Equal(TaskStatus.Pending, own.Read(s_id).Status);
    }

    [Fact]
    public void A_supervised_task_is_shown_as_it_stands_though_nothing_can_be_recorded()
    {
        _world.Put(Running(_world));
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_id);
        Assert.Equal(TaskStatus.Running, Shown().Status);
    }

    [Fact]
    public void What_is_out_of_reach_or_lives_on_is_shown_as_running()
    {
        _world.Orphans.Reachable = false;
        var agent = Orphan();
        Assert.Equal(TaskStatus.Running, Shown().Status);
        var own = _world.Open();
        new Reconciler(own.Queue, new NoEnd(), own.Retries, _world.Time).ShowUnrecorded();
        Assert.Equal(TaskStatus.Running, own.Read(s_id).Status);
        Assert.True(agent.IsAlive);
    }

    [Fact]
    public void A_single_task_is_refreshed_only_if_its_file_no_longer_tells()
    {
        var reconciler = _world.Open().Reconciler;
        Assert.False(reconciler.Refresh(s_id));
        _world.Put(_world.NewTask("a"));
        Assert.False(reconciler.Refresh(s_id));
        _world.Put(Running(_world));
        using (_world.Open("supervisor").Queue.TryLockTask(s_id))
        {
            Assert.False(reconciler.Refresh(s_id));
            Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
        }

        Assert.True(reconciler.Refresh(s_id));
        Assert.Equal(TaskStatus.Failed, _world.Read(s_id).Status);
        Assert.False(reconciler.Refresh(s_id));
        _world.Put(_world.NewTask("a"));
        Assert.True(reconciler.Refresh(s_id), "its .error is still there");
        Assert.Equal(TaskStatus.Failed, _world.Read(s_id).Status);
    }

    [Fact]
    public void Where_nothing_has_changed_one_look_at_the_folder_is_enough()
    {
        _world.Put(_world.NewTask("a"));
        _world.Put(_world.NewTask("b") with { State = Running(_world).State });
        using var held = _world.Open("supervisor").Queue.TryLockTask(TaskId.Parse("task_b"));
        var own = _world.Open();
        var steps = new List<DiskStep>();
        _world.Disk.Before = steps.Add;
        own.Reconciler.Reconcile(autoRetry: true);
        _world.Disk.Before = null;

        Assert.Single(steps, s => s.Kind == "list" && s.Path == own.Queue.Tasks);
        Assert.DoesNotContain(steps, s => s.Path == own.Queue.LockFile(s_id));
        Assert.Single(
            steps,
            s => s.Kind == "lock" && s.Path == own.Queue.LockFile(TaskId.Parse("task_b"))
        );
    }
}
