using System.Globalization;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class TaskGraphTests
{
    private const int DeepestLevel = 24;

    private readonly World _world = new();

    [Fact]
    public void A_task_has_its_own_status_and_that_of_the_retry_that_counts_for_it()
    {
        Put("a", TempQueue.Failed(retriedBy: "r"));
        Put("r", TempQueue.Complete());
        var waiting = Put("b", null, "a");

        var graph = Graph();

        Assert.Equal(["task_a", "task_b"], graph.Nodes.Select(n => n.Id.Value));
        var (failed, pending) = (graph.Nodes[0], graph.Nodes[1]);
        Assert.Equal((TaskStatus.Failed, "r"), (failed.Status, Name(failed.StandsFor)));
        Assert.Equal(TaskStatus.Complete, failed.StandsForStatus);
        Assert.Equal("do it", failed.Task?.Prompt);
        Assert.Equal(TaskStatus.Pending, pending.Status);
        Assert.Equal(
            (waiting.Id, TaskStatus.Pending),
            (pending.StandsFor, pending.StandsForStatus)
        );
        Assert.Equal(failed.Id, Assert.Single(pending.DependsOn));
    }

    [Theory]
    [InlineData(true, TaskStatus.Complete)]
    [InlineData(false, null)]
    public void A_dependency_without_a_file_is_complete_only_if_it_was_met(
        bool met,
        object? expected
    )
    {
        var task = Put("b", null, "gone");
        _world.Put(task with { DependenciesMet = met ? [TempQueue.Id("gone")] : [] });

        var gone = Graph().Nodes[^1];

        Assert.Equal("gone", Name(gone.Id));
        Assert.Null(gone.Task);
        Assert.Equal((TaskStatus?)expected, gone.Status);
        Assert.Equal((TaskStatus?)expected, gone.StandsForStatus);
        Assert.Equal(gone.Id, gone.StandsFor);
        Assert.Empty(gone.DependsOn);
    }

    [Fact]
    public void A_dependency_in_the_archive_is_in_the_graph_with_all_it_rested_on()
    {
        Put("base", TempQueue.Complete());
        var old = Put("old", TempQueue.Complete(), "base");
        Put("b", null, "old");
        var disk = _world.Disk.Process();
        var queue = new QueueFolder(World.Root, disk);
        disk.CreateFolder(queue.Archive);
        disk.Rename(queue.TaskFile(old.Id), queue.ArchivedTask(old.Id));

        Assert.Equal(
            ["task_b", "task_old", "task_base"],
            Graph().Draw().Select(l => l.Node.Id.Value)
        );
    }

    [Fact]
    public void Without_being_asked_for_all_what_has_ended_is_there_only_if_something_rests_on_it()
    {
        Put("a", TempQueue.Complete());
        Put("old", TempQueue.Complete(), "a");
        Put("lonely", TempQueue.Complete());

        Assert.Empty(Graph().Nodes);
        Assert.Equal(["task_old", "task_a"], Graph(all: true).Draw().Select(l => l.Node.Id.Value));
    }

    [Fact]
    public void However_many_ways_lead_to_a_task_its_file_is_read_only_a_few_times()
    {
        const int Levels = 10;
        Put("end0", TempQueue.Complete());
        Put("end1", TempQueue.Complete());
        for (var i = Levels - 1; i >= 0; i--)
        {
            string[] next = i == Levels - 1 ? ["end0", "end1"] : [$"l{i + 1}-0", $"l{i + 1}-1"];
            Put($"l{i}-0", TempQueue.Complete(), next);
            Put($"l{i}-1", TempQueue.Complete(), next);
        }

        Put("top", null, "l0-0", "l0-1");

        var queue = _world.Open().Queue;
        var snapshot = QueueSnapshot.Take(queue);
        var steps = 0;
        _world.Disk.Before = _ => steps++;
        var graph = TaskGraph.Of(queue, snapshot, all: false);

        Assert.Equal(2 * Levels + 3, graph.Nodes.Count);
        Assert.InRange(steps, 1, 10 * graph.Nodes.Count);
    }

    [Fact]
    public void Trees_are_drawn_in_the_order_of_their_ids_each_of_them_once()
    {
        var graph = Graph([("c", ["x"]), ("a", ["x", "y"]), ("b", []), ("x", []), ("y", [])]);

        Assert.Equal(
            [
                "0 a Not last",
                "1 x Not",
                "1 y Not last",
                "0 b Not last",
                "0 c Not last",
                "1 x Above last",
            ],
            graph.Draw().Select(Text)
        );
    }

    [Fact]
    public void A_line_knows_which_of_the_lines_above_go_on_below_it()
    {
        var graph = Graph([
            ("a", ["b", "c"]),
            ("b", ["d", "e"]),
            ("c", ["f"]),
            ("d", []),
            ("e", []),
            ("f", []),
        ]);

        Assert.Equal(
            [("a", ""), ("b", " "), ("d", " |"), ("e", " |"), ("c", " "), ("f", "  ")],
            graph
                .Draw()
                .Select(l => (Name(l.Node.Id), string.Concat(l.Below.Select(b => b ? '|' : ' '))))
        );
    }

    [Fact]
    public void A_dependency_that_was_named_twice_is_drawn_once() =>
        Assert.Equal(
            ["0 a Not last", "1 b Not", "1 c Not last"],
            Graph([("a", ["b", "c", "b"]), ("b", []), ("c", [])]).Draw().Select(Text)
        );

    [Fact]
    public void A_circle_that_nothing_leads_to_is_drawn_after_the_trees()
    {
        var graph = Graph([("a", ["b"]), ("b", ["a"]), ("c", ["d"]), ("d", [])]);

        Assert.Equal(
            ["0 c Not last", "1 d Not last", "0 a Not last", "1 b Not last", "2 a Above last"],
            graph.Draw().Select(Text)
        );
    }

    [Fact]
    public void A_chain_that_just_fits_is_drawn_in_one_piece()
    {
        var lines = Chain(DeepestLevel + 1).Draw().ToList();

        Assert.Equal(Enumerable.Range(0, DeepestLevel + 1), lines.Select(l => l.Depth));
        Assert.All(lines, l => Assert.Equal(DrawnElsewhere.Not, l.Elsewhere));
    }

    [Fact]
    public void A_chain_that_is_too_long_goes_on_as_a_tree_of_its_own_where_it_was_cut()
    {
        // The end of the chain has the lowest id: what comes next is not simply what is first by id.
        var lines = Chain(60).Draw().ToList();

        var cuts = lines.Where(l => l.Elsewhere == DrawnElsewhere.Later).ToList();
        Assert.Equal(2, cuts.Count);
        Assert.Equal(62, lines.Count);
        Assert.All(
            cuts,
            cut =>
            {
                var next = lines[lines.IndexOf(cut) + 1];
                Assert.Equal((DeepestLevel, 0), (cut.Depth, next.Depth));
                Assert.Equal(cut.Node, next.Node);
                Assert.Equal(DrawnElsewhere.Not, next.Elsewhere);
            }
        );
    }

    [Fact]
    public void What_was_cut_off_and_drawn_meanwhile_is_not_drawn_again()
    {
        // Two tasks lead to the same chain on the deepest level.
        var names = Enumerable
            .Range(0, DeepestLevel)
            .Select(i => i.ToString("d2", CultureInfo.InvariantCulture))
            .ToList();
        var nodes = names.Select(
            (name, i) => (name, i < names.Count - 1 ? [names[i + 1]] : (string[])["p", "q"])
        );
        var graph = Graph([.. nodes, ("p", ["q"]), ("q", ["r"]), ("r", [])]);

        Assert.Equal(
            ["24 p Later", "24 q Later last", "0 p Not last", "1 q Not last", "2 r Not last"],
            graph.Draw().Skip(DeepestLevel).Select(Text)
        );
    }

    /// <summary>A chain whose ids descend.</summary>
    private static TaskGraph Chain(int length) =>
        Graph([
            .. Enumerable
                .Range(0, length)
                .Select(i =>
                    (Number(length - i), i == length - 1 ? [] : (string[])[Number(length - i - 1)])
                ),
        ]);

    private static string Number(int i) => i.ToString("d3", CultureInfo.InvariantCulture);

    private static TaskGraph Graph((string Name, string[] DependsOn)[] nodes) =>
        new(
            nodes.Select(n => new GraphNode(
                TempQueue.Id(n.Name),
                null,
                TaskStatus.Pending,
                TempQueue.Id(n.Name),
                TaskStatus.Pending
            )
            {
                DependsOn = [.. n.DependsOn.Select(TempQueue.Id)],
            })
        );

    private TaskGraph Graph(bool all = false)
    {
        var queue = _world.Open().Queue;
        return TaskGraph.Of(queue, QueueSnapshot.Take(queue), all);
    }

    private AgentTask Put(string name, TaskState? state = null, params string[] dependsOn) =>
        _world.Put(
            _world.NewTask(name) with
            {
                State = state ?? new TaskState.Pending(),
                DependsOn = [.. dependsOn.Select(TempQueue.Id)],
            }
        );

    private static string Name(TaskId id) => id.Value[TaskId.Prefix.Length..];

    private static string Text(GraphLine line) =>
        $"{line.Depth} {Name(line.Node.Id)} {line.Elsewhere}{(line.IsLast ? " last" : "")}";
}
