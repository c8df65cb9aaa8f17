using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>What keeps a task from starting, as far as its dependencies go.</summary>
internal abstract record Readiness
{
    private Readiness() { }

    internal sealed record Ready : Readiness
    {
        public static readonly Ready Always = new();
    }

    /// <summary>These have yet to end.</summary>
    internal sealed record Waiting(IReadOnlyList<TaskId> For) : Readiness;

    /// <summary>One can no longer end as it must.</summary>
    /// <param name="MayRetry">It failed: a retry of it would unblock the task.</param>
    internal sealed record Blocked(TaskId By, string Reason, bool MayRetry = false) : Readiness;
}

/// <summary>
/// Answers whether a task's dependencies have ended as they must. A failed dependency that was retried stands for its
/// retry; one that was archived counts as it ended.
/// </summary>
/// <param name="snapshot">Null to read the file of each task that is asked for: right for a few.</param>
internal sealed class Dependencies(QueueFolder queue, QueueSnapshot? snapshot)
{
    private readonly Dictionary<TaskId, TaskSummary> _unfinished =
        snapshot?.Unfinished.ToDictionary(static t => t.Id) ?? [];

    public Readiness Check(TaskSummary task)
    {
        List<TaskId>? waiting = null;
        Readiness.Blocked? blocked = null;
        foreach (var id in task.DependsOn)
        {
            if (task.DependenciesMet.Contains(id))
            {
                continue;
            }

            var (status, last, note) = Resolve(id);
            switch (task.KindOf(id).Judge(status))
            {
                case DependencyStanding.Met:
                    break;
                case DependencyStanding.Open:
                    (waiting ??= []).Add(last);
                    break;
                default:
                    blocked ??= new Readiness.Blocked(
                        last,
                        $"Dependency {last} {note}",
                        MayRetry: status == TaskStatus.Failed
                    );
                    break;
            }
        }

        return blocked
            ?? (Readiness)(
                waiting is null ? Readiness.Ready.Always : new Readiness.Waiting(waiting)
            );
    }

    /// <summary>
    /// What stands for a dependency: the last task in its line of retries, with its status (null if it is
    /// gone) and, where it has ended, the words for that.
    /// </summary>
    public (TaskStatus? Status, TaskId Last, string Note) Resolve(TaskId id)
    {
        // Lines of retries are short; the bound is for files edited into a ring.
        for (var step = 0; step < 10_000; step++)
        {
            if (_unfinished.TryGetValue(id, out var open))
            {
                return (open.Status, id, "");
            }

            var finished = snapshot?.FindFinished(id);
            if (finished is { Status: TaskStatus.Complete })
            {
                return (TaskStatus.Complete, id, "completed");
            }

            if (finished is { WillRetry: true } or { HasIntent: true })
            {
                return (TaskStatus.Pending, id, "");
            }

            var (task, isArchived) = Read(id, mayBeArchived: finished is null);
            switch (task?.State)
            {
                // What was archived is not retried by itself any more.
                case TaskState.Failed { RetriedBy: null } failed
                    when !isArchived
                        && (failed.RetryIntent is not null || RetryPolicy.DueAt(task) is not null):
                    return (TaskStatus.Pending, id, "");
                case null:
                    return (null, id, "was not found");
                case TaskState.Failed { RetriedBy: { } next }:
                    id = next;
                    break;
                case TaskState.Failed:
                    return (TaskStatus.Failed, id, "failed");
                case TaskState.Cancelled:
                    return (TaskStatus.Cancelled, id, "was cancelled");
                case TaskState.Complete:
                    return (TaskStatus.Complete, id, "completed");
                default:
                    return (task.Status, id, "");
            }
        }

        return (null, id, "is retried in a ring");
    }

    private (AgentTask? Task, bool IsArchived) Read(TaskId id, bool mayBeArchived)
    {
        var read = queue.Read(id);
        var isArchived = mayBeArchived && read is TaskRead.Missing;
        if (isArchived)
        {
            read = queue.ReadArchived(id);
        }

        return (read is TaskRead.Found(var task, _) ? task : null, isArchived);
    }
}
