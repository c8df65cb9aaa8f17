using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>
/// <c>run/index</c>: a record for each task with what lists need of it, and with the facts of the file that
/// it was read from. A record counts only while the task's file has the same facts. The newest record of a
/// task is the last one; whatever is torn or foreign is passed over and written anew. It may be deleted at
/// any time.
/// </summary>
/// <remarks>
/// A record, in bytes, little-endian: 0 checksum of the rest (4), 4 length (2), 6 length of the id (1),
/// 7 status (1), 8 flags (1), 9 priority (1), 10 nothing (2), 12 size of the file (4), 16 its inode (8),
/// 24 its time in ns (8), 32 ticks of the completion, or of the creation of a task that has not ended (8),
/// 40 the id, and for a task that has not ended what <see cref="WriteRest"/> adds.
/// </remarks>
internal sealed class TaskIndex
{
    public const string Name = "index";
    private const int Header = 40;
    private const int LongestFile = 512 << 20;

    // A file that was replaced twice within one tick of the file system's clock may look the same as before;
    // what is that young is read again the next time.
    private const long YoungNs = 100_000_000;

    private readonly QueueFolder _queue;
    private readonly byte[] _stored;
    private readonly int _storedLength;
    private readonly bool _damaged;
    private readonly long _now;
    private readonly List<string> _agents = [];
    private long[] _slots;
    private int _count;
    private int _superseded;
    private byte[] _added = [];
    private int _addedLength;
    private bool _changed;

