using System.Text;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>Starts scripted agents on the disk in memory and remembers all of them.</summary>
internal sealed class FakeAgentHost(MemoryDisk disk, FakeTime time)
{
    /// <summary>What the agent of a task does; by default it works for a second and exits with 0.</summary>
    public Func<TaskId, FakeAgent> Script { get; set; } = static _ => new FakeAgent().Exit(1);

    public List<FakeAgentProcess> Started { get; } = [];

    public IEnumerable<FakeAgentProcess> Alive => Started.Where(static a => a.IsAlive);

    public IEnumerable<FakeAgentProcess> Of(TaskId id) => Started.Where(a => a.Task == id);

    /// <summary>Called as soon as an agent lives.</summary>
    public Action<FakeAgentProcess>? Launched { get; set; }

    /// <summary>The host as one supervisor's process has it.</summary>
    public IAgentHost For(MemoryProcess supervisor) => new Seat(this, supervisor);

    /// <summary>Every process that carries the task's mark ends.</summary>
    public void KillAll(TaskId id)
    {
        foreach (var agent in Of(id))
        {
            agent.KillAll();
        }
    }

    public void LosePower()
    {
        foreach (var agent in Alive.ToList())
        {
            agent.KillAll();
        }
    }

    private FakeAgentProcess Start(AgentLaunch launch, MemoryProcess supervisor)
    {
        supervisor.ThrowIfDead();
        var id = TaskId.Parse(Path.GetFileNameWithoutExtension(launch.Mark));
        var agent = Script(id);
        if (agent.LaunchError is { } error)
        {
            throw new LaunchException(error);
        }

        var process = new FakeAgentProcess(
            id,
            agent,
            launch,
            disk,
            time,
            supervisor,
            Started.Count
        );
        Started.Add(process);
        Launched?.Invoke(process);
        process.Begin();
        return process;
    }

    private sealed class Seat(FakeAgentHost host, MemoryProcess supervisor) : IAgentHost
    {
        public IAgentProcess Start(AgentLaunch launch) => host.Start(launch, supervisor);
    }
}

/// <summary>A scripted agent with its descendants; it holds the task's alive lock while any of them lives.</summary>
internal sealed class FakeAgentProcess : IAgentProcess
{
    private readonly FakeAgent _agent;
    private readonly MemoryDisk _disk;
    private readonly FakeTime _time;
    private readonly MemoryProcess _own;
    private readonly MemoryProcess _supervisor;
    private readonly string _knockFile;
    private bool _knocked;
    private bool _childLives;

    public FakeAgentProcess(
        TaskId task,
        FakeAgent agent,
        AgentLaunch launch,
        MemoryDisk disk,
        FakeTime time,
        MemoryProcess supervisor,
        int number
    )
    {
        (Task, Launch, _agent, _disk, _time, _supervisor) = (
            task,
            launch,
            agent,
            disk,
            time,
            supervisor
        );
        _knockFile = launch.KnockFile;
        _own = disk.Process($"agent of {task}");
        _own.Inherit(launch.AliveDescriptor);
        _childLives = agent.LeavesChild;
        Identity = new ProcessIdentity(ProcessIdentity.ThisMachine, 100_000 + number, number);
        _disk.Touched += Hear;
    }

    public TaskId Task { get; }

    public AgentLaunch Launch { get; }

    public ProcessIdentity Identity { get; }

    public ExitStatus? Exit { get; private set; }

    public bool IsAlive => !_own.IsDead;

    public bool WasTold { get; private set; }

    /// <summary>TERM to the supervisor.</summary>
    public void TellSupervisorToEnd() => WasTold = true;

    public void Begin()
    {
        foreach (var (at, act) in _agent.Script)
        {
            _time.Plan(
                at,
                () =>
                {
                    if (IsAlive && Exit is null)
                    {
                        act(this);
                    }
                }
            );
        }
    }

    public void End(ExitStatus exit)
    {
        Exit ??= exit;
        if (!_childLives)
        {
            Gone();
        }
    }

    public void Drop(Sentinel kind, string content = "") =>
        _disk.Drop(
            _own,
            System.IO.Path.Join(
                Path.GetDirectoryName(Path.GetDirectoryName(_knockFile)),
                "tasks",
                Task.Value + SentinelNames.Extension(kind)
            ),
            content
        );

    public void Print(string text) => _own.Append(Launch.LogFile, Encoding.UTF8.GetBytes(text));

    public Wake Wait(TimeSpan limit)
    {
        // To the system a negative time is for ever.
        ArgumentOutOfRangeException.ThrowIfNegative(limit.Ticks);
        _supervisor.ThrowIfDead();
        _time.Wait(limit, () => Exit is not null || _knocked || WasTold || _supervisor.IsDead);
        _supervisor.ThrowIfDead();
        var wake = Wake.None;
        wake |= Exit is not null ? Wake.AgentEnded : Wake.None;
        wake |= _knocked ? Wake.Knocked : Wake.None;
        wake |= WasTold ? Wake.ToldToEnd : Wake.None;
        _knocked = false;
        return wake;
    }

    public void EndAll(TimeSpan grace)
    {
        _supervisor.ThrowIfDead();
        if (Exit is null && _agent.IgnoresTerm)
        {
            _time.Wait(grace, () => Exit is not null || _supervisor.IsDead);
            _supervisor.ThrowIfDead();
            Exit ??= ExitStatus.Killed(9);
        }

        Exit ??= ExitStatus.Killed(15);
        Gone();
    }

    public void EndLeftovers(TimeSpan grace)
    {
        _supervisor.ThrowIfDead();
        Gone();
    }

    public void KillAll()
    {
        Exit ??= ExitStatus.Killed(9);
        Gone();
    }

    public void Dispose() => _disk.Touched -= Hear;

    private void Gone()
    {
        _childLives = false;
        _own.Die();
    }

    private void Hear(string path) => _knocked |= path == _knockFile;
}
