using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// On Windows a job holds the agent and whatever it starts, and ends with the supervisor that holds it. What
/// broke away from the job is found as a descendant: there a process keeps its parent's number for ever.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsProcessTree(int root, long rootStart, string mark, nint job = 0)
    : ProcessTree(root, rootStart, mark, aliveFile: null)
{
    protected override IEnumerable<ProcessEntry> Tops(List<ProcessEntry> all, bool adopted)
    {
        HashSet<int> inJob = adopted && job != 0 ? [.. WindowsProcesses.InJob(job)] : [];
        return all.Where(p => IsRoot(p) || inJob.Contains(p.Pid));
    }

    // Only the agent's group as a whole can be asked, through its console; its supervisor has done so.
    protected override void Ask(ProcessEntry process) { }

    protected override void Kill(List<ProcessEntry> processes)
    {
        if (job != 0)
        {
            WindowsProcesses.EndJob(job);
        }

        foreach (var p in processes)
        {
            WindowsProcesses.End(p.Pid, p.StartTicks);
        }
    }

    protected override void WaitForOne(List<ProcessEntry> processes, TimeSpan limit) =>
        WindowsProcesses.WaitForOne(processes.Select(static p => p.Pid), limit);
}
