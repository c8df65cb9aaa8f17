using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class DrainRulesTests
{
    [Fact]
    public void The_rules_of_a_drain_are_read_back_as_they_were_written()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var rules = new DrainRules(random.Next(1, 1000))
            {
                FailFast = random.Next(2) == 0,
                Groups =
                [
                    .. Enumerable
                        .Range(0, random.Next(4))
                        .Select(i =>
                            (i * 100 + 1, i * 100 + random.Next(1, 99), random.Next(1, 9))
                        ),
                ],
            };
            Assert.Equal(TaskText.Of(rules), TaskText.Of(DrainRules.Parse($"{rules}")));
        }
    }

    [Fact]
    public void They_are_written_as_one_word() =>
        Assert.Equal(
            "4,fail-fast,3-8:2,9-9:1",
            new DrainRules(4) { FailFast = true, Groups = [(3, 8, 2), (9, 9, 1)] }.ToString()
        );

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+4")]
    [InlineData(" 4")]
    [InlineData("4 ")]
    [InlineData("four")]
    [InlineData("4,")]
    [InlineData("4,,fail-fast")]
    [InlineData("4,failfast")]
    [InlineData("fail-fast")]
    [InlineData("4,3-8")]
    [InlineData("4,3-8:")]
    [InlineData("4,3-8:2:1")]
    [InlineData("4,3:8-2")]
    [InlineData("4,3-8-2")]
    [InlineData("4,-3-8:2")]
    [InlineData("99999999999")]
    [InlineData("4,3-99999999999:2")]
    public void What_is_no_rule_is_none(string text) => Assert.Null(DrainRules.Parse(text));

    [Fact]
    public void A_task_is_in_the_group_that_its_node_stands_in()
    {
        var rules = new DrainRules(4) { Groups = [(2, 3, 1), (5, 5, 2)] };
        Assert.Equal(
            [-1, 0, 0, -1, 1, -1],
            Enumerable.Range(1, 6).Select(i => rules.GroupOf(RunStage.Run.TaskOf(i, 6, "x")))
        );
        Assert.Equal(0, rules.GroupOf(RunStage.Run.TaskOf(3, 6, "x", retry: 2)));
        Assert.Equal(-1, rules.GroupOf(TaskId.Parse("task_a")));
        Assert.Equal(-1, new DrainRules(4).GroupOf(RunStage.Run.TaskOf(2, 6, "x")));
    }

    [Fact]
    public void The_drains_of_two_runs_and_of_none_know_nothing_of_one_another()
    {
        var queue = new World().Open().Queue;
        queue.Create();
        var other = RunId.New(FakeTime.Start);
        new Drain(queue, RunStage.Run).Begin(new DrainRules(3));
        Assert.Null(new Drain(queue, QueueScope.None).Rules);
        Assert.Null(new Drain(queue, other).Rules);
        new Drain(queue, QueueScope.None).Begin(new DrainRules(1));
        Assert.Equal(3, new Drain(queue, RunStage.Run).Rules?.Parallel);
        Assert.Equal([RunStage.Run], Drain.Runs(queue));
        new Drain(queue, RunStage.Run).Forget();
        Assert.Empty(Drain.Runs(queue));
        Assert.Equal(1, new Drain(queue, QueueScope.None).Rules?.Parallel);
    }
}
