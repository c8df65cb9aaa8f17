using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>
/// <c>run/index</c>: a record for each task with what lists need of it, and with the facts of the file that
/// it was read from. A record counts only while the task's file has the same facts. The newest record of a
/// task is the last one; whatever is torn or foreign is passed over and written anew. It may be deleted at
/// any time. A <see cref="FolderMark"/> at the end says that the records are of all tasks there are.
/// </summary>
internal sealed class TaskIndex
{
    public const string Name = "index";
    private const int LongestFile = 512 << 20;

    // A file that was replaced twice within one tick of the file system's clock may look the same as before;
    // what is that young is read again the next time. Where times have whole seconds, ticks are that long.
    private const long YoungNs = 100_000_000;

    private readonly QueueFolder _queue;
    private readonly byte[] _stored;
    private readonly int _storedLength;
    private readonly bool _damaged;
    private readonly long _now;
    private readonly StringPool _agents = new();
    private long[] _slots;
    private int _count;
    private ulong _sum;
    private int _superseded;
    private readonly int _markAt = -1;
    private int _young;
    private byte[] _added = [];
    private int _addedLength;
    private bool _changed;

    private TaskIndex(QueueFolder queue, byte[] stored)
    {
        _queue = queue;
        _stored = stored;
        _now = queue.Disk.NowNs;
        _slots = new long[
            BitOperations.RoundUpToPowerOf2(
                (uint)Math.Max(64, stored.Length / IndexRecord.Header * 2)
            )
        ];
        while (IndexRecord.LengthIn(stored.AsSpan(_storedLength)) is > 0 and var length)
        {
            var at = _storedLength;
            _storedLength += length;
            if (IndexRecord.IsMark(Span(at)))
            {
                _markAt = at;
            }
            else
            {
                Note(at);
            }
        }

        _damaged = _storedLength < stored.Length;
    }

    /// <summary>What is stored; nothing of it is true before it was compared with the files.</summary>
    public static TaskIndex Load(QueueFolder queue) =>
        new(queue, queue.Disk.Read(Path.Join(queue.Run, Name), LongestFile).Content);

    /// <summary>
    /// True if the folder is as it was when every name in it was read, and nothing was added since: the
    /// records are of all tasks there are then, though their files may have been written into.
    /// </summary>
    public bool Knows(FolderMark mark)
    {
        if (_markAt < 0 || _damaged || _markAt + IndexRecord.MarkLength != _storedLength)
        {
            return false;
        }

        Span<byte> same = stackalloc byte[IndexRecord.MarkLength];
        IndexRecord.Write(same, mark, _count, _sum);
        return Span(_markAt).SequenceEqual(same);
    }

    /// <summary>How many tasks have a record, be their files there or not.</summary>
    public int Count => _count;

    /// <summary>The newest record of each task, in no order.</summary>
    public IEnumerable<int> Records
    {
        get
        {
            foreach (var place in _slots)
            {
                if (place != 0)
                {
                    yield return RecordOf(place);
                }
            }
        }
    }

    /// <summary>The newest record of the task, or −1.</summary>
    public int Find(ReadOnlySpan<byte> id)
    {
        var hash = IndexRecord.Hash(id);
        for (var slot = hash; ; slot++)
        {
            var place = _slots[slot & (_slots.Length - 1)];
            if (
                place == 0
                || ((int)(place >> 32) == hash && IdOf(RecordOf(place)).SequenceEqual(id))
            )
            {
                return RecordOf(place);
            }
        }
    }

