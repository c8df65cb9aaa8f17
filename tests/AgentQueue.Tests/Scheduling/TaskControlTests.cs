using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class TaskControlTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();

    [Fact]
    public void A_pending_task_is_cancelled_at_once()
    {
        _world.Put(_world.NewTask("a"));
        Assert.IsType<TaskState.Cancelled>(_world.Open().Control.Cancel(s_id).State);
        Assert.Empty(_world.Open().Run.Fill(1).Started);
    }

    [Fact]
    public void A_finished_task_is_not_cancelled()
    {
        _world.Put(
            _world.NewTask("a") with
            {
                State = new TaskState.Complete(null, FakeTime.Start),
            }
        );
        var e = Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        Assert.Contains("is complete already", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancellation_that_the_disk_refuses_takes_no_effect_later()
    {
        _world.Put(_world.NewTask("a"));
        _world.Disk.Capacity = 1;
        Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        _world.Disk.Capacity = long.MaxValue;
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(TaskStatus.Pending, _world.Read(s_id).Status);
    }

    [Fact]
    public void A_users_own_marker_stays_though_the_disk_refuses_the_rest()
    {
        _world.Put(_world.NewTask("a"));
        _world.Disk.Plant($"{World.Root}/.agents/tasks/task_a.cancelled", "");
        _world.Disk.Capacity = 1;
        Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        _world.Disk.Capacity = long.MaxValue;
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(TaskStatus.Cancelled, _world.Read(s_id).Status);
    }

    [Fact]
    public void A_cancelled_task_never_becomes_done()
    {
        _world.Put(_world.NewTask("a"));
        _world.Open().Control.Cancel(s_id);
        _world.Disk.Plant($"{World.Root}/.agents/tasks/task_a.done", "");
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(TaskStatus.Cancelled, _world.Read(s_id).Status);
    }

    [Fact]
    public void A_cancellation_at_any_moment_of_a_run_ends_it_or_comes_too_late()
    {
        var outcomes = new HashSet<TaskStatus>();
        for (var step = 0; step < 120; step++)
        {
            var world = new World();
            world.Put(world.NewTask("a"));
            var refused = Interfere(world, step, c => c.Queue.Request(s_id, Requests.Cancel));
            var status = world.Read(s_id).Status;
            outcomes.Add(status);
            Assert.Empty(world.Host.Alive);
            Assert.Contains(status, new[] { TaskStatus.Complete, TaskStatus.Cancelled });
            Assert.False(refused);
        }

        Assert.Equal(2, outcomes.Count);
    }

    [Theory]
    [InlineData(4.999)]
    [InlineData(5)]
    [InlineData(5.001)]
    [InlineData(0.5)]
    public void An_extension_around_the_limit_is_counted_or_refused_and_never_both(double moment)
    {
        _world.Host.Script = static _ => new FakeAgent().Exit(8);
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        var accepted = false;
        var queue = _world.Open().Queue;
        var request = queue.RequestFile(s_id, Requests.ExtendPrefix + "1");
        _world.Time.Plan(
            TimeSpan.FromSeconds(moment),
            () =>
            {
                if (queue.Read(s_id) is TaskRead.Found({ State: TaskState.Running }, _))
                {
                    queue.Request(s_id, Requests.ExtendPrefix + "1", "10");
                    accepted = true;
                }
            }
        );
        _world.Open().Supervise(s_id);
        var task = _world.Read(s_id);
        if (accepted)
        {
            Assert.Equal(TimeSpan.FromSeconds(15), task.Timeout);
            Assert.Equal(TaskStatus.Complete, task.Status);
        }
        else
        {
            Assert.Equal(TimeSpan.FromSeconds(5), task.Timeout);
            Assert.Equal(TaskStatus.Failed, task.Status);
        }

        Assert.False(_world.Disk.Has(request));
    }

    [Fact]
    public void An_extension_at_any_step_at_the_limit_is_counted_or_left_unanswered()
    {
        var outcomes = new HashSet<TaskStatus>();
        for (var step = 0; step < 150; step++)
        {
            var world = new World();
            world.Host.Script = static _ => new FakeAgent().Exit(8);
            world.Put(world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
            var request = "";
            var outcome = "";
            Interfere(
                world,
                step,
                c =>
                {
                    if (c.Read(s_id).State is TaskState.Running)
                    {
                        request = c.Queue.RequestFile(s_id, Requests.ExtendPrefix + "1");
                        c.Queue.Request(s_id, Requests.ExtendPrefix + "1", "10");
                    }
                },
                from: TimeSpan.FromSeconds(4.9)
            );
            var task = world.Read(s_id);
            outcomes.Add(task.Status);
            outcome = $"step {step}: {task.Status}, limit {task.Timeout}";
            Assert.True(
                task.Timeout == TimeSpan.FromSeconds(task.Status == TaskStatus.Complete ? 15 : 5),
                outcome
            );
            // What the asker sees: its request taken away while the task ran on, or the task's end.
            Assert.False(request.Length > 0 && world.Disk.Has(request), outcome);
        }

        Assert.Equal(2, outcomes.Count);
    }

    [Fact]
    public void Several_extensions_add_up()
    {
        _world.Host.Script = static _ => new FakeAgent().Exit(30);
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        for (var i = 1; i <= 3; i++)
        {
            var name = $"{Requests.ExtendPrefix}{i}";
            _world.Time.Plan(
                TimeSpan.FromSeconds(i),
                () => _world.Open().Queue.Request(s_id, name, "10")
            );
        }

        _world.Open().Supervise(s_id);
        Assert.Equal(TaskStatus.Complete, _world.Read(s_id).Status);
        Assert.Equal(TimeSpan.FromSeconds(35), _world.Read(s_id).Timeout);
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-5")]
    [InlineData("99999999999")]
    public void A_request_to_extend_by_nothing_known_changes_nothing(string content)
    {
        _world.Host.Script = static _ => new FakeAgent().Exit(8);
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () => _world.Open().Queue.Request(s_id, Requests.ExtendPrefix + "1", content)
        );
        _world.Open().Supervise(s_id);
        Assert.Equal(
            Reason.Timeout,
            Assert.IsType<TaskState.Failed>(_world.Read(s_id).State).Reason
        );
    }

    [Fact]
    public void A_pending_task_is_extended_in_its_file()
    {
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        var (before, after) = _world.Open().Control.Extend(s_id, TimeSpan.FromSeconds(7));
        Assert.Equal((5, 12), (before.TotalSeconds, after.TotalSeconds));
        Assert.Equal(12, _world.Read(s_id).Timeout?.TotalSeconds);
    }

    [Fact]
    public void What_has_no_limit_or_has_ended_is_not_extended()
    {
        _world.Put(_world.NewTask("a"));
        var control = _world.Open().Control;
        Assert.Contains("no time limit", Refused(), StringComparison.Ordinal);
        control.Cancel(s_id);
        Assert.Contains("is cancelled", Refused(), StringComparison.Ordinal);

        string Refused() =>
            Assert
                .Throws<QueueException>(() => control.Extend(s_id, TimeSpan.FromSeconds(1)))
                .Message;
    }

    [Fact]
    public void A_task_that_runs_without_its_supervisor_is_settled_by_the_cancellation()
    {
        _world.Put(_world.NewTask("a") with { State = new TaskState.Running(FakeTime.Start, 7) });
        Assert.IsType<TaskState.Cancelled>(_world.Open().Control.Cancel(s_id).State);
    }

    [Fact]
    public void Only_a_pending_task_is_held_and_released()
    {
        _world.Put(_world.NewTask("a"));
        var control = _world.Open().Control;
        Assert.True(control.Hold(s_id));
        Assert.False(control.Hold(s_id));
        Assert.Empty(_world.Open().Run.Fill(1).Started);
        Assert.True(control.Release(s_id));
        Assert.Single(_world.Open().Run.Fill(1).Started);
        _world.Backend.LiveAll();
        Assert.Throws<QueueException>(() => control.Hold(s_id));
    }

    [Fact]
    public void Only_a_running_task_can_be_timed_out()
    {
        _world.Put(_world.NewTask("a"));
        var e = Assert.Throws<QueueException>(() => _world.Open().Control.Expire(s_id));
        Assert.Contains("is pending", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_time_out_by_hand_says_so()
    {
        _world.Put(_world.NewTask("a"));
        _world.Host.Script = static _ => new FakeAgent().Exit(60);
        _world.Time.Plan(
            TimeSpan.FromSeconds(2),
            () => _world.Open().Queue.Request(s_id, Requests.Expire)
        );
        _world.Open().Supervise(s_id);
        var failed = Assert.IsType<TaskState.Failed>(_world.Read(s_id).State);
        Assert.Equal((Reason.Timeout, "Timed out by hand"), (failed.Reason, failed.Message));
        Assert.NotNull(failed.TimedOutAt);
    }

    [Fact]
    public void A_dependency_is_added_once_and_keeps_the_task_from_starting()
    {
        var b = _world.Put(_world.NewTask("b")).Id;
        _world.Put(_world.NewTask("a"));
        var control = _world.Open().Control;

        Assert.True(control.AddDependency(s_id, b));
        Assert.False(control.AddDependency(s_id, b));
        Assert.Equal<TaskId>((TaskId[])[b], _world.Read(s_id).DependsOn);
        Assert.Equal(b, Assert.Single(_world.Open().Run.Fill(2).Started).Task.Id);
    }

    [Fact]
    public void A_dependency_that_is_taken_away_takes_what_it_blocked_with_it()
    {
        var (b, c) = (_world.Put(_world.NewTask("b")).Id, _world.Put(_world.NewTask("c")).Id);
        _world.Put(
            _world.NewTask("a") with
            {
                DependsOn = [b, c],
                DependenciesMet = [b, c],
                State = new TaskState.Pending(Held: true)
                {
                    BlockedBy = b,
                    BlockedReason = "Dependency task_b failed",
                },
            }
        );
        var control = _world.Open().Control;

        Assert.True(control.RemoveDependency(s_id, b));
        Assert.False(control.RemoveDependency(s_id, b));
        var task = _world.Read(s_id);
        Assert.Equal<TaskId>((TaskId[])[c], task.DependsOn);
        Assert.Equal<TaskId>((TaskId[])[c], task.DependenciesMet);
        Assert.Equal(new TaskState.Pending(Held: true), task.State);
    }

    [Fact]
    public void Nothing_can_depend_on_itself_over_whatever_way_or_on_what_is_not_there()
    {
        var b = _world.Put(_world.NewTask("b") with { DependsOn = [s_id] }).Id;
        var c = _world.Put(_world.NewTask("c") with { DependsOn = [b] }).Id;
        _world.Put(_world.NewTask("a"));
        var control = _world.Open().Control;

        Assert.Contains("task_a → task_c → task_b → task_a", Refused(c), StringComparison.Ordinal);
        Assert.Contains("task_a → task_a", Refused(s_id), StringComparison.Ordinal);
        Assert.Contains(
            "no task task_x",
            Refused(TaskId.Parse("task_x")),
            StringComparison.Ordinal
        );
        Assert.Empty(_world.Read(s_id).DependsOn);

        string Refused(TaskId on) =>
            Assert.Throws<QueueException>(() => control.AddDependency(s_id, on)).Message;
    }

    [Fact]
    public void A_task_that_has_ended_is_given_no_dependency_and_loses_none()
    {
        var b = _world.Put(_world.NewTask("b")).Id;
        _world.Put(
            _world.NewTask("a") with
            {
                DependsOn = [b],
                State = new TaskState.Complete(null, FakeTime.Start),
            }
        );
        var control = _world.Open().Control;

        Assert.Throws<QueueException>(() => control.AddDependency(s_id, b));
        Assert.Throws<QueueException>(() => control.RemoveDependency(s_id, b));
        Assert.Throws<QueueException>(() => control.Release(s_id));
        Assert.Equal<TaskId>((TaskId[])[b], _world.Read(s_id).DependsOn);
    }

    [Fact]
    public void A_limit_is_extended_up_to_the_longest_there_is()
    {
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        var control = _world.Open().Control;

        Assert.Throws<QueueException>(() =>
            control.Extend(s_id, Duration.Longest - TimeSpan.FromSeconds(4))
        );
        Assert.Equal(
            Duration.Longest,
            control.Extend(s_id, Duration.Longest - TimeSpan.FromSeconds(5)).After
        );
    }

    [Fact]
    public void A_supervisor_that_never_answers_is_waited_for_and_its_request_withdrawn()
    {
        _world.Put(
            _world.NewTask("a") with
            {
                Timeout = TimeSpan.FromMinutes(5),
                State = new TaskState.Running(FakeTime.Start, 77),
            }
        );
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_id);

        var e = Assert.Throws<QueueException>(() =>
            _world.Open().Control.Extend(s_id, TimeSpan.FromSeconds(7))
        );
        Assert.Contains("does not answer", e.Message, StringComparison.Ordinal);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 10, 11);
        Assert.DoesNotContain(
            _world.Disk.Files(),
            static f => f.Path.Contains(Requests.ExtendPrefix, StringComparison.Ordinal)
        );
    }

    [Fact]
    public void A_supervisor_that_never_ends_its_task_is_given_two_minutes()
    {
        _world.Put(_world.NewTask("a") with { State = new TaskState.Running(FakeTime.Start, 77) });
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_id);

        var e = Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        Assert.Contains("still has not after 2m", e.Message, StringComparison.Ordinal);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 120, 121);
        Assert.True(_world.Disk.Has($"{World.Root}/.agents/run/task_a.{Requests.Cancel}"));
    }

    /// <summary>Runs the task and acts as another process before one step of its supervisor; true if refused.</summary>
    private static bool Interfere(
        World world,
        int step,
        Action<AgentqProcess> act,
        TimeSpan from = default
    )
    {
        var own = world.Open("supervisor");
        var count = 0;
        var refused = false;
        world.Disk.Before = s =>
        {
            if (s.Process == own.Disk && world.Time.Elapsed >= from && count++ == step)
            {
                try
                {
                    act(world.Open("other"));
                }
                catch (QueueException)
                {
                    refused = true;
                }
            }
        };
        own.Supervise(s_id);
        world.Disk.Before = null;
        return refused;
    }
}
