using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// A task that its supervisor has put off for a usage limit, where no drain is on that would start it again: the
/// supervisor's process stays for it, without the task's lock and without a slot.
/// </summary>
internal sealed class ParkedTask(
    QueueFolder queue,
    IAgentPlanner planner,
    QueueScope scope,
    TimeProvider clock
)
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromSeconds(2);

    /// <summary>Waits for its time; null if somebody else starts it, or changed what was to become of it.</summary>
    public (AgentTask Task, HeldLock Lock)? Take(AgentTask parked)
    {
        using var watch = queue.Disk.Watch(queue.Tasks);
        while (
            new Drain(queue, scope).Rules is null
            && queue.Read(parked.Id)
                is TaskRead.Found(
                    { State: TaskState.Pending { Held: false, Limit: not null } } task,
                    _
                )
            && task.Attempt == parked.Attempt
        )
        {
            var now = clock.GetUtcNow();
            if (task.WaitsUntil(now) is { } at)
            {
                watch.Wait(at - now < s_longestWait ? at - now : s_longestWait);
                continue;
            }

            using (queue.LockQueue(s_longestWait))
            {
                if (IsBarred(task) is null && queue.TryLockToStart(task.Id) is { } held)
                {
                    if (
                        queue.Read(task.Id) is TaskRead.Found(
                            { State: TaskState.Pending { Held: false } } still,
                            _
                        )
                    )
                    {
                        return (still, held);
                    }

                    new PassingLock(held, queue.Disk, queue.LockFile(task.Id)).Dispose();
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
        foreach (var id in queue.LockNames())
        {
            if (queue.IsSupervised(id) && queue.Read(id) is TaskRead.Found(var other, _))
            {
                running[other.Agent] = running.GetValueOrDefault(other.Agent) + 1;
            }
        }

        return StartGate.Of(queue, planner, running, [], clock)?.Bar(task.ToSummary());
    }
}
