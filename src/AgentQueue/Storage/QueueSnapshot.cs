using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <summary>How closely a look compares what it knows with the files.</summary>
internal enum Closeness
{
    /// <summary>Every file is asked for its facts.</summary>
    EveryFile,

    /// <summary>
    /// As whoever chooses a task looks, who reads the file of each chosen one again under its lock: files of
    /// finished tasks are asked only if they were replaced, not if something wrote into one.
    /// </summary>
    OpenTasks,
}

/// <summary>
/// The whole queue at one moment. What a file says is known from <see cref="TaskIndex"/> as long as it is
/// the very same file; any other is read. So the cost follows what has changed, and the files stay the truth.
/// </summary>
internal sealed class QueueSnapshot
{
    /// <summary>How the name of a batch's journal begins; <see cref="AddName"/> has it in bytes.</summary>
    public const string BatchJournal = ".batch-";

    // So that choosing among a hundred thousand stays within a tenth of a second; the rest is believed as
    // finished ones are.
    private const int MostOpenAsked = 50_000;

    private const int LongestName = 512;

    private readonly QueueFolder _queue;
    private readonly IFolderLook _tasks;
    private readonly TaskIndex _index;
    private readonly Closeness _closeness;
    private readonly List<TaskId> _unknown = [];
    private readonly List<int> _open = [];
    private readonly List<string> _journals = [];

    // Hashes, because nearly all of them belong to finished tasks and are never asked for.
    private readonly List<int> _marks = [];
    private readonly Lazy<HashSet<int>> _marked;
    private readonly HashSet<TaskId> _locks;
    private HashSet<int>? _finishedRecords;
    private int _openAsked;
    private bool _isBeyondIndex;

    private QueueSnapshot(QueueFolder queue, IFolderLook tasks, Closeness closeness)
    {
        _queue = queue;
        _tasks = tasks;
        _closeness = closeness;
        _index = TaskIndex.Load(queue);
        Finished.EnsureCapacity(_index.Count);
        _marks.EnsureCapacity(_index.Count);
        _marked = new(() => new HashSet<int>(_marks));
        // Before the names: what changes while they are read is seen by the next look.
        var mark = FolderMark.Of(tasks.Own, queue.Disk);
        IsFromIndex = AddKnown(mark);
        if (!IsFromIndex)
        {
            _tasks.Visit(AddName);
        }

        // In the order of the index they are read in one go, and come out in the order of their ids.
        _open.Sort();
        foreach (var record in _open)
        {
            Unfinished.Add(_index.Open(record));
        }

        _unknown.Sort();
        foreach (var id in _unknown)
        {
            AddRead(id);
        }

        _index.Save(IsFromIndex ? null : Whole(mark));
        Unreadable.Sort(static (a, b) => a.Id.CompareTo(b.Id));
        SortUnfinished();
        // After the names: who is no longer at work on a task has recorded what came of it.
        _locks = [.. queue.LockNames()];
    }

    /// <summary>The file names of batches that are being stored, or whose maker died.</summary>
    public IReadOnlyList<string> Journals => _journals;

    /// <summary>Pending and running tasks, by id.</summary>
    public List<TaskSummary> Unfinished { get; } = [];

    /// <summary>In no order.</summary>
    public List<FinishedTask> Finished { get; } = [];

    /// <summary>By id.</summary>
    public List<TaskRead.Unreadable> Unreadable { get; } = [];

    public int Count => Unfinished.Count + Finished.Count;

    /// <summary>True if the folder was not listed, because no name in it had changed.</summary>
    public bool IsFromIndex { get; }

    /// <summary>
    /// True if the folder held a marker that ends this task when the snapshot was taken; very rarely also
    /// without, so look again before acting on it.
    /// </summary>
    public bool HasVerdictSentinel(TaskId id) => _marked.Value.Contains(HashOf(id));

    /// <summary>
    /// Tasks whose lock has a file although they have not to be started or ended any more: the last steps of
    /// their end may be missing, or somebody is at them right now.
    /// </summary>
    public IEnumerable<TaskId> LockedBeyondEnd() =>
        _locks.Where(id => Unfinished.BinarySearch(s_any with { Id = id }, s_byId) < 0);

    private static readonly TaskSummary s_any = new()
    {
        Id = default,
        Agent = "",
        CreatedAt = default,
        State = new TaskState.Pending(),
    };

    private static readonly Comparer<TaskSummary> s_byId = Comparer<TaskSummary>.Create(
        static (a, b) => a.Id.CompareTo(b.Id)
    );

    /// <summary>False if nobody can hold the task's lock, because its file does not exist.</summary>
    public bool MayBeSupervised(TaskId id) => _locks.Contains(id);

    /// <summary>The finished task of that id; null if there is none, or if its file has changed.</summary>
    public FinishedTask? FindFinished(TaskId id)
    {
        Span<byte> name = stackalloc byte[id.Value.Length];
        Encoding.ASCII.GetBytes(id.Value, name);
        var record = _index.Find(name);
        if (record < 0 || !_index.IsFinished(record))
        {
            return null;
        }

        // What others wait for is asked of its file in any case.
        if (
            _closeness == Closeness.OpenTasks
            && !_index.IsOf(record, _queue.Disk.Facts(_queue.TaskFile(id)))
        )
        {
            return null;
        }

        // A record may be of a file that is gone.
        _finishedRecords ??= [.. Finished.Select(static t => t.Record)];
        return _finishedRecords.Contains(record) ? new FinishedTask(_index, record) : null;
    }

