using System.Globalization;
using System.Text;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// <c>run/ready</c>, and <c>run/ready.RUN</c> for the tasks of a run: the next tasks of a drain in their order, as the last look at the whole queue found
/// them, so that its supervisors need not look at everything to take one each. It is a hint, good for about
/// a second: who takes a task from it reads that task's file under its lock. Whoever makes a task ready
/// forgets it, and it may be deleted at any time. Used under the queue's lock.
/// </summary>
/// <remarks>
/// The first line: the machine and boot, when it was made and until when it is good, in ms of the monotonic
/// clock. Then a task a line, with its priority and the ticks of its creation; <c>+</c> before those that others
/// wait for, with the ids of these; then a line <c>=</c>, after it one dot for each task that was taken and
/// <c>-ID;</c> for each that was waited for and has ended.
/// </remarks>
internal sealed class ReadyList(QueueFolder queue, QueueScope scope, TimeProvider clock)
{
    private const int Most = 256;
    private const int MostAwaited = 5000;
    private const int MostWaiting = 20_000;
    private const int LongestFile = 4 << 20;

    // A look may take a twentieth of the time at most.
    private const int CostFactor = 20;
    private static readonly TimeSpan s_good = TimeSpan.FromSeconds(1);

    private string Path => System.IO.Path.Join(queue.Run, "ready" + scope.Suffix);

    /// <summary>Stores what follows after the tasks that were just started.</summary>
    /// <param name="awaited">Tasks whose end may make others ready, and these.</param>
    /// <param name="cost">How long the look took.</param>
    public void Write(
        IEnumerable<TaskSummary> ready,
        IReadOnlyDictionary<TaskId, List<TaskId>> awaited,
        TimeSpan cost
    )
    {
        var tasks = ready.Take(Most).ToList();
        if (
            (tasks.Count == 0 && awaited.Count == 0)
            || awaited.Count > MostAwaited
            || awaited.Values.Sum(static w => w.Count) > MostWaiting
        )
        {
            Forget();
            return;
        }

        var good = cost * CostFactor > s_good ? cost * CostFactor : s_good;
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"{ProcessIdentity.ThisMachine} {Now} {Now + (long)good.TotalMilliseconds}\n"
        );
        foreach (var task in tasks)
        {
            text.Append(LineOf(task)).Append('\n');
        }

        foreach (var (id, waiting) in awaited)
        {
            text.Append('+').Append(id.Value);
            foreach (var one in waiting)
            {
                text.Append(' ').Append(one.Value);
            }

            text.Append('\n');
        }

