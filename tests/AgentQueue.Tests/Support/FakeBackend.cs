using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>
/// Starts supervisors as processes of the world: each inherits its task's lock at once. They live when a
/// test says so, or, in the simulation, whenever it is their turn.
/// </summary>
internal sealed class FakeBackend(World world)
{
    /// <summary>Those that have been started and have not lived yet.</summary>
    public List<FakeSupervisor> Waiting { get; } = [];

    public List<FakeSupervisor> All { get; } = [];

    /// <summary>Told of each supervisor; null leaves it waiting.</summary>
    public Action<FakeSupervisor>? Launched { get; set; }

    public IBackend For(MemoryProcess process) => new Seat(this, process);

    /// <summary>Lets supervisors live, one after the other, until none is left waiting.</summary>
    public void LiveAll()
    {
        while (Waiting.Count > 0)
        {
            var next = Waiting[0];
            Waiting.RemoveAt(0);
            next.Live();
        }
    }

    private FakeSupervisor Start(string task, nint? descriptor)
    {
        var process = world.Disk.Process($"supervisor {All.Count} of {task}");
        var held = descriptor is { } number ? process.Inherit(number) : null;
        var supervisor = new FakeSupervisor(world, process, task, held);
        All.Add(supervisor);
        if (Launched is { } launched)
        {
            launched(supervisor);
        }
        else
        {
            Waiting.Add(supervisor);
        }

        return supervisor;
    }

    private sealed class Seat(FakeBackend all, MemoryProcess process) : IBackend
    {
        public ISupervisorStart Launch(TaskId id, HeldLock taskLock)
        {
            process.ThrowIfDead();
            return all.Start(id.Value, taskLock.Descriptor);
        }

        public void LaunchKeeper(QueueScope scope)
        {
            process.ThrowIfDead();
            all.Start(scope.Word, null);
        }
    }
}

/// <summary>A supervisor's process, and the line on which it reports to its launcher.</summary>
internal sealed class FakeSupervisor(
    World world,
    MemoryProcess process,
    string task,
    HeldLock? inherited
) : ISupervisorStart, ILauncherLine
{
    public MemoryProcess Process { get; } = process;
    public string Task { get; } = task;
    public string? Word { get; private set; }
    public bool IsClosed { get; private set; }

    public void Live()
    {
        var own = new AgentqProcess(world, Process);
        try
        {
            using (inherited)
            {
                new SupervisorProcess(own.Queue, own.Supervisor, own.RunOf, this).Live(
                    Task,
                    inherited
                );
            }
        }
        catch (QueueException)
        {
            // As in the process of its own: nobody is there to be told; the files say how far it came.
        }
        catch (ProcessDied)
        {
            // Killed: what it held is free, and there is nobody to tell.
        }
        finally
        {
            Process.Die();
        }
    }

    public StartReport Await(TimeSpan patience) =>
        Word?.Split(' ', 2) switch
        {
            ["started", var pid] => new StartReport.Started(
                int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture)
            ),
            ["failed", var message] => new StartReport.Failed(message),
            ["skipped"] => new StartReport.Skipped(),
            _ => new StartReport.Unknown(),
        };

    public void Tell(string word) => Word ??= word;

    public void Dispose() => IsClosed = true;
}
