using System.Buffers.Text;
using System.Globalization;
using System.Text;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>
/// <c>run/finished</c>: one line for each finished task, with the facts of the file that it was read from.
/// A line counts only while the task's file still has the same inode, size and time; anything else in it,
/// torn or foreign, is passed over. It may be deleted at any time.
/// </summary>
internal sealed class FinishedCache
{
    public const string Name = "finished";
    private const int LongestFile = 256 << 20;
    private const int LongestName = 80;
    private const byte EndOfLine = (byte)'.';

    private readonly QueueFolder _queue;
    private readonly IFolderLook _tasks;
    private readonly Dictionary<string, (FinishedTask Task, FileFacts Facts)> _lines;
    private readonly Dictionary<string, (FinishedTask Task, FileFacts Facts)>.AlternateLookup<
        ReadOnlySpan<char>
    > _byName;
    private readonly StringBuilder _new = new();
    private readonly bool _crowded;

    private FinishedCache(
        QueueFolder queue,
        IFolderLook tasks,
        Dictionary<string, (FinishedTask, FileFacts)> lines,
        bool crowded
    )
    {
        _queue = queue;
        _tasks = tasks;
        _lines = lines;
        _byName = lines.GetAlternateLookup<ReadOnlySpan<char>>();
        _crowded = crowded;
    }

    /// <param name="tasks">The folder of the task files; used until the cache is saved.</param>
    public static FinishedCache Load(QueueFolder queue, IFolderLook tasks)
    {
        var read = queue.Disk.Read(Path.Join(queue.Run, Name), LongestFile);
        var lines = new Dictionary<string, (FinishedTask, FileFacts)>(
            read.Content.Length / 80,
            StringComparer.Ordinal
        );
        var count = 0;
        foreach (var range in Lines(read.Content))
        {
            count++;
            if (TryRead(read.Content.AsSpan(range), out var task, out var facts))
            {
                lines[task.Id.Value] = (task, facts);
            }
        }

        return new FinishedCache(queue, tasks, lines, count > (2 * lines.Count) + 100);
    }

    /// <summary>The id of that name, if there is a line for it, true or not.</summary>
    public TaskId? Knows(ReadOnlySpan<char> name) =>
        _byName.TryGetValue(name, out var line) ? line.Task.Id : null;

    /// <summary>The task, if its file is the one that the line was made from.</summary>
    public FinishedTask? Find(TaskId id)
    {
        Span<char> name = stackalloc char[LongestName];
        return
            _lines.TryGetValue(id.Value, out var line)
            && name.TryWrite($"{id.Value}.json", out var length)
            && _tasks.Facts(name[..length]) == line.Facts
            ? line.Task
            : null;
    }

    public void Add(FinishedTask task, FileFacts facts)
    {
        _lines[task.Id.Value] = (task, facts);
        Write(_new, task, facts);
    }

    /// <summary>Adds the new lines to the file; a failure costs time at the next verb and nothing else.</summary>
    public void Save()
    {
        var path = Path.Join(_queue.Run, Name);
        try
        {
            if (_crowded)
            {
                var all = new StringBuilder();
                foreach (var (task, facts) in _lines.Values)
                {
                    Write(all, task, facts);
                }

                new DurableFile(_queue.Disk, sync: false).ReplaceUnsynced(
                    path,
                    Encoding.ASCII.GetBytes(all.ToString())
                );
            }
            else if (_new.Length > 0)
            {
                // The private folder may have been deleted; what was read is worth keeping all the same.
                _queue.Disk.CreateFolder(_queue.Run);
                _queue.Disk.Append(path, Encoding.ASCII.GetBytes(_new.ToString()));
            }
        }
        catch (QueueException)
        {
            // A full or read-only disk must not keep anybody from looking at the queue.
        }
    }

    private static void Write(StringBuilder text, FinishedTask task, FileFacts facts) =>
        text.Append(
            CultureInfo.InvariantCulture,
            $"{task.Id.Value} {facts.Inode} {facts.Size} {facts.ModifiedNs} {(int)task.Status} {task.CompletedAt.ToUnixTimeMilliseconds()} {(task.TimedOut ? 1 : 0) + (task.WillRetry ? 2 : 0) + (task.HasIntent ? 4 : 0)} .\n"
        );

    private static IEnumerable<Range> Lines(byte[] content)
    {
        for (var start = 0; start < content.Length; )
        {
            var length = Array.IndexOf(content, (byte)'\n', start) - start;
            if (length < 0)
            {
                yield break;
            }

            yield return start..(start + length);
            start += length + 1;
        }
    }

    private static bool TryRead(ReadOnlySpan<byte> line, out FinishedTask task, out FileFacts facts)
    {
        task = default;
        facts = default;
        var space = line.IndexOf((byte)' ');
        if (space is <= 0 or > 80 || line[^1] != EndOfLine)
        {
            return false;
        }

        Span<char> name = stackalloc char[space];
        if (
            Encoding.ASCII.GetChars(line[..space], name) != space
            || !TaskId.TryParse(name, out var id)
        )
        {
            return false;
        }

        var rest = line[(space + 1)..];
        if (
            !Next(ref rest, out var inode)
            || !Next(ref rest, out var size)
            || !Next(ref rest, out var modified)
            || !Next(ref rest, out var status)
            || !Next(ref rest, out var completed)
            || !Next(ref rest, out var flags)
            || status is < (long)TaskStatus.Complete or > (long)TaskStatus.Cancelled
            || completed is < -62_135_596_800_000 or > 253_402_300_799_999
        )
        {
            return false;
        }

        facts = new FileFacts(unchecked((ulong)inode), size, modified, true);
        task = new FinishedTask(
            id,
            (TaskStatus)status,
            DateTimeOffset.FromUnixTimeMilliseconds(completed),
            (flags & 1) != 0,
            (flags & 2) != 0,
            (flags & 4) != 0
        );
        return true;

        static bool Next(ref ReadOnlySpan<byte> text, out long number)
        {
            if (
                !Utf8Parser.TryParse(text, out number, out var used)
                || used >= text.Length
                || text[used] != (byte)' '
            )
            {
                return false;
            }

            text = text[(used + 1)..];
            return true;
        }
    }
}
