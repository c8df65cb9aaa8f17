using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <summary>
/// Lets things happen: whoever changes a task's state calls it, and it stores what follows from that before it
/// returns. Starting what it has stored is the next step (<see cref="StartFollowers"/>), because the caller may hold
/// the queue's lock.
/// </summary>
/// <remarks>
/// Each event is worked through once. What follows from it gets ids that depend on it alone, and its line in the
/// log is written last; so whoever is interrupted is continued by the next look, which finds the task's lock without
/// a holder, and nothing is done twice.
/// </remarks>
internal sealed class EventEmitter(ProjectQueue project) : ITaskListener
{
    private const int MostLooks = 5;
    private const int MostBlockedLooks = 500;
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(4);

    private readonly QueueFolder _queue = project.Queue;
    private readonly EventLog _log = new(project.Queue);
    private readonly List<long> _withHooks = [];
    private readonly HashSet<TaskId> _startsTold = [];
    private bool _isAtWork;
    private bool _hasTold;

    /// <summary>True if tasks were stored that nobody has started yet.</summary>
    public bool HasFollowers { get; private set; }

    public EventLog Log => _log;

    /// <summary>Starts what runs the hooks of the event of that number, and does not wait for it.</summary>
    public Action<long> StartHooks { get; init; } = HookLaunch.Into(project.Root);

    public static EventEmitter Attach(ProjectQueue project)
    {
        var emitter = new EventEmitter(project);
        project.Queue.Listener = emitter;
        project.StartFollowers = emitter.StartFollowers;
        return emitter;
    }

    public void Started(AgentTask task)
    {
        Emit(Occurrence.StartOf(task), again: false);
        _startsTold.Add(task.Id);
        // After the lock of the log: this takes the queue's, which comes first everywhere else.
        new Retention(project).Apply(task);
        LinkOutput(task);
    }

    // The newest output of an agent under a name that does not change.
    private void LinkOutput(AgentTask task)
    {
        if (
            EventTaskId.Is(task.Id)
            && project.Config.Agents.TryGetValue(task.Agent, out var agent)
            && agent.Events.OutputExtension is { } extension
            && !TaskId.TryParse(agent.Name, out _)
        )
        {
            _queue.Disk.PointTo(
                Path.Join(_queue.Logs, agent.Name + extension),
                Path.GetFileName(_queue.LogFile(task.Id))
            );
        }
    }

    public void Parked(AgentTask task) =>
        Emit(Occurrence.ParkingOf(task, project.Clock.GetUtcNow()), again: false);

    public void Ended(AgentTask task, bool again)
    {
        // Its supervisor may have died between its start and the telling of it.
        if (task.State is TaskState.Finished { StartedAt: not null } && _startsTold.Add(task.Id))
        {
            Emit(Occurrence.StartOf(task), again: true);
        }

        Emit(Occurrence.EndOf(task), again);
    }

    /// <summary>Lets something happen that no task did.</summary>
    /// <param name="from">The task that the caller runs in; null for a person.</param>
    /// <exception cref="QueueException">The name is none, or the disk refused; nothing has happened.</exception>
    public EventRecord Trigger(
        string name,
        ImmutableSortedDictionary<string, string> variables,
        AgentTask? from = null
    )
    {
        // An error in it is told before anything happens.
        _ = project.Config;
        _queue.Create();
        var now = project.Clock.GetUtcNow();
        var occurrence = new Occurrence(
            "event/" + TaskId.New(now).Value[TaskId.Prefix.Length..],
            now,
            [EventName.Check(name)],
            Occurrence.ChainOf(from)
        )
        {
            Task = from,
            Variables = variables,
        };
        _log.Create();
        try
        {
            using var held = _log.Lock();
            FinishUnfinished();
            // No task's file tells of it: who dies over it is continued by the next look.
            _log.Begin(Plain(occurrence));
            var record = WorkThrough(occurrence, again: false)!;
            _log.Finish();
            return record;
        }
        finally
        {
            RunHooks();
        }
    }

    /// <summary>Goes on with an event whose maker died over it.</summary>
    public void FinishInterrupted()
    {
        if (_isAtWork || !_log.HasUnfinished)
        {
            return;
        }

        try
        {
            using var held = _log.Lock();
            FinishUnfinished();
        }
        finally
        {
            RunHooks();
        }
    }

