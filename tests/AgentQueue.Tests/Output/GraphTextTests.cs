using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Output;

public sealed class GraphTextTests
{
    private static readonly TextStyle s_wide = new(100);

    [Fact]
    public void A_shared_dependency_is_drawn_once_and_named_after_that()
    {
        var graph = new TaskGraph([
            Node("ship", TaskStatus.Pending, "build", "docs"),
            Node("build", TaskStatus.Running, "setup"),
            Node("docs", TaskStatus.Pending, "setup", "gone"),
            Node("setup", TaskStatus.Complete, "base"),
            Node("base", TaskStatus.Complete),
            Node("gone", null),
        ]);

        Snapshot.Verify(string.Join('\n', GraphText.Tree(graph, s_wide)));
    }

    [Fact]
    public void Without_unicode_it_is_drawn_in_ascii()
    {
        var graph = new TaskGraph([
            Node("ship", TaskStatus.Pending, "build", "docs"),
            Node("build", TaskStatus.Failed, "setup"),
            Node("docs", TaskStatus.Cancelled),
            Node("setup", TaskStatus.Complete),
        ]);

        var lines = GraphText.Tree(graph, s_wide with { Ascii = true }).ToList();

        Assert.All(lines, line => Assert.All(line, c => Assert.True(char.IsAscii(c))));
        Snapshot.Verify(string.Join('\n', lines));
    }

    [Fact]
    public void A_cycle_is_drawn_once_round()
    {
        var graph = new TaskGraph([
            Node("a", TaskStatus.Pending, "b"),
            Node("b", TaskStatus.Pending, "c"),
            Node("c", TaskStatus.Pending, "a"),
        ]);

        var ids = graph.Draw().Select(l => (l.Node.Id.Value, l.Elsewhere));

        Assert.Equal(
            [
                ("task_a", DrawnElsewhere.Not),
                ("task_b", DrawnElsewhere.Not),
                ("task_c", DrawnElsewhere.Not),
                ("task_a", DrawnElsewhere.Above),
            ],
            ids
        );
    }

    [Fact]
    public void A_chain_of_any_length_is_drawn_completely_and_never_deeper_than_a_screen()
    {
        const int Length = 20_000;
        var graph = new TaskGraph(
            Enumerable
                .Range(0, Length)
                .Select(i =>
                    i == Length - 1
                        ? Node($"{i}", TaskStatus.Pending)
                        : Node($"{i}", TaskStatus.Pending, $"{i + 1}")
                )
        );

        var lines = graph.Draw().ToList();

        Assert.Equal(
            Length,
            lines.Where(l => l.Elsewhere == DrawnElsewhere.Not).DistinctBy(l => l.Node.Id).Count()
        );
        Assert.InRange(lines.Max(l => l.Depth), 1, 30);
    }

    [Fact]
    public void No_line_is_wider_than_the_terminal_and_no_id_is_cut()
    {
        var graph = new TaskGraph([
            Node("a", TaskStatus.Pending, "b") with
            {
                Task = Task("a", new string('x', 500)),
            },
            Node("b", TaskStatus.Pending),
        ]);

        Assert.All(
            GraphText.Tree(graph, new TextStyle(40)),
            line =>
            {
                Assert.InRange(Terminal.Width(line), 1, 40);
                Assert.Contains("task_", line);
            }
        );
    }

    [Fact]
    public void The_retry_that_counts_stands_beside_the_task_that_failed()
    {
        var failed = Node("a", TaskStatus.Failed) with
        {
            StandsFor = TempQueue.Id("r"),
            StandsForStatus = TaskStatus.Running,
        };

        Assert.Equal(
            "✗ failed, retried as task_r ▶ running",
            GraphText.StateOf(failed, false).Text
        );
    }

    [Fact]
    public void A_diagram_has_every_task_and_an_arrow_for_every_dependency()
    {
        var graph = new TaskGraph([
            Node("ship", TaskStatus.Pending, "build", "gone"),
            Node("build", TaskStatus.Complete),
            Node("gone", null),
        ]);

        Snapshot.Verify(string.Join('\n', Diagram.Mermaid(GraphText.Boxes(graph))));
    }

    [Theory]
    [InlineData("\"]; click t0 \"javascript:alert(1)\"")]
    [InlineData("%%{init: {'theme':'x'}}%%")]
    [InlineData("<script>&amp;</script>\n--> t9")]
    [InlineData("`**bold**` #quot; \\ | ; \u202e")]
    public void No_prompt_can_change_a_diagram(string prompt)
    {
        var label = Diagram.Escape(prompt);

        Assert.DoesNotContain(label, c => "\"[]{}<>&%|`\\\n\r\t*$@^~".Contains(c));
        Assert.Matches("^([^#;]|#[0-9]+;)*$", label);
    }

    private static GraphNode Node(string name, TaskStatus? status, params string[] dependsOn) =>
        new(
            TempQueue.Id(name),
            status is null ? null : Task(name, $"do {name}"),
            status,
            TempQueue.Id(name),
            status
        )
        {
            DependsOn = [.. dependsOn.Select(TempQueue.Id)],
        };

    private static AgentTask Task(string name, string prompt) =>
        new()
        {
            Id = TempQueue.Id(name),
            Agent = "shell",
            Prompt = prompt,
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
        };
}
