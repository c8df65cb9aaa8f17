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
    /// <param name="Note">What became of it: the end of a sentence.</param>
    internal sealed record Blocked(
        TaskId By,
        string Reason,
        bool MayRetry = false,
        string Note = ""
    ) : Readiness;
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

    // Pending tasks of runs that were looked at: whether what they wait for keeps them from ever running.
    private readonly Dictionary<TaskId, bool> _skipped = [];

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

            var (status, last, note, skipped) = Resolve(id);
            switch (task.KindOf(id).Judge(status, skipped))
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
                        MayRetry: status == TaskStatus.Failed,
                        note
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
    /// gone) and, where it is over, the words for that. In a run a task that can no longer start is over too:
    /// it is skipped.
    /// </summary>
    public (TaskStatus? Status, TaskId Last, string Note, bool Skipped) Resolve(TaskId id)
    {
        var (status, last, note, skipped, open) = Follow(id);
        return open is not null && IsSkipped(open)
            ? (TaskStatus.Cancelled, last, "was skipped", true)
            : (status, last, note, skipped);
    }

    // A stack, not recursion: a chain may be as long as a plan. Files edited into a ring come out as not skipped.
    private bool IsSkipped(TaskSummary task)
    {
        if (_skipped.TryGetValue(task.Id, out var known))
        {
            return known;
        }

        var stack = new Stack<(TaskSummary Task, bool IsOpened)>();
        stack.Push((task, false));
        while (stack.TryPop(out var at))
        {
            if (at.IsOpened)
            {
                // All that it waits for is known by now.
                _skipped[at.Task.Id] = Check(at.Task) is Readiness.Blocked;
            }
            else if (_skipped.TryAdd(at.Task.Id, false))
            {
                stack.Push((at.Task, true));
                foreach (var id in at.Task.DependsOn)
                {
                    if (
                        !at.Task.DependenciesMet.Contains(id)
                        && Follow(id).Open is { } open
                        && !_skipped.ContainsKey(open.Id)
                    )
                    {
                        stack.Push((open, false));
                    }
                }
            }
        }

        return _skipped[task.Id];
    }

    /// <param name="Open">The task, where it is a pending one of a run.</param>
    private readonly record struct End(
        TaskStatus? Status,
        TaskId Last,
        string Note = "",
        bool Skipped = false,
        TaskSummary? Open = null
    );

    private End Follow(TaskId id)
    {
        // Lines of retries are short; the bound is for files edited into a ring.
        for (var step = 0; step < 10_000; step++)
        {
            if (_unfinished.TryGetValue(id, out var open))
            {
                return OfOpen(open);
            }

            var finished = snapshot?.FindFinished(id);
            if (finished is { Status: TaskStatus.Complete })
            {
                return new(TaskStatus.Complete, id, "completed");
            }

            if (finished is { WillRetry: true } or { HasIntent: true })
            {
                return new(TaskStatus.Pending, id);
            }

            var (task, isArchived) = Read(id, mayBeArchived: finished is null);
            switch (task?.State)
            {
                // What was archived is not retried by itself any more.
                case TaskState.Unsuccessful { RetriedBy: null } ended
                    when !isArchived
                        && (ended.RetryIntent is not null || RetryPolicy.DueAt(task) is not null):
                    return new(TaskStatus.Pending, id);
                case null:
                    return new(null, id, "was not found");
                case TaskState.Unsuccessful { RetriedBy: { } next }:
                    id = next;
                    break;
                case TaskState.Failed:
                    return new(TaskStatus.Failed, id, "failed");
                case TaskState.Cancelled { Skipped: not null }:
                    return new(TaskStatus.Cancelled, id, "was skipped", Skipped: true);
                case TaskState.Cancelled:
                    return new(TaskStatus.Cancelled, id, "was cancelled");
                case TaskState.Complete:
                    return new(TaskStatus.Complete, id, "completed");
                default:
                    return OfOpen(task);
            }
        }

        return new(null, id, "is retried in a ring");
    }

    private static End OfOpen(TaskSummary task) =>
        new(
            task.Status,
            task.Id,
            Open: task.State is TaskState.Pending && RunId.Of(task.Id) is not null ? task : null
        );

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
