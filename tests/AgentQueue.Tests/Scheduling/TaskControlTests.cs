using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed partial class TaskControlTests
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
    public void A_cancellation_on_a_full_disk_counts_by_its_marker_which_needs_no_room()
    {
        _world.Put(_world.NewTask("a"));
        Fill();
        Assert.IsType<TaskState.Cancelled>(_world.Open().Control.Cancel(s_id).State);
        _world.Disk.LosePower(new Random(1));
        _world.Disk.Capacity = long.MaxValue;
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(TaskStatus.Cancelled, _world.Read(s_id).Status);
    }

    // What needs no room still finds some.
    private void Fill() =>
        _world.Disk.Capacity = _world.Disk.Files().Sum(static f => f.Content.Length);

    [Fact]
    public void A_cancellation_on_a_full_disk_whose_marker_cannot_be_kept_is_refused_and_takes_no_effect_later()
    {
        _world.Put(_world.NewTask("a"));
        Fill();
        Refuse("sync", "tasks");
        Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        _world.Disk.Before = null;
        _world.Disk.Capacity = long.MaxValue;
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(TaskStatus.Pending, _world.Read(s_id).Status);
    }

    [Fact]
    public void A_cancellation_that_reaches_only_the_marker_takes_it_away_again()
    {
        _world.Put(_world.NewTask("a"));
        Refuse("rename", "task_a.json");
        Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        _world.Disk.Before = null;
        Assert.False(_world.Disk.Has($"{World.Root}/.agents/tasks/task_a.cancelled"));
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(TaskStatus.Pending, _world.Read(s_id).Status);
    }

    [Fact]
    public void A_cancellation_that_is_in_the_file_keeps_its_marker_though_it_could_not_be_synced()
    {
        _world.Put(_world.NewTask("a"));
        Refuse("sync", "/tasks");
        Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        _world.Disk.Before = null;
        Assert.Equal(TaskStatus.Cancelled, _world.Read(s_id).Status);
        Assert.True(_world.Disk.Has($"{World.Root}/.agents/tasks/task_a.cancelled"));
    }

    [Fact]
    public void A_running_task_is_asked_to_end_and_returned_as_its_supervisor_recorded_it()
    {
        var (supervisor, held) = Supervised(_world.NewTask("a"));
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () =>
            {
                Assert.True(Requests.Has(supervisor.Queue, s_id, Requests.Cancel));
                End(supervisor);
                held.Dispose();
            }
        );
        var asked = _world.Open().Control.Cancel(s_id);
        Assert.IsType<TaskState.Complete>(asked.State);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 1, 1.2);
        Assert.Single(
            _world.Disk.Log,
            static s => s.Path.EndsWith(Requests.Cancel, StringComparison.Ordinal) && IsRename(s)
        );
    }

    [Fact]
    public void A_task_whose_end_finds_no_room_is_returned_as_it_will_be_recorded()
    {
        var (supervisor, _) = Supervised(_world.NewTask("a"));
        _world.Time.Plan(TimeSpan.FromSeconds(1), () => supervisor.Queue.Say(s_id, LockWord.Ended));
        Assert.IsType<TaskState.Cancelled>(_world.Open().Control.Cancel(s_id).State);
        Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
    }

    [Fact]
    public void A_users_own_marker_stays_though_the_disk_refuses_the_rest()
    {
        _world.Put(_world.NewTask("a"));
        _world.Disk.Plant($"{World.Root}/.agents/tasks/task_a.cancelled", "");
        Refuse("rename", "task_a.json");
        Assert.Throws<QueueException>(() => _world.Open().Control.Cancel(s_id));
        _world.Disk.Before = null;
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

    [Fact]
    public void A_supervisor_that_does_not_hear_a_knock_hears_the_next_a_quarter_of_a_second_later()
    {
        Supervised(Limited());
        Assert.Throws<QueueException>(() => Extend(7));
        var knocks = _world.Disk.Log.Count(static s => s.Kind == "touch");
        Assert.InRange(knocks, 39, 42);
    }

    [Fact]
    public void A_task_that_runs_without_its_supervisor_is_settled_by_the_cancellation()
    {
        _world.Put(_world.NewTask("a") with { State = new TaskState.Running(FakeTime.Start, 7) });
        Assert.IsType<TaskState.Cancelled>(_world.Open().Control.Cancel(s_id).State);
    }

    [Fact]
    public void A_task_that_runs_without_its_supervisor_can_be_timed_out()
    {
        _world.Put(_world.NewTask("a") with { State = Running() });
        var failed = Assert.IsType<TaskState.Failed>(_world.Open().Control.Expire(s_id).State);
        Assert.Equal(Reason.Timeout, failed.Reason);
    }

    [Fact]
    public void A_task_that_is_starting_can_be_timed_out()
    {
        var (supervisor, _) = Supervised(_world.NewTask("a"), new TaskState.Pending());
        _world.Time.Plan(TimeSpan.FromSeconds(1), () => End(supervisor));
        Assert.IsType<TaskState.Complete>(_world.Open().Control.Expire(s_id).State);
    }

    [Fact]
    public void What_runs_is_neither_held_nor_released_and_nobody_waits_for_its_lock()
    {
        Supervised(_world.NewTask("a"));
        var control = _world.Open().Control;
        Assert.Contains(
            "is running; only a pending task can be held",
            Assert.Throws<QueueException>(() => control.Hold(s_id)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "is running; only a pending task can be released",
            Assert.Throws<QueueException>(() => control.Release(s_id)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void A_pending_task_that_another_verb_is_at_is_held_a_moment_later()
    {
        var (_, held) = Supervised(_world.NewTask("a"), new TaskState.Pending());
        _world.Time.Plan(TimeSpan.FromSeconds(1), held.Dispose);
        Assert.True(_world.Open().Control.Hold(s_id));
        Assert.Equal(new TaskState.Pending(Held: true), _world.Read(s_id).State);
    }

    [Fact]
    public void A_task_that_starts_while_it_is_waited_for_is_not_held()
    {
        var (supervisor, held) = Supervised(_world.NewTask("a"), new TaskState.Pending());
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () =>
            {
                End(supervisor);
                held.Dispose();
            }
        );
        var e = Assert.Throws<QueueException>(() => _world.Open().Control.Hold(s_id));
        Assert.Contains("is complete", e.Message, StringComparison.Ordinal);
        Assert.Equal(TaskStatus.Complete, _world.Read(s_id).Status);
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
    public void A_task_is_let_go_before_its_time_and_a_hold_alone_does_not_cost_it()
    {
        var time = FakeTime.Start.AddHours(2);
        _world.Put(_world.NewTask("a") with { State = new TaskState.Pending(NotBefore: time) });
        var control = _world.Open().Control;
        Assert.True(control.Hold(s_id));
        Assert.True(control.Release(s_id));
        Assert.Equal(new TaskState.Pending(NotBefore: time), _world.Read(s_id).State);
        Assert.Empty(_world.Open().Run.Fill(1).Started);
        Assert.True(control.Release(s_id));
        Assert.False(control.Release(s_id));
        Assert.Single(_world.Open().Run.Fill(1).Started);
    }

    [Fact]
    public void A_time_that_has_come_is_nothing_to_let_go_of()
    {
        _world.Put(
            _world.NewTask("a") with
            {
                State = new TaskState.Pending(NotBefore: FakeTime.Start),
            }
        );
        Assert.False(_world.Open().Control.Release(s_id));
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

    /// <summary>A task whose lock a supervisor holds that does only what the test lets it do.</summary>
    private (AgentqProcess Supervisor, HeldLock Held) Supervised(
        AgentTask task,
        TaskState? state = null
    )
    {
        _world.Put(task with { State = state ?? Running() });
        var supervisor = _world.Open("supervisor");
        return (supervisor, supervisor.Queue.TryLockTask(s_id)!);
    }

    private AgentTask Limited(int seconds = 300) =>
        _world.NewTask("a") with
        {
            Timeout = TimeSpan.FromSeconds(seconds),
        };

    private static TaskState.Running Running() => new(FakeTime.Start, 77);

    private static void End(AgentqProcess supervisor, TimeSpan? limit = null)
    {
        var task = supervisor.Read(s_id);
        supervisor.Queue.Write(
            task with
            {
                Timeout = limit ?? task.Timeout,
                State = new TaskState.Complete(FakeTime.Start, FakeTime.Start),
            }
        );
    }

    /// <summary>Takes the requests away, after that limit was written.</summary>
    private static void Grant(AgentqProcess supervisor, TimeSpan limit)
    {
        supervisor.Queue.Write(supervisor.Read(s_id) with { Timeout = limit });
        supervisor.Queue.DeleteRunFiles(s_id);
    }

    private (double Before, double After) Extend(int seconds)
    {
        var (before, after) = _world.Open().Control.Extend(s_id, TimeSpan.FromSeconds(seconds));
        return (before.TotalSeconds, after.TotalSeconds);
    }

    /// <summary>What the requests to extend that are there ask for.</summary>
    private IEnumerable<string> Extensions() =>
        _world
            .Disk.Files()
            .Where(static f =>
                Path.GetFileName(f.Path)
                    .StartsWith($"task_a.{Requests.ExtendPrefix}", StringComparison.Ordinal)
            )
            .Select(static f => System.Text.Encoding.UTF8.GetString(f.Content));

    private static bool IsRename(DiskStep step) => step.Kind == "rename";

    private void Refuse(string kind, string path) =>
        _world.Disk.Before = s =>
        {
            if (s.Kind == kind && s.Path.EndsWith(path, StringComparison.Ordinal))
            {
                throw new QueueException($"Cannot {kind} {path}: Input/output error");
            }
        };

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
