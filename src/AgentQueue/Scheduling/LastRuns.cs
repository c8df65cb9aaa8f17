using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>What each agent did last.</summary>
/// <param name="Of">The task by the name of its agent; an agent that is not in it has none that can be read.</param>
/// <param name="Unreadable">Any of these may be the last of any agent.</param>
internal sealed record LastRuns(
    IReadOnlyDictionary<string, AgentTask> Of,
    IReadOnlyList<(string Path, string Reason)> Unreadable
)
{
    /// <summary>Reads every task's file, archived ones too; one that was retried counts by its retry's start.</summary>
    public static LastRuns Find(QueueFolder queue)
    {
        var last = new Dictionary<string, AgentTask>(StringComparer.Ordinal);
        var unreadable = new List<(string, string)>();
        foreach (var id in new TaskLookup(queue).All(archived: true).Distinct())
        {
            var read = queue.Read(id);
            var path = queue.TaskFile(id);
            if (read is TaskRead.Missing)
            {
                (read, path) = (queue.ReadArchived(id), queue.ArchivedTask(id));
            }

            switch (read)
            {
                case TaskRead.Found(var task, _):
                    if (
                        !last.TryGetValue(task.Agent, out var other)
                        || (TimeOf(task), task.Id).CompareTo((TimeOf(other), other.Id)) > 0
                    )
                    {
                        last[task.Agent] = task;
                    }

                    break;
                case TaskRead.Unreadable bad:
                    unreadable.Add((path, bad.Reason));
                    break;
                default:
                    // Removed since the folder was listed.
                    break;
            }
        }

        return new LastRuns(last, unreadable);
    }

    /// <summary>When it began; when it was queued, if it has not begun.</summary>
    public static DateTimeOffset TimeOf(AgentTask task) => StartOf(task) ?? task.CreatedAt;

    public static DateTimeOffset? StartOf(AgentTask task) =>
        task.State switch
        {
            TaskState.Running running => running.StartedAt,
            TaskState.Finished finished => finished.StartedAt,
            _ => null,
        };
}
