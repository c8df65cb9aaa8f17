using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Chooses; pure.</summary>
internal static class Scheduler
{
    /// <summary>Which of two ready tasks starts first.</summary>
    public static int Compare(TaskSummary a, TaskSummary b)
    {
        var first = b.Priority.CompareTo(a.Priority);
        first = first != 0 ? first : a.CreatedAt.CompareTo(b.CreatedAt);
        return first != 0 ? first : a.Id.CompareTo(b.Id);
    }

    /// <summary>Priority first, then age; ids decide between equals.</summary>
    /// <remarks>A heap: who takes only the first few does not pay for sorting them all.</remarks>
    public static IEnumerable<TaskSummary> InOrder(IEnumerable<TaskSummary> tasks)
    {
        var heap = new PriorityQueue<TaskSummary, TaskSummary>(
            tasks.Select(static t => (t, t)),
            s_order
        );
        while (heap.TryDequeue(out var task, out _))
        {
            yield return task;
        }
    }

    private static readonly Comparer<TaskSummary> s_order = Comparer<TaskSummary>.Create(Compare);

    /// <summary>
    /// Up to <paramref name="slots"/> of the ready tasks, such that no agent exceeds its own limit.
    /// </summary>
    /// <param name="running">How many of each agent run now.</param>
    /// <param name="maxParallel">An agent's limit; null for none.</param>
    /// <param name="group">The place of a task's group, and how many more of that may run; null for none.</param>
    public static List<TaskSummary> Choose(
        IEnumerable<TaskSummary> ready,
        int slots,
        IReadOnlyDictionary<string, int> running,
        Func<string, int?> maxParallel,
        Func<TaskId, (int Group, int Free)?>? group = null
    )
    {
        var taken = new Dictionary<int, int>();
        var chosen = new List<TaskSummary>();
        var counts = new Dictionary<string, int>(running, StringComparer.Ordinal);
        foreach (var task in InOrder(ready))
        {
            if (chosen.Count >= slots)
            {
                break;
            }

            var count = counts.GetValueOrDefault(task.Agent);
            if (maxParallel(task.Agent) is { } limit && count >= limit)
            {
                continue;
            }

            if (group?.Invoke(task.Id) is var (place, free))
            {
                if (taken.GetValueOrDefault(place) >= free)
                {
                    continue;
                }

                taken[place] = taken.GetValueOrDefault(place) + 1;
            }

            counts[task.Agent] = count + 1;
            chosen.Add(task);
        }

        return chosen;
    }
}
