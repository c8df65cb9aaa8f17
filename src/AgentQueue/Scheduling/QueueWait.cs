using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Staying until tasks have ended. Wakes at changes of the folder, not at a pace.</summary>
internal sealed class QueueWait(QueueFolder queue, Reconciler reconciler, TimeProvider clock)
{
    // Also looked at without a sign of change: a supervisor that is killed leaves none.
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    // The end of a drain shows in no task.
    private static readonly TimeSpan s_lookForEnd = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Waits until all of the tasks, or with <paramref name="any"/> one of them, have ended.
    /// </summary>
    /// <param name="ended">Told of each end as it is seen.</param>
    /// <param name="look">Called at each look, for progress; false stops the waiting.</param>
    /// <returns>Those that have ended; fewer than asked for if the time was up.</returns>
    public IReadOnlyList<AgentTask> Until(
        IReadOnlyList<TaskId> ids,
        bool any,
        TimeSpan? timeout,
        Action<AgentTask> ended,
        Func<bool> look
    )
    {
        var start = clock.GetTimestamp();
        var open = ids.Distinct().ToList();
        var done = new List<AgentTask>();
        using var watch = queue.Disk.Watch(queue.Tasks);
        while (true)
        {
            var begun = clock.GetTimestamp();
            foreach (var id in open.ToArray())
            {
                if (ReadEnded(id) is { } task)
                {
                    open.Remove(id);
                    done.Add(task);
                    ended(task);
                }
            }

            if (open.Count == 0 || (any && done.Count > 0) || !look())
            {
                return done;
            }

            var left = timeout - clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return done;
            }

            WaitForNews(watch, begun, left ?? TimeSpan.MaxValue, s_look);
        }
    }

    /// <summary>
    /// Whoever waits takes a tenth of a processor at most from those that it waits for, however many there are:
    /// it rests for nine times what its look took, and no longer than it still has.
    /// </summary>
    /// <param name="begun">When the look began.</param>
    /// <param name="look">Wait no longer for a change.</param>
    public void WaitForNews(IFolderWatch watch, long begun, TimeSpan left, TimeSpan look)
    {
        var rest = Shorter(Shorter(9 * clock.GetElapsedTime(begun), s_look), left);
        queue.Disk.Pause(rest);
        watch.Wait(Shorter(left - rest, look));
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>
    /// Waits until nothing is running or ready, or with <paramref name="any"/> until one task has ended.
    /// </summary>
    /// <param name="also">Tasks that may have ended by now and count all the same.</param>
    /// <returns>What ended meanwhile, each line of retries as its last one; whether the time was up; false for <c>Waited</c> if there was nothing.</returns>
    public (IReadOnlyList<AgentTask> Ended, bool TimedOut, bool Waited) UntilIdle(
        QueueRun run,
        TimeSpan? timeout,
        bool any,
        Action<AgentTask> ended,
        IEnumerable<TaskId>? also = null
    )
    {
        var start = clock.GetTimestamp();
        var watched = new HashSet<TaskId>(also ?? []);
        var done = new List<AgentTask>();
        using var watch = queue.Disk.Watch(queue.Tasks);
        while (true)
        {
            var begun = clock.GetTimestamp();
            var (unfinished, busy, ending) = run.Look();
            foreach (var id in watched.Where(id => !unfinished.Contains(id)).ToArray())
            {
                if (ReadEnded(id) is { } task)
                {
                    watched.Remove(id);
                    done.Add(task);
                    ended(task);
                }
            }

            watched.UnionWith(unfinished);
            if (!busy || (any && done.Count > 0))
            {
                return (LastOfEach(done), false, done.Count > 0 || busy);
            }

            var left = timeout - clock.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return (LastOfEach(done), true, true);
            }

            var look = ending ? s_lookForEnd : s_look;
            WaitForNews(watch, begun, left ?? TimeSpan.MaxValue, look);
        }
    }

    // What became of a task that was retried is what became of its last retry.
    private List<AgentTask> LastOfEach(List<AgentTask> done)
    {
        var last = new Dictionary<TaskId, AgentTask>();
        foreach (var each in done)
        {
            var task = each;
            while (
                queue.Read(task.Id)
                    is TaskRead.Found({ State: TaskState.Unsuccessful { RetriedBy: { } next } }, _)
                && queue.Read(next) is TaskRead.Found({ IsFinished: true } retry, _)
            )
            {
                task = retry;
            }

            last[task.Id] = task;
        }

        return [.. last.Values];
    }

    /// <summary>The task if it has ended, or is skipped in its run; settles it first if its supervisor is gone.</summary>
    /// <exception cref="QueueException">It is gone, or cannot be read.</exception>
    public AgentTask? ReadEnded(TaskId id)
    {
        switch (queue.Read(id))
        {
            case TaskRead.Found({ IsFinished: true } task, _):
                return task;
            case TaskRead.Found({ State: TaskState.Running }, _) when !queue.IsSupervised(id):
                reconciler.Settle(id);
                return null;
            case TaskRead.Found({ State: TaskState.Pending }, _)
                when new Sentinels(queue).AnyVerdict(id):
                reconciler.Settle(id);
                return null;
            case TaskRead.Missing:
                return queue.ReadArchived(id) is TaskRead.Found(var archived, _)
                    ? archived
                    : throw new QueueException($"Task {id} was removed while it was waited for");
            case TaskRead.Unreadable(_, var reason):
                throw new QueueException($"Cannot read {queue.TaskFile(id)}: {reason}");
            // It will not run any more, unless what keeps it from that is retried by hand.
            case TaskRead.Found({ State: TaskState.Pending } skipped, _)
                when RunId.Of(id) is not null
                    && !queue.IsSupervised(id)
                    && new Dependencies(queue, snapshot: null).Check(skipped) is Readiness.Blocked:
                return skipped;
            default:
                return null;
        }
    }

    /// <summary>The outcome of tasks as an exit code: a failure weighs more than a cancellation.</summary>
    public static ExitCode Outcome(IEnumerable<AgentTask> tasks)
    {
        var outcome = ExitCode.Ok;
        foreach (var task in tasks)
        {
            switch (task.State)
            {
                // What is over without having run was skipped, and that for a failure.
                case TaskState.Failed or TaskState.Pending:
                    return ExitCode.WorkFailed;
                case TaskState.Cancelled:
                    outcome = ExitCode.WorkCancelled;
                    break;
            }
        }

        return outcome;
    }
}
