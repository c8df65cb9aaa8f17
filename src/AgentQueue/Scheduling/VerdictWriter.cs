using AgentQueue.Agents;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Gathers the evidence about an attempt that is over and records its verdict. Only the holder of the
/// task's lock may call it, so there is one verdict for each attempt. It can be interrupted and repeated
/// at any step: each step only adds evidence for the same verdict, and the task's file comes last.
/// </summary>
internal sealed class VerdictWriter(QueueFolder queue, TimeProvider clock)
{
    private const int TailLines = 5;
    private const int TailLength = 1000;
    private readonly Sentinels _sentinels = new(queue);

    /// <summary>What the files say, beside what the caller has seen itself.</summary>
    public Evidence Gather(TaskId id, Completion completion, ExitStatus? exit = null)
    {
        exit ??=
            _sentinels.ReadExit(id)
            ?? (queue.HeardExit(id) is { } said ? ExitStatus.Exited(said) : null);
        return new Evidence
        {
            CancelRequested =
                Requested(id, Requests.Cancel) || _sentinels.Exists(id, Sentinel.Cancelled),
            TimedOut = Requested(id, Requests.Expire) || _sentinels.Exists(id, Sentinel.Timeout),
            TimeoutLimit = Requested(id, Requests.Expire) ? null : _sentinels.ReadTimeoutLimit(id),
            Stalled = Requested(id, Requests.Stalled),
            Error = _sentinels.ReadError(id),
            Done = _sentinels.Exists(id, Sentinel.Done),
            Exit = exit,
            // An agent may have put something else in its log's place; a fifo would keep us for ever.
            LogTail = exit is { IsSuccess: false } ? TailOf(id) : null,
            Completion = completion,
        };
    }

    // Where standard error is apart, what went wrong stands there.
    private string? TailOf(TaskId id)
    {
        foreach (var log in (string?[])[queue.ErrorLogFile(id), queue.LogFile(id)])
        {
            if (log is not null && queue.Disk.Facts(log) is { IsRegular: true, Size: > 0 })
            {
                return LogTail.Lines(log, TailLines, TailLength);
            }
        }

        return null;
    }

    /// <summary>
    /// Records that a plan does not let a pending task run, and returns it. The task's file comes first: the
    /// marker alone would tell of a cancellation.
    /// </summary>
    public AgentTask RecordSkipped(AgentTask task, string why)
    {
        var skipped = task with
        {
            State = new TaskState.Cancelled(null, clock.GetUtcNow()) { Skipped = why },
        };
        queue.Write(skipped);
        queue.Durable.TryCreateUnsynced(queue.SentinelFile(task.Id, Sentinel.Cancelled), []);
        Close(skipped, again: false);
        return skipped;
    }

    /// <summary>
    /// Tells of a task's end and sweeps its files in <c>run/</c>: as long as its lock's file stands there,
    /// somebody may still have to be told. The caller holds the task's lock.
    /// </summary>
    /// <param name="again">It may have been told before.</param>
    public void Close(AgentTask task, bool again)
    {
        if (again)
        {
            NoteUsage(task);
        }

        try
        {
            queue.Listener?.Ended(task, again);
        }
        catch (QueueException)
        {
            // The outcome is safe. Whoever looks next finds the lock's file and tells of it.
            return;
        }

        queue.SweepRunFiles(task.Id);
    }

    /// <summary>As <see cref="Close"/>, for a task that waits again; it is told at most once.</summary>
    public void CloseParked(AgentTask task)
    {
        queue.SweepRunFiles(task.Id);
        try
        {
            queue.Listener?.Parked(task);
        }
        catch (QueueException)
        {
            // What it waits for stands in its file.
        }
    }

    /// <summary>
    /// Before its end is recorded: as long as the task runs it counts in budgets as what others have used on average,
    /// and in between it would count as nothing.
    /// </summary>
    public void NoteUsage(AgentTask task)
    {
        try
        {
            new UsageLog(queue).Add(task);
        }
        catch (QueueException)
        {
            // The result has it too; a full disk must not keep the task from its end.
        }
    }

