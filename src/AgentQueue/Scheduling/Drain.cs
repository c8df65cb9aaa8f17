using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>What a drain goes by.</summary>
/// <param name="Parallel">How many of its tasks may run at once.</param>
internal sealed record DrainRules(int Parallel)
{
    /// <summary>Nothing more is started once a task has failed for good.</summary>
    public bool FailFast { get; init; }

    /// <summary>Nodes of a plan, first and last, of which only so many run at once.</summary>
    public ImmutableArray<(int First, int Last, int Most)> Groups { get; init; } = [];

    /// <summary>The place of a task's group in <see cref="Groups"/>; negative if it is in none.</summary>
    public int GroupOf(TaskId task)
    {
        if (Groups.IsEmpty || RunId.NodeOf(task) is not { } node)
        {
            return -1;
        }

        for (var i = 0; i < Groups.Length; i++)
        {
            if (node >= Groups[i].First && node <= Groups[i].Last)
            {
                return i;
            }
        }

        return -1;
    }

    // 4,fail-fast,3-8:2
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Parallel}");
        if (FailFast)
        {
            text.Append(",fail-fast");
        }

        foreach (var (first, last, most) in Groups)
        {
            text.Append(CultureInfo.InvariantCulture, $",{first}-{last}:{most}");
        }

        return text.ToString();
    }

    /// <summary>Null if it is none.</summary>
    public static DrainRules? Parse(string text)
    {
        var parts = text.Split(',');
        if (Number(parts[0]) is not { } parallel || parallel == 0)
        {
            return null;
        }

        var rules = new DrainRules(parallel);
        var groups = ImmutableArray.CreateBuilder<(int, int, int)>();
        foreach (var part in parts.Skip(1))
        {
            if (part == "fail-fast")
            {
                rules = rules with { FailFast = true };
            }
            else if (
                part.Split(':') is [var nodes, var most]
                && nodes.Split('-') is [var first, var last]
                && (Number(first), Number(last), Number(most)) is ({ } f, { } l, { } m)
            )
            {
                groups.Add((f, l, m));
            }
            else
            {
                return null;
            }
        }

        return rules with
        {
            Groups = groups.ToImmutable(),
        };
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}

/// <summary>
/// <c>run/drain</c>, and <c>run/drain.RUN</c> for the tasks of a run: while it stands, every supervisor whose
/// task has ended fills the free slots again. It names the machine and boot that it belongs to, so that one left
/// over from before a reboot says nothing.
/// </summary>
/// <param name="scope">Whose tasks are drained. Those that events started always are.</param>
internal sealed class Drain(QueueFolder queue, QueueScope scope)
{
    private const string Name = "drain";
    private const string SupervisorsName = "supervisors";
    private const int LongestFile = 1 << 20;

    // Each agent has a limit of its own.
    private static readonly DrainRules s_always = new(AgentConfigReader.MostParallel);

    private readonly string _suffix = scope.Suffix;

    private string Path => System.IO.Path.Join(queue.Run, Name + _suffix);

    /// <summary>Null if it is not being drained.</summary>
    public DrainRules? Rules
    {
        get
        {
            if (scope == QueueScope.Events)
            {
                return s_always;
            }

            var read = queue.Disk.Read(Path, LongestFile);
            var parts = Encoding.UTF8.GetString(read.Content).TrimEnd('\n').Split(' ', 2);
            return parts.Length == 2 && parts[1] == ProcessIdentity.ThisMachine
                ? DrainRules.Parse(parts[0])
                : null;
        }
    }

    public void Begin(DrainRules rules) =>
        queue.Unsynced.ReplaceUnsynced(
            Path,
            Encoding.UTF8.GetBytes($"{rules} {ProcessIdentity.ThisMachine}\n")
        );

    /// <summary>False if there was none. What events started goes on being started.</summary>
    public bool End() => scope == QueueScope.Events || queue.Disk.Delete(Path);

    /// <summary>
    /// Held by every supervisor's process for its whole life, also between two tasks: while anybody holds
    /// it, a drain has not been left behind.
    /// </summary>
    public HeldLock? TryJoin()
    {
        // Somebody who asks whether the drain is deserted holds the file alone for a moment, which may last where the
        // machine is busy; a supervisor that has not joined would be no sign of life.
        for (var i = 0; i < 1000; i++)
        {
            if (queue.Disk.TryLockShared(SupervisorsFile, create: true) is { } joined)
            {
                return joined;
            }

            queue.Disk.Pause(TimeSpan.FromMilliseconds(1));
        }

        return null;
    }

    /// <summary>True if no supervisor lives.</summary>
    public bool IsDeserted
    {
        get
        {
            using var alone = queue.Disk.TryLock(SupervisorsFile, create: true);
            return alone is not null;
        }
    }

    private string SupervisorsFile => System.IO.Path.Join(queue.Run, SupervisorsName + _suffix);

    /// <summary>Held by the one supervisor that waits for the next back-off to end.</summary>
    public HeldLock? TryKeep() => queue.TryLockRun("drain.lock" + _suffix);

    /// <summary>True if somebody waits for the next back-off to end.</summary>
    public bool IsKept
    {
        get
        {
            using var keeper = TryKeep();
            return keeper is null;
        }
    }

    /// <summary>Removes what a drain that is over leaves behind, where there is no next one.</summary>
    public void Forget()
    {
        End();
        queue.Disk.Delete(SupervisorsFile);
        queue.Disk.Delete(System.IO.Path.Join(queue.Run, "drain.lock" + _suffix));
        queue.Disk.Delete(System.IO.Path.Join(queue.Run, "ready" + _suffix));
    }

    /// <summary>
    /// True if a supervisor of any scope lives, also between two tasks; null if somebody else is just asking the same.
    /// </summary>
    public static bool? AnySupervisor(QueueFolder queue)
    {
        bool? any = false;
        foreach (var name in queue.Disk.List(queue.Run))
        {
            if (name.StartsWith(SupervisorsName, StringComparison.Ordinal))
            {
                var path = System.IO.Path.Join(queue.Run, name);
                using var alone = queue.Disk.TryLock(path, create: false);
                if (alone is not null)
                {
                    continue;
                }

                // Supervisors share it; whoever asks holds it alone.
                using var shared = queue.Disk.TryLockShared(path, create: false);
                if (shared is not null)
                {
                    return true;
                }

                any = null;
            }
        }

        return any;
    }

    /// <summary>The runs that are being drained, or were when their supervisors were killed.</summary>
    public static IReadOnlyList<RunId> Runs(QueueFolder queue)
    {
        var runs = new List<RunId>();
        foreach (var name in queue.Disk.List(queue.Run))
        {
            if (
                name.StartsWith(Name + ".", StringComparison.Ordinal)
                && RunId.TryParse(name.AsSpan(Name.Length + 1), out var run)
            )
            {
                runs.Add(run);
            }
        }

        return runs;
    }
}