    public static QueueSnapshot Take(QueueFolder queue, Closeness closeness = Closeness.EveryFile)
    {
        using var tasks = queue.Disk.LookInto(queue.Tasks);
        return new QueueSnapshot(queue, tasks, closeness);
    }

    // Without listing the folder, if no name in it has changed since it was; false, and nothing was added,
    // if something else has.
    private bool AddKnown(FolderMark? mark)
    {
        if (mark is null || _queue.ShowsOtherwise || !_index.Knows(mark.Value))
        {
            return false;
        }

        Span<byte> name = stackalloc byte[LongestName];
        foreach (var record in _index.Records)
        {
            var id = _index.IdOf(record);
            id.CopyTo(name);
            ".json"u8.CopyTo(name[id.Length..]);
            if (
                MustAsk(record, _index.InodeOf(record))
                && !_index.IsOf(record, _tasks.Facts(name[..(id.Length + ".json"u8.Length)]))
            )
            {
                Finished.Clear();
                _open.Clear();
                _openAsked = 0;
                return false;
            }

            AddRecord(record);
        }

        return true;
    }

    // What the next look may believe; null if it would miss something then.
    private WholeFolder? Whole(FolderMark? mark)
    {
        if (
            mark is null
            || _journals.Count > 0
            || Unreadable.Count > 0
            || _isBeyondIndex
            || _queue.ShowsOtherwise
            || Unfinished.Exists(t =>
                HasVerdictSentinel(t.Id) && new Sentinels(_queue).AnyVerdict(t.Id)
            )
        )
        {
            return null;
        }

        int[] records = [.. _open, .. Finished.Select(static t => t.Record)];
        // Without a file nothing tells if the folder's time can be relied on.
        return
            records.Length > 0
            && FolderMark.KeepsUp(mark.Value.ChangedNs, records.Max(_index.ChangedNsOf))
            ? new WholeFolder(mark.Value, records)
            : null;
    }

    // Called for every name in the folder, a quarter of a million times: most of what a look costs is here.
    private void AddName(ReadOnlySpan<byte> name, ulong inode)
    {
        var dot = name.LastIndexOf((byte)'.');
        if (dot <= 0)
        {
            if (name.StartsWith(".batch-"u8))
            {
                _journals.Add(Encoding.UTF8.GetString(name));
            }

            return;
        }

        var stem = name[..dot];
        var extension = name[dot..];
        if (extension.SequenceEqual(".json"u8))
        {
            AddTask(name, stem, inode);
        }
        else if (
            extension.SequenceEqual(".done"u8)
            || extension.SequenceEqual(".error"u8)
            || extension.SequenceEqual(".cancelled"u8)
            || extension.SequenceEqual(".timeout"u8)
        )
        {
            _marks.Add(IndexRecord.Hash(stem));
        }
    }

    private void AddTask(ReadOnlySpan<byte> name, ReadOnlySpan<byte> stem, ulong inode)
    {
        var record = _index.Find(stem);
        if (record < 0)
        {
            if (TaskId.IsWellFormed(stem))
            {
                _unknown.Add(TaskId.Parse(Encoding.ASCII.GetString(stem)));
            }
        }
        else if (
            (_queue.ShowsOtherwise && _queue.IsShownOtherwise(_index.TaskIdOf(record)))
            || (MustAsk(record, inode) && !_index.IsOf(record, _tasks.Facts(name)))
        )
        {
            _unknown.Add(_index.TaskIdOf(record));
        }
        else
        {
            AddRecord(record);
        }
    }

    private void AddRecord(int record)
    {
        if (_index.IsFinished(record))
        {
            Finished.Add(new FinishedTask(_index, record));
        }
        else
        {
            _open.Add(record);
        }
    }

    private bool MustAsk(int record, ulong inode) =>
        _closeness == Closeness.EveryFile
        || inode != _index.InodeOf(record)
        || (!_index.IsFinished(record) && _openAsked++ < MostOpenAsked);

    private void AddRead(TaskId id)
    {
        switch (_queue.Read(id))
        {
            case TaskRead.Found({ IsFinished: true } task, var facts):
                var record = _index.Add(task, facts, (byte)FinishedTask.FlagsOf(task));
                Finished.Add(new FinishedTask(_index, record));
                break;
            case TaskRead.Found(var task, var facts):
                var added = _index.Add(task, facts, 0);
                _isBeyondIndex |= added < 0;
                _open.Add(added);
                Unfinished.Add(task.ToSummary());
                break;
            case TaskRead.Unreadable bad:
                Unreadable.Add(bad);
                break;
        }
    }

    // The index is nearly in order, and so is what comes out of it.
    private void SortUnfinished()
    {
        for (var i = 1; i < Unfinished.Count; i++)
        {
            if (Unfinished[i - 1].Id.CompareTo(Unfinished[i].Id) > 0)
            {
                Unfinished.Sort(static (a, b) => a.Id.CompareTo(b.Id));
                return;
            }
        }
    }

    private static int HashOf(TaskId id)
    {
        Span<byte> name = stackalloc byte[id.Value.Length];
        Encoding.ASCII.GetBytes(id.Value, name);
        return IndexRecord.Hash(name);
    }
}