    private TaskIndex(QueueFolder queue, byte[] stored)
    {
        _queue = queue;
        _stored = stored;
        _now = queue.Disk.NowNs;
        _slots = new long[
            BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, stored.Length / Header * 2))
        ];
        while (LengthAt(_storedLength) is > 0 and var length)
        {
            var at = _storedLength;
            _storedLength += length;
            Note(at);
        }

        _damaged = _storedLength < stored.Length;
    }

    /// <summary>What is stored; nothing of it is true before it was compared with the files.</summary>
    public static TaskIndex Load(QueueFolder queue) =>
        new(queue, queue.Disk.Read(Path.Join(queue.Run, Name), LongestFile).Content);

    /// <summary>The newest record of the task, or −1.</summary>
    public int Find(ReadOnlySpan<byte> id)
    {
        var hash = Hash(id);
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
        var length = Encode(record, task, facts, finishedFlags);
        byte[]? large = null;
        while (length < 0 && (large?.Length ?? 0) < ushort.MaxValue)
        {
            large = new byte[large is null ? 8192 : ushort.MaxValue];
            record = large;
            length = Encode(record, task, facts, finishedFlags);
        }

        if (length < 0)
        {
            // Thousands of dependencies: its file is read every time.
            return -1;
        }

        if (_now - facts.ModifiedNs is < YoungNs)
        {
            // Kept for this look, and stored by none.
            record[10] = 1;
        }
        else
        {
            _changed = true;
        }

        Seal(record[..length]);
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

    public TaskStatus StatusOf(int record) => (TaskStatus)Span(record)[7];

    public byte FlagsOf(int record) => Span(record)[8];

    /// <summary>When a finished task ended, when another was made; ticks of UTC.</summary>
    public long TicksOf(int record) => BinaryPrimitives.ReadInt64LittleEndian(Span(record)[32..]);

    public ReadOnlySpan<byte> IdOf(int record)
    {
        var span = Span(record);
        return span.Slice(Header, span[6]);
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

    public ulong InodeOf(int record) => BinaryPrimitives.ReadUInt64LittleEndian(Span(record)[16..]);

    /// <summary>True if the file is the very one that the record was made from.</summary>
    public bool IsOf(int record, FileFacts? facts)
    {
        var span = Span(record);
        return facts is { IsRegular: true } f
            && f.Inode == BinaryPrimitives.ReadUInt64LittleEndian(span[16..])
            && f.ModifiedNs == BinaryPrimitives.ReadInt64LittleEndian(span[24..])
            && f.Size == BinaryPrimitives.ReadInt32LittleEndian(span[12..]);
    }

    /// <summary>The task of a record that is not finished.</summary>
    public TaskSummary Open(int record)
    {
        var span = Span(record);
        var flags = (OpenFlags)span[8];
        var reader = new Rest(span[(Header + span[6])..]);
        var agent = Intern(reader.Bytes());
        DateTimeOffset? at = flags.HasFlag(OpenFlags.Moment) ? Utc(reader.Long()) : null;
        int? pid = flags.HasFlag(OpenFlags.Pid) ? reader.Int() : null;
        TimeSpan? timeout = flags.HasFlag(OpenFlags.Timeout)
            ? TimeSpan.FromTicks(reader.Long())
            : null;
        TimeSpan? warning = flags.HasFlag(OpenFlags.Warning)
            ? TimeSpan.FromTicks(reader.Long())
            : null;
        TaskId? blockedBy = null;
        string? blockedReason = null;
        if (flags.HasFlag(OpenFlags.Blocked))
        {
            blockedBy = reader.Id();
            blockedReason = Encoding.UTF8.GetString(reader.Bytes());
        }

        var held = flags.HasFlag(OpenFlags.Held);
        return new TaskSummary
        {
            Id = TaskIdOf(record),
            Agent = agent,
            CreatedAt = Utc(TicksOf(record)),
            Priority = span[9],
            Timeout = timeout,
            TimeoutWarning = warning,
            DependsOn = flags.HasFlag(OpenFlags.Dependencies) ? reader.Ids() : [],
            DependenciesMet = flags.HasFlag(OpenFlags.Dependencies) ? reader.Ids() : [],
            State =
                (TaskStatus)span[7] == TaskStatus.Running ? new TaskState.Running(at!.Value, pid)
                : held || at is not null || blockedReason is not null
                    ? new TaskState.Pending(held, at)
                    {
                        BlockedBy = blockedBy,
                        BlockedReason = blockedReason,
                    }
                : s_pending,
        };
    }

    private static readonly TaskState.Pending s_pending = new();

    /// <summary>Stores what is new; a failure costs time at the next look and nothing else.</summary>
    public void Save()
    {
        if (!_changed && !_damaged)
        {
            return;
        }

        var path = Path.Join(_queue.Run, Name);
        try
        {
            // The private folder may have been deleted; what was read is worth keeping all the same.
            _queue.Disk.CreateFolder(_queue.Run);
            if (_damaged || _superseded > (_count / 2) + 100)
            {
                _queue.Unsynced.ReplaceUnsynced(path, Compact());
            }
            else
            {
                var old = Old();
                if (old.Length > 0)
                {
                    _queue.Disk.Append(path, old);
                }
            }
        }
        catch (QueueException)
        {
            // A full or read-only disk must not keep anybody from looking at the queue.
        }
    }

    // What was added and is not too young to be told from a later version.
    private ReadOnlySpan<byte> Old()
    {
        var old = new MemoryStream(_addedLength);
        for (var at = 0; at < _addedLength; )
        {
            var record = Span(_storedLength + at);
            if (record[10] == 0)
            {
                old.Write(record);
            }

            at += record.Length;
        }

        return old.GetBuffer().AsSpan(0, (int)old.Length);
    }

    private ReadOnlySpan<byte> Compact()
    {
        var records = new List<int>(_count);
        foreach (var slot in _slots)
        {
            if (slot != 0 && Span(RecordOf(slot))[10] == 0)
            {
                records.Add(RecordOf(slot));
            }
        }

        records.Sort((a, b) => IdOf(a).SequenceCompareTo(IdOf(b)));
        var all = new MemoryStream(_storedLength + _addedLength);
        foreach (var record in records)
        {
            all.Write(Span(record));
        }

        return all.GetBuffer().AsSpan(0, (int)all.Length);
    }

    private void Note(int at)
    {
        if (2 * (_count + 1) > _slots.Length)
        {
            Grow();
        }

        var id = IdOf(at);
        var hash = Hash(id);
        var mine = ((long)hash << 32) | (uint)(at + 1);
        for (var slot = hash; ; slot++)
        {
            ref var place = ref _slots[slot & (_slots.Length - 1)];
            if (place == 0)
            {
                place = mine;
                _count++;
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

    // 0 where no whole record begins.
    private int LengthAt(int at)
    {
        if (_stored.Length - at < Header)
        {
            return 0;
        }

        var bytes = _stored.AsSpan(at);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        return
            length > Header
            && length <= bytes.Length
            && Header + bytes[6] <= length
            && TaskId.IsWellFormed(bytes.Slice(Header, bytes[6]))
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Checksum(bytes[4..length])
            ? length
            : 0;
    }

    private static void Seal(Span<byte> record) =>
        BinaryPrimitives.WriteUInt32LittleEndian(record, Checksum(record[4..]));

    // CRC-32C (RFC 3720), eight bytes at a time.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var eight in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            sum = BitOperations.Crc32C(sum, eight);
        }

        foreach (var one in bytes[(bytes.Length & ~7)..])
        {
            sum = BitOperations.Crc32C(sum, one);
        }

        return ~sum;
    }

    public static int Hash(ReadOnlySpan<byte> id) => (int)(Checksum(id) >> 2);

    private static int Encode(
        Span<byte> record,
        TaskSummary task,
        FileFacts facts,
        byte finishedFlags
    )
    {
        record.Clear();
        var id = task.Id.Value;
        record[6] = (byte)id.Length;
        record[7] = (byte)task.Status;
        record[9] = (byte)task.Priority;
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], (int)facts.Size);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], facts.Inode);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], facts.ModifiedNs);
        Encoding.ASCII.GetBytes(id, record[Header..]);
        var length = Header + id.Length;
        if (task.State is TaskState.Finished finished)
        {
            record[8] = finishedFlags;
            BinaryPrimitives.WriteInt64LittleEndian(record[32..], finished.CompletedAt.UtcTicks);
        }
        else
        {
            BinaryPrimitives.WriteInt64LittleEndian(record[32..], task.CreatedAt.UtcTicks);
            var rest = WriteRest(record[length..], task, out record[8]);
            if (rest < 0)
            {
                return -1;
            }

            length += rest;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(record[4..], (ushort)length);
        return length;
    }

    // Texts have their length before them (2), lists their number (2). Negative: it does not fit.
    private static int WriteRest(Span<byte> target, TaskSummary task, out byte flags)
    {
        var pending = task.State as TaskState.Pending;
        var running = task.State as TaskState.Running;
        var moment = pending?.NotBefore ?? running?.StartedAt;
        var has = pending is { Held: true } ? OpenFlags.Held : 0;
        var rest = new Rest(target);
        rest.Add(task.Agent);
        if (moment is { } at)
        {
            has |= OpenFlags.Moment;
            rest.Add(at.UtcTicks);
        }

        if (running?.Pid is { } pid)
        {
            has |= OpenFlags.Pid;
            rest.Add(pid);
        }

        if (task.Timeout is { } timeout)
        {
            has |= OpenFlags.Timeout;
            rest.Add(timeout.Ticks);
        }

        if (task.TimeoutWarning is { } warning)
        {
            has |= OpenFlags.Warning;
            rest.Add(warning.Ticks);
        }

        if (pending?.BlockedBy is { } by)
        {
            has |= OpenFlags.Blocked;
            rest.Add(by.Value);
            rest.Add(pending.BlockedReason ?? "");
        }

        if (!task.DependsOn.IsEmpty || !task.DependenciesMet.IsEmpty)
        {
            has |= OpenFlags.Dependencies;
            rest.Add(task.DependsOn);
            rest.Add(task.DependenciesMet);
        }

        flags = (byte)has;
        return rest.Position;
    }

    private string Intern(ReadOnlySpan<byte> name)
    {
        foreach (var known in _agents)
        {
            if (known.Length == name.Length && Ascii.Equals(name, known))
            {
                return known;
            }
        }

        var agent = Encoding.UTF8.GetString(name);
        _agents.Add(agent);
        return agent;
    }

    private static DateTimeOffset Utc(long ticks) => new(ticks, TimeSpan.Zero);

    [Flags]
    private enum OpenFlags : byte
    {
        Held = 1,

        /// <summary>When it started, or before which it may not.</summary>
        Moment = 2,
        Pid = 4,
        Timeout = 8,
        Warning = 16,
        Blocked = 32,
        Dependencies = 64,
    }

    /// <summary>Reads or writes one value after the other.</summary>
    private ref struct Rest(Span<byte> bytes)
    {
        private readonly Span<byte> _bytes = bytes;

        /// <summary>Negative once something did not fit.</summary>
        public int Position { get; private set; }

        public long Long() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

        public int Int() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

        public ReadOnlySpan<byte> Bytes() => Take(BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));

        public TaskId Id() => TaskId.Parse(Encoding.ASCII.GetString(Bytes()));

        public ImmutableArray<TaskId> Ids()
        {
            var ids = ImmutableArray.CreateBuilder<TaskId>(
                BinaryPrimitives.ReadUInt16LittleEndian(Take(2))
            );
            for (var i = ids.Capacity; i > 0; i--)
            {
                ids.Add(Id());
            }

            return ids.MoveToImmutable();
        }

        public void Add(long value)
        {
            if (Room(8) is { IsEmpty: false } room)
            {
                BinaryPrimitives.WriteInt64LittleEndian(room, value);
            }
        }

        public void Add(int value)
        {
            if (Room(4) is { IsEmpty: false } room)
            {
                BinaryPrimitives.WriteInt32LittleEndian(room, value);
            }
        }

        public void Add(string text)
        {
            var length = Encoding.UTF8.GetByteCount(text);
            if (Room(2 + length) is { IsEmpty: false } room)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(room, (ushort)length);
                Encoding.UTF8.GetBytes(text, room[2..]);
            }
        }

        public void Add(ImmutableArray<TaskId> ids)
        {
            if (Room(2) is { IsEmpty: false } room)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(room, (ushort)ids.Length);
            }

            foreach (var id in ids)
            {
                Add(id.Value);
            }
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            var taken = _bytes.Slice(Position, length);
            Position += length;
            return taken;
        }

        private Span<byte> Room(int length)
        {
            if (Position < 0 || length > _bytes.Length - Position || length > ushort.MaxValue)
            {
                Position = -1;
                return [];
            }

            var room = _bytes.Slice(Position, length);
            Position += length;
            return room;
        }
    }
}
