using AgentQueue.Agents;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class SupervisorPlanTests
{
    private readonly RunStage _stage = new("a", "b");
    private readonly Queue<FakeAgent> _next = new();

    public SupervisorPlanTests() =>
        _stage.World.Host.Script = _ =>
            _next.Count > 0 ? _next.Dequeue() : throw new InvalidOperationException("not expected");

    private TaskId Id => _stage.Id("a");

    [Fact]
    public void A_condition_that_does_not_hold_is_recorded_without_an_agent()
    {
        _stage.Put("b", RunStage.Complete());
        var told = new List<string>();
        var task = _stage.New("a", "b");
        _stage.World.Put(
            task with
            {
                Step = task.Step! with
                {
                    When = new StepCondition(_stage.Id("b"), "failed", null, null),
                },
            }
        );
        var own = _stage.World.Open();
        using (var held = own.Queue.TryLockTask(Id))
        {
            own.Supervisor.Run(Id, told.Add);
        }

        var skipped = Assert.IsType<TaskState.Cancelled>(_stage.Read("a").State);
        Assert.Equal(
            ("b is complete, not failed", null, 0),
            (skipped.Skipped, skipped.StartedAt, _stage.Read("a").Attempt)
        );
        Assert.Empty(_stage.World.Host.Started);
        Assert.Equal("skipped", Assert.Single(told));
        Assert.False(own.Queue.IsSupervised(Id));
    }

    [Fact]
    public void A_skip_whose_supervisor_was_killed_at_any_step_is_none_or_a_whole_one()
    {
        for (var step = 0; ; step++)
        {
            var stage = new RunStage("a", "b");
            stage.Put("b", RunStage.Complete());
            var task = stage.New("a", "b");
            var when = new StepCondition(stage.Id("b"), "failed", null, null);
            stage.World.Put(task with { Step = task.Step! with { When = when } });
            var killed = Crash.At(stage.World, step, own => own.Supervise(task.Id));
            stage.World.Open().Reconciler.Reconcile(autoRetry: false);
            Assert.True(
                stage.Read("a").State
                    is TaskState.Pending
                        or TaskState.Cancelled { Skipped: not null },
                $"killed before step {step}: {TaskText.Of(stage.Read("a").State)}"
            );
            if (!killed)
            {
                Assert.InRange(step, 3, 100);
                return;
            }
        }
    }

    [Fact]
    public void Checks_run_in_their_order_after_the_agent_and_are_named_in_a_log_of_their_own()
    {
        var ended = Run(
            ["first one", "second"],
            new FakeAgent().Print(1, "work\n").Exit(2),
            new FakeAgent().Exit(3),
            new FakeAgent().Exit(4)
        );
        Assert.IsType<TaskState.Complete>(ended.State);
        Assert.Equal(
            ["/bin/agent ", "/bin/first one", "/bin/second "],
            _stage.World.Host.Started.Select(static a =>
                $"{a.Launch.Executable} {(a.Launch.Executable == "/bin/agent" ? "" : string.Join(' ', a.Launch.Arguments))}"
            )
        );
        var queue = _stage.World.Open().Queue;
        Assert.Equal("work\n", _stage.World.Disk.Text(queue.LogFile(Id)));
        Assert.Equal(
            "===== verify: first one =====\n===== verify: second =====\n",
            _stage.World.Disk.Text(queue.CheckLogFile(Id)!)
        );
        Assert.Equal(9, Took(ended));
    }

    [Fact]
    public void A_check_that_fails_is_the_tasks_failure_and_none_follows_it()
    {
        var ended = Run(
            ["first", "second"],
            new FakeAgent().Exit(1),
            new FakeAgent().Exit(1, code: 3)
        );
        var failed = Failed(ended);
        Assert.Equal((Reason.Verify, 0), (failed.Reason, failed.ExitCode));
        Assert.Contains("first", failed.Message, StringComparison.Ordinal);
        Assert.Contains("3", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Work_that_failed_is_not_checked()
    {
        var ended = Run(["first"], new FakeAgent().Exit(1, code: 7));
        Assert.Equal((Reason.Exit, 7), (Failed(ended).Reason, Failed(ended).ExitCode));
    }

    [Fact]
    public void A_check_whose_program_is_not_there_fails()
    {
        _stage.World.Planner.Change = static p => p with { Checks = [(null, ["nonesuch"])] };
        var failed = Failed(Run(null, new FakeAgent().Exit(1)));
        Assert.Equal((Reason.Verify, 0), (failed.Reason, failed.ExitCode));
        Assert.Contains("nonesuch", failed.Message, StringComparison.Ordinal);
        var kept = new Results(_stage.World.Open().Queue).Read(Id)!;
        Assert.Equal(
            ("", 1, Verification.Unavailable, ExitStatus.Exited(0)),
            (kept.Adapter, kept.Attempt, kept.Verification, kept.Exit)
        );
        Assert.Equal(failed.Message, kept.Error?.Message);
    }

    [Fact]
    public void A_check_that_cannot_be_started_fails()
    {
        var failed = Failed(
            Run(["first"], new FakeAgent().Exit(1), new FakeAgent { LaunchError = "no memory" })
        );
        Assert.Equal(Reason.Verify, failed.Reason);
        Assert.Contains("no memory", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_time_of_a_task_is_that_of_its_checks_too()
    {
        _stage.World.Planner.Change = static p =>
            p with
            {
                Timeout = TimeSpan.FromSeconds(5),
                Checks = [("/bin/first", ["first"])],
            };
        var ended = Run(null, new FakeAgent().Exit(3), new FakeAgent().Exit(60));
        Assert.Equal(Reason.Timeout, Failed(ended).Reason);
        Assert.Equal(5, Took(ended));
        Assert.Empty(_stage.World.Host.Alive);
    }

    [Fact]
    public void A_task_can_be_cancelled_while_it_is_checked()
    {
        var ended = Run(
            ["first", "second"],
            new FakeAgent().Exit(1),
            new FakeAgent().Drop(2, Sentinel.Cancelled).Exit(60)
        );
        Assert.IsType<TaskState.Cancelled>(ended.State);
        Assert.InRange(Took(ended), 3, 3.5);
        Assert.Empty(_stage.World.Host.Alive);
    }

    [Fact]
    public void TERM_to_the_supervisor_ends_a_check_and_the_task_is_lost()
    {
        var ended = Run(
            ["first"],
            new FakeAgent().Exit(1),
            new FakeAgent().At(2, static a => a.TellSupervisorToEnd()).Exit(60)
        );
        Assert.Equal(Reason.Lost, Failed(ended).Reason);
        Assert.Empty(_stage.World.Host.Alive);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void The_word_of_the_agent_does_not_cut_its_checks_short(int code, bool isGood)
    {
        var ended = Run(
            ["first"],
            new FakeAgent().Drop(1, Sentinel.Done).Exit(2),
            new FakeAgent().Exit(60, code)
        );
        Assert.Equal(isGood, ended.State is TaskState.Complete);
        Assert.Equal(62, Took(ended));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Killed_at_any_step_no_supervisor_makes_work_complete_that_was_not_found_good(
        bool saysDone
    )
    {
        for (var step = 0; ; step++)
        {
            var stage = new RunStage("a");
            var agents = new Queue<FakeAgent>([
                saysDone ? new FakeAgent().Drop(1, Sentinel.Done).Exit(2) : new FakeAgent().Exit(2),
                new FakeAgent().Exit(1, code: 1),
            ]);
            stage.World.Host.Script = _ => agents.Dequeue();
            stage.World.Planner.Change = static p => p with { Checks = [("/bin/x", ["x"])] };
            var task = stage.New("a");
            stage.World.Put(
                task with
                {
                    Checks = new WorkChecks
                    {
                        Commands =
                        [
                            ["x"],
                        ],
                    },
                }
            );
            var killed = Crash.At(stage.World, step, own => own.Supervise(task.Id));
            if (step % 2 == 0)
            {
                stage.World.Host.LosePower();
                stage.World.Disk.LosePower(new Random(step));
            }

            stage.World.Open().Reconciler.Reconcile(autoRetry: false);
            Assert.True(
                stage.Read("a").State is TaskState.Pending or TaskState.Failed,
                $"killed before step {step}: {TaskText.Of(stage.Read("a").State)}"
            );
            if (!killed)
            {
                Assert.InRange(step, 10, 200);
                return;
            }
        }
    }

    [Fact]
    public void Standard_output_and_standard_error_have_files_of_their_own()
    {
        Run([], new FakeAgent().Exit(1));
        var launch = Assert.Single(_stage.World.Host.Started).Launch;
        Assert.EndsWith("/logs/p1-a.out.log", launch.LogFile, StringComparison.Ordinal);
        Assert.EndsWith("/logs/p1-a.err.log", launch.ErrorLogFile!, StringComparison.Ordinal);

        var world = new World();
        world.Put(world.NewTask("x"));
        world.Open().Supervise(TaskId.Parse("task_x"));
        Assert.Null(Assert.Single(world.Host.Started).Launch.ErrorLogFile);
    }

    [Fact]
    public void Output_on_either_of_them_keeps_an_agent_from_stalling()
    {
        var agent = new FakeAgent().Print(4);
        agent.At(8, a => _stage.World.Open().Disk.Append(a.Launch.ErrorLogFile!, "…\n"u8)).Exit(12);
        _next.Enqueue(agent);
        _stage.World.Put(_stage.New("a") with { IdleTimeout = TimeSpan.FromSeconds(5) });
        Assert.IsType<TaskState.Complete>(_stage.World.Open().Supervise(Id)!.State);
    }

    private AgentTask Run(string[]? checks, params FakeAgent[] agents)
    {
        foreach (var agent in agents)
        {
            _next.Enqueue(agent);
        }

        if (checks is not null)
        {
            _stage.World.Planner.Change = p =>
                p with
                {
                    Checks =
                    [
                        .. checks
                            .Select(static c => c.Split(' '))
                            .Select(static c =>
                                (
                                    (string?)"/bin/" + c[0],
                                    (System.Collections.Immutable.ImmutableArray<string>)[.. c]
                                )
                            ),
                    ],
                };
        }

        _stage.Put("a");
        Assert.NotNull(_stage.World.Open().Supervise(Id));
        Assert.Empty(_next);
        return _stage.Read("a");
    }

    private static TaskState.Failed Failed(AgentTask task) =>
        Assert.IsType<TaskState.Failed>(task.State);

    private static double Took(AgentTask task) =>
        task.State is TaskState.Finished f ? (f.CompletedAt - FakeTime.Start).TotalSeconds : -1;
}
