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
internal sealed class Supervisor(
    QueueFolder queue,
    IAgentPlanner planner,
    IAgentHost host,
    TimeProvider clock
)
{
    // Sentinels dropped by agents and users are noticed at this pace; requests of our own verbs knock.
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(500);

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

        /// <summary>A reason that stands in the files: a request, a sentinel, the deadline.</summary>
        Recorded,

        /// <summary>This supervisor was told to end.</summary>
        Stopped,

        /// <summary>The deadline, known here even if the disk did not take its sentinel.</summary>
        TimedOut,

        /// <summary>As <see cref="TimedOut"/>, for the idle limit.</summary>
        Stalled,
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
            queue.SweepRunFiles(id);
            return null;
        }

        AgentPlan plan;
        try
        {
            plan = planner.Plan(task);
        }
        catch (QueueException e) when (e.ExitCode != ExitCode.Usage)
        {
            return FailToLaunch(task, e.Message, report);
        }

        using var alive =
            queue.Disk.TryLock(queue.AliveFile(id), create: true)
            ?? throw new QueueException($"Processes of an earlier attempt of {id} still live");
        if (plan.PromptFileContent is { } prompt)
        {
            queue.Disk.Delete(queue.PromptFile(id));
            queue.Disk.WriteNew(queue.PromptFile(id), Encoding.UTF8.GetBytes(prompt), sync: false);
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

        IAgentProcess agent;
        try
        {
            agent = host.Start(LaunchOf(task, plan, alive));
        }
        catch (LaunchException e)
        {
            return FailToLaunch(task, e.Message, report);
        }

        using (agent)
        {
            TryIdentify(id, new RunIdentity(ProcessIdentity.Own, agent.Identity, plan.Completion));
            report("started " + agent.Identity.Pid.ToString(CultureInfo.InvariantCulture));
            (task, var cause) = Watch(task, plan, agent, started);
            WasToldToEnd = cause == Cause.Stopped;
            if (cause != Cause.None)
            {
                agent.EndAll(plan.Grace);
            }
            else if (!plan.KeepChildren)
            {
                agent.EndLeftovers(s_leftoverGrace);
            }

            LogLimit.Apply(queue.Disk, queue.LogFile(id), plan.LogLimit);
            return RecordPatiently(task, () => GatherAll(task, plan, agent, cause));
        }
    }

    // A short task would be near its limit from the start.
    private static TimeSpan? Warning(AgentPlan plan) =>
        plan.Timeout is not { } limit ? null
        : limit / 5 < plan.TimeoutWarning ? limit / 5
        : plan.TimeoutWarning;

    private (AgentTask Task, Cause Cause) Watch(
        AgentTask task,
        AgentPlan plan,
        IAgentProcess agent,
        long started
    )
    {
        var log = new Growth(queue, task.Id, clock);
        long? signalled = null;
        while (true)
        {
            var elapsed = clock.GetElapsedTime(started);
            var wake = agent.Wait(Shortest(s_tick, task.Timeout - elapsed));
            if (agent.Exit is not null)
            {
                return (task, Cause.None);
            }

            if (wake.HasFlag(Wake.ToldToEnd))
            {
                return (task, Cause.Stopped);
            }

            if (
                Requested(task.Id, Requests.Cancel)
                || Requested(task.Id, Requests.Expire)
                || Dropped(task.Id, Sentinel.Cancelled)
                || Dropped(task.Id, Sentinel.Timeout)
            )
            {
                return (task, Cause.Recorded);
            }

            // Extensions are read before the deadline is looked at: one that was accepted always counts.
            elapsed = clock.GetElapsedTime(started);
            if (wake.HasFlag(Wake.Knocked) || elapsed >= task.Timeout)
            {
                TryTo(() => ApplyExtensions(ref task));
            }

            if (elapsed >= task.Timeout)
            {
                // The sentinel is the commitment: from here on an extension comes too late.
                var limit = Sentinels.TimeoutContent(task.Timeout, clock.GetUtcNow());
                TryTo(() =>
                    queue.Durable.TryCreate(queue.SentinelFile(task.Id, Sentinel.Timeout), limit)
                );
                return (task, Cause.TimedOut);
            }

            TryTo(() => LogLimit.Apply(queue.Disk, queue.LogFile(task.Id), plan.LogLimit));
            if (task.IdleTimeout is { } idle && log.QuietFor() >= idle)
            {
                TryTo(() =>
                    queue.Durable.Replace(queue.RequestFile(task.Id, Requests.Stalled), [])
                );
                return (task, Cause.Stalled);
            }

            var said =
                Dropped(task.Id, Sentinel.Error)
                || (plan.Completion != Completion.Exit && Dropped(task.Id, Sentinel.Done));
            signalled = said ? signalled ?? clock.GetTimestamp() : null;
            if (signalled is { } since && clock.GetElapsedTime(since) >= plan.ExitGrace)
            {
                return (task, Cause.Recorded);
            }
        }
    }

    // The outcome is known only here: a disk that is full for a moment must not lose it.
    private AgentTask RecordPatiently(AgentTask task, Func<Evidence> gather)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return _verdicts.Record(task, gather());
            }
            catch (QueueException e) when (tries < MostRecordTries)
            {
                if (e.IsNoRoom)
                {
                    TryTo(() => queue.Say(task.Id, LockWord.Ended));
                }

                queue.Disk.Pause(s_tick);
            }
        }
    }

    private Evidence GatherAll(AgentTask task, AgentPlan plan, IAgentProcess agent, Cause cause)
    {
        var evidence = _verdicts.Gather(task.Id, plan.Completion, agent.Exit);
        if (cause == Cause.Stopped && !_sentinels.AnyVerdict(task.Id))
        {
            evidence = evidence with
            {
                Exit = null,
                LostDetail = "The supervisor was told to end (TERM) and ended the agent",
            };
        }

        if (cause == Cause.TimedOut)
        {
            evidence = evidence with { TimedOut = true, TimeoutLimit = task.Timeout };
        }

        evidence = evidence with { Stalled = evidence.Stalled || cause == Cause.Stalled };
        return WithStallLimit(evidence, task);
    }

    // Whoever settles the task after our death finds its processes by their mark as well.
    private void TryIdentify(TaskId id, RunIdentity identity) =>
        TryTo(() => identity.Write(queue, id));

    // While an agent runs, a disk that refuses must not end its supervisor: nobody would keep its limits.
    private static void TryTo(Action act)
    {
        try
        {
            act();
        }
        catch (QueueException)
        {
            // What it was for is known here, and is recorded with the verdict.
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
                queue.Write(extended);
                task = extended;
                _extensions.Add(name);
            }

            queue.Disk.Delete(path);
        }
    }

    private AgentTask FailToLaunch(AgentTask task, string message, Action<string> report)
    {
        report("failed " + message);
        return RecordPatiently(
            task,
            () => _verdicts.Gather(task.Id, Completion.Auto) with { LaunchError = message }
        );
    }

    private AgentLaunch LaunchOf(AgentTask task, AgentPlan plan, HeldLock alive) =>
        new()
        {
            Executable = plan.Executable,
            Arguments = plan.Arguments,
            Environment = plan.Environment,
            WorkingFolder = plan.WorkingFolder,
            LogFile = queue.LogFile(task.Id),
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

    private static Evidence WithStallLimit(Evidence evidence, AgentTask task) =>
        evidence.Stalled ? evidence with { IdleLimit = task.IdleTimeout } : evidence;

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

    private static TimeSpan Shortest(TimeSpan tick, TimeSpan? left) =>
        left is { } l && l < tick
            ? l > TimeSpan.Zero
                ? l
                : TimeSpan.Zero
            : tick;

    /// <summary>How long a log has not grown.</summary>
    private sealed class Growth(QueueFolder queue, TaskId id, TimeProvider clock)
    {
        private long _size = -1;
        private long _since = clock.GetTimestamp();

        public TimeSpan QuietFor()
        {
            var size = Size() ?? _size;
            if (size != _size)
            {
                _size = size;
                _since = clock.GetTimestamp();
            }

            return clock.GetElapsedTime(_since);
        }

        private long? Size()
        {
            try
            {
                return queue.Disk.Facts(queue.LogFile(id))?.Size ?? 0;
            }
            catch (QueueException)
            {
                // As if it had not grown; the next look tells.
                return null;
            }
        }
    }
}
