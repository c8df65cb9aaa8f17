using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>
/// What stands in the bytes of <see cref="TaskIndex"/>, little-endian. A record of a task: 0 checksum of the
/// rest (4), 4 length (2), 6 length of the id (1), 7 status (1), 8 flags (1), 9 priority (1), 10 nothing (2),
/// 12 size of the file (4), 16 its inode (8), 24 its time of change in ns (8), 32 ticks of the completion, or
/// of the creation of a task that has not ended (8), 40 the id, and for a task that has not ended the rest of
/// its summary. A mark, which has no id: 12 number of the tasks (4), 16 inode of the folder (8), 24 its time
/// of change (8), 32 the boot (8), 40 sum of the tasks' hashes (8).
/// </summary>
internal static class IndexRecord
{
    public const int Header = 40;
    public const int MarkLength = 48;

    private static readonly TaskState.Pending s_pending = new();

    /// <summary>0 where no whole record begins.</summary>
    public static int LengthIn(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Header)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        return
            length > Header
            && length <= bytes.Length
            && Header + bytes[6] <= length
            && (
                IsMark(bytes)
                    ? length == MarkLength
                    : TaskId.IsWellFormed(bytes.Slice(Header, bytes[6]))
            )
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Checksum(bytes[4..length])
            ? length
            : 0;
    }

    public static bool IsMark(ReadOnlySpan<byte> record) => record[6] == 0;

    public static TaskStatus Status(ReadOnlySpan<byte> record) => (TaskStatus)record[7];

    /// <summary>When a finished task ended, when another was made; ticks of UTC.</summary>
    public static long Ticks(ReadOnlySpan<byte> record) =>
        BinaryPrimitives.ReadInt64LittleEndian(record[32..]);

    public static long ChangedNs(ReadOnlySpan<byte> record) =>
        BinaryPrimitives.ReadInt64LittleEndian(record[24..]);

    public static ulong Inode(ReadOnlySpan<byte> record) =>
        BinaryPrimitives.ReadUInt64LittleEndian(record[16..]);

    /// <summary>True if the file is the very one that the record was made from.</summary>
    public static bool IsOf(ReadOnlySpan<byte> record, FileFacts? facts)
    {
        return facts is { IsRegular: true } f
            && f.Inode == Inode(record)
            && f.ChangedNs == ChangedNs(record)
            && f.Size == BinaryPrimitives.ReadInt32LittleEndian(record[12..]);
    }

    /// <summary>The task of a record that is not finished.</summary>
    public static TaskSummary Open(Span<byte> record, TaskId id, StringPool agents)
    {
        var flags = (OpenFlags)record[8];
        var reader = new Rest(record[(Header + record[6])..]);
        var agent = agents.Get(reader.Bytes());
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
            Id = id,
            Agent = agent,
            CreatedAt = Utc(Ticks(record)),
            Priority = record[9],
            Timeout = timeout,
            TimeoutWarning = warning,
            DependsOn = flags.HasFlag(OpenFlags.Dependencies) ? reader.Ids() : [],
            DependenciesMet = flags.HasFlag(OpenFlags.Dependencies) ? reader.Ids() : [],
            AfterAny = flags.HasFlag(OpenFlags.Kinds) ? reader.Ids() : [],
            AfterNotOk = flags.HasFlag(OpenFlags.Kinds) ? reader.Ids() : [],
            State =
                (TaskStatus)record[7] == TaskStatus.Running ? new TaskState.Running(at!.Value, pid)
                : held || at is not null || blockedReason is not null
                    ? new TaskState.Pending(held, at)
                    {
                        BlockedBy = blockedBy,
                        BlockedReason = blockedReason,
                    }
                : s_pending,
        };
    }

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

    public static void Seal(Span<byte> record) =>
        BinaryPrimitives.WriteUInt32LittleEndian(record, Checksum(record[4..]));

    public static void Write(Span<byte> record, FolderMark mark, int count, ulong sum)
    {
        record.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(record[4..], MarkLength);
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], count);
        BinaryPrimitives.WriteUInt64LittleEndian(record[16..], mark.Inode);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], mark.ChangedNs);
        BinaryPrimitives.WriteUInt64LittleEndian(record[32..], mark.Boot);
        BinaryPrimitives.WriteUInt64LittleEndian(record[40..], sum);
        Seal(record);
    }

    /// <summary>Its length; negative if it does not fit.</summary>
    public static int Write(
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
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], facts.ChangedNs);
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

        if (!task.AfterAny.IsEmpty || !task.AfterNotOk.IsEmpty)
        {
            has |= OpenFlags.Kinds;
            rest.Add(task.AfterAny);
            rest.Add(task.AfterNotOk);
        }

        flags = (byte)has;
        return rest.Position;
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
        Kinds = 128,
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
            // Each id takes more than a byte, so this many do not fit either.
            if (ids.Length > ushort.MaxValue)
            {
                Position = -1;
                return;
            }

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

/// <summary>Equal texts are one: of thousands of tasks the agents are a few.</summary>
internal sealed class StringPool
{
    private readonly List<string> _known = [];

    public string Get(ReadOnlySpan<byte> name)
    {
        foreach (var known in _known)
        {
            if (known.Length == name.Length && Ascii.Equals(name, known))
            {
                return known;
            }
        }

        var agent = Encoding.UTF8.GetString(name);
        _known.Add(agent);
        return agent;
    }
}
