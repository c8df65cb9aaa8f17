using System.Globalization;
using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>
/// What was done with the queue's tasks outside of it, in <c>.agents/records/</c>: one line for each
/// action, in a file for each month, added under a lock and synced. Nothing is ever overwritten or removed.
/// A writer that dies leaves at most the beginning of its own line, which readers pass over and tell of.
/// </summary>
internal sealed class Records(QueueFolder queue)
{
    private const string Extension = ".jsonl";
    private const string Month = "yyyy-MM";

    // Every line waits for the disk, and many may be waiting.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>A file that has grown to this is left, and the month goes on in another.</summary>
    public long FullAt { get; init; } = 8 << 20;

    // A file that is not full yet, and a line.
    private const int LongestFile = 64 << 20;

    /// <exception cref="QueueException">It could not be stored.</exception>
    public void Add(ActionRecord record)
    {
        var line = ActionRecordJson.WriteLine(record);
        queue.Disk.CreateFolder(queue.Records);
        using var held =
            queue.LockRun("records.lock", s_patience)
            ?? throw new QueueException(
                "Another agentq has kept the records locked for too long",
                $"What was done is done, but is not in {queue.Records}"
            );
        queue.Durable.AppendLine(FileFor(record.At), line);
        // Whoever made the folder may have died before it was stored.
        queue.Durable.SyncFolderOf(queue.Records);
    }

    /// <summary>The newest records first, at most that many.</summary>
    /// <param name="action">Only of this action, or of those below it: <c>git</c> has <c>git.branch</c>; null for all.</param>
    public RecordList Newest(int limit, string? action = null)
    {
        var list = new RecordList([], []);
        foreach (var name in FilesNewestFirst())
        {
            var read = queue.Disk.Read(Path.Join(queue.Records, name), LongestFile);
            if (read.Status == ReadStatus.Ok)
            {
                TakeFrom(read.Content, name, limit, action, list);
            }
            else if (read.Status != ReadStatus.Missing)
            {
                list.Unreadable.Add(
                    new UnreadableRecord(name, 0, read.Problem ?? "it is no file, or too large")
                );
            }

            if (list.Records.Count == limit)
            {
                break;
            }
        }

        return list;
    }

    // From the end: of a long file mostly the last lines are asked for.
    private static void TakeFrom(
        ReadOnlySpan<byte> content,
        string name,
        int limit,
        string? action,
        RecordList list
    )
    {
        var number = content.Count((byte)'\n');
        if (content is [.., not (byte)'\n'])
        {
            number++;
            list.Unreadable.Add(
                new UnreadableRecord(name, number, "it has no end: its writer died, or is at work")
            );
            content = content[..(content.LastIndexOf((byte)'\n') + 1)];
            number--;
        }

        for (; !content.IsEmpty && list.Records.Count < limit; number--)
        {
            content = content[..^1];
            var begin = content.LastIndexOf((byte)'\n') + 1;
            try
            {
                var record = ActionRecordJson.Read(content[begin..]);
                if (action is null || IsOf(record.Action, action))
                {
                    list.Records.Add(record);
                }
            }
            catch (FormatException e)
            {
                list.Unreadable.Add(new UnreadableRecord(name, number, e.Message));
            }

            content = content[..begin];
        }
    }

    private static bool IsOf(string action, string asked) =>
        action.StartsWith(asked, StringComparison.Ordinal)
        && (action.Length == asked.Length || action[asked.Length] == '.');

    // 2026-11.jsonl, then 2026-11-2.jsonl and so on.
    private string FileFor(DateTimeOffset time)
    {
        var month = time.UtcDateTime.ToString(Month, CultureInfo.InvariantCulture);
        for (var part = 1; ; part++)
        {
            var suffix = part == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{part}");
            var path = Path.Join(queue.Records, month + suffix + Extension);
            if (queue.Disk.Facts(path) is not { } facts || facts.Size < FullAt)
            {
                return path;
            }
        }
    }

    private IEnumerable<string> FilesNewestFirst() =>
        queue
            .Disk.List(queue.Records)
            .Where(IsRecordFile)
            .OrderByDescending(static n => n[..Month.Length], StringComparer.Ordinal)
            .ThenByDescending(static n => n.Length)
            .ThenByDescending(static n => n, StringComparer.Ordinal);

    private static bool IsRecordFile(string name) =>
        name.EndsWith(Extension, StringComparison.Ordinal)
        && name[..^Extension.Length] is { Length: >= 7 } stem
        && DateTime.TryParseExact(
            stem[..Month.Length],
            Month,
            CultureInfo.InvariantCulture,
            DateTimeStyles.None,
            out _
        )
        && (
            stem.Length == Month.Length
            || (
                stem[Month.Length] == '-'
                && int.TryParse(
                    stem.AsSpan(Month.Length + 1),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out _
                )
            )
        );
}

/// <summary>Records, and the lines that are none.</summary>
internal sealed record RecordList(List<ActionRecord> Records, List<UnreadableRecord> Unreadable);

/// <param name="Line">From 1; 0 for the whole file.</param>
internal sealed record UnreadableRecord(string File, int Line, string Reason);
