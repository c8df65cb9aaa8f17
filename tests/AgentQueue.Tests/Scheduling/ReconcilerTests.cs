using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed partial class ReconcilerTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();

    /// <summary>
    /// Every folder that can be met: the state in the file, each marker there or not, the exit code there,
    /// rubbish or not, the lock held or not, something of the agent alive or not, an identity or not.
    /// </summary>
    [Fact]
    public void Every_state_of_the_folder_is_settled_in_one_pass_and_the_second_changes_nothing()
    {
        var states = 0;
        foreach (var (status, exit, requests, bits) in States())
        {
            states++;
            var world = new World();
            var held = Arrange(world, status, exit, requests, bits, out var alive);
            var before = world.Disk.Dump();
            var own = world.Open();
            own.Reconciler.Reconcile(autoRetry: true);
            var after = world.Disk.Dump();
            own.Reconciler.Reconcile(autoRetry: true);
            var description = $"{status}, exit {exit}, {requests}, bits {bits:b7}";
            Assert.True(after == world.Disk.Dump(), $"{description}: not idempotent");
            var task = world.Read(s_id);
            var wasFinished = status is "complete" or "failed";
            if (held || wasFinished)
            {
                Assert.True(
                    WithoutCache(before) == WithoutCache(after),
                    $"{description}: changed what is not its own"
                );
            }
            else if (status == "running" || (bits & 15) != 0)
            {
                Assert.True(task.IsFinished, $"{description}: not settled");
                Assert.True(alive is not { IsAlive: true }, description);
                Assert.False(own.Queue.IsSupervised(s_id));
                Assert.DoesNotContain(
                    world.Disk.Files(),
                    static f => f.Path.Contains("run/task_a", StringComparison.Ordinal)
                );
            }
            else
            {
                Assert.Equal(TaskStatus.Pending, task.Status);
            }
        }

        Assert.Equal(4096, states);
    }

    private static IEnumerable<(string Status, string? Exit, string Request, int Bits)> States() =>
        from status in (string[])["pending", "held", "running", "complete", "failed"]
        from exit in (string?[])[null, "0\n", "3\n", "rubbish"]
        from request in (string[])["", "cancel", "expire", "stalled"]
        where status == "running" || request.Length == 0
        from bits in Enumerable.Range(0, 128)
        select (status, exit, request, bits);

    [Fact]
    public void Killed_at_any_step_it_settles_the_task_at_the_next_pass_in_the_same_way()
    {
        var cases =
            from exit in (string?[])[null, "0\n", "3\n"]
            from marker in (Sentinel?[])[null, .. SentinelNames.All[..4]]
            select (exit, marker);
        foreach (var (exit, marker) in cases)
        {
            string? expected = null;
            for (var step = 0; ; step++)
            {
                var world = new World();
                world.Put(Running(world));
                world.Disk.Plant(Marker(Sentinel.ExitCode), exit ?? "none");
                if (marker is { } kind)
                {
                    world.Disk.Plant(Marker(kind), "");
                }

                var died = Crash.At(world, step, static o => o.Reconciler.Reconcile(true));
                world.Open().Reconciler.Reconcile(autoRetry: true);
                var state = world.Read(s_id).State;
                var text = TaskText.Of(state);
                expected ??= text;
                Assert.True(expected == text, $"{exit} {marker} step {step}: {text}");
                var before = world.Disk.Dump();
                world.Open().Reconciler.Reconcile(autoRetry: true);
                Assert.Equal(before, world.Disk.Dump());
                if (!died)
                {
                    break;
                }
            }
        }
    }

    [Fact]
    public void A_supervisor_killed_at_any_step_leaves_a_task_that_is_settled_truthfully()
    {
        for (var step = 0; ; step++)
        {
            var world = new World();
            world.Host.Script = static _ => new FakeAgent().Exit(1);
            world.Put(world.NewTask("a"));
            world.Open().Run.Fill(1);
            var supervisor = Assert.Single(world.Backend.Waiting);
            var first = world.Disk.Changes;
            var died = false;
            world.Disk.Before = s =>
            {
                if (s.Process == supervisor.Process && s.Changes && s.Number - first >= step)
                {
                    died = true;
                    supervisor.Process.Die();
                }
            };
            world.Backend.LiveAll();
            world.Disk.Before = null;
            world.Time.Advance(TimeSpan.FromSeconds(1));
            world.Open().Reconciler.Reconcile(autoRetry: true);

            var task = world.Read(s_id);
            Assert.Empty(world.Host.Alive);
            Assert.InRange(world.Host.Started.Count, 0, 1);
            switch (task.State)
            {
                case TaskState.Pending:
                    // Killed before the attempt was recorded: a claim, and nothing else, is gone.
                    Assert.Empty(world.Host.Started);
                    world.Open().Run.Fill(1);
                    world.Backend.LiveAll();
                    Assert.Equal(TaskStatus.Complete, world.Read(s_id).Status);
                    break;
                case TaskState.Failed failed:
                    Assert.Equal(Reason.Lost, failed.Reason);
                    break;
                default:
                    Assert.Equal(TaskStatus.Complete, task.Status);
                    break;
            }

            Assert.False(world.Open().Queue.IsSupervised(s_id));
            if (!died)
            {
                Assert.InRange(step, 10, 100);
                return;
            }
        }
    }

    [Fact]
    public void A_supervisor_that_died_before_the_exit_was_recorded_loses_the_task()
    {
        _world.Put(Running(_world));
        Reconcile();
        Assert.Equal(Reason.Lost, Failed().Reason);
        Assert.True(_world.Disk.Has(Marker(Sentinel.Error)));
    }

    [Theory]
    [InlineData("0\n", TaskStatus.Complete)]
    [InlineData("9\n", TaskStatus.Failed)]
    public void A_supervisor_that_died_after_the_exit_was_recorded_is_judged_by_it(
        string exit,
        object status
    )
    {
        _world.Put(Running(_world));
        _world.Disk.Plant(Marker(Sentinel.ExitCode), exit);
        Reconcile();
        Assert.Equal(status, _world.Read(s_id).Status);
    }

    [Theory]
    [InlineData("Exit", TaskStatus.Failed)]
    [InlineData("Sentinel", TaskStatus.Complete)]
    [InlineData("Auto", TaskStatus.Complete)]
    public void A_lost_agent_is_judged_by_its_own_completion_setting(
        string completion,
        object status
    )
    {
        _world.Put(Running(_world));
        _world.Disk.Plant(Marker(Sentinel.Done), "");
        PutIdentity(_world, Enum.Parse<Completion>(completion));
        Reconcile();
        Assert.Equal(status, _world.Read(s_id).Status);
    }

    [Fact]
    public void An_orphan_is_ended_before_its_task_is_judged()
    {
        var agent = Orphan();
        Reconcile();
        Assert.False(agent.IsAlive);
        Assert.Equal(s_id, Assert.Single(_world.Orphans.Ended));
        Assert.Contains("found running and ended", Failed().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_orphan_out_of_reach_leaves_its_task_running_and_counted()
    {
        _world.Orphans.Reachable = false;
        var agent = Orphan();
        _world.Put(_world.NewTask("b"));
        var pass = _world.Open().Run.Fill(1);
        Assert.True(agent.IsAlive);
        Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
        Assert.Empty(pass.Started);
        Assert.Equal(1, pass.Running);
    }

    [Fact]
    public void An_orphan_that_lives_on_though_it_was_ended_leaves_its_task_running()
    {
        var agent = Orphan();
        var own = _world.Open();
        var reconciler = new Reconciler(own.Queue, new NoEnd(), own.Retries, _world.Time);
        Assert.False(reconciler.Settle(s_id));
        Assert.True(agent.IsAlive);
        Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(190, true)]
    [InlineData(300, false)]
    public void An_orphan_that_lets_go_of_its_files_a_moment_after_its_end_is_waited_for(
        int milliseconds,
        bool settled
    )
    {
        var agent = Orphan();
        var own = _world.Open();
        var reconciler = new Reconciler(own.Queue, new NoEnd(), own.Retries, _world.Time);
        _world.Time.Plan(TimeSpan.FromMilliseconds(milliseconds), agent.KillAll);
        Assert.Equal(settled, reconciler.Settle(s_id));
        Assert.Equal(settled, _world.Read(s_id).IsFinished);
    }

    [Fact]
    public void Where_it_cannot_be_recorded_what_is_left_of_an_agent_is_ended_all_the_same()
    {
        var agent = Orphan();
        Assert.Equal(TaskStatus.Failed, Shown().Status);
        Assert.False(agent.IsAlive);
    }

    [Fact]
    public void What_has_ended_without_room_to_record_it_is_told_and_shown_as_it_ended()
    {
        _world.Put(Running(_world));
        var supervisor = _world.Open("supervisor").Queue;
        using var held = supervisor.TryLockTask(s_id);
        supervisor.Request(s_id, Requests.Cancel);
        var problems = new List<QueueException>();
        var own = _world.Open();
        Assert.False(own.Reconciler.ShowEnded(QueueSnapshot.Take(own.Queue), problems.Add));
        Assert.Empty(problems);
        Assert.Equal(TaskStatus.Running, own.Read(s_id).Status);

        supervisor.Say(s_id, LockWord.Ended);
        Assert.True(own.Reconciler.ShowEnded(QueueSnapshot.Take(own.Queue), problems.Add));
        Assert.Equal(
            "there is no room to record how task_a ended",
            Assert.Single(problems).Message
        );
        Assert.Equal(TaskStatus.Cancelled, own.Read(s_id).Status);
        Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
    }

    [Theory]
    [InlineData(0, 0, "complete", 0)]
    [InlineData(7, 0, "exit", 7)]
    [InlineData(255, 0, "exit", 255)]
    [InlineData(143, (int)LockWord.Expire, "timeout", 143)]
    [InlineData(143, (int)LockWord.Stalled, "stalled", 143)]
    public void What_a_supervisor_said_of_the_end_for_want_of_room_is_what_counts(
        int exit,
        int more,
        string outcome,
        int code
    )
    {
        _world.Put(Running(_world));
        var supervisor = _world.Open("supervisor").Queue;
        using (supervisor.TryLockTask(s_id))
        {
            supervisor.Say(s_id, LockWord.Ended | (LockWord)more, exit);
            // A knock leaves it as it is.
            supervisor.Knock(s_id);
            var own = _world.Open();
            own.Reconciler.ShowEnded(QueueSnapshot.Take(own.Queue), static _ => { });
            Assert.Equal((outcome, code), OutcomeOf(own.Read(s_id)));
        }

        // It has given up, and whoever looks finds no room either.
        _world.Disk.Capacity = 0;
        for (var look = 0; look < 3; look++)
        {
            Assert.ThrowsAny<QueueException>(() =>
                _world.Open().Reconciler.Reconcile(autoRetry: true)
            );
        }

        _world.Disk.Capacity = long.MaxValue;
        _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal((outcome, code), OutcomeOf(_world.Read(s_id)));
        Assert.False(_world.Disk.Has($"{World.Root}/.agents/run/{s_id}.lock"));
    }

    private static (string Outcome, int? Code) OutcomeOf(AgentTask task) =>
        task.State switch
        {
            TaskState.Failed f => (f.Reason, f.ExitCode),
            TaskState.Finished f => (TaskJson.NameOf(task.Status), f.ExitCode),
            _ => ("", null),
        };

    private sealed class NoEnd : IOrphans
    {
        public bool End(TaskId id, RunIdentity? identity) => true;
    }

    [Fact]
    public void A_claim_whose_supervisor_died_is_pending_again()
    {
        _world.Put(_world.NewTask("a"));
        Assert.Single(_world.Open().Run.Fill(1).Started);
        Assert.Empty(_world.Open().Run.Fill(1).Started);
        _world.Backend.Waiting[0].Process.Die();
        Assert.Single(_world.Open().Run.Fill(1).Started);
    }

    [Fact]
    public void A_verdict_never_changes()
    {
        _world.Put(Running(_world));
        Reconcile();
        var first = _world.Read(s_id);
        foreach (var kind in SentinelNames.All)
        {
            _world.Disk.Plant(Marker(kind), "0");
            Reconcile();
            Assert.Equal(TaskText.Of(first), TaskText.Of(_world.Read(s_id)));
        }
    }

    [Fact]
    public void A_marker_dropped_on_a_held_task_ends_it()
    {
        _world.Put(_world.NewTask("a") with { State = new TaskState.Pending(Held: true) });
        _world.Disk.Plant(Marker(Sentinel.Cancelled), "");
        Reconcile();
        Assert.Equal(TaskStatus.Cancelled, _world.Read(s_id).Status);
    }

    [Fact]
    public void Settling_what_needs_none_says_so()
    {
        var reconciler = _world.Open().Reconciler;
        Assert.False(reconciler.Settle(s_id), "there is no such task");
        _world.Put(_world.NewTask("a"));
        Assert.False(reconciler.Settle(s_id), "it waits");
        Assert.Equal(TaskStatus.Pending, _world.Read(s_id).Status);
        _world.Put(Running(_world));
        using (_world.Open("supervisor").Queue.TryLockTask(s_id))
        {
            Assert.False(reconciler.Settle(s_id), "it is supervised");
            Assert.Equal(TaskStatus.Running, _world.Read(s_id).Status);
        }

        Assert.True(reconciler.Settle(s_id));
        Assert.False(reconciler.Settle(s_id), "it has ended");
    }

    [Fact]
    public void What_a_supervisor_that_died_after_the_record_left_in_the_run_folder_is_swept()
    {
        var now = _world.Time.GetUtcNow();
        _world.Put(_world.NewTask("a") with { State = new TaskState.Complete(now, now) });
        PutIdentity(_world, Completion.Auto);
        Assert.False(_world.Open().Reconciler.Settle(s_id));
        Assert.DoesNotContain(
            _world.Disk.Files(),
            static f => f.Path.Contains("run/task_a", StringComparison.Ordinal)
        );
        Assert.Equal(TaskStatus.Complete, _world.Read(s_id).Status);
    }

    [Fact]
    public void What_is_returned_shows_what_was_settled_and_every_retry_that_was_made()
    {
        _world.Put(Running(_world));
        var (settled, _) = _world.Open().Reconciler.Reconcile(autoRetry: false);
        Assert.Empty(settled.Unfinished);
        Assert.Equal(s_id, Assert.Single(settled.Finished).Id);

        var retry = TaskId.Parse("task_retry");
        _world.Put(
            _world.NewTask("b") with
            {
                State = new TaskState.Failed(null, _world.Time.GetUtcNow(), Reason.Exit, "no")
                {
                    RetryIntent = retry,
                },
            }
        );
        var (snapshot, changed) = _world.Open().Reconciler.Reconcile(autoRetry: false);
        Assert.Equal(1, changed);
        Assert.Equal(retry, Assert.Single(snapshot.Unfinished).Id);
    }

    [Fact]
    public void How_much_was_brought_up_to_date_is_said()
    {
        Assert.Equal(0, Changed());
        _world.Put(Running(_world));
        _world.Put(_world.NewTask("b"));
        _world.Put(
            _world.NewTask("c") with
            {
                AutoRetry = true,
                State = new TaskState.Failed(null, _world.Time.GetUtcNow(), Reason.Exit, "no"),
            }
        );
        Assert.Equal(1, Changed());
        Assert.Equal(0, Changed());
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, Changed(autoRetry: false));
        var (snapshot, changed) = _world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal((1, 4), (changed, snapshot.Count));

        int Changed(bool autoRetry = true) => _world.Open().Reconciler.Reconcile(autoRetry).Changed;
    }

    [Fact]
    public void A_loss_has_its_idle_limit_and_says_nothing_of_an_agent_that_was_gone()
    {
        _world.Put(Running(_world) with { IdleTimeout = TimeSpan.FromMinutes(5) });
        _world.Disk.Plant($"{World.Root}/.agents/run/{s_id}.{Requests.Stalled}", "");
        Reconcile();
        Assert.Equal((Reason.Stalled, "No output for 5m"), (Failed().Reason, Failed().Message));

        _world.Put(Running(_world));
        _world.Open().Disk.Delete(Marker(Sentinel.Error));
        Reconcile();
        Assert.Equal("The supervisor and the agent ended without a record", Failed().Message);
    }

    /// <summary>The task as a process reads it that cannot record anything.</summary>
    private AgentTask Shown()
    {
        var own = _world.Open();
        own.Reconciler.ShowUnrecorded();
        return own.Read(s_id);
    }

    private static string WithoutCache(string dump) =>
        string.Join(
            '\n',
            dump.Split('\n')
                .Where(static l => !l.Contains("/run/finished:", StringComparison.Ordinal))
        );

    private static bool Arrange(
        World world,
        string status,
        string? exit,
        string requests,
        int bits,
        out FakeAgentProcess? alive
    )
    {
        bool Bit(int n) => (bits & (1 << n)) != 0;
        var now = world.Time.GetUtcNow();
        world.Put(
            world.NewTask("a") with
            {
                State = status switch
                {
                    "pending" => new TaskState.Pending(),
                    "held" => new TaskState.Pending(Held: true),
                    "running" => new TaskState.Running(now, 77),
                    "complete" => new TaskState.Complete(now, now),
                    _ => new TaskState.Failed(now, now, Reason.Exit, "no"),
                },
            }
        );
        if (exit is not null)
        {
            world.Disk.Plant(Marker(Sentinel.ExitCode), exit);
        }

        if (requests.Length > 0)
        {
            world.Disk.Plant($"{World.Root}/.agents/run/{s_id}.{requests}", "");
        }

        for (var i = 0; i < 4; i++)
        {
            if (Bit(i))
            {
                world.Disk.Plant(Marker(SentinelNames.All[i]), i == 1 ? "{\"error\":\"x\"}" : "");
            }
        }

        alive = Bit(4) && status == "running" ? StartAgent(world) : null;
        if (Bit(5))
        {
            PutIdentity(world, Completion.Auto);
        }

        if (Bit(6))
        {
            world
                .Disk.Process("supervisor")
                .TryLock(new QueueFolder(World.Root, world.Disk.Process()).LockFile(s_id), true);
        }

        return Bit(6);
    }

    private static FakeAgentProcess StartAgent(World world)
    {
        var supervisor = world.Disk.Process("supervisor");
        var queue = new QueueFolder(World.Root, supervisor);
        world.Host.Script = static _ => new FakeAgent();
        var held = supervisor.TryLock(queue.AliveFile(s_id), create: true)!;
        var agent = world
            .Host.For(supervisor)
            .Start(
                new AgentLaunch
                {
                    Executable = "/bin/agent",
                    Arguments = [],
                    Environment = [],
                    WorkingFolder = World.Root,
                    LogFile = queue.LogFile(s_id),
                    AliveDescriptor = held.Descriptor,
                    KnockFile = queue.LockFile(s_id),
                    Mark = Supervisor.MarkOf(queue, s_id),
                }
            );
        supervisor.Die();
        return (FakeAgentProcess)agent;
    }

    private static void PutIdentity(World world, Completion completion) =>
        new RunIdentity(
            new ProcessIdentity(ProcessIdentity.ThisMachine, 77, 1),
            new ProcessIdentity(ProcessIdentity.ThisMachine, 78, 2),
            completion
        ).Write(new QueueFolder(World.Root, world.Disk.Process("setup")), s_id);

    private FakeAgentProcess Orphan()
    {
        _world.Put(Running(_world));
        return StartAgent(_world);
    }

    private static AgentTask Running(World world) =>
        world.NewTask("a") with
        {
            Attempt = 1,
            State = new TaskState.Running(world.Time.GetUtcNow(), 77),
        };

    private TaskState.Failed Failed() => Assert.IsType<TaskState.Failed>(_world.Read(s_id).State);

    private void Reconcile() => _world.Open().Reconciler.Reconcile(autoRetry: true);

    private static string Marker(Sentinel kind) =>
        $"{World.Root}/.agents/tasks/{s_id}{SentinelNames.Extension(kind)}";
}
