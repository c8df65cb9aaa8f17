using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Something that happened to a task, whoever did it.</summary>
internal abstract record QueueEvent(AgentTask Task)
{
    internal sealed record Queued(AgentTask Task) : QueueEvent(Task);

    /// <summary>Queued as the retry of another task.</summary>
    internal sealed record Retried(AgentTask Task, TaskId Of) : QueueEvent(Task);

    internal sealed record Started(AgentTask Task) : QueueEvent(Task);

    internal sealed record Ended(AgentTask Task) : QueueEvent(Task);
}

/// <summary>
/// Tells what has happened between two looks at the queue, each thing once. What had ended before the
/// first look is no news; nor is what is pending or running then.
/// </summary>
internal sealed class QueueEvents(QueueFolder queue, DateTimeOffset since)
{
    // Unfinished tasks, and whether they were seen running.
    private readonly Dictionary<TaskId, bool> _known = [];
    private readonly HashSet<TaskId> _ended = [];
    private bool _looked;

    /// <summary>The news, in the order in which it makes sense: ends, then what they made room for.</summary>
    public IReadOnlyList<QueueEvent> Look(QueueSnapshot snapshot)
    {
        var news = new List<QueueEvent>();
        foreach (var finished in snapshot.Finished)
        {
            if (!_ended.Add(finished.Id))
            {
                continue;
            }

            var isKnown = _known.Remove(finished.Id, out var wasRunning);
            if (
                _looked
                && (isKnown || finished.CompletedAt >= since)
                && queue.Read(finished.Id)
                    is TaskRead.Found({ State: TaskState.Finished end } task, _)
            )
            {
                if (!isKnown)
                {
                    news.Add(Arrival(task));
                }

                if (!wasRunning && end.StartedAt is not null)
                {
                    news.Add(new QueueEvent.Started(task));
                }

                news.Add(new QueueEvent.Ended(task));
            }
        }

        foreach (var task in snapshot.Unfinished)
        {
            var isKnown = _known.TryGetValue(task.Id, out var wasRunning);
            var runs = task.State is TaskState.Running;
            _known[task.Id] = runs;
            if (!_looked)
            {
                continue;
            }

            var isNew = !isKnown;
            var hasStarted = runs && !wasRunning;
            if ((!isNew && !hasStarted) || queue.Read(task.Id) is not TaskRead.Found(var found, _))
            {
                continue;
            }

            if (isNew)
            {
                news.Add(Arrival(found));
            }

            if (hasStarted)
            {
                news.Add(new QueueEvent.Started(found));
            }
        }

        _looked = true;
        return news;
    }

    private static QueueEvent Arrival(AgentTask task) =>
        task.RetryHistory is [.., { RetriedFrom: { } of }]
            ? new QueueEvent.Retried(task, of)
            : new QueueEvent.Queued(task);
}
