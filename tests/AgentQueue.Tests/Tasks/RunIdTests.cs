using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Tasks;

public sealed class RunIdTests
{
    private static readonly RunId s_run = RunStage.Run;

    [Fact]
    public void A_new_id_is_read_back_and_later_ones_sort_behind_it()
    {
        var first = RunId.New(FakeTime.Start);
        var second = RunId.New(FakeTime.Start.AddMilliseconds(1));
        Assert.True(RunId.TryParse(first.Value, out var read));
        Assert.Equal(first, read);
        Assert.True(first.CompareTo(second) < 0);
        Assert.Equal(first.Value, $"{first}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("run_")]
    [InlineData("0123456789abcd")]
    [InlineData("run_0123456789abc")]
    [InlineData("run_0123456789abcde")]
    [InlineData("run_0123456789abcu")]
    [InlineData("run_0123456789ABCD")]
    [InlineData("run_0123456789abc/")]
    [InlineData("task_0123456789abcd")]
    public void What_is_not_exactly_an_id_is_none(string text) =>
        Assert.False(RunId.TryParse(text, out _));

    [Fact]
    public void A_task_tells_its_run_and_its_place_in_the_plan()
    {
        var task = s_run.TaskOf(12, 345, "build.all");
        Assert.Equal("task_0123456789abcd-p012-build-all", task.Value);
        Assert.Equal((s_run, 12), (RunId.Of(task), RunId.NodeOf(task)));
        Assert.Equal("p012-build-all", RunId.PartOf(task));
    }

    [Fact]
    public void The_retries_of_a_task_keep_its_place_and_its_name()
    {
        var task = s_run.TaskOf(12, 345, "build");
        var first = RunId.RetryOf(task, 1);
        var tenth = RunId.RetryOf(first, 10);
        Assert.Equal(s_run.TaskOf(12, 345, "build", retry: 1), first);
        Assert.Equal("task_0123456789abcd-p012r10-build", tenth.Value);
        Assert.Equal((s_run, 12), (RunId.Of(tenth), RunId.NodeOf(tenth)));
        Assert.Equal("p012r10-build", RunId.PartOf(tenth));
    }

    [Theory]
    [InlineData("task_20251121153045-1")]
    [InlineData("task_1737000000000-p-x")]
    [InlineData("task_1737000000000-p1-x")]
    [InlineData("task_0123456789abcd")]
    [InlineData("task_0123456789abcd-p")]
    [InlineData("task_0123456789abcd-p12")]
    [InlineData("task_0123456789abcd-p-x")]
    [InlineData("task_0123456789abcd-p0-x")]
    [InlineData("task_0123456789abcd-px1-x")]
    [InlineData("task_0123456789abcd-p1x-x")]
    [InlineData("task_0123456789abcd-q1-x")]
    [InlineData("task_0123456789abcd-p12r1x")]
    [InlineData("task_0123456789abcd-p99999999999-x")]
    [InlineData("task_0123456789abcu-p1-x")]
    [InlineData("task_a-p1-x")]
    [InlineData("task_-p1-x")]
    public void Ids_that_only_look_like_it_belong_to_no_run(string text)
    {
        var task = TaskId.Parse(text);
        Assert.Null(RunId.Of(task));
        Assert.Null(RunId.NodeOf(task));
        Assert.Throws<ArgumentException>(() => RunId.RetryOf(task, 1));
    }

    [Fact]
    public void A_task_that_was_made_alone_belongs_to_no_run() =>
        Assert.Null(RunId.Of(TaskId.New(FakeTime.Start)));

    [Fact]
    public void By_id_the_tasks_of_a_run_stand_in_the_order_of_its_plan()
    {
        foreach (var count in (int[])[1, 9, 10, 99, 100, 1000])
        {
            var ids = Enumerable
                .Range(1, count)
                .Select(i => s_run.TaskOf(i, count, i % 2 == 0 ? "a" : "Z"))
                .ToList();
            Assert.Equal(ids, ids.Order());
            Assert.Equal(count, ids.Distinct().Count());
        }
    }

    [Fact]
    public void Whatever_a_node_is_called_its_ids_can_be_told_apart_and_read_back()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var name = string.Concat(
                Enumerable
                    .Range(0, random.Next(1, 200))
                    .Select(_ => (char)random.Next(1, random.Next(2) == 0 ? 128 : 0xFFFF))
            );
            var count = random.Next(1, 100_000);
            var node = random.Next(1, count + 1);
            var task = s_run.TaskOf(node, count, name);
            var ids = new HashSet<TaskId> { task };
            for (var retry = 1; retry < 4; retry++)
            {
                Check(seed, task, node);
                task = RunId.RetryOf(task, retry * 50 + random.Next(1, 50));
                Assert.True(ids.Add(task), $"seed {seed}: {task}");
            }

            Check(seed, task, node);
        }
    }

    private static void Check(int seed, TaskId task, int node)
    {
        Assert.InRange(task.Value.Length, 1, TaskId.Longest);
        Assert.True(
            TaskId.TryParse(task.Value, out _)
                && RunId.Of(task) == s_run
                && RunId.NodeOf(task) == node
                && task.Value.EndsWith(RunId.PartOf(task), StringComparison.Ordinal),
            $"seed {seed}: {task}"
        );
    }
}
