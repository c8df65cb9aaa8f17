using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// A task that its supervisor has put off for a usage limit, where no drain is on that would start it again: the
/// supervisor's process stays for it, without the task's lock and without a slot.
/// </summary>
internal sealed class ParkedTask : IDisposable
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromSeconds(2);

    private readonly QueueFolder _queue;
    private readonly IAgentPlanner _planner;
    private readonly TimeProvider _clock;
    private readonly AgentTask _parked;
    private readonly PassingLock? _waits;

    /// <summary>To be made while the task's lock is still held, so that it is never without anybody.</summary>
    public ParkedTask(
        QueueFolder queue,
        IAgentPlanner planner,
        AgentTask parked,
        TimeProvider clock
    )
    {
        (_queue, _planner, _parked, _clock) = (queue, planner, parked, clock);
        var name = WaiterName(parked.Id);
        _waits = queue.TryLockRun(name) is { } held
            ? new PassingLock(held, queue.Disk, Path.Join(queue.Run, name))
            : null;
    }

    public void Dispose() => _waits?.Dispose();

    // Held as long as a process waits for the task, so that others can tell.
    private static string WaiterName(TaskId id) => $"{id}.waits";

    /// <summary>
    /// True if nobody starts the task when its limit is over: no drain is on, and the process that waited for it has
    /// ended.
    /// </summary>
    public static bool IsForsaken(QueueFolder queue, TaskId id)
    {
        var drain = new Drain(queue, QueueScope.Of(id));
        if (drain.Rules is not null && !drain.IsDeserted)
        {
            return false;
        }

        if (queue.Disk.Facts(Path.Join(queue.Run, WaiterName(id))) is null)
        {
            return true;
        }

        using var held = queue.TryLockRun(WaiterName(id));
        return held is not null;
    }

    /// <summary>Waits for its time; null if somebody else starts it, or changed what was to become of it.</summary>
    public (AgentTask Task, HeldLock Lock)? Take()
    {
        using var watch = _queue.Disk.Watch(_queue.Tasks);
        while (
            new Drain(_queue, QueueScope.Of(_parked.Id)).Rules is null
            && _queue.Read(_parked.Id)
                is TaskRead.Found(
                    { State: TaskState.Pending { Held: false, Limit: not null } } task,
                    _
                )
            && task.Attempt == _parked.Attempt
        )
        {
            var now = _clock.GetUtcNow();
            if (task.WaitsUntil(now) is { } at)
            {
                watch.Wait(at - now < s_longestWait ? at - now : s_longestWait);
                continue;
            }

            using (_queue.LockQueue(s_longestWait))
            {
                if (IsBarred(task) is null && _queue.TryLockToStart(task.Id) is { } held)
                {
                    if (
                        _queue.Read(task.Id) is TaskRead.Found(
                            { State: TaskState.Pending { Held: false } } still,
                            _
                        )
                    )
                    {
                        return (still, held);
                    }

                    new PassingLock(held, _queue.Disk, _queue.LockFile(task.Id)).Dispose();
                    return null;
                }
            }

            watch.Wait(s_lookAgain);
        }

        return null;
    }

    private StartBar? IsBarred(AgentTask task)
    {
        var running = new Dictionary<string, int>(StringComparer.Ordinal);
        var tasks = new List<TaskId>();
        foreach (var id in _queue.LockNames())
        {
            if (_queue.IsSupervised(id) && _queue.Read(id) is TaskRead.Found(var other, _))
            {
                running[other.Agent] = running.GetValueOrDefault(other.Agent) + 1;
                tasks.Add(id);
            }
        }

        return StartGate.Of(_queue, _planner, running, tasks, _clock)?.Bar(task.ToSummary());
    }
}
