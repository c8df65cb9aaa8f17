using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// On macOS orphans go to launchd and cannot be followed there, and the environment of the system's own
/// programs is hidden. So the supervisor looks while they still have a parent (<see cref="Remember"/>), and
/// what was found once stays known.
/// </summary>
[SupportedOSPlatform("macos")]
internal sealed class MacProcessTree(int root, long rootStart, string mark)
    : ProcessTree(root, rootStart, mark, aliveFile: null)
{
    private readonly HashSet<(int Pid, long Start)> _known = [];

    /// <summary>Notes who belongs to the task now, so that they can be found once their parents have died.</summary>
    public void Remember()
    {
        var living = Descendants(ProcessTable.All(), adopted: true, [Self]);
        _known.Clear();
        Found(living);
    }

    protected override void Found(List<ProcessEntry> members) =>
        _known.UnionWith(members.Select(static p => (p.Pid, p.StartTicks)));

    protected override IEnumerable<ProcessEntry> Tops(List<ProcessEntry> all, bool adopted) =>
        all.Where(p => IsRoot(p) || _known.Contains((p.Pid, p.StartTicks)));

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

    protected override void WaitForOne(List<ProcessEntry> processes, TimeSpan limit)
    {
        var events = MacOs.OpenEvents();
        var watched = false;
        foreach (var p in processes)
        {
            watched |= MacOs.AddProcess(events, p.Pid);
        }

        var milliseconds = (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, 60_000);
        if (watched)
        {
            _ = MacOs.WaitFor(events, milliseconds);
        }
        else
        {
            // They have all ended meanwhile, or cannot be watched: look again soon.
            Posix.Poll([], Math.Min(milliseconds, 20));
        }

        _ = Libc.Close(events);
    }

    // There is no descriptor that would hold on to a process: what remains is to look just before.
    private static void Signal(ProcessEntry process, params ReadOnlySpan<int> signals)
    {
        foreach (var signal in signals)
        {
            if (
                process.Pid != Self
                && ProcessTable.Read(process.Pid)?.StartTicks == process.StartTicks
            )
            {
                Posix.SignalUnchecked(process.Pid, signal);
            }
        }
    }
}
