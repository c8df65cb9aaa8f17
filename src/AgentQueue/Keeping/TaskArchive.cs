using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Keeping;

/// <summary>How old a finished task of each state must be to be archived.</summary>
internal sealed record ArchiveAges(TimeSpan Completed, TimeSpan Failed, TimeSpan Cancelled)
{
    public static ArchiveAges Of(Settings settings) =>
        new(
            settings.ArchiveCompletedAfter,
            settings.ArchiveFailedAfter,
            settings.ArchiveCancelledAfter
        );

    public static ArchiveAges All(TimeSpan age) => new(age, age, age);

    public TimeSpan? For(TaskStatus status) =>
        status switch
        {
            TaskStatus.Complete => Completed,
            TaskStatus.Failed => Failed,
            TaskStatus.Cancelled => Cancelled,
            TaskStatus.Pending or TaskStatus.Running => null,
        };
}

internal sealed record ArchiveResult(
    IReadOnlyList<AgentTask> Moved,
    IReadOnlyList<Refusal> Refused
);

/// <param name="Bytes">Of all files of the archive, logs included.</param>
internal sealed record ArchiveStats(
    int Completed,
    int Failed,
    int Cancelled,
    int Unreadable,
    long Bytes
);

/// <summary>
/// Moves finished tasks out of the way and back: <c>archive/&lt;id&gt;.json</c> with the plan, the log and
/// the sentinels. Each file moves in one step and the task's own comes last, so after a crash the task is
/// still where it was, whole to every reader, and a second call finishes the job.
/// </summary>
internal sealed class TaskArchive(QueueFolder queue, Reconciler reconciler, TimeProvider clock)
{
    /// <summary>The tasks that are old enough, the oldest first. One that will be retried is not.</summary>
    public TaskSelection Select(ArchiveAges ages)
    {
        var (snapshot, _) = reconciler.Reconcile(autoRetry: false);
        var now = clock.GetUtcNow();
        return TaskSelection.From(
            queue,
            snapshot,
            t => ages.For(t.Status) is { } age && now - t.CompletedAt >= age
        );
    }

    public ArchiveResult Store(IReadOnlyList<TaskId> ids)
    {
        if (ids.Count == 0)
        {
            HeldTasks.SweepLocks(queue);
            return new ArchiveResult([], []);
        }

        queue.RequireTrust();
        queue.Disk.CreateFolder(queue.Archive);
        queue.Durable.SyncFolderOf(queue.Archive);
        var moved = new List<AgentTask>();
        var refused = new List<Refusal>();
        foreach (var part in ids.Distinct().Chunk(HeldTasks.Most))
        {
            using var turn = queue.LockQueue();
            using var held = HeldTasks.Take(queue, part, Deed.Archive, refused);
            held.RefuseBlocked(
                queue,
                id =>
                    held.Archived.Contains(id)
                        ? []
                        : Companions(id)
                            .Select(static c => c.InArchive)
                            .Append(queue.ArchivedTask(id)),
                Deed.Archive,
                refused
            );
            foreach (var task in held.Tasks.Values.Where(t => !held.Archived.Contains(t.Id)))
            {
                foreach (var (inQueue, inArchive) in Companions(task.Id))
                {
                    Move(inQueue, inArchive);
                }

                queue.DeleteRunFiles(task.Id);
                queue.Disk.Rename(queue.TaskFile(task.Id), queue.ArchivedTask(task.Id));
                moved.Add(task);
            }

            Sync(queue.Archive, queue.Tasks);
        }

        HeldTasks.SweepLocks(queue);
        return new ArchiveResult(moved, refused);
    }

