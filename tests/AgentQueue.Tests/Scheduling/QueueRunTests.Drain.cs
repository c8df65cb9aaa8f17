using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed partial class QueueRunTests
{
    [Fact]
    public void A_drain_goes_on_by_its_supervisors_until_nothing_is_left()
    {
        Put(7);
        _world.Open().Run.BeginDrain(new(2));
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
        _world.Open().Run.BeginDrain(new(2));
        _world.Backend.LiveAll();
        Assert.Equal(TaskStatus.Complete, _world.Read(TaskId.Parse("task_b")).Status);
    }

    [Fact]
    public void A_drain_waits_for_the_end_of_a_back_off()
    {
        var runs = 0;
        _world.Host.Script = _ => new FakeAgent().Exit(1, code: ++runs < 4 ? 1 : 0);
        Put(1, static (t, _) => t with { AutoRetry = true });
        _world.Open().Run.BeginDrain(new(1));
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
        _world.Open().Run.BeginDrain(new(1));
        Assert.Equal(QueueScope.NoneWord, Assert.Single(_world.Backend.Waiting).Task);
        _world.Backend.LiveAll();
        Assert.Equal(TaskStatus.Complete, _world.Read(TaskId.Parse("task_a")).Status);
        Assert.InRange(_world.Time.Elapsed.TotalMinutes, 10, 10.1);
    }

    [Fact]
    public void A_drain_that_is_ended_starts_nothing_more()
    {
        Put(4);
        _world.Open().Run.BeginDrain(new(1));
        _world.Time.Plan(TimeSpan.FromSeconds(0.5), () => _world.Open().Run.EndDrain());
        _world.Backend.LiveAll();
        Assert.Single(_world.Host.Started);
    }

    [Fact]
    public void A_drain_whose_supervisors_were_all_killed_does_not_come_back()
    {
        Put(3);
        _world.Open().Run.BeginDrain(new(1));
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

    [Theory]
    [InlineData("fill")]
    [InlineData("named")]
    [InlineData("any")]
    public void Whatever_starts_a_task_does_not_bring_a_deserted_drain_back(string how)
    {
        Put(3);
        _world.Open().Run.BeginDrain(new(1));
        KillAll();
        StartOne(how);
        _world.Backend.LiveAll();

        Assert.Single(_world.Host.Started);
    }

    [Theory]
    [InlineData("fill")]
    [InlineData("named")]
    [InlineData("any")]
    public void A_drain_whose_supervisor_is_between_two_tasks_goes_on(string how)
    {
        Put(3);
        Drain().Begin(new(1));
        using (Drain().TryJoin())
        {
            StartOne(how);
        }

        _world.Backend.LiveAll();
        Assert.Equal(3, _world.Host.Started.Count);
    }

    [Fact]
    public void A_change_fills_the_free_slots_of_a_drain()
    {
        Put(1);
        _world.Open().Run.BeginDrain(new(2));
        _world.Put(_world.NewTask("new"));

        Assert.Equal(["task_new"], Ids(_world.Open().Run.ContinueDrain()!));
    }

    [Fact]
    public void A_change_starts_nothing_while_a_drains_slots_are_taken()
    {
        Put(1);
        _world.Open().Run.BeginDrain(new(1));
        _world.Put(_world.NewTask("new"));

        Assert.Null(_world.Open().Run.ContinueDrain());
        Assert.Single(_world.Backend.All);
    }

    [Fact]
    public void Without_a_drain_a_change_does_not_wait_for_the_queue()
    {
        Put(1);
        using var turn = _world.Open("other").Queue.LockQueue();

        Assert.Null(_world.Open().Run.ContinueDrain());
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void What_became_ready_meanwhile_takes_its_place_in_the_order_of_a_drain()
    {
        Put(3);
        _world.Host.Script = static _ => new FakeAgent().Exit(0.5);
        _world.Open().Run.BeginDrain(new(1));
        _world.Time.Plan(
            TimeSpan.FromSeconds(0.2),
            () =>
            {
                PutUrgent();
                _world.Open().Run.ContinueDrain();
            }
        );
        _world.Backend.LiveAll();

        Assert.Equal(["task_0", "task_urgent", "task_1", "task_2"], StartedAgents());
    }

    [Fact]
    public void A_supervisor_that_had_no_task_yet_takes_the_first_of_the_list()
    {
        Put(3);
        PutUrgent();
        DrainWithList(1, "1", "2");

        Assert.Equal(Id("1"), TakeNext());
    }

    [Fact]
    public void A_supervisor_takes_the_next_task_itself_instead_of_starting_a_process_for_it()
    {
        Put(7);
        _world.Host.Script = static _ => new FakeAgent().Exit(1.5);
        _world.Open().Run.BeginDrain(new(2));
        _world.Backend.LiveAll();

        Assert.Equal(7, _world.Host.Started.Count);
        Assert.Equal(2, _world.Backend.All.Count);
    }

    [Fact]
    public void A_supervisor_whose_slot_somebody_has_taken_takes_no_task()
    {
        Put(3);
        _world.Open().Run.BeginDrain(new(1));

        Assert.Null(TakeNext());
    }

    [Fact]
    public void A_listed_task_that_somebody_has_in_hand_is_passed_over()
    {
        Put(2);
        DrainWithList(2, "0", "1");
        using var verb = _world.Open("verb").Queue.TryLockTask(Id("0"));

        Assert.Equal(Id("1"), TakeNext());
    }

    [Fact]
    public void A_listed_task_that_is_not_ready_any_more_is_passed_over_and_let_go()
    {
        Put(2, static (t, i) => i == 0 ? t with { State = new TaskState.Pending(Held: true) } : t);
        DrainWithList(2, "0", "1");
        var supervisor = _world.Open("supervisor");

        Assert.Equal(Id("1"), supervisor.Run.TakeNext()?.Task.Id);
        Assert.False(_world.Open().Queue.IsSupervised(Id("0")));
        Assert.False(_world.Disk.Has(supervisor.Queue.LockFile(Id("0"))));
    }

    [Fact]
    public void A_supervisor_waits_for_what_a_verb_lets_go_in_a_moment()
    {
        Put(1);
        Drain().Begin(new(2));
        var verb = _world.Open("verb").Queue.TryLockTask(Id("0"))!;
        _world.Time.Plan(TimeSpan.FromMilliseconds(50), verb.Dispose);

        Assert.Equal(Id("0"), TakeNext());
        Assert.Equal(60, _world.Time.Elapsed.TotalMilliseconds);
    }

    [Fact]
    public void A_supervisor_waits_two_seconds_for_what_is_never_let_go()
    {
        Put(1);
        Drain().Begin(new(2));
        using var verb = _world.Open("verb").Queue.TryLockTask(Id("0"));

        Assert.Null(TakeNext());
        Assert.Equal(2, _world.Time.Elapsed.TotalSeconds);
    }

    [Fact]
    public void A_supervisor_with_nothing_to_take_leaves_at_once_while_others_run()
    {
        using var supervised = PutRunning("r");
        Drain().Begin(new(2));

        Assert.Null(TakeNext());
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void A_keeper_that_is_not_needed_any_more_makes_room_for_the_next()
    {
        PutWaiting("a", TimeSpan.FromSeconds(10));
        Drain().Begin(new(1));
        _world.Time.Plan(TimeSpan.FromSeconds(5), () => _world.Open().Run.EndDrain());
        var keeper = _world.Open("keeper");

        Assert.Null(keeper.Run.TakeNext());
        using var next = Drain().TryKeep();
        Assert.NotNull(next);
    }

    [Fact]
    public void A_keeper_notices_within_a_minute_that_the_clock_was_set()
    {
        PutWaiting("a", TimeSpan.FromMinutes(10));
        _world.Open().Run.BeginDrain(new(1));
        _world.Time.Plan(
            TimeSpan.FromSeconds(30),
            () => _world.Time.SetWall(TimeSpan.FromMinutes(10))
        );

        Assert.Equal(TimeSpan.FromMinutes(1), FirstStart());
    }

    [Fact]
    public void A_keeper_never_waits_for_less_than_a_millisecond()
    {
        PutWaiting("a", TimeSpan.FromMilliseconds(1));
        _world.Time.Advance(TimeSpan.FromMilliseconds(0.5));
        _world.Open().Run.BeginDrain(new(1));

        Assert.Equal(TimeSpan.FromMilliseconds(1.5), FirstStart());
    }

    [Fact]
    public void A_drain_of_an_empty_queue_is_over_at_once()
    {
        _world.Put(_world.NewTask("done") with { State = Complete });
        _world.Open().Run.BeginDrain(new(3));

        Assert.False(_world.Open().Run.EndDrain());
        Assert.Empty(_world.Backend.All);
    }

    [Fact]
    public void What_comes_after_the_started_tasks_is_listed_for_the_drains_supervisors()
    {
        Put(4);
        _world.Open().Run.BeginDrain(new(1));

        Assert.Equal(["task_1", "task_2", "task_3"], Listed());
    }

    [Fact]
    public void Nothing_is_listed_while_an_agents_own_limit_may_change_the_order()
    {
        Put(4);
        _world.Open().Run.BeginDrain(new(1));
        _world.Planner.Limits["coder"] = 2;
        _world.Open().Run.BeginDrain(new(2));

        Assert.Empty(Listed());
    }
}