    /// <summary>Judges and records; returns the task as it now stands in its file.</summary>
    /// <param name="ended">When; now, if it is not said.</param>
    public AgentTask Record(AgentTask task, Evidence evidence, DateTimeOffset? ended = null)
    {
        var now = ended ?? clock.GetUtcNow();
        var verdict = Verdict.Judge(evidence);
        var (kind, content) = MarkerOf(verdict, evidence, now);
        if (evidence.CheckFailed is not null)
        {
            // Whoever found the exit alone, or with the agent's word, would take the work for good.
            queue.Durable.TryCreate(queue.SentinelFile(task.Id, kind), content);
        }

        try
        {
            if (evidence.Exit is { } exit && _sentinels.ReadExit(task.Id)?.Code != exit.Code)
            {
                // Not synced: the task's file says it durably.
                WriteExit(queue.SentinelFile(task.Id, Sentinel.ExitCode), exit);
            }
        }
        catch (QueueException e) when (e.IsNoRoom && content.Length == 0)
        {
            // An empty marker may find room where a number does not; with it the verdict at least is safe.
            queue.Durable.TryCreate(queue.SentinelFile(task.Id, kind), content);
            throw;
        }

        queue.Durable.TryCreateUnsynced(queue.SentinelFile(task.Id, kind), content);
        var judged = task with { State = StateOf(task, verdict, evidence, now) };
        NoteUsage(judged);
        queue.Write(judged);
        Close(judged, again: false);
        return judged;
    }

    /// <summary>The task as it would be recorded; nothing is written.</summary>
    public AgentTask Judge(AgentTask task, Evidence evidence) =>
        task with
        {
            State = StateOf(task, Verdict.Judge(evidence), evidence, clock.GetUtcNow()),
        };

    // A folder that an agent has made under that name keeps nobody from recording how it ended.
    private void WriteExit(string path, ExitStatus exit)
    {
        try
        {
            queue.Unsynced.ReplaceUnsynced(path, Sentinels.ExitContent(exit));
        }
        catch (QueueException) when (queue.MakeRoom(path))
        {
            queue.Unsynced.ReplaceUnsynced(path, Sentinels.ExitContent(exit));
        }
    }

    private bool Requested(TaskId id, string request) => Requests.Has(queue, id, request);

    private static (Sentinel, byte[]) MarkerOf(
        Verdict verdict,
        Evidence evidence,
        DateTimeOffset now
    ) =>
        verdict switch
        {
            Verdict.Complete => (Sentinel.Done, []),
            Verdict.Cancelled => (Sentinel.Cancelled, []),
            Verdict.Failed { Reason: Reason.Timeout } => (
                Sentinel.Timeout,
                Sentinels.TimeoutContent(evidence.TimeoutLimit, now)
            ),
            Verdict.Failed failed => (
                Sentinel.Error,
                Sentinels.ErrorContent(failed.Message, failed.Reason, now)
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static TaskState StateOf(
        AgentTask task,
        Verdict verdict,
        Evidence evidence,
        DateTimeOffset now
    )
    {
        var started = (task.State as TaskState.Running)?.StartedAt;
        var exit = evidence.Exit?.Code;
        return verdict switch
        {
            Verdict.Complete complete => new TaskState.Complete(started, now)
            {
                ExitCode = exit,
                Note = complete.Note,
            },
            Verdict.Cancelled => new TaskState.Cancelled(started, now) { ExitCode = exit },
            Verdict.Failed failed => new TaskState.Failed(
                started,
                now,
                failed.Reason,
                failed.Message
            )
            {
                ExitCode = exit,
                ErrorClass = evidence.ErrorClass,
                NoRetry = evidence.NoRetry,
                FallbackTo = evidence.FallbackTo,
                TimedOutAt = failed.Reason == Reason.Timeout ? now : null,
            },
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}
