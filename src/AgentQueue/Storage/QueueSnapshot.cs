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
        List<int> marked,
        HashSet<string> locks
    )
    {
        Unfinished = unfinished;
        Finished = finished;
        Unreadable = unreadable;
        _marked = marked;
        _marked.Sort();
        _locks = locks;
    }

    // Hashes, because nearly all of them belong to finished tasks and are never asked for.
    private readonly List<int> _marked;
    private readonly HashSet<string> _locks;

    /// <summary>The file names of batches that are being stored, or whose maker died.</summary>
    public IReadOnlyList<string> Journals { get; private init; } = [];

    /// <summary>Pending and running tasks, by id.</summary>
    public List<AgentTask> Unfinished { get; }

    /// <summary>By id.</summary>
    public List<FinishedTask> Finished { get; }

    public List<TaskRead.Unreadable> Unreadable { get; }

    public int Count => Unfinished.Count + Finished.Count;

    /// <summary>
    /// True if the folder held a marker that ends this task when the snapshot was taken; very rarely also
    /// without, so look again before acting on it.
    /// </summary>
    public bool HasVerdictSentinel(TaskId id) =>
        _marked.BinarySearch(string.GetHashCode(id.Value, StringComparison.Ordinal)) >= 0;

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
        using var tasks = queue.Disk.LookInto(queue.Tasks);
        var cache = FinishedCache.Load(queue, tasks);
        var names = new Names(cache);
        tasks.Visit(names.Add);
        names.Ids.Sort();
        var unfinished = new List<AgentTask>();
        var finished = new List<FinishedTask>(names.Ids.Count);
        var unreadable = new List<TaskRead.Unreadable>();
        foreach (var id in names.Ids)
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
        return new QueueSnapshot(unfinished, finished, unreadable, names.Marked, Locks(queue))
        {
            Journals = names.Journals,
        };
    }

    private static HashSet<string> Locks(QueueFolder queue)
    {
        const string Extension = ".lock";
        var locks = new HashSet<string>(StringComparer.Ordinal);
        using var run = queue.Disk.LookInto(queue.Run);
        run.Visit(name =>
        {
            if (name.EndsWith(Extension, StringComparison.Ordinal))
            {
                locks.Add(name[..^Extension.Length].ToString());
            }
        });
        return locks;
    }

    /// <summary>What the names in <c>tasks/</c> say, in one pass that makes texts of few of them.</summary>
    private sealed class Names(FinishedCache cache)
    {
        public List<TaskId> Ids { get; } = [];

        /// <summary>Hashes of the ids beside which a marker lies that ends a task.</summary>
        public List<int> Marked { get; } = [];

        public List<string> Journals { get; } = [];

        public void Add(ReadOnlySpan<char> name)
        {
            var dot = name.LastIndexOf('.');
            if (dot <= 0)
            {
                if (name.StartsWith(BatchJournal, StringComparison.Ordinal))
                {
                    Journals.Add(name.ToString());
                }

                return;
            }

            var stem = name[..dot];
            switch (name[dot..])
            {
                case ".json":
                    if (cache.Knows(stem) is { } known)
                    {
                        Ids.Add(known);
                    }
                    else if (TaskId.TryParse(stem, out var id))
                    {
                        Ids.Add(id);
                    }

                    break;
                case ".done" or ".error" or ".cancelled" or ".timeout":
                    Marked.Add(string.GetHashCode(stem, StringComparison.Ordinal));
                    break;
            }
        }
    }
}
