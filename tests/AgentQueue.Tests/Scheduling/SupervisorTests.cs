using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class SupervisorTests
{
    private readonly World _world = new();

    [Fact]
    public void An_agent_that_exits_with_0_has_completed()
    {
        var ended = Run(new FakeAgent().Exit(3));
        Assert.IsType<TaskState.Complete>(ended.State);
        Assert.Equal(1, ended.Attempt);
        Assert.Equal(3, Took(ended));
        AssertMarkers(Sentinel.Done, Sentinel.ExitCode);
    }

    [Fact]
    public void An_agent_that_exits_with_another_code_has_failed()
    {
        var failed = Failed(Run(new FakeAgent().Exit(1, code: 7)));
        Assert.Equal((Reason.Exit, 7), (failed.Reason, failed.ExitCode));
        AssertMarkers(Sentinel.Error, Sentinel.ExitCode);
    }

    [Fact]
    public void The_attempt_is_recorded_before_the_agent_can_do_anything()
    {
        TaskState? seen = null;
        _world.Host.Launched = _ => seen = _world.Read(s_id).State;
        Run(new FakeAgent().Exit(1));
        Assert.IsType<TaskState.Running>(seen);
    }

    [Fact]
    public void A_launch_that_fails_is_the_tasks_failure()
    {
        var failed = Failed(Run(new FakeAgent { LaunchError = "no such program" }));
        Assert.Equal((Reason.Launch, "no such program"), (failed.Reason, failed.Message));
        AssertMarkers(Sentinel.Error);
    }

    [Fact]
    public void A_plan_that_fails_is_the_tasks_failure_and_no_attempt()
    {
        _world.Planner.Refuses = new QueueException("The agent 'coder' is gone");
        var ended = Run(new FakeAgent());
        Assert.Equal(Reason.Launch, Failed(ended).Reason);
        Assert.Equal(0, ended.Attempt);
    }

    [Fact]
    public void A_configuration_that_cannot_be_used_leaves_the_task_pending()
    {
        _world.Planner.Refuses = QueueException.Usage("agent-config.json is broken");
        _world.Put(_world.NewTask("a"));
        Assert.Throws<QueueException>(() => _world.Open().Supervise(s_id));
        Assert.IsType<TaskState.Pending>(_world.Read(s_id).State);
    }

    [Theory]
    [InlineData(Limit.Time, Reason.Timeout, "Timed out after 5s")]
    [InlineData(Limit.Idle, Reason.Stalled, "No output for 5s")]
    public void A_limit_ends_the_agent_and_names_itself(Limit limit, string reason, string message)
    {
        var ended = Run(new FakeAgent().Exit(100), t => With(t, limit, 5));
        Assert.Equal((reason, message), (Failed(ended).Reason, Failed(ended).Message));
        Assert.InRange(Took(ended), 5, 5.5);
        Assert.Empty(_world.Host.Alive);
    }

    [Theory]
    [InlineData(5, false)]
    [InlineData(5.001, true)]
    [InlineData(4.999, false)]
    public void An_exit_at_the_limit_counts_and_one_after_it_does_not(double exit, bool timedOut)
    {
        var ended = Run(new FakeAgent().Exit(exit), t => With(t, Limit.Time, 5));
        Assert.Equal(timedOut, ended.State is TaskState.Failed { Reason: Reason.Timeout });
    }

    [Fact]
    public void Output_keeps_an_agent_from_stalling()
    {
        var agent = new FakeAgent().Print(4).Print(8).Print(12).Exit(16);
        Assert.IsType<TaskState.Complete>(Run(agent, t => With(t, Limit.Idle, 5)).State);
        Assert.Equal(16, Took(_world.Read(s_id)));
    }

    [Fact]
    public void An_agent_that_ignores_TERM_is_killed_after_the_grace()
    {
        _world.Planner.Change = static p => p with { Grace = TimeSpan.FromSeconds(3) };
        var agent = new FakeAgent { IgnoresTerm = true }.Exit(100);
        var ended = Run(agent, t => With(t, Limit.Time, 5));
        Assert.Equal((8, 137), (Took(ended), Failed(ended).ExitCode));
    }

    [Theory]
    [InlineData(Sentinel.Done, "complete")]
    [InlineData(Sentinel.Error, "failed")]
    public void After_its_word_an_agent_has_a_while_to_exit(object kind, string status)
    {
        var agent = new FakeAgent().Drop(2, (Sentinel)kind, "why").Exit(60);
        var ended = Run(agent);
        Assert.Equal(status, TaskJson.NameOf(ended.Status));
        Assert.InRange(Took(ended), 12, 12.6);
        Assert.Empty(_world.Host.Alive);
    }

    [Fact]
    public void A_word_that_is_taken_back_starts_no_count()
    {
        var agent = new FakeAgent()
            .Drop(2, Sentinel.Done)
            .At(4, _ => _world.Open().Disk.Delete(MarkerPath(Sentinel.Done)))
            .Exit(60);
        Assert.Equal(60, Took(Run(agent)));
    }

    [Theory]
    [InlineData(Sentinel.Cancelled, "cancelled")]
    [InlineData(Sentinel.Timeout, "failed")]
    public void A_marker_that_ends_a_task_ends_the_agent_at_once(object kind, string status)
    {
        var ended = Run(new FakeAgent().Drop(2, (Sentinel)kind).Exit(60));
        Assert.Equal(status, TaskJson.NameOf(ended.Status));
        Assert.InRange(Took(ended), 2, 2.5);
    }

    [Fact]
    public void Done_means_nothing_for_an_agent_that_speaks_by_its_exit()
    {
        _world.Planner.Change = static p => p with { Completion = Completion.Exit };
        var ended = Run(new FakeAgent().Drop(1, Sentinel.Done).Exit(60, code: 3));
        Assert.Equal((60, Reason.Exit), (Took(ended), Failed(ended).Reason));
    }

    [Fact]
    public void Exit_0_is_not_enough_for_an_agent_that_must_say_done()
    {
        _world.Planner.Change = static p => p with { Completion = Completion.Sentinel };
        Assert.Equal(Reason.NoSignal, Failed(Run(new FakeAgent().Exit(1))).Reason);
    }

    [Fact]
    public void TERM_to_the_supervisor_ends_the_agent_and_says_so()
    {
        var ended = Run(new FakeAgent().At(2, static a => a.TellSupervisorToEnd()).Exit(60));
        Assert.Equal(Reason.Lost, Failed(ended).Reason);
        Assert.Contains("TERM", Failed(ended).Message, StringComparison.Ordinal);
        Assert.Equal(2, Took(ended));
        Assert.Empty(_world.Host.Alive);
    }

    [Theory]
    [InlineData(Reason.Timeout)]
    [InlineData(Reason.Stalled)]
    public void A_disk_that_is_full_from_the_start_to_the_end_of_an_agent_ends_no_supervision(
        string reason
    )
    {
        var files = _world.Disk.Files;
        _world.Host.Launched = _ =>
            _world.Disk.Capacity = files().Sum(static f => f.Content.Length);
        // Five seconds of the limit, and some in which the outcome cannot be recorded either.
        var agent = new FakeAgent().At(
            1,
            _ =>
                _world.Time.Plan(
                    TimeSpan.FromSeconds(20),
                    () => _world.Disk.Capacity = long.MaxValue
                )
        );
        var limit = TimeSpan.FromSeconds(5);
        var failed = Failed(
            Run(
                agent,
                t =>
                    reason == Reason.Timeout
                        ? t with
                        {
                            Timeout = limit,
                        }
                        : t with
                        {
                            IdleTimeout = limit,
                        }
            )
        );
        Assert.Equal(reason, failed.Reason);
        Assert.Contains("5s", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TERM_to_the_supervisor_does_not_undo_what_the_agent_said()
    {
        var agent = new FakeAgent()
            .Drop(1, Sentinel.Done)
            .At(2, static a => a.TellSupervisorToEnd());
        Assert.IsType<TaskState.Complete>(Run(agent).State);
    }

    [Fact]
    public void What_an_agent_leaves_running_is_ended()
    {
        Run(new FakeAgent { LeavesChild = true }.Exit(1));
        Assert.Empty(_world.Host.Alive);
        Assert.False(_world.Open().Queue.IsAgentAlive(s_id));
    }

    [Fact]
    public void What_an_agent_leaves_running_stays_where_the_settings_say_so()
    {
        _world.Planner.Change = static p => p with { KeepChildren = true };
        Run(new FakeAgent { LeavesChild = true }.Exit(1));
        Assert.Single(_world.Host.Alive);
    }

    [Fact]
    public void A_task_that_is_not_pending_is_not_run()
    {
        _world.Put(
            _world.NewTask("a") with
            {
                State = new TaskState.Cancelled(null, FakeTime.Start),
            }
        );
        Assert.Null(_world.Open().Supervise(s_id));
        Assert.Empty(_world.Host.Started);
    }

    [Fact]
    public void Nothing_of_a_run_is_left_but_what_people_read()
    {
        _world.Planner.Change = static p => p with { PromptFileContent = "do it" };
        Run(new FakeAgent().Exit(1));
        var left = _world
            .Disk.Files()
            .Select(static f => f.Path)
            .Where(static p => p.Contains("task_a", StringComparison.Ordinal))
            .Select(static p => p["/project/.agents/".Length..])
            .Order();
        Assert.Equal(["tasks/task_a.done", "tasks/task_a.exitcode", "tasks/task_a.json"], left);
    }

    [Fact]
    public void The_wall_clock_may_jump_without_ending_anything()
    {
        var agent = new FakeAgent()
            .At(1, _ => _world.Time.SetWall(TimeSpan.FromDays(3650)))
            .At(2, _ => _world.Time.SetWall(TimeSpan.FromDays(-7300)))
            .Exit(4);
        var ended = Run(agent, t => With(With(t, Limit.Time, 5), Limit.Idle, 5));
        Assert.IsType<TaskState.Complete>(ended.State);
    }

    private static readonly TaskId s_id = TaskId.Parse("task_a");

    public enum Limit
    {
        Time,
        Idle,
    }

    private static AgentTask With(AgentTask task, Limit limit, int seconds) =>
        limit == Limit.Time
            ? task with
            {
                Timeout = TimeSpan.FromSeconds(seconds),
            }
            : task with
            {
                IdleTimeout = TimeSpan.FromSeconds(seconds),
            };

    private AgentTask Run(FakeAgent agent, Func<AgentTask, AgentTask>? change = null)
    {
        _world.Host.Script = _ => agent;
        _world.Put(_world.NewTask("a", change));
        var ended = _world.Open().Supervise(s_id);
        Assert.NotNull(ended);
        Assert.Equal(TaskText.Of(_world.Read(s_id).State), TaskText.Of(Rounded(ended)));
        return _world.Read(s_id);
    }

    // Files keep milliseconds.
    private static TaskState Rounded(AgentTask task) =>
        TaskJson.Read(TaskJson.Write(task), task.Id).State;

    private static TaskState.Failed Failed(AgentTask task) =>
        Assert.IsType<TaskState.Failed>(task.State);

    private static double Took(AgentTask task) =>
        task.State is TaskState.Finished f ? (f.CompletedAt - FakeTime.Start).TotalSeconds : -1;

    private static string MarkerPath(Sentinel kind) =>
        $"{World.Root}/.agents/tasks/{s_id}{SentinelNames.Extension(kind)}";

    private void AssertMarkers(params Sentinel[] expected) =>
        Assert.Equal(
            expected.Order(),
            SentinelNames.All.Where(k => _world.Disk.Has(MarkerPath(k))).Order()
        );
}
