namespace AgentQueue.Processes;

/// <summary>
/// The processes of one task. Agents run their shell commands in sessions of their own, so neither a group
/// nor a parent's number reaches them: descendants are listed from the process table, and processes
/// outside the tree are known by the task's mark in their environment, or by the lock file that only
/// processes of the task inherit. A process is signalled only after its identity was checked.
/// </summary>
internal abstract class ProcessTree(int root, long rootStart, string mark, string? aliveFile)
{
    // While waiting for the grace to pass, new descendants are looked for this often.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    protected static readonly int Self = Environment.ProcessId;

    /// <summary>The agent's process.</summary>
    protected int Root => root;

    /// <param name="root">The agent's process, and when it started; 0 if it is not known.</param>
    /// <param name="mark">The environment entry that marks every process of the task.</param>
    /// <param name="aliveFile">The lock file that its processes inherit; null if it need not be looked for.</param>
    /// <returns>Null on a system whose processes cannot be told apart.</returns>
    public static ProcessTree? Of(int root, long rootStart, string mark, string? aliveFile) =>
        OperatingSystem.IsLinux() ? new LinuxProcessTree(root, rootStart, mark, aliveFile)
        : OperatingSystem.IsMacOS() ? new MacProcessTree(root, rootStart, mark)
        : OperatingSystem.IsWindows() ? new WindowsProcessTree(root, rootStart, mark)
        : null;

    /// <summary>
    /// All living processes of the task. With <paramref name="adopted"/> also what the task's supervisor,
    /// this process, knows to be its own; otherwise the descendants of the root and what carries the mark.
    /// </summary>
    public List<ProcessEntry> Members(bool adopted)
    {
        var all = ProcessTable.All();
        var seen = new HashSet<int> { Self };
        var members = Descendants(all, adopted, seen);
        foreach (var p in all)
        {
            // Only what is younger than the task can carry its mark.
            if (!p.IsZombie && p.StartTicks >= rootStart && !seen.Contains(p.Pid) && IsMarked(p))
            {
                members.Add(p);
            }
        }

        Found(members);
        return members;
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
                        Ask(p);
                    }
                }

                WaitForOne(members, left < s_look ? left : s_look);
                continue;
            }

            if (++rounds > 100)
            {
                return false;
            }

            Kill(members);
            WaitForOne(members, TimeSpan.FromMilliseconds(20));
        }

        return true;
    }

    /// <summary>Asks a process to end, if it is still the one that was listed.</summary>
    protected abstract void Ask(ProcessEntry process);

    /// <summary>Ends processes at once, those of them that are still the ones that were listed.</summary>
    protected abstract void Kill(List<ProcessEntry> processes);

    /// <summary>Waits until one of them ends, at most that long.</summary>
    protected abstract void WaitForOne(List<ProcessEntry> processes, TimeSpan limit);

    /// <summary>Where the tree begins: these and all their descendants are the task's.</summary>
    protected abstract IEnumerable<ProcessEntry> Tops(List<ProcessEntry> all, bool adopted);

    protected bool IsRoot(ProcessEntry process) =>
        root > 1 && process.Pid == root && process.StartTicks == rootStart;

    /// <summary>True if it says itself that it belongs to the task.</summary>
    protected bool IsMarked(ProcessEntry process) =>
        ProcessTable.HasEnvironment(process.Pid, mark)
        || (
            aliveFile is not null
            && ProcessTable.HasOpen(process.Pid, aliveFile)
            // Another agentq opens it for a moment, to see whether it is locked.
            && !ProcessTable.IsThisProgram(process.Pid)
        );

    /// <summary>Told what was found, for systems on which it could not be found a second time.</summary>
    protected virtual void Found(List<ProcessEntry> members) { }

    /// <summary>
    /// Lets orphans go that came to us and have died. Never the agent itself: its number must not pass on
    /// while its group is being signalled.
    /// </summary>
    protected virtual void ReapAdopted() { }

    /// <param name="seen">What need not be looked at; grows by what was.</param>
    protected List<ProcessEntry> Descendants(
        List<ProcessEntry> all,
        bool adopted,
        HashSet<int> seen
    )
    {
        var children = all.ToLookup(static p => p.Parent);
        var members = new List<ProcessEntry>();
        var open = new Stack<ProcessEntry>(Tops(all, adopted));
        while (open.TryPop(out var p))
        {
            // Everything descends from 0 and 1. A supervisor that the agent started through agentq, and the
            // hooks of an event, are not the agent's to take along.
            if (
                p.Pid <= 1
                || !seen.Add(p.Pid)
                || (p.Pid != root && DetachedLaunch.StandsApart(p.Pid))
            )
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

        return members;
    }
}
