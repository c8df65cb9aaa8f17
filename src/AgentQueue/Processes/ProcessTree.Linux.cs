using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// On Linux every orphan of the task comes to its supervisor, a subreaper, and a process is signalled
/// through a descriptor that was opened before its identity was checked.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxProcessTree(
    int root,
    long rootStart,
    string mark,
    string? aliveFile = null
) : ProcessTree(root, rootStart, mark, aliveFile)
{
    protected override IEnumerable<ProcessEntry> Tops(List<ProcessEntry> all, bool adopted) =>
        // A number may be given again within the tick that its process was started in: an agent that is not
        // our child must say itself that it is the one.
        all.Where(p => adopted ? p.Parent == Self : IsRoot(p) && IsMarked(p));

    // A stopped process has to wake up to die.
    protected override void Ask(ProcessEntry process) =>
        Signal(process, Posix.SIGTERM, Posix.SIGCONT);

    protected override void Kill(List<ProcessEntry> processes)
    {
        foreach (var p in processes)
        {
            Signal(p, Posix.SIGKILL);
        }
    }

    protected override void WaitForOne(List<ProcessEntry> processes, TimeSpan limit) =>
        WaitForAny(processes, limit);

    /// <summary>Waits until one of them ends, at most that long.</summary>
    public static void WaitForAny(List<ProcessEntry> processes, TimeSpan limit)
    {
        var polls = new List<Posix.PollFd>(processes.Count);
        foreach (var p in processes.Take(64))
        {
            var fd = Linux.OpenProcess(p.Pid);
            if (fd >= 0)
            {
                polls.Add(new Posix.PollFd { Fd = fd, Events = Posix.POLLIN });
            }
        }

        if (polls.Count > 0)
        {
            Posix.Poll(
                CollectionsMarshal.AsSpan(polls),
                (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, 60_000)
            );
        }

        foreach (var poll in polls)
        {
            _ = Libc.Close(poll.Fd);
        }
    }

    protected override void ReapAdopted()
    {
        foreach (var p in ProcessTable.All())
        {
            if (p.IsZombie && p.Parent == Self && p.Pid != Root)
            {
                Posix.Reap(p.Pid);
            }
        }
    }

    /// <summary>Signals a process if it is still the one that was listed.</summary>
    public static bool Signal(ProcessEntry process, params ReadOnlySpan<int> signals)
    {
        if (process.Pid <= 1 || process.Pid == Environment.ProcessId)
        {
            return false;
        }

        var fd = Linux.OpenProcess(process.Pid);
        if (fd < 0)
        {
            return false;
        }

        try
        {
            if (ProcessTable.Read(process.Pid)?.StartTicks != process.StartTicks)
            {
                return false;
            }

            var sent = true;
            foreach (var signal in signals)
            {
                sent &= Linux.Signal(fd, signal);
            }

            return sent;
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }
}
