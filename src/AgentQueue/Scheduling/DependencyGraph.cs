using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Questions about the graph of dependencies as the task files state it.</summary>
internal static class DependencyGraph
{
    /// <summary>A way from one task to another along dependencies, both included; null if there is none.</summary>
    public static IReadOnlyList<TaskId>? FindPath(QueueFolder queue, TaskId from, TaskId to)
    {
        var came = new Dictionary<TaskId, TaskId>();
        var open = new Queue<TaskId>([from]);
        var seen = new HashSet<TaskId> { from };
        while (open.TryDequeue(out var id))
        {
            if (id == to)
            {
                var path = new List<TaskId> { id };
                while (came.TryGetValue(id, out var before))
                {
                    path.Insert(0, before);
                    id = before;
                }

                return path;
            }

            if (queue.Read(id) is not TaskRead.Found(var task, _))
            {
                continue;
            }

            foreach (var next in task.DependsOn)
            {
                if (seen.Add(next))
                {
                    came[next] = id;
                    open.Enqueue(next);
                }
            }
        }

        return null;
    }

    /// <summary>The cycles among these tasks, each as the ids on the way round; none in a sound queue.</summary>
    public static IReadOnlyList<IReadOnlyList<TaskId>> FindCycles(IEnumerable<TaskSummary> tasks)
    {
        var byId = tasks.ToDictionary(static t => t.Id);
        var done = new HashSet<TaskId>();
        var cycles = new List<IReadOnlyList<TaskId>>();
        foreach (var start in byId.Keys.Order())
        {
            // Depth first with a stack of our own: chains may be longer than the thread's.
            var path = new List<TaskId>();
            var stack = new Stack<(TaskId Id, int Next)>([(start, 0)]);
            while (stack.TryPop(out var at))
            {
                if (at.Next == 0)
                {
                    if (done.Contains(at.Id))
                    {
                        continue;
                    }

                    path.Add(at.Id);
                }

                var dependencies = byId.TryGetValue(at.Id, out var task) ? task.DependsOn : [];
                if (at.Next >= dependencies.Length)
                {
                    done.Add(at.Id);
                    path.RemoveAt(path.Count - 1);
                    continue;
                }

                stack.Push((at.Id, at.Next + 1));
                var next = dependencies[at.Next];
                if (path.IndexOf(next) is >= 0 and var first)
                {
                    cycles.Add([.. path.Skip(first), next]);
                }
                else
                {
                    stack.Push((next, 0));
                }
            }
        }

        return cycles;
    }
}