    /// <summary>Adds what was just read from the file with these facts, and returns the record.</summary>
    public int Add(TaskSummary task, FileFacts facts, byte finishedFlags)
    {
        Span<byte> record = stackalloc byte[1024];
        var length = IndexRecord.Write(record, task, facts, finishedFlags);
        byte[]? large = null;
        while (length < 0 && (large?.Length ?? 0) < ushort.MaxValue)
        {
            large = new byte[large is null ? 8192 : ushort.MaxValue];
            record = large;
            length = IndexRecord.Write(record, task, facts, finishedFlags);
        }

        if (length < 0)
        {
            // Thousands of dependencies: its file is read every time.
            return -1;
        }

        var young = facts.ChangedNs % 1_000_000_000 == 0 ? FolderMark.QuietNs : YoungNs;
        if (_now - facts.ChangedNs < young)
        {
            // Kept for this look, and stored by none.
            record[10] = 1;
            _young++;
        }
        else
        {
            _changed = true;
        }

        IndexRecord.Seal(record[..length]);
        if (_addedLength + length > _added.Length)
        {
            Array.Resize(ref _added, Math.Max(4096, 2 * (_addedLength + length)));
        }

        record[..length].CopyTo(_added.AsSpan(_addedLength));
        var at = _storedLength + _addedLength;
        _addedLength += length;
        Note(at);
        return at;
    }

    public bool IsFinished(int record) => StatusOf(record) > TaskStatus.Running;

    public TaskStatus StatusOf(int record) => IndexRecord.Status(Span(record));

    public byte FlagsOf(int record) => Span(record)[8];

    /// <summary>When a finished task ended, when another was made; ticks of UTC.</summary>
    public long TicksOf(int record) => IndexRecord.Ticks(Span(record));

    public ReadOnlySpan<byte> IdOf(int record)
    {
        var span = Span(record);
        return span.Slice(IndexRecord.Header, span[6]);
    }

    public TaskId TaskIdOf(int record)
    {
        var id = IdOf(record);
        Span<char> text = stackalloc char[id.Length];
        Encoding.ASCII.GetChars(id, text);
        return TaskId.TryParse(text, out var parsed)
            ? parsed
            : throw new InvalidOperationException("The index holds an id that is none");
    }

    public long ChangedNsOf(int record) => IndexRecord.ChangedNs(Span(record));

    public ulong InodeOf(int record) => IndexRecord.Inode(Span(record));

    /// <summary>True if the file is the very one that the record was made from.</summary>
    public bool IsOf(int record, FileFacts? facts) => IndexRecord.IsOf(Span(record), facts);

    /// <summary>The task of a record that is not finished.</summary>
    public TaskSummary Open(int record) =>
        IndexRecord.Open(Span(record), TaskIdOf(record), _agents);

    /// <summary>Stores what is new; a failure costs time at the next look and nothing else.</summary>
    /// <param name="whole">What the next look may take for all there is; null if that is not known.</param>
    public void Save(WholeFolder? whole)
    {
        // What is too young to be stored would be missing.
        whole = _young == 0 ? whole : null;
        if (!_changed && !_damaged && (whole is null || Knows(whole.Mark)))
        {
            return;
        }

        var hasStale = _superseded > (_count / 2) + 100 || whole?.Records.Count < _count;
        var path = Path.Join(_queue.Run, Name);
        try
        {
            // The private folder may have been deleted; what was read is worth keeping all the same.
            _queue.Disk.CreateFolder(_queue.Run);
            if (_damaged || hasStale)
            {
                _queue.Unsynced.ReplaceUnsynced(path, Compact(whole));
            }
            else if (New(whole) is { IsEmpty: false } more)
            {
                _queue.Disk.Append(path, more);
            }
        }
        catch (QueueException)
        {
            // A full or read-only disk must not keep anybody from looking at the queue.
        }
    }

    private ReadOnlySpan<byte> New(WholeFolder? whole)
    {
        var added = new List<int>();
        for (var at = 0; at < _addedLength; at += Span(_storedLength + at).Length)
        {
            added.Add(_storedLength + at);
        }

        return Pack(added, whole, _count, _sum);
    }

