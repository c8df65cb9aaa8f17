using AgentQueue.Agents;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Ending the processes of a task whose supervisor has died.</summary>
internal interface IOrphans
{
    /// <summary>
    /// Ends every process of the task that can be identified with certainty.
    /// </summary>
    /// <returns>False if they are out of reach: on another machine, in another container.</returns>
    bool End(TaskId id, RunIdentity? identity);
}

/// <summary>
/// Brings the files up to date with what really lives. It changes only tasks that nobody supervises, under
/// their lock, and two passes in a row change nothing the second time.
/// </summary>
internal sealed class Reconciler(
    QueueFolder queue,
    IOrphans orphans,
    Retries retries,
    TimeProvider clock
)
{
    private readonly VerdictWriter _verdicts = new(queue, clock);

    /// <summary>How the output of a task's agent is read; null for an agent that is only a command.</summary>
    public Func<AgentTask, AgentReader?> ReaderOf { get; init; } = static _ => null;

    /// <summary>A snapshot of the queue with everything settled that can be.</summary>
    /// <param name="autoRetry">Create the retries that are due, too.</param>
    /// <param name="closeness">How closely to compare what is known with the files.</param>
    public (QueueSnapshot Snapshot, int Changed) Reconcile(
        bool autoRetry,
        Closeness closeness = Closeness.EveryFile
    )
    {
        queue.Listener?.FinishInterrupted();
        var snapshot = QueueSnapshot.Take(queue, closeness);
        if (TaskBatch.FinishInterrupted(queue, snapshot.Journals))
        {
            snapshot = QueueSnapshot.Take(queue, closeness);
        }

        var changed = 0;
        foreach (var task in snapshot.Unfinished)
        {
            if (NeedsSettling(task, snapshot) && Settle(task.Id))
            {
                changed++;
            }
        }

        foreach (var id in snapshot.LockedBeyondEnd())
        {
            if (
                snapshot.FindFinished(id) is not null
                && !queue.IsSupervised(id)
                // Not swept meanwhile: a lock of its own would look like a supervisor's.
                && queue.Disk.Facts(queue.LockFile(id)) is not null
            )
            {
                Settle(id);
            }
        }

        changed += retries.FinishInterrupted(snapshot);
        if (changed > 0)
        {
            snapshot = QueueSnapshot.Take(queue, closeness);
        }

        if (autoRetry)
        {
            var made = retries.CreateDue(snapshot);
            changed += made;
            snapshot = made > 0 ? QueueSnapshot.Take(queue, closeness) : snapshot;
        }

        return NoteBlocked(snapshot)
            ? (QueueSnapshot.Take(queue, closeness), changed)
            : (snapshot, changed);
    }

    private bool NeedsSettling(TaskSummary task, QueueSnapshot snapshot) =>
        task.State is TaskState.Running
            ? !snapshot.MayBeSupervised(task.Id) || !queue.IsSupervised(task.Id)
            : snapshot.HasVerdictSentinel(task.Id)
                // Its supervisor was killed before it could record the start, in the worktree's setup perhaps.
                || (snapshot.MayBeSupervised(task.Id) && !queue.IsSupervised(task.Id));

    /// <summary>
    /// Settles one task if its file no longer says what became of it; false if there was nothing to record.
    /// </summary>
    public bool Refresh(TaskId id) =>
        queue.Read(id) switch
        {
            TaskRead.Found({ State: TaskState.Running }, _) => !queue.IsSupervised(id)
                && Settle(id),
            TaskRead.Found({ State: TaskState.Pending }, _) => new Sentinels(queue).AnyVerdict(id)
                && Settle(id),
            _ => false,
        };

    /// <summary>Records the verdict of a task that nobody supervises; false if there is nothing to record.</summary>
    public bool Settle(TaskId id)
    {
        if (HasLostItsLock(id))
        {
            return false;
        }

        // Held by somebody: the task is in good hands, or will be looked at again.
        using var held = queue.TryLockPassing(id);
        if (held is null || queue.Read(id) is not TaskRead.Found(var task, _))
        {
            return false;
        }

        var identity = RunIdentity.Read(queue, id);
        var orphaned = queue.IsAgentAlive(id);
        switch (task.State)
        {
            case TaskState.Finished:
                // Its supervisor died between the record and the sweep.
                _verdicts.Close(task, again: true);
                return false;
            case TaskState.Pending when !new Sentinels(queue).AnyVerdict(id):
                if (orphaned)
                {
                    orphans.End(id, identity);
                }

                return false;
            case TaskState.Running when orphaned:
                if (!orphans.End(id, identity) || !IsGone(id))
                {
                    return false;
                }

                break;
        }

        var evidence = Gather(task, identity) with
        {
            IdleLimit = task.IdleTimeout,
            LostDetail = orphaned
                ? "The supervisor was killed; its agent was found running and ended"
                : null,
        };
        try
        {
            evidence = ReadWhatItPrinted(task, identity, evidence);
        }
        catch (QueueException)
        {
            // How it ended is recorded all the same.
        }

        try
        {
            _verdicts.Record(task, evidence);
            return true;
        }
        catch (QueueException e) when (e.IsNoRoom && queue.HeardOf(id) != 0)
        {
            // What the supervisor said before it gave up is known only here until there is room.
            held.Stays = true;
            throw;
        }
    }

    /// <summary>
    /// Where the disk refuses to take what settling would record: tasks whose supervisor has died are read
    /// by this process as they would have been recorded, and what is left of their agents is ended.
    /// </summary>
    public void ShowUnrecorded()
    {
        var snapshot = QueueSnapshot.Take(queue);
        foreach (var task in snapshot.Unfinished)
        {
            try
            {
                if (NeedsSettling(task, snapshot))
                {
                    JudgeUnrecorded(task.Id);
                }
            }
            catch (QueueException)
            {
                // It is shown as it stands; why it cannot be brought up to date has been told.
            }
        }
    }

    /// <summary>
    /// Tasks that have ended while there is no room to record it are read by this process as they ended;
    /// their supervisors record them when there is. True if there are any.
    /// </summary>
    public bool ShowEnded(QueueSnapshot snapshot, Action<QueueException> problem)
    {
        var any = false;
        foreach (var task in snapshot.Unfinished)
        {
            if (
                task.State is TaskState.Running
                && queue.HeardOf(task.Id).HasFlag(LockWord.Ended)
                && queue.Read(task.Id) is TaskRead.Found({ State: TaskState.Running } still, _)
            )
            {
                problem(new QueueException($"there is no room to record how {task.Id} ended"));
                queue.ShowAs(
                    _verdicts.Judge(still, Gather(still, RunIdentity.Read(queue, still.Id)))
                );
                any = true;
            }
        }

        return any;
    }

    // Where the work is checked, neither the agent's word nor its exit makes it complete: the exit is recorded after
    // the checks.
    private Evidence Gather(AgentTask task, RunIdentity? identity)
    {
        var evidence = _verdicts.Gather(task.Id, identity?.Completion ?? Completion.Auto);
        if (
            task is not { State: TaskState.Running, Checks.IsEmpty: false }
            || evidence.Exit is not null
        )
        {
            return evidence;
        }

        return identity?.Calls is [.., { ExitCode: { } code }]
            ? evidence with
            {
                Exit = ExitStatus.Exited(code),
                CheckLost =
                    "The supervisor was killed while the work was checked; nobody knows what the check came to",
            }
            : evidence with
            {
                Done = false,
            };
    }

    // Its supervisor, had it lived, would have left the same result but for the end.
    private Evidence ReadWhatItPrinted(AgentTask task, RunIdentity? identity, Evidence evidence)
    {
        var results = new Results(queue);
        if (
            identity is not { Calls: { IsEmpty: false } calls }
            || results.Read(task.Id)?.Attempt == task.Attempt
            || ReaderOf(task) is not { } reader
        )
        {
            return evidence;
        }

        var reading = AgentReading.OfLost(queue, task, reader, calls, clock);
        evidence = evidence with { AgentProblem = reading.Problem };
        var verdict = Verdict.Judge(evidence);
        var error =
            verdict is Verdict.Complete
                ? null
                : reading.ErrorOf(Supervisor.SeenBy(verdict), evidence.Exit);
        results.Write(
            reading.Result(
                task,
                files: null,
                evidence.Exit,
                error,
                evidence.CheckLost is { } lost
                    ? (Verification.Unavailable, lost)
                    : (Verification.None, null)
            )
        );
        return evidence with { ErrorClass = error?.Class };
    }

    private void JudgeUnrecorded(TaskId id)
    {
        // Not by way of TryLockPassing: what removes the lock is the verdict, which is not recorded yet.
        // Where its file is gone nobody can hold it, and there may be no room for a new one.
        var isFree = queue.Disk.Facts(queue.LockFile(id)) is null;
        using var held = isFree ? null : queue.TryLockTask(id);
        var identity = RunIdentity.Read(queue, id);
        if (
            (held is null && !isFree)
            || HasLostItsLock(id)
            || queue.Read(id) is not TaskRead.Found(var task, _)
            || !(
                task.State is TaskState.Running
                || (task.State is TaskState.Pending && new Sentinels(queue).AnyVerdict(id))
            )
            || (queue.IsAgentAlive(id) && (!orphans.End(id, identity) || !IsGone(id)))
        )
        {
            return;
        }

        var evidence = Gather(task, identity);
        queue.ShowAs(_verdicts.Judge(task, evidence with { IdleLimit = task.IdleTimeout }));
    }

    // Somebody deleted run/ while the task ran: its lock lives on without a name. The record of its supervisor
    // is the last word then, or a second agent would be started beside the first.
    private bool HasLostItsLock(TaskId id) =>
        queue.Disk.Facts(queue.LockFile(id)) is null
        && queue.Read(id) is TaskRead.Found({ State: TaskState.Running { Pid: { } supervisor } }, _)
        && DetachedLaunch.IsSupervisorOf(supervisor, queue.ProjectRoot);

    // A process that was killed lets go of its files when the last of its threads has ended, which is a
    // moment after it counts as dead.
    private bool IsGone(TaskId id)
    {
        // Stryker disable once Equality: one look more or less at the very end
        for (var i = 0; i < 100 && queue.IsAgentAlive(id); i++)
        {
            queue.Disk.Pause(TimeSpan.FromMilliseconds(2));
        }

        return !queue.IsAgentAlive(id);
    }

    // Kept in the file for those who read files; agentq itself always looks at the dependencies.
    private bool NoteBlocked(QueueSnapshot snapshot)
    {
        Dependencies? dependencies = null;
        var changed = false;
        foreach (var task in snapshot.Unfinished)
        {
            // Of a run's tasks the run tells, and there may be thousands behind one failure.
            if (
                task.State is not TaskState.Pending pending
                || task.DependsOn.IsEmpty
                || RunId.Of(task.Id) is not null
            )
            {
                continue;
            }

            dependencies ??= new Dependencies(queue, snapshot);
            var blocked = dependencies.Check(task) as Readiness.Blocked;
            if (blocked?.By == pending.BlockedBy && blocked?.Reason == pending.BlockedReason)
            {
                continue;
            }

            using var held = queue.TryLockPassing(task.Id);
            if (
                held is not null
                && queue.Read(task.Id)
                    is TaskRead.Found({ State: TaskState.Pending still } current, _)
            )
            {
                queue.Write(
                    current with
                    {
                        State = still with
                        {
                            BlockedBy = blocked?.By,
                            BlockedReason = blocked?.Reason,
                        },
                    }
                );
                changed = true;
            }
        }

        return changed;
    }
}
