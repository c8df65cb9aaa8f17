using System.Globalization;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Owns one running task from the recorded start to the recorded verdict. It holds the task's lock all the
/// time, records the attempt before the agent can do anything, and is the only writer of the outcome. If
/// it dies, the lock is free, and whoever looks next settles the task (<see cref="Reconciler"/>).
/// </summary>
internal sealed partial class Supervisor(
    QueueFolder queue,
    IAgentPlanner planner,
    IAgentHost host,
    TimeProvider clock
)
{
    // Sentinels dropped by agents and users are noticed at this pace, which slows down while nothing happens;
    // requests of our own verbs knock.
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_slowestTick = TimeSpan.FromSeconds(2);

    // What an agent leaves behind is asked to end, but nobody waits long for it.
    private static readonly TimeSpan s_leftoverGrace = TimeSpan.FromMilliseconds(250);

    // A minute, in ticks.
    private const int MostRecordTries = 120;

    private readonly Sentinels _sentinels = new(queue);
    private readonly VerdictWriter _verdicts = new(queue, clock);
    private readonly HashSet<string> _extensions = new(StringComparer.Ordinal);

    /// <summary>True after a task that was ended because this process was told to end.</summary>
    public bool WasToldToEnd { get; private set; }

    private enum Cause
    {
        /// <summary>The agent ended by itself.</summary>
        None,

        /// <summary>A reason that stands in the files: a request or a sentinel.</summary>
        Recorded,

        /// <summary>The deadline. It stands in the files too, if the disk took it.</summary>
        TimeIsUp,

        /// <summary>No output for too long. As with the deadline.</summary>
        Stalled,

        /// <summary>This supervisor was told to end.</summary>
        Stopped,
    }

    /// <summary>
    /// Runs a pending task whose lock the caller holds, and returns it as it ended; null if it was not
    /// pending any more. The lock's file is gone afterwards; the caller disposes the lock.
    /// </summary>
    /// <param name="report">Told once how the start went: <c>started</c> or <c>failed …</c>.</param>
    public AgentTask? Run(TaskId id, Action<string> report)
    {
        if (queue.Read(id) is not TaskRead.Found({ State: TaskState.Pending } task, _))
        {
            report("skipped");
            if (queue.Read(id) is TaskRead.Found({ IsFinished: true } over, _))
            {
                _verdicts.Close(over, again: true);
            }
            else
            {
                queue.SweepRunFiles(id);
            }

            return null;
        }

        if (StepTexts.WhySkipped(queue, task) is { } why)
        {
            report("skipped");
            return _verdicts.RecordSkipped(task, why);
        }

        AgentPlan plan;
        try
        {
            plan = planner.Plan(task);
        }
        catch (QueueException e) when (e.ExitCode != ExitCode.Usage)
        {
            return FailToLaunch(task, e.Message, planner.HasAdapter(task.Agent), report);
        }

        queue.ClearPlanted(id);
        using var alive =
            queue.Disk.TryLock(queue.AliveFile(id), create: true)
            ?? throw new QueueException($"Processes of an earlier attempt of {id} still live");
        WritePrompt(id, plan);

        try
        {
            plan = InWorktree(ref task, plan, alive);
        }
        catch (QueueException e) when (e.ExitCode != ExitCode.Usage)
        {
            return FailToLaunch(task, e.Message, plan.Reader is not null, report);
        }

        var started = clock.GetTimestamp();
        task = task with
        {
            Attempt = task.Attempt + 1,
            Timeout = plan.Timeout,
            TimeoutWarning = task.TimeoutWarning ?? Warning(plan),
            IdleTimeout = plan.IdleTimeout,
            State = new TaskState.Running(clock.GetUtcNow(), Environment.ProcessId),
        };
        queue.Write(task);
        var changed = queue.Disk.Facts(queue.TaskFile(id))?.ChangedNs ?? 0;

        return Work(task, plan, alive, started, changed, report);
    }

    private void LimitLogs(TaskId id, AgentPlan plan)
    {
        Attempt(() => LogLimit.Apply(queue.Disk, queue.LogFile(id), plan.LogLimit));
        foreach (var other in (string?[])[queue.ErrorLogFile(id), queue.CheckLogFile(id)])
        {
            if (other is not null)
            {
                Attempt(() => LogLimit.Apply(queue.Disk, other, plan.LogLimit));
            }
        }
    }

    // A short task would be near its limit from the start.
    private static TimeSpan? Warning(AgentPlan plan) =>
        plan.Timeout is { } limit ? Shortest(plan.TimeoutWarning, limit / 5) : null;

    /// <param name="mayEndByWord">False for a check: the agent has said <c>.done</c> before it.</param>
    private (AgentTask Task, Cause Cause) Watch(
        AgentTask task,
        AgentPlan plan,
        IAgentProcess agent,
        long started,
        AgentReading? reading = null,
        long from = 0,
        bool mayEndByWord = true
    )
    {
        var begun = clock.GetTimestamp();
        var log = new Growth(queue, task.Id, clock, from);
        var surroundings = new Surroundings(queue, task.Id);
        var pace = s_tick;
        long? signalled = null;
        while (true)
        {
            var elapsed = clock.GetElapsedTime(started);
            var wake = agent.Wait(
                Shortest(
                    pace,
                    task.Timeout - elapsed,
                    task.IdleTimeout - log.QuietFor,
                    log.HasGrown ? null : plan.StartTimeout - clock.GetElapsedTime(begun)
                )
            );
            if (agent.Exit is not null)
            {
                return (task, Cause.None);
            }

            if (wake.HasFlag(Wake.ToldToEnd))
            {
                return (task, Cause.Stopped);
            }

            var mayHaveChanged = surroundings.MayHaveChanged() || wake.HasFlag(Wake.Knocked);
            if (
                mayHaveChanged
                && (
                    Requested(task.Id, Requests.Cancel)
                    || Requested(task.Id, Requests.Expire)
                    || Dropped(task.Id, Sentinel.Cancelled)
                    || Dropped(task.Id, Sentinel.Timeout)
                )
            )
            {
                return (task, Cause.Recorded);
            }

            // Extensions are read before the deadline is looked at: one that was accepted always counts.
            elapsed = clock.GetElapsedTime(started);
            if (wake.HasFlag(Wake.Knocked) || elapsed >= task.Timeout)
            {
                Attempt(() => ApplyExtensions(ref task));
            }

            if (elapsed >= task.Timeout)
            {
                // The sentinel is the commitment: from here on an extension comes too late.
                Attempt(() =>
                    queue.Durable.TryCreate(
                        queue.SentinelFile(task.Id, Sentinel.Timeout),
                        Sentinels.TimeoutContent(task.Timeout, clock.GetUtcNow())
                    )
                );
                return (task, Cause.TimeIsUp);
            }

            var hasGrown = log.Look();
            if (hasGrown)
            {
                if (reading is not null && IsOverBudget(task, plan, reading))
                {
                    return (task, Cause.Recorded);
                }

                LimitLogs(task.Id, plan);
            }

            var silent = !log.HasGrown && clock.GetElapsedTime(begun) >= plan.StartTimeout;
            if (silent)
            {
                task = task with { IdleTimeout = plan.StartTimeout };
            }

            if (silent || log.QuietFor >= task.IdleTimeout)
            {
                Attempt(() =>
                    queue.Unsynced.ReplaceUnsynced(queue.RequestFile(task.Id, Requests.Stalled), [])
                );
                return (task, Cause.Stalled);
            }

            if (mayHaveChanged && mayEndByWord)
            {
                var said =
                    Dropped(task.Id, Sentinel.Error)
                    || (plan.Completion != Completion.Exit && Dropped(task.Id, Sentinel.Done));
                signalled = said ? signalled ?? clock.GetTimestamp() : null;
            }

            pace =
                mayHaveChanged || hasGrown || signalled is not null
                    ? s_tick
                    : Shortest(s_slowestTick, 2 * pace);
            if (signalled is { } since && clock.GetElapsedTime(since) >= plan.ExitGrace)
            {
                return (task, Cause.Recorded);
            }
        }
    }

    // The outcome is known only here: a disk that is full for a moment, or by this task's own log, must not
    // lose it. Its time does not change from try to try: one that failed only in its last sync has been read
    // by others.
    private AgentTask RecordPatiently(AgentTask task, Evidence evidence)
    {
        var ended = clock.GetUtcNow();
        var word =
            LockWord.Ended
            | (evidence.TimedOut ? LockWord.Expire : 0)
            | (evidence.Stalled ? LockWord.Stalled : 0);
        return Patiently(
            task.Id,
            () => _verdicts.Record(task, evidence, ended),
            () =>
                queue.Say(task.Id, word, evidence.CheckFailed is null ? evidence.Exit?.Code : null)
        );
    }

    /// <param name="say">Tells of the end without taking room, for who waits for it and for who settles the
    /// task if there is none for too long.</param>
    private T Patiently<T>(TaskId id, Func<T> act, Action say)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return act();
            }
            catch (QueueException e) when (tries < MostRecordTries)
            {
                if (e.IsNoRoom)
                {
                    Attempt(say);
                }

                if (tries > 1 || !LogLimit.MakeRoom(queue.Disk, queue.LogFile(id)))
                {
                    queue.Disk.Pause(s_tick);
                }
            }
        }
    }

    // While the agent lives, a disk that takes nothing must not end its supervision.
    private static void Attempt(Action write)
    {
        try
        {
            write();
        }
        catch (QueueException)
        {
            // What was to be left in the files is known here as well, until the outcome is recorded.
        }
    }

    private void ApplyExtensions(ref AgentTask task)
    {
        var prefix = $"{task.Id}.{Requests.ExtendPrefix}";
        foreach (var name in queue.Disk.List(queue.Run))
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }

            var path = Path.Join(queue.Run, name);
            var read = queue.Disk.Read(path, 64);
            if (read.Status == ReadStatus.Refused)
            {
                continue;
            }

            // One that could not be removed the last time counts once.
            if (
                !_extensions.Contains(name)
                && task.Timeout is { } limit
                && int.TryParse(
                    Encoding.ASCII.GetString(read.Content),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var seconds
                )
            )
            {
                var extended = task with { Timeout = limit + TimeSpan.FromSeconds(seconds) };
                // If this fails it was not granted; it is read again with the next knock, and at the deadline.
                queue.Write(extended);
                task = extended;
                _extensions.Add(name);
            }

            queue.Discard(path);
        }
    }

    private AgentTask FailToLaunch(
        AgentTask task,
        string message,
        bool isRead,
        Action<string> report
    )
    {
        report("failed " + message);
        // Not patiently: nothing has run, so a task that cannot be told as failed just stays as it is.
        var evidence = _verdicts.Gather(task.Id, Completion.Auto);
        return _verdicts.Record(
            task,
            evidence with
            {
                LaunchError = message,
                ErrorClass = isRead ? ErrorClass.Spawn : null,
            }
        );
    }

    private void WritePrompt(TaskId id, AgentPlan plan)
    {
        if (plan.PromptFileContent is { } prompt)
        {
            queue.Disk.Delete(queue.PromptFile(id));
            // Stryker disable once Boolean: a sync would cost time and change nothing else
            queue.Disk.WriteNew(queue.PromptFile(id), Encoding.UTF8.GetBytes(prompt), sync: false);
        }
    }

    private AgentLaunch LaunchOf(AgentTask task, AgentPlan plan, HeldLock alive) =>
        new()
        {
            Executable = plan.Executable,
            Arguments = plan.Arguments,
            Environment = plan.Environment,
            WorkingFolder = plan.WorkingFolder,
            LogFile = queue.LogFile(task.Id),
            ErrorLogFile = queue.ErrorLogFile(task.Id),
            InputFile = plan.PromptOnInput ? queue.PromptFile(task.Id) : null,
            AliveDescriptor = alive.Descriptor,
            KnockFile = queue.LockFile(task.Id),
            Mark = MarkOf(queue, task.Id),
        };

    /// <summary>
    /// The environment entry by which processes of a task are known: its file, because two projects may
    /// each have a task of one id.
    /// </summary>
    public static string MarkOf(QueueFolder queue, TaskId id) =>
        $"{AgentEnvironment.TaskFileVariable}={queue.TaskFile(id)}";

    private static Evidence WithCause(Evidence evidence, Cause cause, AgentTask task)
    {
        if (cause == Cause.TimeIsUp && !evidence.TimedOut)
        {
            evidence = evidence with { TimedOut = true, TimeoutLimit = task.Timeout };
        }

        return evidence.Stalled || cause == Cause.Stalled
            ? evidence with
            {
                Stalled = true,
                IdleLimit = task.IdleTimeout,
            }
            : evidence;
    }

    private bool Requested(TaskId id, string request) =>
        Look(() => Requests.Has(queue, id, request));

    private bool Dropped(TaskId id, Sentinel kind) => Look(() => _sentinels.Exists(id, kind));

    // What cannot be looked at now is looked at again at the next tick.
    private static bool Look(Func<bool> look)
    {
        try
        {
            return look();
        }
        catch (QueueException)
        {
            return false;
        }
    }

    private static TimeSpan Shortest(TimeSpan most, params ReadOnlySpan<TimeSpan?> left)
    {
        var ticks = most.Ticks;
        foreach (var one in left)
        {
            ticks = Math.Min(ticks, one?.Ticks ?? ticks);
        }

        return TimeSpan.FromTicks(Math.Max(ticks, 0));
    }

    /// <summary>How long a log has not grown.</summary>
    /// <param name="from">Its size before.</param>
    private sealed class Growth(QueueFolder queue, TaskId id, TimeProvider clock, long from = 0)
    {
        private long _since = clock.GetTimestamp();
        private long _size = from;

        /// <summary>Anything has come since this began to look.</summary>
        public bool HasGrown { get; private set; }

        /// <summary>As far as the last look tells.</summary>
        public TimeSpan QuietFor => clock.GetElapsedTime(_since);

        /// <summary>True if it has grown, or was cut, since the last look.</summary>
        public bool Look()
        {
            var size = Now();
            if (size == _size)
            {
                return false;
            }

            HasGrown = true;
            _size = size;
            _since = clock.GetTimestamp();
            return true;
        }

        public long Now()
        {
            try
            {
                return SizeOf(queue.LogFile(id))
                    + (queue.ErrorLogFile(id) is { } errors ? SizeOf(errors) : 0)
                    + (queue.CheckLogFile(id) is { } checks ? SizeOf(checks) : 0);
            }
            catch (QueueException)
            {
                // As if it had not grown; the next look tells.
                return _size;
            }
        }

        private long SizeOf(string log) => queue.Disk.Facts(log)?.Size ?? 0;
    }

    /// <summary>
    /// Three questions instead of one for each file that may come: two hundred supervisors that wait are
    /// hardly noticed then.
    /// </summary>
    private sealed class Surroundings(QueueFolder queue, TaskId id)
    {
        private (FolderMark? Tasks, FolderMark? Run, FolderMark? Lock) _last;
        private bool? _foldersTell;

        /// <summary>False if since the last call no name has come into the folders, and nobody has knocked.</summary>
        public bool MayHaveChanged()
        {
            try
            {
                // Asked while the files that the start has just made in them are young.
                _foldersTell ??=
                    Tells(queue.Tasks, queue.TaskFile(id))
                    && Tells(queue.Run, queue.IdentityFile(id));
                var now = (Mark(queue.Tasks), Mark(queue.Run), Mark(queue.LockFile(id)));
                var same = now == _last && now is ({ }, { }, { });
                _last = now;
                return !same || _foldersTell != true;
            }
            catch (QueueException)
            {
                return true;
            }
        }

        private FolderMark? Mark(string path) => FolderMark.Of(queue.Disk.Facts(path), queue.Disk);

        private bool Tells(string folder, string file) =>
            queue.Disk.Facts(folder) is { } time
            && queue.Disk.Facts(file) is { } made
            && FolderMark.KeepsUp(time.ChangedNs, made.ChangedNs);
    }
}
