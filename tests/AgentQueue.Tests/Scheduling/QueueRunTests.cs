using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class QueueRunTests
{
    private readonly World _world = new();

    [Fact]
    public void A_finished_task_that_was_set_back_by_writing_into_its_file_is_started()
    {
        var world = new World();
        var done = world.Put(
            world.NewTask("done") with
            {
                State = new TaskState.Complete(null, FakeTime.Start),
            }
        );
        var after = world.Put(world.NewTask("after") with { DependsOn = [done.Id] });
        world.Time.Advance(TimeSpan.FromSeconds(1));
        world.Open().Reconciler.Reconcile(autoRetry: false);
        world.Time.Advance(TimeSpan.FromSeconds(1));
        var back = done with { State = new TaskState.Pending() };
        world.Disk.Drop(
            world.Disk.Process("user"),
            world.Open().Queue.TaskFile(done.Id),
            System.Text.Encoding.UTF8.GetString(TaskJson.Write(back))
        );
        var pass = world.Open().Run.Fill(5);
        Assert.Equal([done.Id], pass.Started.Select(static s => s.Task.Id));
        Assert.Equal(TaskStatus.Pending, world.Read(after.Id).Status);
    }

    [Fact]
    public void A_pass_fills_the_slots_in_order_and_says_what_is_left()
    {
        Put(5, static (t, i) => t with { Priority = i + 1 });
        var pass = _world.Open().Run.Fill(3);
        Assert.Equal(["task_4", "task_3", "task_2"], Ids(pass));
        Assert.Equal((3, 2, 5), (pass.Running, pass.Ready, pass.Pending));
        Assert.Empty(_world.Open().Run.Fill(3).Started);
    }

    [Fact]
    public void What_is_only_starting_counts_as_running()
    {
        Put(4);
        _world.Open().Run.Fill(2);
        Assert.All(
            _world.Backend.Waiting,
            w => Assert.Equal(TaskStatus.Pending, _world.Read(TaskId.Parse(w.Task)).Status)
        );
        Assert.Single(_world.Open().Run.Fill(3).Started);
    }

    [Fact]
    public void An_agents_own_limit_holds_over_several_passes()
    {
        _world.Planner.Limits["coder"] = 2;
        Put(6, static (t, i) => t with { Agent = i < 4 ? "coder" : "tester" });
        Assert.Equal(4, _world.Open().Run.Fill(10).Started.Count);
        Assert.Empty(_world.Open().Run.Fill(10).Started);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_pass_at_any_moment_of_one_starts_nothing_twice_and_exceeds_nothing(
        bool named
    )
    {
        TaskId[] others = [TaskId.Parse("task_3"), TaskId.Parse("task_4"), TaskId.Parse("task_5")];
        for (var step = 0; step < 80; step++)
        {
            var world = new World();
            for (var i = 0; i < 6; i++)
            {
                world.Put(world.NewTask($"{i}"));
            }

            var first = world.Open("first");
            var second = 0;
            var count = 0;
            world.Disk.Before = s =>
            {
                if (s.Process == first.Disk && count++ == step)
                {
                    try
                    {
                        var run = world.Open("second").Run;
                        second = (named ? run.StartNamed(others, 3) : run.Fill(3)).Started.Count;
                    }
                    catch (QueueException)
                    {
                        // The first one has the queue.
                    }
                }
            };
            int own;
            try
            {
                own = first.Run.Fill(3).Started.Count;
            }
            catch (QueueException)
            {
                own = 0;
            }

            Assert.Equal(3, own + second);
            Assert.Equal(3, world.Backend.All.Select(static b => b.Task).Distinct().Count());
        }
    }

    [Fact]
    public void A_pass_that_is_killed_at_any_step_starts_nothing_twice()
    {
        for (var step = 0; ; step++)
        {
            var world = new World();
            for (var i = 0; i < 4; i++)
            {
                world.Put(world.NewTask($"{i}"));
            }

            var died = Crash.At(world, step, static own => own.Run.Fill(2));
            world.Open().Run.Fill(2);
            Assert.Equal(2, world.Backend.Waiting.Count);
            world.Backend.LiveAll();
            world.Open().Run.Fill(4);
            world.Backend.LiveAll();
            Assert.Equal(4, world.Host.Started.Count);
            Assert.Equal(4, world.Host.Started.Select(static a => a.Task).Distinct().Count());
            if (!died)
            {
                return;
            }
        }
    }

    [Fact]
    public void A_named_task_starts_whatever_its_priority_or_says_why_not()
    {
        Put(2);
        var held = _world.Put(
            _world.NewTask("h") with
            {
                State = new TaskState.Pending(Held: true),
            }
        );
        var done = _world.Put(
            _world.NewTask("d") with
            {
                State = new TaskState.Complete(null, FakeTime.Start),
            }
        );
        var waits = _world.Put(_world.NewTask("w") with { DependsOn = [TaskId.Parse("task_0")] });
        var run = _world.Open().Run;
        Assert.Contains("is held", Refused(held.Id), StringComparison.Ordinal);
        Assert.Contains("is complete", Refused(done.Id), StringComparison.Ordinal);
        Assert.Contains("waits for task_0", Refused(waits.Id), StringComparison.Ordinal);
        Assert.Contains(
            "no task task_none",
            Refused(TaskId.Parse("task_none")),
            StringComparison.Ordinal
        );
        Assert.Empty(_world.Backend.All);
        Assert.Equal(["task_1"], Ids(run.StartNamed([TaskId.Parse("task_1")], 1)));
        Assert.Empty(run.StartNamed([TaskId.Parse("task_0")], 1).Started);

        string Refused(TaskId id) =>
            Assert
                .Throws<QueueException>(() => run.StartNamed([TaskId.Parse("task_1"), id], null))
                .Message;
    }

    [Fact]
    public void A_task_is_named_twice_and_started_once()
    {
        Put(1);
        var id = TaskId.Parse("task_0");
        Assert.Single(_world.Open().Run.StartNamed([id, id], null).Started);
        Assert.Single(_world.Backend.All);
    }

    [Fact]
    public void A_back_off_that_is_not_over_keeps_a_task_waiting()
    {
        _world.Put(
            _world.NewTask("a") with
            {
                State = new TaskState.Pending(NotBefore: FakeTime.Start.AddSeconds(10)),
            }
        );
        var pass = _world.Open().Run.Fill(1);
        Assert.Empty(pass.Started);
        Assert.Equal(FakeTime.Start.AddSeconds(10), pass.NextDue);
        _world.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_world.Open().Run.Fill(1).Started);
    }

    [Fact]
    public void A_drain_goes_on_by_its_supervisors_until_nothing_is_left()
    {
        Put(7);
        _world.Open().Run.BeginDrain(2);
        _world.Backend.LiveAll();
        Assert.All(
            Enumerable.Range(0, 7),
            i => Assert.Equal(TaskStatus.Complete, _world.Read(TaskId.Parse($"task_{i}")).Status)
        );
        Assert.Equal(7, _world.Host.Started.Count);
        Assert.False(_world.Open().Run.EndDrain());
    }

    [Fact]
    public void A_drain_takes_what_became_ready_meanwhile()
    {
        Put(1);
        _world.Put(_world.NewTask("b") with { DependsOn = [TaskId.Parse("task_0")] });
        _world.Open().Run.BeginDrain(2);
        _world.Backend.LiveAll();
        Assert.Equal(TaskStatus.Complete, _world.Read(TaskId.Parse("task_b")).Status);
    }

    [Fact]
    public void A_drain_waits_for_the_end_of_a_back_off()
    {
        var runs = 0;
        _world.Host.Script = _ => new FakeAgent().Exit(1, code: ++runs < 4 ? 1 : 0);
        Put(1, static (t, _) => t with { AutoRetry = true });
        _world.Open().Run.BeginDrain(1);
        _world.Backend.LiveAll();
        Assert.Equal(4, runs);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 4 + 1 + 2 + 4, 15);
        Assert.False(_world.Open().Run.EndDrain());
    }

    [Fact]
    public void A_drain_with_nothing_but_a_back_off_has_a_keeper()
    {
        _world.Put(
            _world.NewTask("a") with
            {
                State = new TaskState.Pending(NotBefore: FakeTime.Start.AddMinutes(10)),
            }
        );
        _world.Open().Run.BeginDrain(1);
        Assert.Equal(SupervisorProcess.Keeper, Assert.Single(_world.Backend.Waiting).Task);
        _world.Backend.LiveAll();
        Assert.Equal(TaskStatus.Complete, _world.Read(TaskId.Parse("task_a")).Status);
        Assert.InRange(_world.Time.Elapsed.TotalMinutes, 10, 10.1);
    }

    [Fact]
    public void A_drain_that_is_ended_starts_nothing_more()
    {
        Put(4);
        _world.Open().Run.BeginDrain(1);
        _world.Time.Plan(TimeSpan.FromSeconds(0.5), () => _world.Open().Run.EndDrain());
        _world.Backend.LiveAll();
        Assert.Single(_world.Host.Started);
    }

    [Fact]
    public void A_drain_whose_supervisors_were_all_killed_does_not_come_back()
    {
        Put(3);
        _world.Open().Run.BeginDrain(1);
        Assert.Single(_world.Backend.Waiting).Process.Die();
        _world.Backend.Waiting.Clear();
        Assert.Null(_world.Open().Run.ContinueDrain());
        _world.Open().Run.Fill(1);
        _world.Backend.LiveAll();
        Assert.Single(_world.Host.Started);
    }

    [Fact]
    public void A_drain_from_before_a_reboot_says_nothing()
    {
        Put(2);
        _world.Disk.Plant($"{World.Root}/.agents/run/drain", "3 other-host/other-boot/-\n");
        Assert.Null(_world.Open().Run.ContinueDrain());
        Assert.Null(_world.Open().Run.TakeNext());
    }

    [Fact]
    public void A_task_that_changed_before_its_lock_was_taken_is_not_started()
    {
        for (var step = 0; step < 60; step++)
        {
            var world = new World();
            world.Put(world.NewTask("a"));
            var own = world.Open("run");
            var count = 0;
            world.Disk.Before = s =>
            {
                if (s.Process == own.Disk && count++ == step && world.Backend.All.Count == 0)
                {
                    try
                    {
                        world.Open("hold").Control.Hold(TaskId.Parse("task_a"));
                    }
                    catch (QueueException)
                    {
                        // The task is being started already.
                    }
                }
            };
            own.Run.Fill(1);
            var held = world.Read(TaskId.Parse("task_a")).State is TaskState.Pending { Held: true };
            Assert.Equal(held ? 0 : 1, world.Backend.All.Count);
        }
    }

    private void Put(int count, Func<AgentTask, int, AgentTask>? change = null)
    {
        for (var i = 0; i < count; i++)
        {
            var task = _world.NewTask($"{i}");
            _world.Put(change is null ? task : change(task, i));
        }
    }

    private static IEnumerable<string> Ids(PassResult pass) =>
        pass.Started.Select(static s => s.Task.Id.Value);
}
