using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;
using AgentQueue.Tasks;

namespace AgentQueue.Processes;

/// <summary>Agents on Linux: pidfd for the end, inotify for the knock, signalfd for TERM, a subreaper for orphans.</summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxAgentHost : IAgentHost
{
    private readonly int _endSignals;

    // One for all tasks of this process: closing such a descriptor takes the kernel milliseconds.
    private readonly int _knocks;
    private readonly TimeProvider _clock;

    /// <summary>Makes this process a supervisor: orphans of its agents come to it, TERM is read, not died of.</summary>
    public LinuxAgentHost(TimeProvider clock)
    {
        _clock = clock;
        Linux.BecomeSubreaper();
        _endSignals = Linux.OpenEndSignals();
        _knocks = Linux.OpenWatch();
    }

    public IAgentProcess Start(AgentLaunch launch)
    {
        var input = Libc.Open(launch.InputFile ?? "/dev/null", Libc.O_RDONLY);
        if (input < 0)
        {
            throw Problem("read", launch.InputFile ?? "/dev/null");
        }

        var log = Libc.Open(
            launch.LogFile,
            Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND | Libc.O_NOFOLLOW | Libc.O_NONBLOCK,
            0x180
        );
        try
        {
            if (log < 0)
            {
                throw Problem("open", launch.LogFile);
            }

            // O_NONBLOCK kept a planted fifo from stopping us; the agent gets an ordinary descriptor.
            const int F_SETFL = 4;
            _ = Libc.Fcntl(log, F_SETFL, Libc.O_APPEND);
            // Without a watch, knocks are noticed at the supervisor's next tick.
            Linux.AlsoWatch(_knocks, launch.KnockFile, Linux.IN_ATTRIB);
            var pid = Spawn.Start(
                launch.Executable,
                [Path.GetFileName(launch.Executable), .. launch.Arguments],
                launch.Environment,
                launch.WorkingFolder,
                [input, log, log, (int)launch.AliveDescriptor],
                blockEndSignals: false
            );
            if (pid < 0)
            {
                throw new LaunchException(
                    $"Cannot start {launch.Executable} in {launch.WorkingFolder}: {Marshal.GetPInvokeErrorMessage(-pid)}"
                );
            }

            return new LinuxAgentProcess(pid, _knocks, _endSignals, launch.Mark, _clock);
        }
        finally
        {
            _ = Libc.Close(input);
            if (log >= 0)
            {
                _ = Libc.Close(log);
            }
        }
    }

    private static LaunchException Problem(string action, string path) =>
        new(
            $"Cannot {action} {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}"
        );
}

[SupportedOSPlatform("linux")]
internal sealed class LinuxAgentProcess : IAgentProcess
{
    private readonly int _pid;
    private readonly int _knock;
    private readonly int _endSignals;
    private readonly int _pidfd;
    private readonly LinuxProcessTree _tree;
    private readonly TimeProvider _clock;

    public LinuxAgentProcess(int pid, int knock, int endSignals, string mark, TimeProvider clock)
    {
        _pid = pid;
        _knock = knock;
        _endSignals = endSignals;
        _clock = clock;
        _pidfd = Linux.OpenProcess(pid);
        // A child that has ended is a zombie until we reap it, so its entry is there in any case.
        var start = ProcessTable.Read(pid)?.StartTicks ?? 0;
        Identity = new ProcessIdentity(ProcessIdentity.ThisMachine, pid, start);
        _tree = new LinuxProcessTree(pid, start, mark);
    }

    public ProcessIdentity Identity { get; }

    public ExitStatus? Exit { get; private set; }

    public Wake Wait(TimeSpan limit)
    {
        // A pid without pidfd (an old kernel) is looked at every 20 ms instead.
        var cap = _pidfd >= 0 ? 3_600_000 : 20;
        Span<Posix.PollFd> fds =
        [
            new() { Fd = _pidfd, Events = Posix.POLLIN },
            new() { Fd = _knock, Events = Posix.POLLIN },
            new() { Fd = _endSignals, Events = Posix.POLLIN },
        ];
        Posix.Poll(fds, (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, cap));
        var wake = Wake.None;
        if (fds[1].Returned != 0)
        {
            Linux.Drain(_knock);
            wake |= Wake.Knocked;
        }

        if (fds[2].Returned != 0)
        {
            Linux.Drain(_endSignals);
            wake |= Wake.ToldToEnd;
        }

        // Orphans that came to us and have died would stay zombies for as long as the agent runs.
        Posix.ReapOthers(_pid);
        if ((fds[0].Returned != 0 || _pidfd < 0) && LearnExit())
        {
            wake |= Wake.AgentEnded;
        }

        return wake;
    }

    public void EndAll(TimeSpan grace)
    {
        // The group first, in one call: members that fork while they are being listed get it too.
        Posix.SignalGroup(_pid, Posix.SIGTERM);
        Posix.SignalGroup(_pid, Posix.SIGCONT);
        _tree.End(grace, adopted: true, _clock);
        LearnExit();
    }

    public void EndLeftovers(TimeSpan grace)
    {
        Posix.SignalGroup(_pid, Posix.SIGTERM);
        if (HasAdopted())
        {
            _tree.End(grace, adopted: true, _clock);
        }
    }

    public void Dispose()
    {
        LearnExit();
        Posix.Reap(_pid);
        _ = Libc.Close(_pidfd);
    }

    private bool LearnExit()
    {
        if (Exit is null && Posix.PeekExit(_pid) is { } end)
        {
            Exit = end.Signalled ? ExitStatus.Killed(end.Status) : ExitStatus.Exited(end.Status);
        }

        return Exit is not null;
    }

    // All orphans of the agent are our children once it is dead, so only direct ones need to be looked at.
    private bool HasAdopted()
    {
        try
        {
            var me = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            foreach (var thread in Directory.EnumerateDirectories($"/proc/{me}/task"))
            {
                foreach (
                    var child in File.ReadAllText(Path.Join(thread, "children"))
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                )
                {
                    if (int.Parse(child, CultureInfo.InvariantCulture) != _pid)
                    {
                        return true;
                    }
                }
            }

            return false;
        }
        catch (IOException)
        {
            // A kernel without that list, or a thread that has just ended: look at everything.
            return true;
        }
    }
}
