using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Changing tasks that exist. A task at rest is changed under its lock; one that runs is changed by its
/// supervisor, which is asked for it.
/// </summary>
internal sealed class TaskControl(QueueFolder queue, Reconciler reconciler, TimeProvider clock)
{
    // Longer than any grace: after it, something is wrong that only doctor can tell.
    private static readonly TimeSpan s_endPatience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan s_knockAgain = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Cancels a pending or running task and returns it as it ended, its processes gone. If it ended by
    /// itself meanwhile, it is returned as it did.
    /// </summary>
    /// <exception cref="QueueException">It had finished before.</exception>
    public AgentTask Cancel(TaskId id) => AskToEnd(id, Requests.Cancel, "cancelled");

    /// <summary>Cancels a task that is held.</summary>
    /// <exception cref="QueueException">It is not, or not any more.</exception>
    public AgentTask CancelHeld(TaskId id)
    {
        using var held = queue.LockTask(id);
        var task = queue.ReadOrThrow(id);
        return task.State is TaskState.Pending { Held: true }
            ? CancelAtRest(task)
            : throw new QueueException(
                $"Task {id} is {TaskJson.NameOf(task.Status)} and held no more",
                $"End it: agentq cancel {id}"
            );
    }

    /// <summary>Ends a running task as if its time were up.</summary>
    public AgentTask Expire(TaskId id)
    {
        var task = queue.ReadOrThrow(id);
        return task.State is TaskState.Pending && !queue.IsSupervised(id)
            ? throw new QueueException(
                $"Task {id} is pending; only a running task can time out",
                $"Take it out of the queue: agentq cancel {id}"
            )
            : AskToEnd(id, Requests.Expire, "ended");
    }

    private AgentTask AskToEnd(TaskId id, string request, string done)
    {
        var asked = false;
        var start = clock.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(2);
        while (true)
        {
            var task = queue.ReadOrThrow(id);
            if (task.IsFinished)
            {
                return asked
                    ? task
                    : throw new QueueException(
                        $"Task {id} is {TaskJson.NameOf(task.Status)} already and cannot be {done}"
                    );
            }

            if (queue.TryLockPassing(id) is { } held)
            {
                using (held)
                {
                    // Nobody owns it: a pending task is cancelled here and now.
                    if (queue.ReadOrThrow(id) is { State: TaskState.Pending } pending)
                    {
                        return CancelAtRest(pending);
                    }
                }

                // Running without a supervisor: what is left of it is ended, and judged by what it left.
                Requests.AskToEnd(queue, id, request);
                asked = true;
                reconciler.Settle(id);
            }
            else if (!asked)
            {
                Requests.AskToEnd(queue, id, request);
                asked = true;
            }
            else if (queue.HeardOf(id).HasFlag(LockWord.Ended))
            {
                // It has ended, and its supervisor records that as soon as there is room.
                var verdicts = new VerdictWriter(queue, clock);
                return verdicts.Judge(task, verdicts.Gather(id, Completion.Auto));
            }

            // Stryker disable once Equality: the pauses never end at that very moment
            if (clock.GetElapsedTime(start) > s_endPatience)
            {
                throw new QueueException(
                    $"Task {id} was asked to end and still has not after {Duration.Format(s_endPatience)}",
                    "See what holds it: agentq doctor"
                );
            }

            // Most end within milliseconds; setting up a watch and tearing it down takes longer than that.
            queue.Disk.Pause(pause);
            pause = TimeSpan.FromMilliseconds(Math.Min(pause.TotalMilliseconds * 1.5, 100));
        }
    }

