using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// The processes of one task. Agents run their shell commands in sessions of their own, so neither a group
/// nor a parent's number reaches them: descendants are listed from the process table, and processes
/// outside the tree are known by the task's mark in their environment, or by the lock file that only
/// processes of the task inherit. A process is signalled only
/// through a descriptor that was opened before its identity was checked.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxProcessTree(
    int root,
    long rootStart,
    string mark,
    string? aliveFile = null
)
{
    private readonly int _self = Environment.ProcessId;

    /// <summary>
    /// All living processes of the task. With <paramref name="adopted"/> the descendants of this process,
    /// which as a subreaper inherits every orphan of the task; otherwise those of the root alone.
    /// </summary>
    public List<ProcessEntry> Members(bool adopted)
    {
        var all = ProcessTable.All();
        var children = all.ToLookup(static p => p.Parent);
        var members = new List<ProcessEntry>();
        var seen = new HashSet<int> { _self };
        var open = new Stack<ProcessEntry>();
        foreach (var p in all)
        {
            if (adopted ? p.Parent == _self : p.Pid == root && p.StartTicks == rootStart)
            {
                open.Push(p);
            }
        }

        while (open.TryPop(out var p))
        {
            // A supervisor that the agent started through agentq is not the agent's to take along.
            if (!seen.Add(p.Pid) || (p.Pid != root && DetachedLaunch.IsSupervisor(p.Pid)))
            {
                continue;
            }

            if (!p.IsZombie)
            {
                members.Add(p);
            }

            foreach (var child in children[p.Pid])
            {
                open.Push(child);
            }
        }

        foreach (var p in all)
        {
            // Only what is younger than the task can carry its mark.
            if (
                !p.IsZombie
                && p.StartTicks >= rootStart
                && !seen.Contains(p.Pid)
                && (
                    ProcessTable.HasEnvironment(p.Pid, mark)
                    || (
                        aliveFile is not null
                        && ProcessTable.HasOpen(p.Pid, aliveFile)
                        // Another agentq opens it for a moment, to see whether it is locked.
                        && !ProcessTable.IsThisProgram(p.Pid)
                    )
                )
            )
            {
                members.Add(p);
            }
        }

        return members;
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

    /// <summary>Waits until one of them ends, at most that long.</summary>
    public static void WaitForOne(IReadOnlyList<ProcessEntry> processes, TimeSpan limit)
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
                System.Runtime.InteropServices.CollectionsMarshal.AsSpan(polls),
                (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, 60_000)
            );
        }

        foreach (var poll in polls)
        {
            _ = Libc.Close(poll.Fd);
        }
    }

    /// <summary>
    /// TERM and CONT to all, KILL to what is left after the grace, until two looks in a row find nothing.
    /// Bounded: what cannot be ended after 100 rounds of KILL is in the kernel's hands.
    /// </summary>
    /// <returns>True if nothing is left.</returns>
    public bool End(TimeSpan grace, bool adopted, TimeProvider clock)
    {
        var start = clock.GetTimestamp();
        var told = new HashSet<(int, long)>();
        var empty = 0;
        var rounds = 0;
        while (empty < 2)
        {
            if (adopted)
            {
                ReapAdopted();
            }

            var members = Members(adopted);
            if (members.Count == 0)
            {
                empty++;
                continue;
            }

            empty = 0;
            var left = grace - clock.GetElapsedTime(start);
            if (left > TimeSpan.Zero)
            {
                foreach (var p in members)
                {
                    if (told.Add((p.Pid, p.StartTicks)))
                    {
                        // A stopped process has to wake up to die.
                        Signal(p, Posix.SIGTERM, Posix.SIGCONT);
                    }
                }

                WaitForOne(members, left < s_look ? left : s_look);
                continue;
            }

            if (++rounds > 100)
            {
                return false;
            }

            foreach (var p in members)
            {
                Signal(p, Posix.SIGKILL);
            }

            WaitForOne(members, TimeSpan.FromMilliseconds(20));
        }

        return true;
    }

    // The agent itself stays a zombie: its number must not pass on while its group is being signalled.
    private void ReapAdopted()
    {
        foreach (var p in ProcessTable.All())
        {
            if (p.IsZombie && p.Parent == _self && p.Pid != root)
            {
                Posix.Reap(p.Pid);
            }
        }
    }

    // While waiting for the grace to pass, new descendants are looked for this often.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);
}