    private ReadOnlySpan<byte> Compact(WholeFolder? whole)
    {
        var records = new List<int>(whole?.Records ?? Records);
        records.Sort((a, b) => IdOf(a).SequenceCompareTo(IdOf(b)));
        var sum = 0UL;
        foreach (var record in records)
        {
            sum += (uint)IndexRecord.Hash(IdOf(record));
        }

        return Pack(records, whole, records.Count, sum);
    }

    // Without what is too young to be told from a later version.
    private ReadOnlySpan<byte> Pack(List<int> records, WholeFolder? whole, int count, ulong sum)
    {
        var packed = new MemoryStream();
        foreach (var record in records)
        {
            if (Span(record)[10] == 0)
            {
                packed.Write(Span(record));
            }
        }

        if (whole is not null)
        {
            Span<byte> mark = stackalloc byte[IndexRecord.MarkLength];
            IndexRecord.Write(mark, whole.Mark, count, sum);
            packed.Write(mark);
        }

        return packed.GetBuffer().AsSpan(0, (int)packed.Length);
    }

    private void Note(int at)
    {
        if (2 * (_count + 1) > _slots.Length)
        {
            Grow();
        }

        var id = IdOf(at);
        var hash = IndexRecord.Hash(id);
        var mine = ((long)hash << 32) | (uint)(at + 1);
        for (var slot = hash; ; slot++)
        {
            ref var place = ref _slots[slot & (_slots.Length - 1)];
            if (place == 0)
            {
                place = mine;
                _count++;
                _sum += (uint)hash;
                return;
            }

            if ((int)(place >> 32) == hash && IdOf(RecordOf(place)).SequenceEqual(id))
            {
                place = mine;
                _superseded++;
                return;
            }
        }
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new long[2 * old.Length];
        foreach (var place in old)
        {
            if (place != 0)
            {
                var slot = (int)(place >> 32);
                while (_slots[slot & (_slots.Length - 1)] != 0)
                {
                    slot++;
                }

                _slots[slot & (_slots.Length - 1)] = place;
            }
        }
    }

    // A slot: the hash in the upper half, in the lower one more than where the record begins; 0 if it is free.
    private static int RecordOf(long slot) => unchecked((int)slot) - 1;

    private Span<byte> Span(int record)
    {
        var bytes =
            record < _storedLength ? _stored.AsSpan(record) : _added.AsSpan(record - _storedLength);
        return bytes[..BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..])];
    }
}

/// <summary>A folder between two changes of its names, or a file between two changes.</summary>
/// <param name="ChangedNs">Of a folder: when a name came, went or was made to lead elsewhere last.</param>
/// <param name="Boot">Of the machine: with the power, changes of a folder may go and its time stay.</param>
internal readonly record struct FolderMark(ulong Inode, long ChangedNs, ulong Boot)
{
    /// <summary>FAT keeps times in steps of two seconds: within one, changes leave no trace.</summary>
    public const long QuietNs = 3_000_000_000;

    // The system stamps a name and its folder one after the other.
    private const long SlackNs = 1_000_000_000;

    /// <summary>
    /// False where a file system does not give a folder the time of the last name that came into it, as some
    /// that are programs do not; also after something was written into that file, which costs a listing.
    /// </summary>
    /// <param name="newestNs">When the youngest file in it was changed.</param>
    public static bool KeepsUp(long folderNs, long newestNs) => folderNs + SlackNs >= newestNs;

    /// <summary>Null unless the folder can be told from what it will be after its next change.</summary>
    public static FolderMark? Of(FileFacts? folder, IDisk disk) =>
        folder is { } f && disk.NowNs - f.ChangedNs >= QuietNs && disk.Boot is > 0 and var boot
            ? new FolderMark(f.Inode, f.ChangedNs, boot)
            : null;
}

/// <summary>The records of all tasks that a folder held, which held nothing else that matters.</summary>
internal sealed record WholeFolder(FolderMark Mark, IReadOnlyCollection<int> Records);