    /// <summary>Brings archived tasks back; one that is not archived is refused and does not stop the rest.</summary>
    public ArchiveResult Restore(IReadOnlyList<TaskId> ids)
    {
        queue.RequireTrust();
        var moved = new List<AgentTask>();
        var refused = new List<Refusal>();
        foreach (var part in ids.Distinct().Chunk(HeldTasks.Most))
        {
            using var turn = queue.LockQueue();
            using var held = HeldTasks.Take(queue, part, Deed.Restore, refused);
            held.RefuseBlocked(
                queue,
                id =>
                    held.Archived.Contains(id)
                        ? Companions(id).Select(static c => c.InQueue).Append(queue.TaskFile(id))
                        : [],
                Deed.Restore,
                refused
            );
            foreach (var task in held.Tasks.Values)
            {
                if (!held.Archived.Contains(task.Id))
                {
                    refused.Add(
                        new Refusal(
                            task.Id,
                            $"Task {task.Id} is not archived",
                            "See what is: agentq archive list"
                        )
                    );
                    continue;
                }

                foreach (var (inQueue, inArchive) in Companions(task.Id))
                {
                    Move(inArchive, inQueue);
                }

                queue.Disk.Rename(queue.ArchivedTask(task.Id), queue.TaskFile(task.Id));
                moved.Add(task);
            }

            // With nothing moved there may be no archive to sync.
            if (moved.Count > 0)
            {
                Sync(queue.Tasks, queue.Archive);
            }
        }

        HeldTasks.SweepLocks(queue);
        return new ArchiveResult(moved, refused);
    }

    /// <summary>What is archived, the newest end first; files that cannot be read are counted.</summary>
    public (IReadOnlyList<AgentTask> Tasks, int Unreadable) List()
    {
        var tasks = new List<AgentTask>();
        var unreadable = 0;
        foreach (var id in Ids())
        {
            if (queue.ReadArchived(id) is TaskRead.Found(var task, _))
            {
                tasks.Add(task);
            }
            else
            {
                unreadable++;
            }
        }

        tasks.Sort(static (a, b) => (EndOf(b), b.Id.Value).CompareTo((EndOf(a), a.Id.Value)));
        return (tasks, unreadable);
    }

    public ArchiveStats Stats()
    {
        var (tasks, unreadable) = List();
        var bytes = 0L;
        foreach (var name in queue.Disk.List(queue.Archive))
        {
            bytes += queue.Disk.Facts(Path.Join(queue.Archive, name)) is { IsRegular: true } file
                ? file.Size
                : 0;
        }

        return new ArchiveStats(
            tasks.Count(static t => t.State is TaskState.Complete),
            tasks.Count(static t => t.State is TaskState.Failed),
            tasks.Count(static t => t.State is TaskState.Cancelled),
            unreadable,
            bytes
        );
    }

    public static DateTimeOffset EndOf(AgentTask task) =>
        (task.State as TaskState.Finished)?.CompletedAt ?? task.CreatedAt;

    private IEnumerable<TaskId> Ids()
    {
        foreach (var name in queue.Disk.List(queue.Archive))
        {
            if (
                name.EndsWith(".json", StringComparison.Ordinal)
                && TaskId.TryParse(name.AsSpan(0, name.Length - ".json".Length), out var id)
            )
            {
                yield return id;
            }
        }
    }

    /// <summary>Everything that goes along with a task's file.</summary>
    private IEnumerable<(string InQueue, string InArchive)> Companions(TaskId id) =>
        SentinelNames
            .All.Select(kind => (queue.SentinelFile(id, kind), queue.ArchivedSentinel(id, kind)))
            .Append((queue.PlanFile(id), queue.ArchivedPlan(id)))
            .Append((queue.LogFile(id), queue.ArchivedLog(id)))
            .Append((queue.ResultFile(id), queue.ArchivedResult(id)));

    private void Move(string from, string to)
    {
        if (queue.Disk.Facts(from) is { IsRegular: true })
        {
            queue.Disk.Rename(from, to);
        }
    }

    // What arrived is durable before what left: a loss of power in between leaves a file twice, never lost.
    private void Sync(string arrived, string left)
    {
        queue.Durable.SyncFolderOf(Path.Join(arrived, "any"));
        queue.Durable.SyncFolderOf(Path.Join(left, "any"));
    }
}
