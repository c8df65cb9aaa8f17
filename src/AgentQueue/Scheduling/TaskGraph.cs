using System.Collections.Immutable;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>A task among those that it depends on and that depend on it.</summary>
/// <param name="Task">Null if there is no such task, or its file cannot be read.</param>
/// <param name="Status">Its own, or null if it is not known.</param>
/// <param name="StandsFor">The retry that counts in its place; its own id if there is none.</param>
/// <param name="StandsForStatus">What counts for those that depend on it.</param>
internal sealed record GraphNode(
    TaskId Id,
    AgentTask? Task,
    TaskStatus? Status,
    TaskId StandsFor,
    TaskStatus? StandsForStatus
)
{
    public ImmutableArray<TaskId> DependsOn { get; init; } = [];
}

/// <summary>One line of a drawn graph.</summary>
/// <param name="Below">For each level above, outermost first: whether its line goes on below this one.</param>
/// <param name="IsLast">The last of its siblings.</param>
/// <param name="Elsewhere">Where its own dependencies are drawn, if not below it.</param>
internal sealed record GraphLine(
    GraphNode Node,
    ImmutableArray<bool> Below,
    bool IsLast,
    DrawnElsewhere Elsewhere
)
{
    /// <summary>0 for a task that nothing drawn above depends on.</summary>
    public int Depth => Below.Length;
}

internal enum DrawnElsewhere
{
    Not,
    Above,

    /// <summary>Further down, as a root of its own: the chain is too long to be indented any more.</summary>
    Later,
}

/// <summary>The tasks that are connected by dependencies, and how to draw them.</summary>
internal sealed class TaskGraph
{
    private const int DeepestLevel = 24;

    private readonly Dictionary<TaskId, GraphNode> _nodes;

    public TaskGraph(IEnumerable<GraphNode> nodes) => _nodes = nodes.ToDictionary(static n => n.Id);

    /// <summary>By id.</summary>
    public IReadOnlyList<GraphNode> Nodes => [.. _nodes.Values.OrderBy(static n => n.Id)];

    /// <summary>
    /// Every unfinished task with a dependency, and all that it rests on; with <paramref name="all"/> also
    /// what has ended.
    /// </summary>
    public static TaskGraph Of(QueueFolder queue, QueueSnapshot snapshot, bool all)
    {
        var dependencies = new Dependencies(queue, snapshot);
        var nodes = new Dictionary<TaskId, GraphNode>();
        var open = new Queue<AgentTask>(
            snapshot
                .Unfinished.Where(static t => !t.DependsOn.IsEmpty)
                .Select(t => Find(queue, t.Id))
                .OfType<AgentTask>()
        );
        if (all)
        {
            foreach (var ended in snapshot.Finished)
            {
                if (queue.Read(ended.Id) is TaskRead.Found({ DependsOn.IsEmpty: false } task, _))
                {
                    open.Enqueue(task);
                }
            }
        }

        while (open.TryDequeue(out var task))
        {
            if (nodes.ContainsKey(task.Id))
            {
                continue;
            }

            var (status, last, _, _) = dependencies.Resolve(task.Id);
            nodes[task.Id] = new GraphNode(task.Id, task, task.Status, last, status)
            {
                DependsOn = task.DependsOn,
            };
            foreach (var id in task.DependsOn.Where(id => !nodes.ContainsKey(id)))
            {
                if (Find(queue, id) is { } next)
                {
                    open.Enqueue(next);
                }
                else
                {
                    TaskStatus? met = task.DependenciesMet.Contains(id)
                        ? TaskStatus.Complete
                        : null;
                    nodes[id] = new GraphNode(id, null, met, id, met);
                }
            }
        }

        return new TaskGraph(nodes.Values);
    }

    private static AgentTask? Find(QueueFolder queue, TaskId id) =>
        queue.Read(id) switch
        {
            TaskRead.Found(var task, _) => task,
            TaskRead.Missing when queue.ReadArchived(id) is TaskRead.Found(var old, _) => old,
            _ => null,
        };

    /// <summary>
    /// The lines of a tree: first what nothing waits for, below each task what it waits for. A task on which
    /// several depend is drawn once, the first time, and only named after that.
    /// </summary>
    public IEnumerable<GraphLine> Draw()
    {
        var needed = _nodes.Values.SelectMany(static n => n.DependsOn).ToHashSet();
        var roots = new Queue<TaskId>(_nodes.Keys.Where(id => !needed.Contains(id)).Order());
        var drawn = new HashSet<TaskId>();
        var lines = new List<GraphLine>();
        while (NextRoot(roots, drawn) is { } root)
        {
            Draw(root, [], isLast: true, roots, drawn, lines);
        }

        return lines;
    }

    // What is left when the roots are done goes round in a circle; it may begin anywhere.
    private GraphNode? NextRoot(Queue<TaskId> roots, HashSet<TaskId> drawn)
    {
        while (roots.TryDequeue(out var id))
        {
            if (!drawn.Contains(id))
            {
                return _nodes[id];
            }
        }

        return Nodes.FirstOrDefault(n => !drawn.Contains(n.Id));
    }

    private void Draw(
        GraphNode node,
        ImmutableArray<bool> below,
        bool isLast,
        Queue<TaskId> roots,
        HashSet<TaskId> drawn,
        List<GraphLine> lines
    )
    {
        if (drawn.Contains(node.Id))
        {
            lines.Add(new GraphLine(node, below, isLast, DrawnElsewhere.Above));
            return;
        }

        if (below.Length >= DeepestLevel && !node.DependsOn.IsEmpty)
        {
            roots.Enqueue(node.Id);
            lines.Add(new GraphLine(node, below, isLast, DrawnElsewhere.Later));
            return;
        }

        drawn.Add(node.Id);
        lines.Add(new GraphLine(node, below, isLast, DrawnElsewhere.Not));
        var next = node.DependsOn.Distinct().ToList();
        foreach (var id in next)
        {
            Draw(_nodes[id], below.Add(!isLast), id == next[^1], roots, drawn, lines);
        }
    }
}