        Store(text.Append("=\n").ToString());
    }

    private static string LineOf(TaskSummary task) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{task.Id} {task.Priority} {task.CreatedAt.UtcTicks}"
        );

    private void Store(string text)
    {
        try
        {
            queue.Unsynced.ReplaceUnsynced(Path, Encoding.ASCII.GetBytes(text));
        }
        catch (QueueException)
        {
            // Without it each claim looks at everything, which is only slower.
            Forget();
        }
    }

    /// <summary>The next task, which counts as taken from now on; null if the list has none, or is too old.</summary>
    public TaskId? Take()
    {
        if (Read() is not { } list || list.Tasks.Count == 0)
        {
            return null;
        }

        queue.Disk.Append(Path, "."u8);
        return list.Tasks[0].Id;
    }

    /// <summary>
    /// Those that waited for a task that has just ended, and for nothing else; from now on nobody waits for it.
    /// Null if the list is too old to tell: then only a look at everything does.
    /// </summary>
    public IReadOnlyList<TaskId>? FreedBy(TaskId ended)
    {
        if (Read() is not { } list)
        {
            return null;
        }

        if (!list.Awaited.Remove(ended, out var line))
        {
            return [];
        }

        queue.Disk.Append(Path, Encoding.ASCII.GetBytes($"-{ended};"));
        var freed = line.Split(' ').Skip(1).ToHashSet(StringComparer.Ordinal);
        foreach (var other in list.Awaited.Values)
        {
            if (freed.Count == 0)
            {
                break;
            }

            var ids = other.AsSpan();
            foreach (var part in ids.Split(' '))
            {
                // The first is the one that is waited for, with its sign.
                freed.GetAlternateLookup<ReadOnlySpan<char>>().Remove(ids[part]);
            }
        }

        return [.. freed.Select(TaskId.Parse)];
    }

    /// <summary>Puts tasks that have become ready where they belong, and returns how many are listed then.</summary>
    public int Add(IReadOnlyList<TaskSummary> ready)
    {
        if (Read() is not { } list)
        {
            return 0;
        }

        if (ready.Count == 0)
        {
            return list.Tasks.Count;
        }

        var tasks = list.Tasks.Concat(ready).ToList();
        tasks.Sort(Scheduler.Compare);
        var text = new StringBuilder(list.Header).Append('\n');
        foreach (var task in tasks)
        {
            text.Append(LineOf(task)).Append('\n');
        }

        foreach (var line in list.Awaited.Values)
        {
            text.Append(line).Append('\n');
        }

        Store(text.Append("=\n").ToString());
        return tasks.Count;
    }

    private sealed record Listed(
        string Header,
        List<TaskSummary> Tasks,
        Dictionary<TaskId, string> Awaited
    );

    // Null if there is none, or it is old, or of another boot, or not whole.
    private Listed? Read()
    {
        var text = Encoding.ASCII.GetString(queue.Disk.Read(Path, LongestFile).Content);
        var end = text.LastIndexOf('=');
        var lines = text[..Math.Max(end, 0)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (
            // Also when there is nothing before the "=", or no "=" at all.
            lines.Length == 0
            || lines[0].Split(' ') is not [.. var machine, var made, var until]
            || string.Join(' ', machine) != ProcessIdentity.ThisMachine
            || !long.TryParse(made, CultureInfo.InvariantCulture, out var from)
            || !long.TryParse(until, CultureInfo.InvariantCulture, out var to)
            || Now < from
            || Now > to
        )
        {
            return null;
        }

        var tail = text.AsSpan(end);
        var taken = tail.Count('.');
        var gone = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in tail.Split(';'))
        {
            if (tail[part].IndexOf('-') is >= 0 and var dash)
            {
                gone.Add(tail[part][(dash + 1)..].ToString());
            }
        }

        var list = new Listed(lines[0], [], []);
        foreach (var line in lines.AsSpan(1))
        {
            if (line[0] != '+')
            {
                if (taken-- > 0)
                {
                    continue;
                }

                if (TaskOf(line) is not { } task)
                {
                    return null;
                }

                list.Tasks.Add(task);
            }
            else if (
                line[1..].Split(' ', 2)[0] is var awaited
                && !gone.Contains(awaited)
                && TaskId.TryParse(awaited, out var id)
            )
            {
                list.Awaited[id] = line;
            }
        }

        return list;
    }

    private static TaskSummary? TaskOf(string line) =>
        line.Split(' ') is [var text, var priority, var created]
        && TaskId.TryParse(text, out var id)
        && int.TryParse(priority, CultureInfo.InvariantCulture, out var first)
        && long.TryParse(created, CultureInfo.InvariantCulture, out var ticks)
        && ticks >= 0
        && ticks <= DateTimeOffset.MaxValue.UtcTicks
            ? new TaskSummary
            {
                Id = id,
                Agent = "",
                Priority = first,
                CreatedAt = new DateTimeOffset(ticks, TimeSpan.Zero),
                State = s_pending,
            }
            : null;

    private static readonly TaskState.Pending s_pending = new();

    /// <summary>Makes the next claim look at everything.</summary>
    public void Forget()
    {
        try
        {
            queue.Disk.Delete(Path);
        }
        catch (QueueException)
        {
            // A list that cannot be removed is too old in a second.
        }
    }

    private long Now => clock.GetTimestamp() / (clock.TimestampFrequency / 1000);
}
