using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <summary>Finds the task that somebody means by a part of its id.</summary>
internal sealed class TaskLookup(QueueFolder queue)
{
    private const int MostListed = 5;

    /// <exception cref="QueueException">No task, or more than one, has that part.</exception>
    public TaskId Find(string part, bool archived = false)
    {
        if (!TaskId.IsPart(part))
        {
            throw new QueueException(
                $"'{part}' is not a part of a task id",
                "Ids look like task_01j9x2c4kqm7ab; any part of one will do"
            );
        }

        // The whole id is the common case and needs no look at the other tasks.
        var whole = part.StartsWith(TaskId.Prefix, StringComparison.Ordinal)
            ? part
            : TaskId.Prefix + part;
        if (
            TaskId.TryParse(whole, out var id)
            && (
                queue.Disk.Facts(queue.TaskFile(id)) is not null
                || (archived && queue.Disk.Facts(queue.ArchivedTask(id)) is not null)
            )
        )
        {
            return id;
        }

        var found = All(archived).Where(i => Matches(i, part)).Order().ToList();
        return found.Count switch
        {
            1 => found[0],
            0 => throw new QueueException(
                $"No task has '{part}' in its id",
                "See what there is: agentq status --all"
            ),
            _ => throw new QueueException(
                $"'{part}' is in the ids of {found.Count} tasks: {string.Join(", ", found.Take(MostListed))}{(found.Count > MostListed ? ", …" : "")}",
                "Type a longer part"
            ),
        };
    }

    /// <summary>Every id that has a task file.</summary>
    public IEnumerable<TaskId> All(bool archived = false)
    {
        var names = queue.Disk.List(queue.Tasks);
        if (archived)
        {
            names = names.Concat(queue.Disk.List(queue.Archive));
        }

        foreach (var name in names)
        {
            if (
                name.EndsWith(".json", StringComparison.Ordinal)
                && TaskId.TryParse(name.AsSpan(0, name.Length - 5), out var id)
            )
            {
                yield return id;
            }
        }
    }

    private static bool Matches(TaskId id, string part) =>
        part.StartsWith(TaskId.Prefix, StringComparison.Ordinal)
            ? id.Value.StartsWith(part, StringComparison.Ordinal)
            : id
                .Value.AsSpan(TaskId.Prefix.Length)
                .Contains(part, StringComparison.OrdinalIgnoreCase);
}
