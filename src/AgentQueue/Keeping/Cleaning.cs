using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Keeping;

/// <param name="Cleaned">As they were.</param>
/// <param name="Stranded">Pending tasks that waited for one of them in vain, and still do.</param>
internal sealed record CleanResult(
    IReadOnlyList<AgentTask> Cleaned,
    IReadOnlyList<TaskId> Stranded,
    IReadOnlyList<Refusal> Refused
);

/// <summary>
/// Removes finished tasks with every file that belongs to them. Their names are computed from the id; no
/// path is ever read from a file and no link is followed. The task's own file goes last: as long as it
/// stands the task is there and a second call finishes the job, and without it nothing else is left.
/// </summary>
internal sealed class Cleaning(QueueFolder queue, Reconciler reconciler, TimeProvider clock)
{
    // How long one look at who depends on what is good, and everybody else waits for the queue's lock.
    private static readonly TimeSpan s_turn = TimeSpan.FromMilliseconds(500);

    // Of an older tool; agentq makes no such file.
    private const string PidSentinel = ".pid";

    /// <summary>The finished tasks in one of these states, the oldest first.</summary>
    /// <param name="olderThan">Only those that ended at least this long ago.</param>
    public TaskSelection Select(IReadOnlyCollection<TaskStatus> states, TimeSpan? olderThan)
    {
        var (snapshot, _) = reconciler.Reconcile(autoRetry: false);
        var until = clock.GetUtcNow() - (olderThan ?? TimeSpan.Zero);
        return TaskSelection.From(
            queue,
            snapshot,
            t => states.Contains(t.Status) && (olderThan is null || t.CompletedAt <= until)
        );
    }

    /// <summary>
    /// Removes those that are finished and of which everything can be removed; the others are refused and do
    /// not stop the rest.
    /// </summary>
    /// <exception cref="QueueException">The disk refused to change another task or to store it all, or a folder of the queue is a link.</exception>
    public CleanResult Clean(IReadOnlyList<TaskId> ids)
    {
        queue.RequireTrust();
        var cleaned = new List<AgentTask>();
        var stranded = new HashSet<TaskId>();
        var refused = new List<Refusal>();
        var parts = new Queue<TaskId[]>(ids.Distinct().Chunk(HeldTasks.Most));
        while (parts.Count > 0)
        {
            // Nobody may start a dependent, or make a new one, while we look at them.
            using var turn = queue.LockQueue();
            var begun = clock.GetTimestamp();
            var dependents = WhoWaits();
            do
            {
                using var held = HeldTasks.Take(queue, parts.Dequeue(), Deed.Clean, refused);
                held.RefuseBlocked(queue, id => FilesOf(id, held), Deed.Clean, refused);
                FreeDependents(held, dependents, stranded, refused);
                foreach (var task in held.Tasks.Values)
                {
                    MendLine(task);
                    if (Remove(task.Id, held) is { } refusal)
                    {
                        refused.Add(refusal);
                    }
                    else
                    {
                        cleaned.Add(task);
                    }
                }
            } while (parts.Count > 0 && clock.GetElapsedTime(begun) < s_turn);

            queue.Durable.SyncFolderOf(queue.TaskFile(ids[0]));
        }

        HeldTasks.SweepLocks(queue);
        return new CleanResult(cleaned, [.. stranded.Order()], refused);
    }

    private List<TaskId> WhoWaits() =>
        [
            .. QueueSnapshot
                .Take(queue)
                .Unfinished.Where(static t => t.State is TaskState.Pending && !t.DependsOn.IsEmpty)
                .Select(static t => t.Id),
        ];

