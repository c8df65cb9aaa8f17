using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class StepTextsTests
{
    private const string Runs = World.Root + "/.agents/runs/run_0123456789abcd";
    private readonly RunStage _stage = new("a", "b");

    private QueueFolder Queue => _stage.World.Open().Queue;

    [Theory]
    [InlineData("log", Runs + "/logs/p1-a.out.log")]
    [InlineData("result", World.Root + "/.agents/tasks/task_0123456789abcd-p1-a.json")]
    [InlineData("outputs", Runs + "/artifacts/a")]
    public void What_a_text_names_of_another_task_is_filled_in(string fact, string path)
    {
        _stage.Put("a", RunStage.Complete());
        Assert.Equal($"<{path}> and {path}", Fill($"<{Of("a", fact)}> and {Of("a", fact)}"));
    }

    [Fact]
    public void A_task_that_was_tried_again_is_its_last_attempt()
    {
        var retry = RunId.RetryOf(_stage.Id("a"), 1);
        _stage.Put("a", RunStage.Failed() with { RetriedBy = retry });
        _stage.World.Put(_stage.New("a") with { Id = retry, State = RunStage.Complete() });
        Assert.Equal($"{Runs}/logs/p1r1-a.out.log", Fill(Of("a", "log")));
        Assert.Equal($"{Runs}/artifacts/a", Fill(Of("a", "outputs")));
    }

    [Fact]
    public void Every_text_of_a_task_is_filled_in()
    {
        _stage.Put("a", RunStage.Complete());
        var log = Of("a", "log");
        var path = Fill(log);
        var task = _stage.New("b") with
        {
            Prompt = log,
            WorkingFolder = log,
            Environment = System
                .Collections.Immutable.ImmutableSortedDictionary<string, string?>.Empty.Add(
                    "A",
                    log
                )
                .Add("B", null),
        };
        task = task with
        {
            Step = task.Step! with { Command = ["cat", log] },
            Checks = new WorkChecks
            {
                Commands =
                [
                    ["test", log],
                    [log],
                ],
            },
        };
        var filled = StepTexts.Fill(Queue, task);
        Assert.Equal(
            (path, path, path, null),
            (filled.Prompt, filled.WorkingFolder, filled.Environment["A"], filled.Environment["B"])
        );
        Assert.Equal(["cat", path], filled.Step!.Command.AsEnumerable());
        Assert.Equal(["test", path, path], filled.Checks!.Commands.SelectMany(static v => v));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("${HOME} ${tasks.build.log}")]
    [InlineData("${tasks.task_")]
    [InlineData("${tasks.task_x.colour}")]
    [InlineData("${tasks.task_x/../y.log}")]
    [InlineData("${tasks.task_x}")]
    [InlineData("a ${tasks.task_gone.outputs}")]
    public void What_names_no_fact_of_a_task_stays_as_it_is(string text) =>
        Assert.Equal(text, Fill(text));

    [Fact]
    public void A_task_of_no_plan_keeps_its_texts()
    {
        var task = _stage.World.NewTask("x") with { Prompt = Of("a", "log") };
        Assert.Same(task, StepTexts.Fill(Queue, task));
    }

    [Fact]
    public void What_was_filled_in_is_not_looked_at_again()
    {
        // A node's name never gets into a path with a placeholder in it, but a project's folder could.
        var queue = new QueueFolder(
            "/project ${tasks." + _stage.Id("a") + ".log}",
            _stage.World.Disk.Process()
        );
        var filled = StepTexts.Fill(queue, _stage.New("b") with { Prompt = Of("a", "log") });
        Assert.Equal(queue.LogFile(_stage.Id("a")), filled.Prompt);
    }

    [Fact]
    public void Retries_in_a_ring_end()
    {
        _stage.Put("a", RunStage.Failed() with { RetriedBy = _stage.Id("a") });
        Assert.Equal(_stage.Id("a"), StepTexts.Last(Queue, _stage.Id("a"))?.Id);
        Assert.Null(StepTexts.Last(Queue, TaskId.Parse("task_gone")));
    }

    [Theory]
    [InlineData("complete", "complete", null)]
    [InlineData("complete", "failed", "a is complete, not failed")]
    [InlineData("failed", "failed", null)]
    [InlineData("cancelled", "cancelled", null)]
    [InlineData("skipped", "cancelled", "a is skipped, not cancelled")]
    [InlineData("pending", "cancelled", "a is skipped, not cancelled")]
    [InlineData("gone", "complete", "task_0123456789abcd-p1-a is gone, not complete")]
    public void A_condition_compares_how_the_other_task_ended(
        string state,
        string wanted,
        string? why
    )
    {
        TaskState? end = state switch
        {
            "complete" => RunStage.Complete(),
            "failed" => RunStage.Failed(),
            "cancelled" => RunStage.Cancelled(),
            "skipped" => RunStage.Skipped(),
            "pending" => new TaskState.Pending(),
            _ => null,
        };
        if (end is not null)
        {
            _stage.Put("a", end);
        }

        Assert.Equal(why, WhySkipped(new StepCondition(_stage.Id("a"), wanted, null, null)));
    }

    [Fact]
    public void A_condition_looks_into_a_file()
    {
        _stage.Put("a", RunStage.Complete());
        var when = new StepCondition(_stage.Id("a"), null, "/project/report.txt", "ALL GOOD");
        Assert.Equal("there is no /project/report.txt", WhySkipped(when));
        _stage.World.Disk.Plant("/project/report.txt", "all good");
        Assert.Equal("/project/report.txt does not contain 'ALL GOOD'", WhySkipped(when));
        _stage.World.Disk.Plant("/project/report.txt", "so: ALL GOOD\n");
        Assert.Null(WhySkipped(when));
        _stage.World.Disk.Plant("/project/report.txt", new string('x', (16 << 20) + 1));
        Assert.Equal("/project/report.txt is too large to look into", WhySkipped(when));
    }

    [Fact]
    public void A_task_without_a_condition_is_not_skipped()
    {
        Assert.Null(StepTexts.WhySkipped(Queue, _stage.New("b")));
        Assert.Null(StepTexts.WhySkipped(Queue, _stage.World.NewTask("x")));
    }

    private string? WhySkipped(StepCondition when)
    {
        var task = _stage.New("b");
        return StepTexts.WhySkipped(Queue, task with { Step = task.Step! with { When = when } });
    }

    private string Of(string node, string fact) => StepTexts.Reference(_stage.Id(node), fact);

    private string Fill(string text) =>
        StepTexts.Fill(Queue, _stage.New("b") with { Prompt = text }).Prompt;
}
