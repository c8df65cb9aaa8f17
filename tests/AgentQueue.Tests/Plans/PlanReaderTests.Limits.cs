using System.Text;
using AgentQueue.Config;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Plans;

public sealed partial class PlanReaderTests
{
    [Fact]
    public void Five_thousand_tasks_in_one_chain_are_checked_without_deep_recursion()
    {
        var text = new StringBuilder("tasks:\n- {id: t0, cmd: x}\n");
        for (var i = 1; i < 5000; i++)
        {
            text.Append(null, $"- {{id: t{i}, cmd: x, depends_on: [t{i - 1}]}}\n");
        }

        var plan = Good(text.ToString());
        Assert.Equal("t4999", PlanGraph.InOrder(plan.Tasks)[^1].Id);
    }

    [Theory]
    [InlineData(1000, 1000, null)]
    [InlineData(1001, 1000, "tasks.b")]
    [InlineData(40_000, 40_000, "tasks.b")]
    public void The_dependencies_of_a_whole_plan_are_bounded(int a, int b, string? key)
    {
        var (plan, problems) = Read(
            $"""
            tasks:
              - {"{"}id: a, cmd: x, matrix: {"{"}{Axes(a)}{"}"}{"}"}
              - {"{"}id: b, cmd: x, depends_on: [a], matrix: {"{"}{Axes(b)}{"}"}{"}"}
              - {"{"}id: c, cmd: x, depends_on: [none]{"}"}
            """
        );

        Assert.Null(plan);
        var problem = Assert.Single(problems);
        Assert.Equal(key ?? "tasks.c", problem.Key);
        Assert.Equal(
            key is not null,
            problem.Message.Contains("1000000", StringComparison.Ordinal)
        );

        static string Axes(int count)
        {
            var other = count % 200 == 0 ? 200 : 1;
            string[] axes =
            [
                $"p: [{string.Join(", ", Enumerable.Range(0, count / other))}]",
                $"q: [{string.Join(", ", Enumerable.Range(0, other))}]",
            ];
            return string.Join(", ", axes);
        }
    }

    [Theory]
    [InlineData(150, 400_000, 1, true)]
    [InlineData(200, 400_000, 1, false)]
    [InlineData(200, 1_000_000, 50, false)]
    public void The_text_that_is_filled_in_is_bounded_for_the_whole_plan(
        int tasks,
        int length,
        int times,
        bool isGood
    )
    {
        var word = string.Concat(Enumerable.Repeat("${params.p}", times));
        var text = new StringBuilder("params: {p: ")
            .Append('y', length)
            .Append("}\ntasks:\n- {id: first, cmd: x}\n");
        for (var i = 0; i < tasks; i++)
        {
            text.Append(null, $"- {{id: t{i}, cmd: [x, \"{word}\"], after: first}}\n");
        }

        var (plan, problems) = Read(text.ToString());

        Assert.Equal(isGood, plan is not null);
        if (!isGood)
        {
            Assert.Contains("64 MiB", Assert.Single(problems).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("cmd: [TEXT]")]
    [InlineData("cmd: TEXT")]
    [InlineData("cmd: x, retries: 1000000, retry_backoff_sec: [NUMBERS]")]
    [InlineData("cmd: x, depends_on: [NUMBERS]")]
    [InlineData("cmd: x, after: 'IDS'")]
    [InlineData("cmd: x, env: {A: TEXT}")]
    [InlineData("cmd: x, verify: [[NUMBERS]]")]
    public void What_a_matrix_repeats_counts_for_each_of_its_tasks(string keys)
    {
        var values = string.Join(", ", Enumerable.Range(0, 1000));
        keys = keys.Replace("TEXT", new string('y', 100_000), StringComparison.Ordinal)
            .Replace(
                "NUMBERS",
                string.Join(
                    ", ",
                    Enumerable
                        .Range(0, 10_000)
                        .Select(i =>
                            keys.Contains("backoff", StringComparison.Ordinal) ? $"{i}" : $"t{i}"
                        )
                ),
                StringComparison.Ordinal
            )
            .Replace(
                "IDS",
                "afterok:" + string.Join(":", Enumerable.Range(0, 10_000).Select(i => $"t{i}")),
                StringComparison.Ordinal
            );

        var (plan, problems) = Read(
            $"tasks: [{{id: a, {keys}, matrix: {{p: [{values}]}}}}, {{id: b, cmd: x, depends_on: [a]}}]"
        );

        Assert.Null(plan);
        Assert.Contains("64 MiB", Assert.Single(problems).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("${tasks.")]
    [InlineData("${params.")]
    [InlineData("${a")]
    public void Many_beginnings_of_placeholders_are_read_in_one_pass(string beginning)
    {
        var many = string.Concat(Enumerable.Repeat(beginning, 300_000));
        var (_, problems) = Read($"tasks: [{{id: a, cmd: ['{many}}}']}}]");
        Assert.True(problems.Count <= 100);
    }

    [Fact]
    public void Many_wrong_names_are_not_each_compared_with_all_that_are_known()
    {
        var values = string.Join(", ", Enumerable.Range(0, 200));
        var (_, problems) = Read(
            $"tasks: [{{id: a, cmd: x, depends_on: [none], matrix: {{p: [{values}], q: [{values}]}}}}]"
        );
        Assert.Equal(100, problems.Count);
    }

    [Fact]
    public void Each_ring_is_named_once_beside_all_else_that_is_wrong()
    {
        var (_, problems) = Read(
            """
            tasks:
              - {id: behind, cmd: x, depends_on: [a]}
              - {id: a, cmd: x, depends_on: [b]}
              - {id: b, cmd: x, depends_on: [a]}
              - {id: z, cmd: x, depends_on: [y, none]}
              - {id: x, cmd: x, depends_on: [a, z]}
              - {id: y, cmd: x, retires: 1, depends_on: [x]}
              - {id: alone, cmd: x}
            """
        );

        Assert.Equal(
            [
                "tasks.z depends on 'none', and there is no such task",
                "tasks.a waits for itself: a -> b -> a",
                "tasks.z waits for itself: z -> y -> x -> z",
            ],
            problems.Skip(1).Select(static p => $"{p.Key} {p.Message.Split(';')[0]}")
        );
        Assert.Equal((3, 5), (problems[2].Line, problems[3].Line));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5000)]
    public void Rings_of_any_length_are_found_without_deep_recursion(int length)
    {
        const int Tasks = 5000;
        var text = new StringBuilder("tasks:\n");
        for (var i = 0; i < Tasks; i++)
        {
            var next = i % length == length - 1 ? i - length + 1 : i + 1;
            text.Append(null, $"- {{id: t{i}, cmd: x, depends_on: [t{next}]}}\n");
        }

        var (_, problems) = Read(text.ToString());

        Assert.Equal(Math.Min(100, Tasks / length), problems.Count);
        Assert.StartsWith(
            "waits for itself: t0 -> t1 -> ",
            problems[0].Message,
            StringComparison.Ordinal
        );
    }
}
