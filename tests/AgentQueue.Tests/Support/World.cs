using AgentQueue.Keeping;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>A machine with one project: its disk, its time, its agents, and agentq's processes on it.</summary>
internal sealed class World
{
    public const string Root = "/project";

    public World()
        : this(new MemoryDisk(new FakeTime())) => Disk.Plant(Root + "/.keep", "");

    /// <summary>A machine that finds this disk, as after a loss of power.</summary>
    public World(MemoryDisk disk)
    {
        Time = disk.Time;
        Disk = disk;
        Host = new FakeAgentHost(Disk, Time);
        Orphans = new FakeOrphans(Host);
        Backend = new FakeBackend(this);
    }

    public FakeTime Time { get; }
    public MemoryDisk Disk { get; }
    public FakeAgentHost Host { get; }
    public FakeOrphans Orphans { get; }
    public FakePlanner Planner { get; } = new();
    public FakeBackend Backend { get; }

    /// <summary>A process of agentq on this machine.</summary>
    public AgentqProcess Open(string name = "agentq") => new(this, Disk.Process(name));

    /// <summary>A queue with this task in it, whatever its state, and nothing that runs.</summary>
    public AgentTask Put(AgentTask task)
    {
        var queue = new QueueFolder(Root, Disk.Process("setup"));
        if (!queue.Exists)
        {
            queue.Create();
        }

        if (!queue.TryCreate(task))
        {
            queue.Write(task);
        }

        return task;
    }

    public AgentTask Read(TaskId id)
    {
        var before = Disk.Before;
        Disk.Before = null;
        try
        {
            return new QueueFolder(Root, Disk.Process("look")).ReadOrThrow(id);
        }
        finally
        {
            Disk.Before = before;
        }
    }

    /// <summary>A plain pending task.</summary>
    public AgentTask NewTask(string token, Func<AgentTask, AgentTask>? change = null)
    {
        var task = new AgentTask
        {
            Id = TaskId.Parse("task_" + token),
            Agent = "coder",
            Prompt = "do it",
            CreatedAt = Time.GetUtcNow(),
            State = new TaskState.Pending(),
        };
        return change is null ? task : change(task);
    }
}

/// <summary>The real library, put together for one process.</summary>
internal sealed class AgentqProcess
{
    public AgentqProcess(World world, MemoryProcess disk)
    {
        Disk = disk;
        Queue = new QueueFolder(World.Root, disk);
        Retries = new Retries(Queue, world.Time);
        Reconciler = new Reconciler(Queue, world.Orphans.For(disk), Retries, world.Time);
        RunOf = scope => new QueueRun(
            Queue,
            Reconciler,
            Retries,
            world.Planner,
            world.Backend.For(disk),
            world.Time,
            scope
        );
        Run = RunOf(QueueScope.None);
        NewTasks = new NewTasks(Queue, world.Time);
        Control = new TaskControl(Queue, Reconciler, world.Time);
        Wait = new QueueWait(Queue, Reconciler, world.Time);
        Foreground = new ForegroundRun(Queue, Reconciler, Run, world.Time);
        Cleaning = new Cleaning(Queue, Reconciler, world.Time);
        Archive = new TaskArchive(Queue, Reconciler, world.Time);
        Supervisor = new Supervisor(Queue, world.Planner, world.Host.For(disk), world.Time);
    }

    public MemoryProcess Disk { get; }
    public QueueFolder Queue { get; }
    public Retries Retries { get; }
    public Reconciler Reconciler { get; }
    public QueueRun Run { get; }
    public Func<QueueScope, QueueRun> RunOf { get; }
    public NewTasks NewTasks { get; }
    public TaskControl Control { get; }
    public QueueWait Wait { get; }
    public ForegroundRun Foreground { get; }
    public Cleaning Cleaning { get; }
    public TaskArchive Archive { get; }
    public Supervisor Supervisor { get; }

    public AgentTask Read(TaskId id) => Queue.ReadOrThrow(id);

    /// <summary>Runs a task as its supervisor does, in this process, to its end.</summary>
    public AgentTask? Supervise(TaskId id)
    {
        using var held = Queue.TryLockTask(id);
        return Supervisor.Run(id, static _ => { });
    }
}

/// <summary>Finds the processes of a task as long as they can be reached.</summary>
internal sealed class FakeOrphans(FakeAgentHost host)
{
    /// <summary>False: they run on another machine.</summary>
    public bool Reachable { get; set; } = true;

    public List<TaskId> Ended { get; } = [];

    public IOrphans For(MemoryProcess process) => new Seat(this, process);

    private sealed class Seat(FakeOrphans all, MemoryProcess process) : IOrphans
    {
        public bool End(TaskId id, RunIdentity? identity)
        {
            process.ThrowIfDead();
            if (!all.Reachable)
            {
                return false;
            }

            all.Ended.Add(id);
            all.Host.KillAll(id);
            return true;
        }
    }

    private FakeAgentHost Host { get; } = host;
}

/// <summary>Plans without a configuration; what differs from the defaults is set by the test.</summary>
internal sealed class FakePlanner : IAgentPlanner
{
    public Dictionary<string, int> Limits { get; } = [];

    /// <summary>Changes the plan of every task.</summary>
    public Func<AgentPlan, AgentPlan> Change { get; set; } = static p => p;

    /// <summary>Thrown instead of a plan.</summary>
    public QueueException? Refuses { get; set; }

    public AgentPlan Plan(AgentTask task) =>
        Refuses is { } problem
            ? throw problem
            : Change(
                new AgentPlan
                {
                    Executable = "/bin/agent",
                    Arguments = [task.Prompt],
                    Environment = [],
                    WorkingFolder = World.Root,
                    Timeout = task.Timeout,
                    IdleTimeout = task.IdleTimeout,
                }
            );

    public int? MaxParallel(string agent) =>
        Limits.TryGetValue(agent, out var limit) ? limit : null;
}
