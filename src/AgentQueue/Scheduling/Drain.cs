using System.Globalization;
using System.Text;
using AgentQueue.Processes;
using AgentQueue.Storage;

namespace AgentQueue.Scheduling;

/// <summary>
/// <c>run/drain</c>: while it stands, every supervisor whose task has ended fills the free slots again. It
/// names the machine and boot that it belongs to, so that one left over from before a reboot says nothing.
/// </summary>
internal sealed class Drain(QueueFolder queue)
{
    private string Path => System.IO.Path.Join(queue.Run, "drain");

    /// <summary>How many tasks may run at once; null if the queue is not being drained.</summary>
    public int? Parallel
    {
        get
        {
            var read = queue.Disk.Read(Path, 1024);
            var parts = Encoding.UTF8.GetString(read.Content).TrimEnd('\n').Split(' ', 2);
            return
                parts.Length == 2
                && parts[1] == ProcessIdentity.ThisMachine
                && int.TryParse(
                    parts[0],
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var parallel
                )
                && parallel > 0
                ? parallel
                : null;
        }
    }

    public void Begin(int parallel) =>
        queue.Unsynced.ReplaceUnsynced(
            Path,
            Encoding.UTF8.GetBytes(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{parallel} {ProcessIdentity.ThisMachine}\n"
                )
            )
        );

    /// <summary>False if there was none.</summary>
    public bool End() => queue.Disk.Delete(Path);

    /// <summary>
    /// Held by every supervisor's process for its whole life, also between two tasks: while anybody holds
    /// it, a drain has not been left behind.
    /// </summary>
    public HeldLock? TryJoin()
    {
        // Somebody who asks whether the drain is deserted holds the file alone for a moment.
        for (var i = 0; i < 100; i++)
        {
            if (queue.Disk.TryLockShared(SupervisorsFile, create: true) is { } joined)
            {
                return joined;
            }

            queue.Disk.Pause(TimeSpan.FromMilliseconds(1));
        }

        return null;
    }

    /// <summary>True if no supervisor lives.</summary>
    public bool IsDeserted
    {
        get
        {
            using var alone = queue.Disk.TryLock(SupervisorsFile, create: true);
            return alone is not null;
        }
    }

    private string SupervisorsFile => System.IO.Path.Join(queue.Run, "supervisors");

    /// <summary>Held by the one supervisor that waits for the next back-off to end.</summary>
    public HeldLock? TryKeep() => queue.TryLockRun("drain.lock");
}
