using System.Collections.Immutable;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>What a loss of power and the passes after it have left.</summary>
internal sealed record Leftover(MemoryDisk Disk, IReadOnlyDictionary<TaskId, AgentTask> Tasks);

/// <summary>What agentq has promised by returning, or by starting an agent; nothing may take it back.</summary>
internal sealed record Promise(string Text, Func<Leftover, bool> Holds);

/// <summary>
/// A flow on a disk in memory, with the disk at each of its steps and with what had been promised by then.
/// </summary>
internal sealed class PowerLossStory
{
    private ImmutableArray<Promise> _promises = [];
    private int _version;
    private bool _begun;

    public PowerLossStory(bool forgetsFiles = false, bool forgetsFolders = false)
    {
        World.Disk.ForgetsFileSyncs = forgetsFiles;
        World.Disk.ForgetsFolderSyncs = forgetsFolders;
        World.Time.TicksWhenLookedAt = true;
        Own = World.Open();
        World.Host.Launched = a => PromiseBegun(a.Task);
    }

    public World World { get; } = new();
    public AgentqProcess Own { get; }
    public List<PowerLossMoment> Moments { get; } = [];

    public int Count => Ids().Count;

    /// <summary>What came before is durable; from here on the power may go.</summary>
    public void Begin()
    {
        if (_begun)
        {
            return;
        }

        _begun = true;
        World.Disk.Plant(PowerLossMoment.ForeignFile, PowerLossMoment.Foreign);
        World.Disk.Before = step =>
        {
            if (step.Changes)
            {
                Look();
            }
        };
    }

    /// <summary>The moment after the last step.</summary>
    public void End() => Look();

    public void Promise(string text, Func<Leftover, bool> holds)
    {
        _promises = _promises.Add(new Promise(text, holds));
        _version++;
    }

    /// <summary>What comes next changes what was promised last.</summary>
    public void WithdrawLast()
    {
        _promises = _promises.RemoveAt(_promises.Length - 1);
        _version++;
    }

    public void PromiseTask(TaskId id) =>
        Promise($"I3: {id} is there", l => l.Tasks.ContainsKey(id));

    public void PromiseAll()
    {
        foreach (var id in Ids())
        {
            PromiseTask(id);
        }
    }

    public void PromiseBegun(TaskId id) =>
        Promise(
            $"{id} is not started again by itself",
            l => l.Tasks[id].State is not TaskState.Pending
        );

    public void PromiseVerdicts()
    {
        foreach (var id in Ids())
        {
            PromiseVerdict(id);
        }
    }

    public void PromiseVerdict(TaskId id)
    {
        var state = Assert.IsAssignableFrom<TaskState.Finished>(World.Read(id).State);
        var before = VerdictOf(state);
        Promise(
            $"I2: {id} stays {before}",
            l => l.Tasks[id].State is TaskState.Finished now && VerdictOf(now) == before
        );
        Promise($"the marker of {id} is there", l => SentinelsOf(l, id).Any());
        if (state.ExitCode is { } code)
        {
            // Not synced, since the task's file has the code too: lost or torn, but never another code.
            Promise(
                $"the exit code beside {id} is true",
                l =>
                    l.Disk.TryRead(PathOf(l, id, ".exitcode")) is not [.., (byte)'\n'] text
                    || text.AsSpan().SequenceEqual(System.Text.Encoding.ASCII.GetBytes($"{code}\n"))
            );
        }
    }

    private void Look() =>
        Moments.Add(new PowerLossMoment(World.Disk.Freeze(), _promises, _version));

    private List<TaskId> Ids() =>
        [
            .. World
                .Disk.FilesIn(PowerLossMoment.TasksFolder)
                .Select(static f => PowerLossMoment.IdOf(f.Name))
                .OfType<TaskId>(),
        ];

    private static string VerdictOf(TaskState.Finished state) =>
        $"{state.GetType().Name} at {state.CompletedAt:O}, {state.ExitCode}";

    private static IEnumerable<Sentinel> SentinelsOf(Leftover l, TaskId id) =>
        SentinelNames.All.Where(k =>
            k != Sentinel.ExitCode && l.Disk.Has(PathOf(l, id, SentinelNames.Extension(k)))
        );

    // Some files of a task that is being archived have moved already.
    private static string PathOf(Leftover l, TaskId id, string extension)
    {
        var path = $"{PowerLossMoment.TasksFolder}/{id}{extension}";
        return l.Disk.Has(path) ? path : $"{PowerLossMoment.ArchiveFolder}/{id}{extension}";
    }
}
