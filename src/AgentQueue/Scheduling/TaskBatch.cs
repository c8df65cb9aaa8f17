using System.Buffers.Binary;
using System.Text;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Storing many tasks as one: a journal with all of them is made durable first, then the task files are
/// made and synced together, then the journal goes. If the program dies on the way, whoever looks next
/// finishes the job from the journal; without a whole journal there is no task at all.
/// </summary>
internal static class TaskBatch
{
    private const string LockName = "batch.lock";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // What stands in a journal's place may be of any size, and is read as a whole.
    private const int LongestJournal = 512 << 20;

    /// <exception cref="QueueException">The disk refused; the message says if anything was stored.</exception>
    public static void Create(QueueFolder queue, IReadOnlyList<AgentTask> tasks)
    {
        using var busy =
            queue.LockRun(LockName, s_patience)
            ?? throw new QueueException(
                $"Another batch has been stored for {s_patience.TotalSeconds:0} s, and is not yet",
                "Try again when it is done"
            );
        var journal = Path.Join(queue.Tasks, QueueSnapshot.BatchJournal + tasks[0].Id.Value);
        var packed = Pack(tasks);
        // Stryker disable once all: no fast test packs half a gigabyte
        if (packed.Length > LongestJournal)
        {
            throw QueueException.Usage(
                $"The batch is larger than {LongestJournal >> 20} MiB",
                "Give it in parts"
            );
        }

        queue.Durable.TryCreate(journal, packed);
        try
        {
            StoreAll(queue, tasks);
        }
        catch (QueueException e)
        {
            throw TakenBack(queue, tasks, journal, e);
        }

        queue.Disk.Delete(journal);
    }

    /// <summary>Takes the batch back as far as nobody has begun it; the error that says what came of that.</summary>
    private static QueueException TakenBack(
        QueueFolder queue,
        IReadOnlyList<AgentTask> tasks,
        string journal,
        QueueException reason
    )
    {
        Withdraw(queue, tasks);
        try
        {
            // What stays and what went, then the journal, then that it went: a loss of power in between leaves
            // a journal that completes the batch, never half a task without one.
            queue.Durable.SyncAll(queue.Tasks);
            queue.Disk.Delete(journal);
            queue.Durable.SyncFolderOf(journal);
        }
        catch (QueueException)
        {
            return new QueueException(
                $"{reason.Message}; the batch could not be taken back, and may be stored when the disk works again",
                "Before you give it again, see what there is: agentq status --all",
                cause: reason
            );
        }

        var stay = tasks.Where(t => queue.Read(t.Id) is not TaskRead.Missing).ToList();
        return stay.Count == 0
            ? reason
            : new QueueException(
                $"{reason.Message}; these of the batch had been started and stay: {string.Join(", ", stay.Select(static t => t.Id))}",
                "Give the others again when there is space",
                cause: reason
            );
    }

    // The journal goes after them: interrupted here, the batch is completed instead, which is as good. One
    // that a drain has started already is not taken back.
    private static void Withdraw(QueueFolder queue, IReadOnlyList<AgentTask> tasks)
    {
        foreach (var task in tasks)
        {
            using var held = queue.TryLockPassing(task.Id);
            if (
                held is not null
                && queue.Read(task.Id) is TaskRead.Found({ State: TaskState.Pending }, _)
            )
            {
                queue.Disk.Delete(queue.TaskFile(task.Id));
                queue.Disk.Delete(queue.PlanFile(task.Id));
            }
        }
    }

    /// <summary>Finishes batches whose maker died; true if there was anything to finish.</summary>
    public static bool FinishInterrupted(QueueFolder queue, IReadOnlyList<string> journals)
    {
        if (journals.Count == 0)
        {
            return false;
        }

        // Held: their maker lives, and is at it.
        using var busy = queue.TryLockRun(LockName);
        if (busy is null)
        {
            return false;
        }

        try
        {
            FinishAll(queue, journals);
            return true;
        }
        catch (QueueException)
        {
            // A full disk must not keep anybody from looking at the queue; the next pass tries again.
            return false;
        }
    }

    private static void FinishAll(QueueFolder queue, IReadOnlyList<string> journals)
    {
        // Its maker may have died before it was durable; without it half of the tasks could be left.
        queue.Durable.SyncFolderOf(Path.Join(queue.Tasks, journals[0]));
        foreach (var name in journals)
        {
            var path = Path.Join(queue.Tasks, name);
            if (
                queue.Disk.Read(path, LongestJournal) is { Status: ReadStatus.Ok } read
                && Unpack(read.Content) is { } tasks
            )
            {
                StoreAll(queue, tasks);
                queue.Disk.Delete(path);
            }
        }
    }

    private static void StoreAll(QueueFolder queue, IReadOnlyList<AgentTask> tasks)
    {
        var unsynced = queue.Unsynced;
        foreach (var task in tasks)
        {
            var (file, text) = (queue.TaskFile(task.Id), TaskJson.Write(task));
            if (
                !unsynced.TryCreateUnsynced(file, text)
                && queue.Read(task.Id) is TaskRead.Unreadable
            )
            {
                // Made before a loss of power, which took its content: it was not synced yet.
                unsynced.ReplaceUnsynced(file, text);
            }

            PlanFiles.Write(queue, task);
        }

        queue.Durable.SyncAll(queue.Tasks);
    }

    // The number of tasks. Each task: the length of its id and text, the id, the text of its file.
    private static byte[] Pack(IReadOnlyList<AgentTask> tasks)
    {
        using var packed = new MemoryStream();
        Span<byte> lengths = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(lengths, tasks.Count);
        packed.Write(lengths[..4]);
        foreach (var task in tasks)
        {
            var id = Encoding.ASCII.GetBytes(task.Id.Value);
            var text = TaskJson.Write(task);
            BinaryPrimitives.WriteInt32LittleEndian(lengths, id.Length);
            BinaryPrimitives.WriteInt32LittleEndian(lengths[4..], text.Length);
            packed.Write(lengths);
            packed.Write(id);
            packed.Write(text);
        }

        return packed.ToArray();
    }

    /// <summary>The tasks of a whole journal; null if it is damaged, or from a newer version.</summary>
    private static List<AgentTask>? Unpack(ReadOnlySpan<byte> packed)
    {
        if (!BinaryPrimitives.TryReadUInt32LittleEndian(packed, out var count))
        {
            return null;
        }

        packed = packed[4..];
        var tasks = new List<AgentTask>();
        while (tasks.Count < count)
        {
            if (
                !BinaryPrimitives.TryReadUInt32LittleEndian(packed, out var idLength)
                || !BinaryPrimitives.TryReadUInt32LittleEndian(packed[4..], out var textLength)
            )
            {
                return null;
            }

            packed = packed[8..];
            if (
                (long)idLength + textLength > packed.Length
                || !TaskId.TryParse(Encoding.ASCII.GetString(packed[..(int)idLength]), out var id)
            )
            {
                return null;
            }

            packed = packed[(int)idLength..];
            try
            {
                tasks.Add(TaskJson.Read(packed[..(int)textLength], id));
            }
            catch (FormatException)
            {
                // Left as it is: half a batch would be worse than none.
                return null;
            }

            packed = packed[(int)textLength..];
        }

        return tasks;
    }
}