    // The caller holds the log's lock.
    private void FinishUnfinished()
    {
        if (!_log.HasUnfinished)
        {
            return;
        }

        if (_log.Unfinished is { } begun)
        {
            WorkThrough(
                new Occurrence(begun.Id, begun.At, begun.Names, begun.Chain)
                {
                    Task =
                        begun.Task is { } id && _queue.Read(id) is TaskRead.Found(var task, _)
                            ? task
                            : null,
                    Variables = begun.Variables,
                },
                again: true
            );
        }

        _log.Finish();
    }

    private static EventRecord Plain(Occurrence occurrence) =>
        new()
        {
            Sequence = 0,
            At = occurrence.At,
            Id = occurrence.Id,
            Names = occurrence.Names,
            Chain = occurrence.Chain,
            Task = occurrence.Task?.Id,
            Variables = occurrence.Variables,
        };

    /// <summary>Works an occurrence through; null if that was done before.</summary>
    public EventRecord? Emit(Occurrence occurrence, bool again)
    {
        if (_isAtWork)
        {
            // One follows from the other, whose files in run/ are swept as soon as this returns.
            return WorkThrough(occurrence, again);
        }

        _log.Create();
        try
        {
            using var held = _log.Lock();
            return WorkThrough(occurrence, again);
        }
        finally
        {
            RunHooks();
        }
    }

    /// <summary>Tells of a hook that failed; what listens to that is stored, and no hook is run for it.</summary>
    /// <param name="of">What the hook was told of.</param>
    /// <param name="name">The name of that by which the hook's rule means it.</param>
    /// <param name="number">Which of the event's hooks, from 0.</param>
    /// <param name="hook">What it is called.</param>
    /// <param name="problem">In one line.</param>
    public void HookFailed(EventRecord of, string name, int number, string hook, string problem) =>
        Emit(
            new Occurrence(
                string.Create(CultureInfo.InvariantCulture, $"hook/{of.Sequence}/{number}"),
                project.Clock.GetUtcNow(),
                [EventName.HookFailed + name],
                of.Chain.Add(of.Names[0])
            )
            {
                Failure = new HookFailure(of, problem),
                Variables = ImmutableSortedDictionary
                    .Create<string, string>(StringComparer.Ordinal)
                    .Add("hook", hook)
                    .Add("problem", problem),
            },
            again: false
        );

    // Nobody's lock is handed on, and whoever emits goes on at once. What is not started is lost: the event
    // stands in the log.
    private void RunHooks()
    {
        foreach (var sequence in _withHooks)
        {
            try
            {
                StartHooks(sequence);
            }
            catch (QueueException)
            {
                // The system starts nothing more; the work itself must not fail for that.
            }
        }

        _withHooks.Clear();
    }

    private bool HasHooks(EventRecord record)
    {
        try
        {
            return Hooks.Of(project.Config.Hooks, record.Names).Any();
        }
        catch (QueueException)
        {
            // The configuration cannot be read: its problem is in the record.
            return false;
        }
    }

    // The caller holds the log's lock. The line comes last, after those of what followed at once.
    private EventRecord? WorkThrough(Occurrence occurrence, bool again)
    {
        if (again && _log.Has(occurrence.Id))
        {
            return null;
        }

        var isInner = _isAtWork;
        _isAtWork = true;
        try
        {
            var record = Decide(occurrence) with { Sequence = _log.LastSequence + 1 };
            _log.Append(record);
            if (HasHooks(record))
            {
                _withHooks.Add(record.Sequence);
            }

            _hasTold |= record.Task is not null;
            return record;
        }
        finally
        {
            _isAtWork = isInner;
        }
    }

    /// <summary>Starts what events have stored here, as far as it is its turn.</summary>
    public void StartFollowers()
    {
        if (HasFollowers)
        {
            HasFollowers = false;
            try
            {
                project.RunOf(QueueScope.Events).ContinueDrain();
            }
            catch (QueueException)
            {
                HasFollowers = true;
                throw;
            }
        }
    }

