using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed partial class QueueRunTests
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
    public void A_task_is_not_started_before_its_time()
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
        var e = Assert.Throws<QueueException>(() =>
            _world.Open().Run.StartNamed([TaskId.Parse("task_a")], null)
        );
        Assert.Equal("Task task_a is not to start before 05:06:17 (in 10s)", e.Message);
        Assert.Contains("agentq release task_a", e.Hint, StringComparison.Ordinal);
        _world.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_world.Open().Run.Fill(1).Started);
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

    [Fact]
    public void A_finished_task_that_nobody_waits_for_is_started_too_when_it_was_set_back()
    {
        var done = _world.Put(_world.NewTask("done") with { State = Complete });
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _world.Open().Reconciler.Reconcile(autoRetry: false);
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _world.Disk.Drop(
            _world.Disk.Process("user"),
            _world.Open().Queue.TaskFile(done.Id),
            System.Text.Encoding.UTF8.GetString(
                TaskJson.Write(done with { State = new TaskState.Pending() })
            )
        );

        Assert.Equal(["task_done"], Ids(_world.Open().Run.Fill(5)));
    }

    [Fact]
    public void Only_those_that_were_asked_for_are_started()
    {
        Put(4);
        var run = _world.Open().Run;

        Assert.Equal(["task_1"], Ids(run.StartAny([Id("1"), Id("2")], 1)));
        Assert.Equal(["task_2"], Ids(run.StartAny([Id("1"), Id("2")], 5)));
    }

    [Fact]
    public void The_file_of_a_lock_that_nobody_holds_takes_no_slot()
    {
        Put(2);
        _world.Open().Run.BeginDrain(new(2));
        _world.Backend.Waiting[0].Process.Die();

        Assert.Equal(["task_0"], Ids(_world.Open().Run.ContinueDrain()!));
    }

    [Theory]
    [InlineData(0, "task_1")]
    [InlineData(1, "task_urgent")]
    public void After_a_failure_everything_is_looked_at_before_the_next_task_is_taken(
        int code,
        string next
    )
    {
        Put(3);
        _world.Host.Script = _ => new FakeAgent().Exit(0.5, code);
        _world.Open().Run.BeginDrain(new(1));
        // Without a word to the drain, so that its list stands.
        _world.Time.Plan(TimeSpan.FromSeconds(0.2), PutUrgent);
        _world.Backend.LiveAll();

        Assert.Equal(next, StartedAgents()[1]);
    }

    [Theory]
    [InlineData(10, 20)]
    [InlineData(20, 10)]
    public void The_first_back_off_to_end_is_waited_for(int first, int second)
    {
        PutWaiting("a", TimeSpan.FromSeconds(first));
        PutWaiting("b", TimeSpan.FromSeconds(second));

        Assert.Equal(FakeTime.Start.AddSeconds(10), _world.Open().Run.Fill(1).NextDue);
    }

    [Fact]
    public void Only_a_failed_task_that_cannot_start_is_to_be_tried_again()
    {
        var failed = _world.Put(_world.NewTask("f") with { State = Failed });
        var done = _world.Put(_world.NewTask("d") with { State = Complete });

        Assert.Equal("Try it again: agentq retry task_f --run", HintFor(failed.Id));
        Assert.Null(HintFor(done.Id));

        string? HintFor(TaskId id) =>
            Assert.Throws<QueueException>(() => _world.Open().Run.StartNamed([id], null)).Hint;
    }

    [Fact]
    public void A_dependency_that_no_retry_can_mend_is_only_to_be_removed()
    {
        var failed = _world.Put(_world.NewTask("f") with { State = Failed }).Id;
        var done = _world.Put(_world.NewTask("d") with { State = Complete }).Id;
        _world.Put(_world.NewTask("a") with { DependsOn = [failed] });
        _world.Put(_world.NewTask("b") with { DependsOn = [done], AfterNotOk = [done] });

        Assert.Equal(
            "Retry the dependency, or remove it: agentq deps remove task_a task_f",
            HintFor("task_a")
        );
        Assert.Equal(
            "Do without the dependency: agentq deps remove task_b task_d",
            HintFor("task_b")
        );

        string? HintFor(string id) =>
            Assert
                .Throws<QueueException>(() =>
                    _world.Open().Run.StartNamed([TaskId.Parse(id)], null)
                )
                .Hint;
    }

    [Theory]
    [InlineData(4, int.MaxValue, "task_3 task_2")]
    [InlineData(4, 1, "task_3")]
    [InlineData(2, int.MaxValue, "")]
    [InlineData(9, int.MaxValue, "task_3 task_2 task_1 task_0")]
    public void A_preview_shows_what_the_free_slots_would_take_and_starts_nothing(
        int limit,
        int most,
        string expected
    )
    {
        Put(4, static (t, i) => t with { Priority = i + 1 });
        using var first = PutRunning("r1");
        using var second = PutRunning("r2", "tester");

        var preview = _world.Open().Run.Preview(null, limit, most);

        Assert.Equal(expected, string.Join(' ', preview.Select(static t => t.Id)));
        Assert.Empty(_world.Backend.All);
    }

    [Fact]
    public void A_preview_of_named_tasks_shows_them_as_they_were_named_or_says_why_not()
    {
        Put(3);
        var done = _world.Put(_world.NewTask("d") with { State = Complete });
        var run = _world.Open().Run;

        Assert.Equal([Id("2"), Id("0")], run.Preview([Id("2"), Id("0")], 1, 1).Select(t => t.Id));
        Assert.Throws<QueueException>(() => run.Preview([Id("2"), done.Id], 5, 5));
        Assert.Empty(_world.Backend.All);
    }

    [Fact]
    public void A_preview_makes_no_retry_and_a_look_makes_it()
    {
        _world.Put(_world.NewTask("f") with { State = Failed, AutoRetry = true });
        _world.Time.Advance(TimeSpan.FromSeconds(2));
        var run = _world.Open().Run;

        Assert.Empty(run.Preview(null, 5, 5));
        Assert.Null(((TaskState.Failed)_world.Read(Id("f")).State).RetriedBy);

        var look = run.Look();
        var retry = ((TaskState.Failed)_world.Read(Id("f")).State).RetriedBy!.Value;
        Assert.Equal([retry], look.Unfinished);
        Assert.True(look.Busy);
    }

    [Theory]
    [InlineData("done", false, false, false, false)]
    [InlineData("done", false, true, false, false)]
    [InlineData("done", true, false, false, false)]
    [InlineData("done", true, true, true, true)]
    [InlineData("waiting", false, false, false, false)]
    [InlineData("waiting", false, true, false, false)]
    [InlineData("waiting", true, false, false, false)]
    [InlineData("waiting", true, true, true, false)]
    [InlineData("ready", false, false, true, false)]
    [InlineData("ready", true, true, true, false)]
    [InlineData("running", false, true, true, false)]
    [InlineData("running", true, true, true, false)]
    public void A_queue_is_busy_with_what_runs_or_is_ready_or_what_a_living_drain_waits_for(
        string task,
        bool drain,
        bool supervisor,
        bool busy,
        bool ending
    )
    {
        using var running = task == "running" ? PutRunning("t") : null;
        if (task == "waiting")
        {
            PutWaiting("t", TimeSpan.FromSeconds(10));
        }
        else if (task != "running")
        {
            _world.Put(
                _world.NewTask("t") with
                {
                    State = task == "done" ? Complete : new TaskState.Pending(),
                }
            );
        }

        if (drain)
        {
            Drain().Begin(new(1));
        }

        using var joined = supervisor ? Drain().TryJoin() : null;
        var look = _world.Open().Run.Look();

        Assert.Equal((busy, ending), (look.Busy, look.Ending));
        Assert.Equal(task == "done" ? [] : [Id("t")], look.Unfinished);
    }

    private static TaskState.Complete Complete => new(null, FakeTime.Start);

    private static TaskState.Failed Failed =>
        new(FakeTime.Start, FakeTime.Start, Reason.Exit, "Exited with 1");

    private static TaskId Id(string token) => TaskId.Parse("task_" + token);

    private Drain Drain() => new(_world.Open().Queue, QueueScope.None);

    private TaskId? TakeNext() => _world.Open("supervisor").Run.TakeNext()?.Task.Id;

    private List<string> StartedAgents() =>
        [.. _world.Host.Started.Select(static a => a.Task.Value)];

    private void PutUrgent() => _world.Put(_world.NewTask("urgent") with { Priority = 9 });

    private void PutWaiting(string token, TimeSpan time) =>
        _world.Put(
            _world.NewTask(token) with
            {
                State = new TaskState.Pending(NotBefore: FakeTime.Start + time),
            }
        );

    /// <summary>A task that runs as long as the lock that comes back is held.</summary>
    private HeldLock? PutRunning(string token, string agent = "coder")
    {
        var task = _world.Put(
            _world.NewTask(token) with
            {
                Agent = agent,
                State = new TaskState.Running(FakeTime.Start),
            }
        );
        return _world.Open("supervisor of " + token).Queue.TryLockTask(task.Id);
    }

    private void KillAll()
    {
        foreach (var supervisor in _world.Backend.Waiting)
        {
            supervisor.Process.Die();
        }

        _world.Backend.Waiting.Clear();
    }

    private void StartOne(string how)
    {
        var run = _world.Open().Run;
        _ = how switch
        {
            "fill" => run.Fill(1),
            "named" => run.StartNamed([Id("0")], null),
            _ => run.StartAny([Id("0")], 1),
        };
    }

    /// <summary>A drain whose last look found these ready.</summary>
    private void DrainWithList(int parallel, params string[] tokens)
    {
        Drain().Begin(new(parallel));
        new ReadyList(_world.Open().Queue, QueueScope.None, _world.Time).Write(
            tokens.Select(t => _world.NewTask(t)),
            new Dictionary<TaskId, List<TaskId>>(),
            TimeSpan.Zero
        );
    }

    private List<string> Listed()
    {
        var list = new ReadyList(_world.Open().Queue, QueueScope.None, _world.Time);
        var ids = new List<string>();
        while (list.Take() is { } id)
        {
            ids.Add(id.Value);
        }

        return ids;
    }

    /// <summary>Lets everything run; the moment at which the first agent was started.</summary>
    private TimeSpan? FirstStart()
    {
        TimeSpan? first = null;
        _world.Host.Launched = _ => first ??= _world.Time.Elapsed;
        _world.Backend.LiveAll();
        return first;
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