    private void FreeDependents(
        HeldTasks held,
        List<TaskId> dependents,
        HashSet<TaskId> stranded,
        List<Refusal> refused
    )
    {
        if (held.Tasks.Count == 0)
        {
            return;
        }

        var going = held.Tasks.Keys.ToHashSet();
        foreach (var dependent in dependents)
        {
            if (queue.Read(dependent) is not TaskRead.Found({ State: TaskState.Pending } task, _))
            {
                continue;
            }

            var (changed, missed) = Dependents.Rewrite(task, going, Find);
            if (!missed.IsEmpty)
            {
                stranded.Add(task.Id);
            }

            if (changed != task && !Store(task.Id, going))
            {
                // It is about to start; if that fails it is pending again, and must find what it waits for.
                foreach (var id in going.Where(id => DependsOn(task, id, Find)).ToList())
                {
                    going.Remove(id);
                    held.Tasks.Remove(id);
                    refused.Add(
                        new Refusal(
                            id,
                            $"Task {id} is needed by {task.Id}, which is just starting",
                            "Try again in a moment"
                        )
                    );
                }
            }
        }

        AgentTask? Find(TaskId id) => held.Tasks.GetValueOrDefault(id) ?? ReadAnywhere(id);
    }

    // False if somebody else holds the dependent and it is still pending.
    private bool Store(TaskId id, HashSet<TaskId> going)
    {
        HeldLock held;
        try
        {
            held = queue.LockTask(id);
        }
        catch (QueueException)
        {
            // Held by its supervisor. If that has started the agent, nothing is waited for any more.
            return queue.Read(id) is not TaskRead.Found({ State: TaskState.Pending }, _);
        }

        using (held)
        {
            if (queue.Read(id) is TaskRead.Found({ State: TaskState.Pending } task, _))
            {
                queue.Write(Dependents.Rewrite(task, going, ReadAnywhere).Task);
            }
        }

        return true;
    }

    private static bool DependsOn(AgentTask task, TaskId on, Func<TaskId, AgentTask?> find) =>
        Dependents.Rewrite(task, new HashSet<TaskId> { on }, find) is var (changed, missed)
        && (changed != task || !missed.IsEmpty);

    private AgentTask? ReadAnywhere(TaskId id) =>
        queue.Read(id) is TaskRead.Found(var task, _) ? task
        : queue.ReadArchived(id) is TaskRead.Found(var archived, _) ? archived
        : null;

    // The task that this one retried leads on to the next retry, so that the line stays whole.
    private void MendLine(AgentTask task)
    {
        if (
            task
                is not {
                    State: TaskState.Unsuccessful { RetriedBy: { } next },
                    RetryHistory: [.., { RetriedFrom: { } before }]
                }
            || queue.TryLockPassing(before) is not { } held
        )
        {
            return;
        }

        using (held)
        {
            if (
                queue.Read(before)
                    is TaskRead.Found({ State: TaskState.Unsuccessful failed } earlier, _)
                && failed.RetriedBy == task.Id
            )
            {
                queue.Write(earlier with { State = failed with { RetriedBy = next } });
            }
        }
    }

    // The caller holds the task's lock; its file goes when the lock is given up. Says why it was left, if so.
    private Refusal? Remove(TaskId id, HeldTasks held)
    {
        try
        {
            foreach (var path in Companions(id))
            {
                queue.Disk.Delete(path);
            }

            queue.DeleteRunFiles(id);
            foreach (var path in OwnFiles(id, held))
            {
                queue.Disk.Delete(path);
            }

            return null;
        }
        catch (QueueException e)
        {
            // What could not be foreseen. The task's own file still stands, and the next call goes on from here.
            return Deed.Clean.Left(id, e.Message, e.Hint);
        }
    }

    private IEnumerable<string> FilesOf(TaskId id, HeldTasks held) =>
        Companions(id).Concat(OwnFiles(id, held));

    private IEnumerable<string> Companions(TaskId id)
    {
        foreach (var kind in SentinelNames.All)
        {
            yield return queue.SentinelFile(id, kind);
            yield return queue.ArchivedSentinel(id, kind);
        }

        yield return Path.Join(queue.Tasks, id.Value + PidSentinel);
        yield return queue.PlanFile(id);
        yield return queue.ArchivedPlan(id);
        yield return queue.LogFile(id);
        yield return queue.ArchivedLog(id);
        yield return queue.QuestionFile(id);
        yield return queue.AnswerFile(id);
        yield return queue.ResultFile(id);
        yield return queue.ArchivedResult(id);
    }

    private IEnumerable<string> OwnFiles(TaskId id, HeldTasks held)
    {
        yield return queue.TaskFile(id);
        if (held.Archived.Contains(id))
        {
            yield return queue.ArchivedTask(id);
        }
    }
}
