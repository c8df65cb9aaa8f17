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
/// clock. Then an id a line; <c>+</c> before those that others wait for; then a line <c>=</c>, and after it
/// one dot for each task that was taken.
/// </remarks>
internal sealed class ReadyList(QueueFolder queue, RunId? scope, TimeProvider clock)
{
    private const int Most = 256;
    private const int MostAwaited = 1000;
    private const int LongestFile = 256 << 10;

    // A look may take a twentieth of the time at most.
    private const int CostFactor = 20;
    private static readonly TimeSpan s_good = TimeSpan.FromSeconds(1);

    private string Path =>
        System.IO.Path.Join(queue.Run, scope is { } run ? "ready." + run : "ready");

    /// <summary>Stores what follows after the tasks that were just started.</summary>
    /// <param name="awaited">Tasks whose end may make others ready.</param>
    /// <param name="cost">How long the look took.</param>
    public void Write(IEnumerable<TaskSummary> ready, IReadOnlySet<TaskId> awaited, TimeSpan cost)
    {
        var ids = ready.Take(Most).ToList();
        if (ids.Count == 0 || awaited.Count > MostAwaited)
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
        foreach (var task in ids)
        {
            text.Append(task.Id.Value).Append('\n');
        }

        foreach (var id in awaited)
        {
            text.Append('+').Append(id.Value).Append('\n');
        }

        text.Append("=\n");
        try
        {
            queue.Unsynced.ReplaceUnsynced(Path, Encoding.ASCII.GetBytes(text.ToString()));
        }
        catch (QueueException)
        {
            // Without it each claim looks at everything, which is only slower.
            Forget();
        }
    }

    /// <summary>
    /// The next task, which counts as taken from now on; null if the list has none, is too old, or if the
    /// task that has just ended was waited for: then only a look at everything tells.
    /// </summary>
    public TaskId? Take(TaskId? ended)
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
            || (ended is { } id && lines.Contains("+" + id.Value))
        )
        {
            return null;
        }

        var next = 1 + text.AsSpan(end).Count('.');
        if (next >= lines.Length || !TaskId.TryParse(lines[next], out var task))
        {
            return null;
        }

        queue.Disk.Append(Path, "."u8);
        return task;
    }

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
