using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Native;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>A process of a task of this queue that no supervisor looks after.</summary>
internal sealed record Orphan(ProcessEntry Process, TaskId Task, string Command);

/// <summary>
/// Finds processes that carry the mark of a task of this queue (its id and this project's root in their
/// environment) although that task has ended or does not exist. Each is signalled only while it is still
/// the process that was found.
/// </summary>
internal sealed class OrphanedProcesses(ProjectQueue project)
{
    private const int LongestCommand = 60;
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    public void Check(List<Finding> findings)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var orphans = Find();
        findings.AddRange(
            orphans.Select(o => new Finding(
                "processes",
                Health.Problem,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Process {o.Process.Pid} ({o.Command}) is left of {o.Task}, which {Fate(o.Task)}"
                ),
                "End it: agentq doctor --fix"
            ))
        );
        if (orphans.Count == 0)
        {
            findings.Add(new Finding("processes", Health.Ok, "None is left of an ended task"));
        }
    }

    /// <summary>Ends them; returns how many are gone.</summary>
    public int End()
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        var clock = project.Clock;
        var found = Find().Select(static o => o.Process).ToList();
        foreach (
            var signals in (ReadOnlySpan<int[]>)
                [
                    [Posix.SIGTERM, Posix.SIGCONT],
                    [Posix.SIGKILL],
                ]
        )
        {
            foreach (var process in found.Where(IsAlive))
            {
                LinuxProcessTree.Signal(process, signals);
            }

            var start = clock.GetTimestamp();
            while (found.Exists(IsAlive) && clock.GetElapsedTime(start) < s_grace)
            {
                LinuxProcessTree.WaitForAny(
                    [.. found.Where(IsAlive)],
                    TimeSpan.FromMilliseconds(100)
                );
            }
        }

        return found.Count(static p => !IsAlive(p));
    }

    public IReadOnlyList<Orphan> Find()
    {
        var all = ProcessTable.All();
        var spared = Ancestors(all);
        var orphans = new List<Orphan>();
        var fates = new Dictionary<TaskId, bool>();
        foreach (var process in all)
        {
            if (
                process.IsZombie
                || spared.Contains(process.Pid)
                || ProcessTable.EnvironmentValue(process.Pid, AgentEnvironment.TaskIdVariable)
                    is not { } text
                || !TaskId.TryParse(text, out var id)
                || !IsThisProject(process.Pid)
                || DetachedLaunch.StandsApart(process.Pid)
            )
            {
                continue;
            }

            if (!fates.TryGetValue(id, out var abandoned))
            {
                fates[id] = abandoned = IsAbandoned(id);
            }

            if (abandoned)
            {
                orphans.Add(new Orphan(process, id, CommandOf(process.Pid)));
            }
        }

        return orphans;
    }

    private bool IsThisProject(int pid) =>
        ProcessTable.EnvironmentValue(pid, AgentEnvironment.RootVariable) is { Length: > 0 } root
        && (
            root == project.Root
            // Another way to the same folder.
            || FileStat.Of(Path.Join(root, QueueFolder.FolderName))
                is { IsFolder: true, Inode: var inode }
                && inode == FileStat.Of(project.Queue.Folder)?.Inode
        );

    private bool IsAbandoned(TaskId id)
    {
        if (project.Queue.IsSupervised(id))
        {
            return false;
        }

        return Read(id) switch
        {
            // Settled, with all that is left of it, by the reconciler.
            { State: TaskState.Running } => false,
            { } task => !MayLeaveChildren(task.Agent),
            null => project.Queue.Read(id) is not TaskRead.Unreadable,
        };
    }

    private AgentTask? Read(TaskId id) =>
        project.Queue.Read(id) is TaskRead.Found(var task, _) ? task
        : project.Queue.ReadArchived(id) is TaskRead.Found(var archived, _) ? archived
        : null;

    private bool MayLeaveChildren(string agent)
    {
        try
        {
            return project.Config.Agents.TryGetValue(agent, out var definition)
                && definition.KeepChildren;
        }
        catch (QueueException)
        {
            // The configuration has an error, which is told elsewhere; until then nothing is ended.
            return true;
        }
    }

    private string Fate(TaskId id) =>
        Read(id) is { } task ? $"is {TaskJson.NameOf(task.Status)}" : "does not exist any more";

    // Whoever called us from inside a task is not to be ended by us.
    private static HashSet<int> Ancestors(List<ProcessEntry> all)
    {
        var parents = new Dictionary<int, int>();
        foreach (var process in all)
        {
            parents[process.Pid] = process.Parent;
        }

        var ancestors = new HashSet<int> { Environment.ProcessId };
        var pid = Environment.ProcessId;
        while (parents.TryGetValue(pid, out pid) && ancestors.Add(pid)) { }

        return ancestors;
    }

    private static bool IsAlive(ProcessEntry process) =>
        ProcessTable.Read(process.Pid) is { IsZombie: false } now
        && now.StartTicks == process.StartTicks;

    private static string CommandOf(int pid)
    {
        var line = ProcessTable.CommandLine(pid).Replace('\0', ' ').Trim();
        return line.Length <= LongestCommand ? line : line[..LongestCommand] + "…";
    }
}