    // The marker comes first. On a full disk it is enough, since it needs no room and whoever looks when there
    // is some records the rest. If the disk refuses anything else, it goes again, or a verb that has failed would
    // take effect at the next look.
    private AgentTask CancelAtRest(AgentTask task)
    {
        var marker = queue.SentinelFile(task.Id, Sentinel.Cancelled);
        var isOurs = queue.Disk.Facts(marker) is null;
        var verdicts = new VerdictWriter(queue, clock);
        var evidence = new Evidence { CancelRequested = true };
        try
        {
            return verdicts.Record(task, evidence);
        }
        catch (QueueException e)
        {
            if (e.IsNoRoom && IsDurable(marker))
            {
                return verdicts.Judge(task, evidence);
            }

            if (isOurs && queue.Read(task.Id) is TaskRead.Found({ State: TaskState.Pending }, _))
            {
                queue.Discard(marker);
            }

            throw;
        }
    }

    private bool IsDurable(string marker)
    {
        try
        {
            queue.Durable.SyncFolderOf(marker);
            return queue.Disk.Facts(marker) is { IsRegular: true };
        }
        catch (QueueException)
        {
            return false;
        }
    }

    /// <summary>
    /// Adds to the time that a task may take, also while it runs. Returns the limit before and after.
    /// </summary>
    /// <exception cref="QueueException">It has no limit, or has ended, or ended before it could be extended.</exception>
    public (TimeSpan Before, TimeSpan After) Extend(TaskId id, TimeSpan more)
    {
        string? request = null;
        TimeSpan? before = null;
        var start = clock.GetTimestamp();
        var knocked = start;
        using var watch = queue.Disk.Watch(queue.Tasks, queue.Run);
        while (true)
        {
            var task = queue.ReadOrThrow(id);
            if (request is null && task.IsFinished)
            {
                throw new QueueException(
                    $"Task {id} is {TaskJson.NameOf(task.Status)}; its time cannot be extended"
                );
            }

            if (request is not null && (task.IsFinished || queue.Disk.Facts(request) is null))
            {
                // Taken up, perhaps just before the task ended, or too late: only what stands in the file now
                // tells.
                queue.Disk.Delete(request);
                var after = queue.ReadOrThrow(id).Timeout;
                return after >= before + more
                    ? (before!.Value, after.Value)
                    : throw new QueueException(
                        $"Task {id} ended before its time could be extended"
                    );
            }

            // A task that is starting gets its agent's limit in a moment; until then there is nothing to add to.
            if (
                task.Timeout is null
                && task.State is not TaskState.Running
                && queue.IsSupervised(id)
            )
            {
                watch.Wait(TimeSpan.FromMilliseconds(50));
                continue;
            }

            before ??=
                task.Timeout
                ?? throw new QueueException(
                    $"Task {id} has no time limit, so there is nothing to extend",
                    $"End it by hand when it is time: agentq timeout {id}"
                );
            if (before.Value + more > Duration.Longest)
            {
                throw QueueException.Usage(
                    $"A time limit is at most {Duration.Format(Duration.Longest)}"
                );
            }

            if (request is null && queue.TryLockPassing(id) is { } held)
            {
                using (held)
                {
                    if (queue.ReadOrThrow(id) is { State: TaskState.Pending } pending)
                    {
                        queue.Write(pending with { Timeout = before + more });
                        return (before.Value, before.Value + more);
                    }
                }

                reconciler.Settle(id);
                continue;
            }

            if (request is null)
            {
                var name = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Requests.ExtendPrefix}{Environment.ProcessId:x}-{clock.GetTimestamp():x}"
                );
                queue.Request(
                    id,
                    name,
                    ((long)more.TotalSeconds).ToString(CultureInfo.InvariantCulture)
                );
                request = queue.RequestFile(id, name);
            }

            // Stryker disable once Equality: one look more or less at the very end
            if (clock.GetElapsedTime(start) > TimeSpan.FromSeconds(10))
            {
                queue.Disk.Delete(request);
                throw new QueueException(
                    $"The supervisor of task {id} does not answer",
                    "See what holds it: agentq doctor"
                );
            }

            // Again and again, or one knock that was not heard would cost the whole patience; but our own
            // knock is a change too, which must not wake us for the next.
            if (clock.GetElapsedTime(knocked) >= s_knockAgain)
            {
                queue.Knock(id);
                knocked = clock.GetTimestamp();
            }

