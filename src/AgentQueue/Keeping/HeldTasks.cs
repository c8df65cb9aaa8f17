using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>A task that was left as it is, and why.</summary>
internal sealed record Refusal(TaskId Id, string Message, string? Hint = null);

/// <summary>What is done with finished tasks.</summary>
/// <param name="Done">As in <c>can be cleaned</c>.</param>
/// <param name="Again">What to type when something was in the way of one of them.</param>
internal sealed record Deed(string Done, Func<TaskId, string> Again)
{
    public static readonly Deed Clean = new("cleaned", static id => $"agentq clean {id}");
    public static readonly Deed Archive = new("archived", static _ => "agentq archive");
    public static readonly Deed Restore = new(
        "restored",
        static id => $"agentq archive restore {id}"
    );

    /// <summary>The task was left because of something that stands in the way.</summary>
    public Refusal Left(TaskId id, string why, string? hint = null) =>
        new(id, $"Task {id} was left: {why}", hint ?? $"Move that away, then: {Again(id)}");
}

/// <summary>
/// Finished tasks, each under its lock and as its file reads under it, so that nobody retries or settles
/// one while its files go or move. What is not finished is refused.
/// </summary>
internal sealed class HeldTasks : IDisposable
{
    /// <summary>How many are worked on at once: each takes a descriptor and the others wait meanwhile.</summary>
    public const int Most = 200;

    private readonly List<HeldLock> _locks = [];

    public Dictionary<TaskId, AgentTask> Tasks { get; } = [];

    /// <summary>Those of <see cref="Tasks"/> that stand in the archive.</summary>
    public HashSet<TaskId> Archived { get; } = [];

    public static HeldTasks Take(
        QueueFolder queue,
        IEnumerable<TaskId> ids,
        Deed deed,
        List<Refusal> refused
    )
    {
        var held = new HeldTasks();
        try
        {
            foreach (var id in ids)
            {
                held.Add(queue, id, deed, refused);
            }
        }
        catch
        {
            held.Dispose();
            throw;
        }

        return held;
    }

    /// <summary>Removes the locks of tasks that are gone: one who was killed left them behind.</summary>
    public static void SweepLocks(QueueFolder queue)
    {
        const string Lock = ".lock";
        foreach (var name in queue.Disk.List(queue.Run))
        {
            if (
                name.EndsWith(Lock, StringComparison.Ordinal)
                && TaskId.TryParse(name.AsSpan(0, name.Length - Lock.Length), out var id)
                && queue.Read(id) is TaskRead.Missing
            )
            {
                queue.TryLockPassing(id)?.Dispose();
            }
        }
    }

    /// <summary>
    /// Lets those go for which a folder stands where a file is to be removed or replaced, before anything of
    /// them is touched; the others go on.
    /// </summary>
    public void RefuseBlocked(
        QueueFolder queue,
        Func<TaskId, IEnumerable<string>> files,
        Deed deed,
        List<Refusal> refused
    )
    {
        foreach (var id in Tasks.Keys.ToList())
        {
            if (
                files(id).FirstOrDefault(f => queue.Disk.Facts(f) is { IsFolder: true }) is { } path
            )
            {
                Tasks.Remove(id);
                refused.Add(deed.Left(id, $"{path} is a folder"));
            }
        }
    }

    private void Add(QueueFolder queue, TaskId id, Deed deed, List<Refusal> refused)
    {
        if (TryLock(queue, id) is not { } taken)
        {
            refused.Add(
                queue.IsPlanted(queue.LockFile(id))
                    ? deed.Left(id, $"{queue.LockFile(id)} is not a regular file")
                : queue.Read(id) is TaskRead.Found({ IsFinished: false } busy, _)
                    ? Unfinished(busy, deed.Done)
                : new Refusal(id, $"Task {id} is in use by another agentq", "Try again")
            );
            return;
        }

        _locks.Add(taken);
        var read = queue.Read(id);
        if (read is TaskRead.Missing)
        {
            read = queue.ReadArchived(id);
            Archived.Add(id);
        }

        switch (read)
        {
            case TaskRead.Found({ IsFinished: true }, _)
                when RunId.Of(id) is { } run && queue.Disk.Facts(queue.RunFolder(run)) is not null:
                refused.Add(
                    new Refusal(
                        id,
                        $"Task {id} belongs to {run}, and goes with it",
                        "Remove runs that are over: agentq plan clean --keep N"
                    )
                );
                break;
            case TaskRead.Found({ IsFinished: true } task, _):
                Tasks.Add(id, task);
                break;
            case TaskRead.Found(var task, _):
                refused.Add(Unfinished(task, deed.Done));
                break;
            case TaskRead.Unreadable(_, var reason):
                refused.Add(
                    new Refusal(
                        id,
                        $"The file of task {id} cannot be read: {reason}",
                        $"Look at it, then remove it by hand: {queue.TaskFile(id)}"
                    )
                );
                break;
            default:
                // Another agentq was faster; then it is as it should be.
                break;
        }
    }

    private static HeldLock? TryLock(QueueFolder queue, TaskId id)
    {
        try
        {
            // The supervisor of a task that has just ended lets go in a moment.
            return queue.TryLockPassing(id)
                ?? (
                    queue.Read(id) is TaskRead.Found({ IsFinished: true }, _)
                        ? queue.LockTask(id)
                        : null
                );
        }
        catch (QueueException) when (queue.IsSupervised(id) || queue.IsPlanted(queue.LockFile(id)))
        {
            // It took longer, or no lock can be there: this one is left, the others go on.
            return null;
        }
    }

    private static Refusal Unfinished(AgentTask task, string done) =>
        new(
            task.Id,
            $"Task {task.Id} is {TaskJson.NameOf(task.Status)}; only a finished task can be {done}",
            $"End it first: agentq cancel {task.Id}"
        );

    public void Dispose()
    {
        foreach (var held in _locks)
        {
            held.Dispose();
        }
    }
}
