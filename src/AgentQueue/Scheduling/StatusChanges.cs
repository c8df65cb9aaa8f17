using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>A task that is not as it was at the look before.</summary>
/// <param name="From">A status, <c>held</c>, <c>waiting</c>, or <c>new</c>.</param>
/// <param name="To">The same, or <c>gone</c>.</param>
/// <param name="Task">The task as it is now; null if it is gone.</param>
internal sealed record StatusChange(TaskId Id, string From, string To, AgentTask? Task);

/// <summary>
/// Compares each look at the queue with the one before. What happened in between is not made up: a task
/// that started and ended is told of once, as what it has become.
/// </summary>
internal sealed class StatusChanges(QueueFolder queue, StatusFilter filter)
{
    private const string New = "new";
    private const string Gone = "gone";

    private Dictionary<TaskId, string>? _before;

    /// <summary>When the next time that was set for a task comes; null if none is waited for.</summary>
    public DateTimeOffset? NextChange { get; private set; }

    /// <summary>What has changed, by id; nothing at the first call.</summary>
    public IReadOnlyList<StatusChange> Next(QueueSnapshot snapshot, DateTimeOffset now)
    {
        var words = new Dictionary<TaskId, string>(snapshot.Count);
        foreach (var task in snapshot.Finished)
        {
            words[task.Id] = TaskJson.NameOf(task.Status);
        }

        var dependencies = new Lazy<Dependencies>(() => new Dependencies(queue, snapshot));
        NextChange = null;
        foreach (var task in snapshot.Unfinished)
        {
            var standing = TaskStanding.Of(
                task,
                queue,
                snapshot.MayBeSupervised,
                dependencies,
                now
            );
            words[task.Id] = standing.Word;
            // Stryker disable once Equality: of two that end at once either is the first
            if (standing.StartsIn is { } wait && (NextChange is null || now + wait < NextChange))
            {
                NextChange = now + wait;
            }
        }

        var before = _before;
        _before = words;
        return before is null ? [] : Compare(before, words, snapshot);
    }

    private List<StatusChange> Compare(
        Dictionary<TaskId, string> before,
        Dictionary<TaskId, string> now,
        QueueSnapshot snapshot
    )
    {
        var changes = new List<StatusChange>();
        foreach (var (id, word) in now)
        {
            if (!before.TryGetValue(id, out var was) || was != word)
            {
                var task = queue.Read(id) is TaskRead.Found(var found, _) ? found : null;
                changes.Add(new StatusChange(id, was ?? New, word, task));
            }
        }

        foreach (var (id, word) in before)
        {
            // A file that cannot be read for a moment has not gone.
            if (!now.ContainsKey(id) && !snapshot.Unreadable.Exists(u => u.Id == id))
            {
                changes.Add(new StatusChange(id, word, Gone, null));
            }
        }

        changes.RemoveAll(change => !Matches(change));
        changes.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        return changes;
    }

    private bool Matches(StatusChange change) =>
        (filter.Ids.IsEmpty || filter.Ids.Contains(change.Id))
        && (filter.States.IsEmpty || filter.Names(change.From) || filter.Names(change.To))
        && (change.Task is { } task ? filter.Matches(task) : !filter.NeedsFile);
}
