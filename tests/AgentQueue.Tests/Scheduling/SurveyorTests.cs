using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class SurveyorTests
{
    private readonly RunStage _stage = new("a", "b", "c", "d");

    [Fact]
    public void A_run_sees_its_own_tasks_and_the_rest_of_the_queue_those_of_no_run()
    {
        var a = _stage.Put("a");
        var other = _stage.World.Put(_stage.World.NewTask("x"));
        var stranger = _stage.World.Put(
            _stage.New("a") with
            {
                Id = RunId.New(FakeTime.Start).TaskOf(1, 4, "a"),
            }
        );
        Assert.Equal([a.Id], Survey(RunStage.Run).Ready.Select(static t => t.Id));
        Assert.Equal([other.Id], Survey(QueueScope.None).Ready.Select(static t => t.Id));
        Assert.Equal(
            [stranger.Id],
            Survey(QueueScope.Of(stranger.Id)).Ready.Select(static t => t.Id)
        );
        Assert.Equal(1, Survey(QueueScope.None).Pending);
    }

    [Fact]
    public void Slots_are_counted_in_the_scope_and_agents_in_the_whole_queue()
    {
        var running = new TaskState.Running(FakeTime.Start);
        _stage.Put("a", running);
        _stage.World.Put(_stage.New("b") with { Agent = "coder", State = running });
        _stage.World.Put(_stage.World.NewTask("x") with { State = running });
        var run = Survey(RunStage.Run);
        var rest = Survey(QueueScope.None);
        Assert.Equal([_stage.Id("a"), _stage.Id("b")], run.Running);
        Assert.Equal("task_x", Assert.Single(rest.Running).Value);
        Assert.All([run, rest], static s => Assert.Equal(2, s.Agents["coder"]));
        Assert.All([run, rest], static s => Assert.Equal(1, s.Agents[PlanStep.CommandAgent]));
    }

    [Fact]
    public void A_task_that_starts_in_another_scope_takes_a_place_of_its_agent_and_no_slot()
    {
        _stage.World.Put(_stage.New("a") with { Agent = "coder" });
        using var held = _stage.World.Open().Queue.TryLockTask(_stage.Id("a"));
        var rest = Survey(QueueScope.None);
        Assert.Equal((1, 0, 0), (rest.Agents["coder"], rest.Running.Count, rest.InHand));
        var run = Survey(RunStage.Run);
        Assert.Equal((1, 1), (run.Running.Count, run.InHand));
    }

    [Fact]
    public void An_agents_limit_holds_across_runs_and_a_runs_slots_only_for_itself()
    {
        _stage.World.Planner.Limits["coder"] = 1;
        foreach (var node in (string[])["a", "b", "c"])
        {
            _stage.World.Put(_stage.New(node) with { Agent = node == "a" ? "coder" : "other" });
        }

        _stage.World.Put(
            _stage.World.NewTask("x") with
            {
                State = new TaskState.Running(FakeTime.Start),
            }
        );
        // It runs on another machine: nobody settles it.
        using var held = _stage.World.Open().Queue.TryLockTask(TaskId.Parse("task_x"));
        var pass = _stage.World.Open().RunOf(RunStage.Run).BeginDrain(new DrainRules(2));
        Assert.Equal([_stage.Id("b"), _stage.Id("c")], pass.Started.Select(static s => s.Task.Id));
    }

    [Fact]
    public void Once_a_task_has_failed_for_good_fail_fast_leaves_nothing_ready()
    {
        _stage.Put("a", RunStage.Failed());
        _stage.Put("b");
        Assert.Single(Survey(RunStage.Run).Ready);
        Assert.Empty(Survey(RunStage.Run, failFast: true).Ready);
    }

    [Fact]
    public void A_failure_that_is_tried_again_or_was_or_is_anothers_stops_no_run()
    {
        _stage.World.Put(
            _stage.New("a") with
            {
                MaxRetries = 1,
                AutoRetry = true,
                State = RunStage.Failed(),
            }
        );
        _stage.Put("b", RunStage.Failed() with { RetriedBy = RunId.RetryOf(_stage.Id("b"), 1) });
        _stage.Put("c", RunStage.Skipped());
        _stage.Put("d");
        _stage.World.Put(_stage.World.NewTask("x") with { State = RunStage.Failed() });
        Assert.Single(Survey(RunStage.Run, failFast: true).Ready);
    }

    [Fact]
    public void Only_the_back_offs_of_the_scope_are_waited_for()
    {
        _stage.World.Put(
            _stage.World.NewTask("x") with
            {
                AutoRetry = true,
                State = RunStage.Failed(),
            }
        );
        _stage.Put("a", new TaskState.Pending(NotBefore: FakeTime.Start.AddMinutes(9)));
        Assert.Equal(FakeTime.Start.AddMinutes(9), Survey(RunStage.Run).NextDue);
        Assert.Equal(FakeTime.Start.AddSeconds(3), Survey(QueueScope.None).NextDue);
    }

    [Fact]
    public void Who_waits_only_for_others_has_them_named_and_a_held_one_is_not_ready()
    {
        _stage.Put("a", new TaskState.Pending(Held: true));
        _stage.Put("b", "a");
        _stage.Put("c", RunStage.Failed());
        _stage.Put("d", "c");
        var survey = Survey(RunStage.Run);
        Assert.Equal(_stage.Id("a"), Assert.Single(survey.Awaited).Key);
        Assert.Equal((3, 0), (survey.Pending, survey.Ready.Count));
    }

    private QueueSurvey Survey(QueueScope scope, bool failFast = false)
    {
        var own = _stage.World.Open();
        return new Surveyor(own.Queue, own.Retries, scope, _stage.World.Time).Of(
            QueueSnapshot.Take(own.Queue),
            failFast
        );
    }
}
