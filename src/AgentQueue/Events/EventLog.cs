using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Storage;

namespace AgentQueue.Events;

/// <summary>
/// Everything that has happened, in <c>.agents/events/log.jsonl</c>: one line for each event, numbered from 1. It
/// only grows; when it has become large it is put aside as <c>log-N.jsonl</c>, N being its last number. The end of
/// a line that a dying writer left unfinished is passed over. Lines are added under the lock of
/// <see cref="Lock"/>, and are not synced: what happened stands in the tasks, and a loss of power may take the
/// account of it.
/// </summary>
internal sealed class EventLog(QueueFolder queue)
{
    private const string Name = "log";
    private const string Extension = ".jsonl";

    // One line nearly always fits; the whole file is read where it does not.
    private const int Tail = 16 << 10;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Bytes at which the file is put aside.</summary>
    public long FullAt { get; init; } = 8 << 20;

    public string File => Path.Join(queue.Events, Name + Extension);

    /// <summary>Held by whoever lets something happen, until all that follows from it is stored.</summary>
    /// <exception cref="QueueException">Somebody else has held it for too long.</exception>
    public HeldLock Lock() =>
        queue.LockRun("events.lock", s_patience)
        ?? throw new QueueException(
            "Another agentq has kept the events locked for too long",
            "See what holds them: agentq doctor"
        );

    /// <summary>Makes the folder, and keeps it out of git where the queue is older than it.</summary>
    public void Create()
    {
        if (queue.Disk.Facts(queue.Events) is null)
        {
            queue.Disk.CreateFolder(queue.Run);
            queue.Disk.CreateFolder(queue.Events);
            queue.Unsynced.TryCreate(Path.Join(queue.Events, ".gitignore"), "*\n"u8);
        }
    }

    /// <summary>0 before the first event.</summary>
    public long LastSequence
    {
        get
        {
            var read = queue.Disk.ReadEnd(File, Tail);
            if (LastOf(read.Content, static _ => true) is { } last)
            {
                return last.Sequence;
            }

            return
                read.Facts.Size > Tail
                && LastOf(queue.Disk.Read(File, int.MaxValue).Content, static _ => true)
                    is { } long1
                ? long1.Sequence
                : Aside().Select(static f => f.Last).FirstOrDefault();
        }
    }

    /// <summary>
    /// The newest event that is more than the failure of a hook, in the end of the open file; null if there is none.
    /// </summary>
    public EventRecord? Last =>
        LastOf(
            queue.Disk.ReadEnd(File, Tail).Content,
            static r => !r.Names[0].StartsWith(EventName.HookFailed, StringComparison.Ordinal)
        );

    /// <summary>The event of that number; null if there is no line of it any more.</summary>
    public EventRecord? Find(long sequence) =>
        LastOf(queue.Disk.ReadEnd(File, Tail).Content, r => r.Sequence == sequence)
        ?? Since(sequence - 1).FirstOrDefault(r => r.Sequence == sequence);

    private string UnfinishedFile => Path.Join(queue.Events, "unfinished.json");

    /// <summary>
    /// What somebody let happen and died over: an event that no task's file tells of. Under the lock it can only be
    /// that of somebody who is gone. Null if there is none.
    /// </summary>
    public EventRecord? Unfinished
    {
        get
        {
            var read = queue.Disk.Read(UnfinishedFile, Tail << 10);
            return read.Status == ReadStatus.Ok ? EventRecord.Parse(read.Content) : null;
        }
    }

    /// <summary>True if there may be one; costs a look at a name.</summary>
    public bool HasUnfinished => queue.Disk.Facts(UnfinishedFile) is not null;

    /// <summary>Notes an event before anything follows from it. The caller holds the lock.</summary>
    public void Begin(EventRecord record) =>
        queue.Unsynced.ReplaceUnsynced(UnfinishedFile, record.ToLine());

    /// <summary>The event that was begun has its line. The caller holds the lock.</summary>
    public void Finish() => queue.Disk.Delete(UnfinishedFile);

    /// <summary>The caller holds the lock.</summary>
    public void Append(EventRecord record)
    {
        if (queue.Disk.Facts(File) is { } facts && facts.Size >= FullAt)
        {
            queue.Disk.RenameNew(
                File,
                Path.Join(
                    queue.Events,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Name}-{record.Sequence - 1}{Extension}"
                    )
                )
            );
        }

        queue.Unsynced.AppendLine(File, record.ToLine());
    }

    /// <summary>True if the occurrence has a line, in the open file or the one before it.</summary>
    public bool Has(string occurrence) =>
        Lines(queue.Disk.Read(File, int.MaxValue).Content, 0).Any(r => r.Id == occurrence)
        || (
            Aside().FirstOrDefault() is { File: { } before }
            && Lines(queue.Disk.Read(before, int.MaxValue).Content, 0).Any(r => r.Id == occurrence)
        );

    /// <summary>The events after that number, the oldest first.</summary>
    public IEnumerable<EventRecord> Since(long sequence)
    {
        foreach (var (file, last) in Enumerable.Reverse(Aside()))
        {
            if (last > sequence)
            {
                foreach (var record in Lines(queue.Disk.Read(file, int.MaxValue).Content, sequence))
                {
                    yield return record;
                }
            }
        }

        foreach (var record in Lines(queue.Disk.Read(File, int.MaxValue).Content, sequence))
        {
            yield return record;
        }
    }

    // The newest first.
    private List<(string File, long Last)> Aside() =>
        [
            .. queue
                .Disk.List(queue.Events)
                .Select(n => (Path.Join(queue.Events, n), NumberOf(n)))
                .Where(static f => f.Item2 > 0)
                .OrderByDescending(static f => f.Item2),
        ];

    private static long NumberOf(string name) =>
        name.StartsWith(Name + "-", StringComparison.Ordinal)
        && name.EndsWith(Extension, StringComparison.Ordinal)
        && long.TryParse(
            name.AsSpan(Name.Length + 1, name.Length - Name.Length - 1 - Extension.Length),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : 0;

    private static EventRecord? LastOf(byte[] content, Func<EventRecord, bool> isMeant)
    {
        var end = content.AsSpan().LastIndexOf((byte)'\n');
        while (end > 0)
        {
            var begin = content.AsSpan(0, end).LastIndexOf((byte)'\n') + 1;
            if (
                EventRecord.Parse(content.AsMemory(begin, end - begin)) is { } record
                && isMeant(record)
            )
            {
                return record;
            }

            end = begin - 1;
        }

        return null;
    }

    private static IEnumerable<EventRecord> Lines(byte[] content, long after)
    {
        var begin = 0;
        while (begin < content.Length)
        {
            var length = content.AsSpan(begin).IndexOf((byte)'\n');
            if (length < 0)
            {
                yield break;
            }

            if (
                EventRecord.Parse(content.AsMemory(begin, length)) is { } record
                && record.Sequence > after
            )
            {
                yield return record;
            }

            begin += length + 1;
        }
    }
}
