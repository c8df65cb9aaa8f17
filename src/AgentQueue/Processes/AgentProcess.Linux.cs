using System.Runtime.Versioning;
using AgentQueue.Native;

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

    public IDisposable Idle() => new IdleSignals();

    public IAgentProcess Start(AgentLaunch launch)
    {
        // Without a watch, knocks are noticed at the supervisor's next tick.
        Linux.AlsoWatch(_knocks, launch.KnockFile, Linux.IN_ATTRIB);
        var pid = UnixLaunch.Start(launch);
        return new LinuxAgentProcess(pid, _knocks, _endSignals, launch.Mark, _clock);
    }
}

[SupportedOSPlatform("linux")]
internal sealed class LinuxAgentProcess(
    int pid,
    int knocks,
    int endSignals,
    string mark,
    TimeProvider clock
)
    : UnixAgentProcess<LinuxProcessTree>(
        pid,
        clock,
        (root, start) => new LinuxProcessTree(root, start, mark)
    )
{
    private readonly int _pidfd = Linux.OpenProcess(pid);

    public override Wake Wait(TimeSpan limit)
    {
        // A pid without pidfd (an old kernel) is looked at every 20 ms instead.
        Span<Posix.PollFd> fds =
        [
            new() { Fd = _pidfd, Events = Posix.POLLIN },
            new() { Fd = knocks, Events = Posix.POLLIN },
            new() { Fd = endSignals, Events = Posix.POLLIN },
        ];
        Posix.Poll(fds, Milliseconds(limit, isToldOfEnd: _pidfd >= 0));
        var wake = Wake.None;
        if (fds[1].Returned != 0)
        {
            Linux.Drain(knocks);
            wake |= Wake.Knocked;
        }

        if (fds[2].Returned != 0)
        {
            Linux.Drain(endSignals);
            wake |= Wake.ToldToEnd;
        }

        // Orphans that came to us and have died would stay zombies for as long as the agent runs.
        Posix.ReapOthers(Pid);
        if ((fds[0].Returned != 0 || _pidfd < 0) && LearnExit())
        {
            wake |= Wake.AgentEnded;
        }

        return wake;
    }

    public override void Dispose()
    {
        base.Dispose();
        _ = Libc.Close(_pidfd);
    }

    // All orphans of the agent are our children once it is dead, so only direct ones need to be looked at.
    protected override bool MayHaveLeftovers() => ProcessTable.HasOtherChild(Pid);
}