    /// <summary>After a change to some tasks: starts those that events made and that are ready now.</summary>
    public void GoOn(IEnumerable<TaskId> tasks)
    {
        HasFollowers |= tasks.Any(EventTaskId.Is);
        StartFollowers();
    }

    public void RunOver(RunId run, string plan, bool? succeeded, DateTimeOffset ended)
    {
        var how = succeeded switch
        {
            true => EventName.PlanSuccess,
            false => EventName.PlanFailed,
            null => EventName.PlanCancelled,
        };
        Emit(
            new Occurrence(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run}/{ended.ToUnixTimeMilliseconds()}"
                ),
                ended,
                [how + plan, EventName.PlanFinished + plan],
                []
            )
            {
                Variables = ImmutableSortedDictionary
                    .Create<string, string>(StringComparer.Ordinal)
                    .Add("run", run.Value),
            },
            again: true
        );
    }

    /// <summary>Tells once that nothing runs any more and nothing is about to.</summary>
    public void TellIfIdle()
    {
        if (_queue.Disk.Facts(_queue.Events) is null || !IsIdleForCertain())
        {
            return;
        }

        try
        {
            using var held = _log.Lock();
            // Two that leave at once both find nobody else; and what was last told of may be this.
            if (
                _log.Last is not { } last
                || last.Names[0] == EventName.QueueIdle
                || !IsIdleForCertain()
            )
            {
                return;
            }

            WorkThrough(
                new Occurrence(
                    string.Create(CultureInfo.InvariantCulture, $"idle/{last.Sequence}"),
                    project.Clock.GetUtcNow(),
                    [EventName.QueueIdle],
                    last.Chain.Add(last.Names[0])
                ),
                again: false
            );
        }
        finally
        {
            RunHooks();
        }
    }

    /// <summary>As <see cref="TellIfIdle"/>, if this process has told of anything.</summary>
    public void TellWhatIsLeft()
    {
        if (_hasTold)
        {
            _hasTold = false;
            TellIfIdle();
            StartFollowers();
        }
    }

    // Who only asks whether a lock is held, holds it for that moment; and who leaves then would be the last one. On a
    // busy machine the moment may last, so a look that met somebody who asks hardly counts.
    private bool IsIdleForCertain()
    {
        bool? isIdle;
        for (var (looks, blocked) = (0, 0); (isIdle = IsIdle()) != true; )
        {
            if (isIdle is null)
            {
                blocked++;
            }
            else
            {
                looks++;
            }

            if (HasFollowers || looks == MostLooks || blocked == MostBlockedLooks)
            {
                return false;
            }

            _queue.Disk.Pause(s_lookAgain);
        }

        return true;
    }

    // Null if somebody else who asks keeps that from being seen.
    private bool? IsIdle()
    {
        if (HasFollowers || _queue.LockNames().Exists(_queue.IsSupervised))
        {
            return false;
        }

        if (Drain.AnySupervisor(_queue) is not false and var any)
        {
            return any is null ? null : false;
        }

        // Stored by somebody who is about to start it.
        return !QueueSnapshot
            .Take(_queue, Closeness.OpenTasks)
            .Unfinished.Exists(static t =>
                EventTaskId.Is(t.Id) && t.State is TaskState.Pending { Held: false }
            );
    }

    private EventRecord Decide(Occurrence occurrence)
    {
        var (task, failure) = (occurrence.Task, occurrence.Failure);
        var record = new EventRecord
        {
            Sequence = 0,
            At = occurrence.At,
            Id = occurrence.Id,
            Names = occurrence.Names,
            Chain = occurrence.Chain,
            Task = task?.Id ?? failure?.Of.Task,
            Agent = task?.Agent ?? failure?.Of.Agent,
            ExitCode = (task?.State as TaskState.Finished)?.ExitCode,
            Variables = occurrence.Variables,
            Problem = failure?.Problem,
        };
        AgentConfig config;
        try
        {
            config = project.Config;
        }
        catch (QueueException e)
        {
            return record with { Problem = record.Problem ?? e.Message };
        }

        var followers = new Followers(project, config, occurrence);
        followers.Decide();
        HasFollowers |= followers.Started.Count > 0;
        return record with
        {
            Started = [.. followers.Started],
            Cancelled = [.. followers.Cancelled],
            Ignored = [.. followers.Ignored],
        };
    }
}
