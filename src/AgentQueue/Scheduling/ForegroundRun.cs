using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Seeing tasks through to their end: starts those that are not running yet as slots come free, and makes
/// and follows their automatic retries. The tasks run on if the caller goes away.
/// </summary>
internal sealed class ForegroundRun(
    QueueFolder queue,
    Reconciler reconciler,
    QueueRun run,
    TimeProvider clock
)
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(1);

    // Whatever keeps killing supervisors before they can record anything is not waited out.
    private const int MostStarts = 5;

    /// <summary>Told when a task waits for a person, or for a usage limit to end.</summary>
    public Action<AgentTask> PutOff { get; set; } = static _ => { };

    /// <param name="limit">How many tasks may run at once, whoever started them.</param>
    /// <param name="started">Told of each task that was started on the way.</param>
    /// <param name="ended">Told of each end, and of the retry that takes over, if one will.</param>
    /// <param name="look">Called at each look, for progress; false stops the waiting.</param>
    /// <returns>The tasks as they ended, each retried one replaced by its last retry.</returns>
    /// <exception cref="QueueException">A task was started again and again, and is pending still.</exception>
    public IReadOnlyList<AgentTask> SeeThrough(
        IReadOnlyList<TaskId> ids,
        int limit,
        Action<StartedTask> started,
        Action<AgentTask> ended,
        Func<bool> look
    )
    {
        var open = ids.ToList();
        var told = new HashSet<TaskId>();
        var done = new List<AgentTask>();
        var starts = new Dictionary<TaskId, int>();
        var attemptsPutOff = new HashSet<(TaskId, int)>();
        using var watch = queue.Disk.Watch(queue.Tasks);
        while (true)
        {
            DateTimeOffset? due = null;
            foreach (var id in open.ToArray())
            {
                var task = queue.ReadOrThrow(id);
                // Stryker disable once Logical: to settle what needs it not changes nothing
                if (task.State is TaskState.Running && !queue.IsSupervised(id))
                {
                    reconciler.Settle(id);
                    task = queue.ReadOrThrow(id);
                }

                if (!task.IsFinished)
                {
                    if (
                        task is { Attempt: > 0, State: TaskState.Pending waiting }
                        && (waiting.Question ?? waiting.Limit) is not null
                        && attemptsPutOff.Add((id, task.Attempt))
                    )
                    {
                        PutOff(task);
                    }

                    if (
                        task.State is TaskState.Pending { Held: false, NotBefore: { } start }
                        && start > clock.GetUtcNow()
                    )
                    {
                        due = due is null || start < due ? start : due;
                    }

                    continue;
                }

                if (told.Add(id))
                {
                    ended(task);
                }

                if (task.State is TaskState.Unsuccessful { RetriedBy: { } retry })
                {
                    open[open.IndexOf(id)] = retry;
                    due = clock.GetUtcNow();
                }
                else if (RetryPolicy.DueAt(task) is { } at)
                {
                    due = due is null || at < due ? at : due;
                }
                else
                {
                    open.Remove(id);
                    done.Add(task);
                }
            }

            if (open.Count == 0 || !look())
            {
                return done;
            }

            foreach (var start in run.StartAny(open, limit).Started)
            {
                started(start);
                var id = start.Task.Id;
                starts[id] = starts.GetValueOrDefault(id) + 1;
                if (starts[id] > MostStarts)
                {
                    throw new QueueException(
                        $"The supervisor of {id} has ended {MostStarts} times before it could record the start; the task is still pending",
                        $"Look for what ends it (a full disk? memory?), then: agentq run {id} --wait"
                    );
                }
            }

            var left = due - clock.GetUtcNow() ?? s_look;
            watch.Wait(TimeSpan.FromTicks(Math.Clamp(left.Ticks, s_shortest.Ticks, s_look.Ticks)));
        }
    }
}