            watch.Wait(s_knockAgain);
        }
    }

    /// <summary>Keeps a pending task from starting; false if it is held already.</summary>
    public bool Hold(TaskId id) =>
        ChangePending(
            id,
            "held",
            static (task, pending) =>
                pending.Held ? null : task with { State = pending with { Held = true } }
        );

    /// <summary>
    /// Lets a held task go, and one that is not held go before the time that was set for it; false if it is
    /// neither. A task that is held and has a time keeps the time: undoing a hold must not start at noon what
    /// was meant for the night.
    /// </summary>
    public bool Release(TaskId id) =>
        ChangePending(
            id,
            "released",
            (task, pending) =>
                pending.Held ? task with { State = pending with { Held = false } }
                : pending.NotBefore > clock.GetUtcNow()
                    ? task with
                    {
                        State = pending with { NotBefore = null },
                    }
                : null
        );

    /// <summary>Makes a pending task wait for another one; false if it does already.</summary>
    /// <exception cref="QueueException">It would wait for itself, over whatever way.</exception>
    public bool AddDependency(TaskId id, TaskId on)
    {
        RefuseFrozen(id);
        using var turn = queue.LockQueue();
        if (queue.Read(on) is TaskRead.Missing && queue.ReadArchived(on) is TaskRead.Missing)
        {
            throw new QueueException(
                $"There is no task {on} to depend on",
                "See what there is: agentq status --all"
            );
        }

        if (DependencyGraph.FindPath(queue, on, id) is { } path)
        {
            throw new QueueException(
                $"That would make a cycle: {string.Join(" → ", path.Prepend(id))}",
                $"See the dependencies: agentq deps graph"
            );
        }

        return ChangePending(
            id,
            "given a dependency",
            (task, _) =>
                task.DependsOn.Contains(on)
                    ? null
                    : task with
                    {
                        DependsOn = task.DependsOn.Add(on),
                    }
        );
    }

    /// <summary>False if it does not depend on it.</summary>
    public bool RemoveDependency(TaskId id, TaskId on)
    {
        RefuseFrozen(id);
        using var turn = queue.LockQueue();
        return ChangePending(
            id,
            "changed",
            (task, pending) =>
                task.DependsOn.Contains(on)
                    ? task with
                    {
                        DependsOn = task.DependsOn.Remove(on),
                        AfterAny = task.AfterAny.Remove(on),
                        AfterNotOk = task.AfterNotOk.Remove(on),
                        DependenciesMet = task.DependenciesMet.Remove(on),
                        State = pending with { BlockedBy = null, BlockedReason = null },
                    }
                    : null
        );
    }

    private static void RefuseFrozen(TaskId id)
    {
        if (RunId.Of(id) is { } run)
        {
            throw new QueueException(
                $"Task {id} belongs to {run}, whose plan is frozen",
                "Change the plan and run it anew"
            );
        }
    }

    /// <param name="change">The changed task; null to leave it as it is.</param>
    /// <returns>True if it was changed.</returns>
    private bool ChangePending(
        TaskId id,
        string verb,
        Func<AgentTask, TaskState.Pending, AgentTask?> change
    )
    {
        // A running task's lock is its supervisor's: what it is comes before whether it is free.
        CheckPending(queue.ReadOrThrow(id), verb);
        using var held = queue.LockTask(id);
        var task = queue.ReadOrThrow(id);
        if (change(task, CheckPending(task, verb)) is not { } changed)
        {
            return false;
        }

        queue.Write(changed);
        return true;
    }

    private static TaskState.Pending CheckPending(AgentTask task, string verb) =>
        task.State as TaskState.Pending
        ?? throw new QueueException(
            $"Task {task.Id} is {TaskJson.NameOf(task.Status)}; only a pending task can be {verb}"
        );
}
