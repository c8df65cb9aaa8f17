using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>What a list needs to know of a task that has ended; the rest is in its file.</summary>
/// <param name="WillRetry">An automatic retry is due, now or later.</param>
internal readonly record struct FinishedTask(
    TaskId Id,
    TaskStatus Status,
    DateTimeOffset CompletedAt,
    bool TimedOut,
    bool WillRetry,
    bool HasIntent
)
{
    public static FinishedTask Of(AgentTask task)
    {
        var state = (TaskState.Finished)task.State;
        var failed = state as TaskState.Failed;
        return new FinishedTask(
            task.Id,
            task.Status,
            state.CompletedAt,
            failed?.Reason == Reason.Timeout,
            RetryPolicy.DueAt(task) is not null,
            failed?.RetryIntent is not null
        );
    }
}

/// <summary>
/// The whole queue at one moment. Unfinished tasks are read; finished ones, which hardly ever change, are
/// known from <see cref="FinishedCache"/> as long as their files are the very same. So the cost follows
/// what is still to do, and the files stay the truth.
/// </summary>
internal sealed class QueueSnapshot
{
    /// <summary>How the name of a batch's journal begins.</summary>
    public const string BatchJournal = ".batch-";

    private Dictionary<TaskId, FinishedTask>? _finishedById;

    private QueueSnapshot(
        List<AgentTask> unfinished,
        List<FinishedTask> finished,
        List<TaskRead.Unreadable> unreadable,
        HashSet<string> sentinels,
        HashSet<string> locks
    )
    {
        Unfinished = unfinished;
        Finished = finished;
        Unreadable = unreadable;
        _sentinels = sentinels;
        _locks = locks;
    }

    private readonly HashSet<string> _sentinels;
    private readonly HashSet<string> _locks;

    /// <summary>The file names of batches that are being stored, or whose maker died.</summary>
    public IReadOnlyList<string> Journals { get; private init; } = [];

    /// <summary>Pending and running tasks, by id.</summary>
    public List<AgentTask> Unfinished { get; }

    public List<FinishedTask> Finished { get; }

    public List<TaskRead.Unreadable> Unreadable { get; }

    public int Count => Unfinished.Count + Finished.Count;

    /// <summary>True if the folder held a marker that ends this task when the snapshot was taken.</summary>
    public bool HasVerdictSentinel(TaskId id) => _sentinels.Contains(id.Value);

    /// <summary>False if nobody can hold the task's lock, because its file does not exist.</summary>
    public bool MayBeSupervised(TaskId id) => _locks.Contains(id.Value);

    /// <summary>The finished task of that id, or null.</summary>
    public FinishedTask? FindFinished(TaskId id)
    {
        if (_finishedById is null)
        {
            _finishedById = new(Finished.Count);
            foreach (var task in Finished)
            {
                _finishedById[task.Id] = task;
            }
        }

        return _finishedById.TryGetValue(id, out var found) ? found : null;
    }

    public static QueueSnapshot Take(QueueFolder queue)
    {
        var ids = new List<TaskId>();
        var sentinels = new HashSet<string>(StringComparer.Ordinal);
        var journals = new List<string>();
        foreach (var name in queue.Disk.List(queue.Tasks))
        {
            var dot = name.LastIndexOf('.');
            if (dot <= 0)
            {
                if (name.StartsWith(BatchJournal, StringComparison.Ordinal))
                {
                    journals.Add(name);
                }

                continue;
            }

            switch (name.AsSpan(dot))
            {
                case ".json":
                    if (TaskId.TryParse(name.AsSpan(0, dot), out var id))
                    {
                        ids.Add(id);
                    }

                    break;
                case ".done" or ".error" or ".cancelled" or ".timeout":
                    sentinels.Add(name[..dot]);
                    break;
            }
        }

        var locks = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in queue.Disk.List(queue.Run))
        {
            if (name.EndsWith(".lock", StringComparison.Ordinal))
            {
                locks.Add(name[..^".lock".Length]);
            }
        }

        ids.Sort();
        var cache = FinishedCache.Load(queue);
        var unfinished = new List<AgentTask>();
        var finished = new List<FinishedTask>(ids.Count);
        var unreadable = new List<TaskRead.Unreadable>();
        foreach (var id in ids)
        {
            if (cache.Find(id) is { } known)
            {
                finished.Add(known);
                continue;
            }

            switch (queue.Read(id))
            {
                case TaskRead.Found({ IsFinished: true } task, var facts):
                    var summary = FinishedTask.Of(task);
                    cache.Add(summary, facts);
                    finished.Add(summary);
                    break;
                case TaskRead.Found(var task, _):
                    unfinished.Add(task);
                    break;
                case TaskRead.Unreadable bad:
                    unreadable.Add(bad);
                    break;
            }
        }

        cache.Save();
        return new QueueSnapshot(unfinished, finished, unreadable, sentinels, locks)
        {
            Journals = journals,
        };
    }
}
