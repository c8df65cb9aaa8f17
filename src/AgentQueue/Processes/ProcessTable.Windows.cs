using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

internal static partial class ProcessTable
{
    [SupportedOSPlatform("windows")]
    private static List<ProcessEntry> AllWindows()
    {
        var listed = WindowsProcesses.All();
        var starts = new Dictionary<int, long>(listed.Count);
        foreach (var (pid, _) in listed)
        {
            starts[pid] = WindowsProcesses.Look(pid)?.Start ?? 0;
        }

        return
        [
            .. listed.Select(p => new ProcessEntry(
                p.Pid,
                LivingParent(starts, p.Parent, starts[p.Pid]),
                starts[p.Pid],
                IsZombie: false
            )),
        ];
    }

    // A parent's number stays with its children after its death, when it may pass to a younger process.
    internal static int LivingParent(Dictionary<int, long> starts, int parent, long childStart) =>
        starts.TryGetValue(parent, out var start) && start <= childStart ? parent : 0;

    [SupportedOSPlatform("windows")]
    private static ProcessEntry? ReadWindows(int pid) =>
        WindowsProcesses.Look(pid) is { Start: > 0 } p
            ? new ProcessEntry(pid, 0, p.Start, p.HasEnded)
            : null;

    [SupportedOSPlatform("windows")]
    private static string CommandLineOfWindows(int pid) => WindowsProcesses.CommandLine(pid);
}
