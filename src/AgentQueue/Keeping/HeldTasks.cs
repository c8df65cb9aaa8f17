using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>A task that was left as it is, and why.</summary>
internal sealed record Refusal(TaskId Id, string Message, string? Hint = null);

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
        string done,
        List<Refusal> refused
    )
    {
        var held = new HeldTasks();
        try
        {
            foreach (var id in ids)
            {
                held.Add(queue, id, done, refused);
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

    private void Add(QueueFolder queue, TaskId id, string done, List<Refusal> refused)
    {
        if (TryLock(queue, id) is not { } taken)
        {
            refused.Add(
                queue.Read(id) is TaskRead.Found({ IsFinished: false } busy, _)
                    ? Unfinished(busy, done)
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
            case TaskRead.Found({ IsFinished: true } task, _):
                Tasks.Add(id, task);
                break;
            case TaskRead.Found(var task, _):
                refused.Add(Unfinished(task, done));
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
        catch (QueueException) when (queue.IsSupervised(id))
        {
            // It took longer: this one is left, the others go on.
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
