using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>Agents on macOS: one kqueue tells of the agent's end, of the knock and of TERM.</summary>
[SupportedOSPlatform("macos")]
internal sealed class MacAgentHost : IAgentHost
{
    private readonly int _events;
    private readonly TimeProvider _clock;
    private bool _wasToldEarly;

    /// <summary>Makes this process a supervisor: TERM is read, not died of.</summary>
    public MacAgentHost(TimeProvider clock)
    {
        _clock = clock;
        _events = MacOs.OpenEvents();
        MacOs.AddEndSignals(_events);
        _wasToldEarly = MacOs.IsToldToEnd();
    }

    public IDisposable Idle() => new IdleSignals();

    public IAgentProcess Start(AgentLaunch launch)
    {
        var knock = MacOs.OpenToWatch(launch.KnockFile);
        MacOs.AddKnock(_events, knock);
        try
        {
            var pid = UnixLaunch.Start(launch);
            var told = _wasToldEarly;
            _wasToldEarly = false;
            return new MacAgentProcess(pid, knock, _events, launch.Mark, told, _clock);
        }
        catch (LaunchException)
        {
            _ = Libc.Close(knock);
            throw;
        }
    }
}

[SupportedOSPlatform("macos")]
internal sealed class MacAgentProcess(
    int pid,
    int knock,
    int events,
    string mark,
    bool wasToldEarly,
    TimeProvider clock
)
    : UnixAgentProcess<MacProcessTree>(
        pid,
        clock,
        (root, start) => new MacProcessTree(root, start, mark)
    )
{
    // Listing all processes has its price; what is born and orphaned between two looks is found by its mark.
    private static readonly TimeSpan s_remember = TimeSpan.FromSeconds(2);

    private readonly bool _isToldOfEnd = MacOs.AddProcess(events, pid);
    private bool _wasToldEarly = wasToldEarly;
    private long _remembered = clock.GetTimestamp();

    public override Wake Wait(TimeSpan limit)
    {
        // An agent that ended before it was watched is looked at every 20 ms instead.
        var happened = MacOs.WaitFor(events, Milliseconds(limit, _isToldOfEnd));
        var wake = Wake.None;
        if (happened.HasFlag(MacOs.Happened.Knocked))
        {
            wake |= Wake.Knocked;
        }

        if (happened.HasFlag(MacOs.Happened.Signalled) || _wasToldEarly)
        {
            _wasToldEarly = false;
            wake |= Wake.ToldToEnd;
        }

        if (LearnExit())
        {
            return wake | Wake.AgentEnded;
        }

        if (Clock.GetElapsedTime(_remembered) >= s_remember)
        {
            _remembered = Clock.GetTimestamp();
            Tree.Remember();
        }

        return wake;
    }

    public override void Dispose()
    {
        base.Dispose();
        _ = Libc.Close(knock);
    }

    protected override bool MayHaveLeftovers() => true;

    // waitid does not give the signal here; the zombie's own entry does.
    protected override int SignalOf(ExitFact end) =>
        end.Status > 0 ? end.Status
        : MacOs.Info(Pid) is { } info && (info.WaitStatus & 0x7F) is > 0 and var signal ? signal
        : Posix.SIGKILL;
}
