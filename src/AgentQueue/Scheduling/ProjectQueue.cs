using AgentQueue.Config;
using AgentQueue.Native;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Everything that works on one project's queue, put together once. Whatever starts it, a verb, a
/// supervisor or a server, enters the library here; what a call does not use is not made.
/// </summary>
internal sealed class ProjectQueue
{
    private readonly Lazy<Settings> _settings;
    private readonly Lazy<ConfigPlanner> _planner;
    private readonly Lazy<Retries> _retries;
    private readonly Lazy<Reconciler> _reconciler;
    private readonly Lazy<QueueRun> _run;

    public ProjectQueue(string root, TimeProvider clock)
    {
        Root = root;
        Clock = clock;
        _settings = new(() => Settings.Load(Path.Join(root, QueueFolder.FolderName)));
        Queue = new QueueFolder(root, RealDisk, () => _settings.Value.Fsync);
        _planner = new(() => new ConfigPlanner(Queue, () => _settings.Value));
        _retries = new(() =>
            new Retries(Queue, clock)
            {
                FallbackOfAgent = name =>
                    Config.Agents.TryGetValue(name, out var agent) ? agent.Work.Fallback : [],
            }
        );
        _reconciler = new(() =>
            new Reconciler(Queue, new LocalOrphans(Queue, clock), Retries, clock)
            {
                ReaderOf = task => Planner.ReaderOf(task),
            }
        );
        _run = new(() =>
            new QueueRun(Queue, Reconciler, Retries, Planner, new LocalBackend(Queue), clock)
        );
    }

    /// <summary>
    /// Starts the tasks that events have stored, where events are listened to. Not to be called while the queue's
    /// lock is held.
    /// </summary>
    public Action StartFollowers { get; set; } = static () => { };

    /// <summary>The disk of this machine.</summary>
    // Stryker disable once all: a test sees one system
    public static IDisk RealDisk { get; } =
        OperatingSystem.IsWindows() ? new WindowsDisk(TimeProvider.System) : new UnixDisk();

    /// <summary>The project's root folder, absolute.</summary>
    public string Root { get; }
    public TimeProvider Clock { get; }
    public QueueFolder Queue { get; }
    public Settings Settings => _settings.Value;
    public AgentConfig Config => _planner.Value.Config;

    /// <summary>See <see cref="ConfigPlanner.Files"/>.</summary>
    public IReadOnlyCollection<string> ConfigFiles => _planner.Value.Files;
    public IAgentPlanner Planner => _planner.Value;
    public Reconciler Reconciler => _reconciler.Value;
    public Retries Retries => _retries.Value;
    public QueueRun Run => _run.Value;

    /// <summary>Starting the tasks of a scope.</summary>
    public QueueRun RunOf(QueueScope scope) =>
        scope == QueueScope.None
            ? Run
            : new QueueRun(
                Queue,
                Reconciler,
                Retries,
                Planner,
                new LocalBackend(Queue),
                Clock,
                scope
            );

    /// <summary>
    /// After a change that may have made tasks ready: fills the slots of every drain that is on. True if that
    /// started any.
    /// </summary>
    public bool ContinueDrains()
    {
        var any = Run.ContinueDrain() is { Started.Count: > 0 };
        foreach (var run in Drain.Runs(Queue))
        {
            any |= RunOf(run).ContinueDrain() is { Started.Count: > 0 };
        }

        StartFollowers();
        return any;
    }

    public TaskLookup Lookup => new(Queue);
    public NewTasks NewTasks =>
        new(Queue, Clock)
        {
            Most = Settings.MaxQueuedTasks,
            ChecksOfAgent = name =>
                Config.Agents.TryGetValue(name, out var agent) ? agent.Work.Checks : null,
        };
    public TaskControl Control => new(Queue, Reconciler, Clock);
    public ForegroundRun Foreground => new(Queue, Reconciler, Run, Clock);
    public QueueWait Wait => new(Queue, Reconciler, Clock);
    public LogFollow LogFollow => new(Queue, Wait, Clock);

    /// <summary>
    /// The queue as it is now, settled as far as it can be. What keeps it from being settled, such as a
    /// full or read-only disk, must not keep anybody from looking: it is only told of.
    /// </summary>
    public QueueSnapshot Look(bool autoRetry, Action<QueueException> problem)
    {
        try
        {
            var (snapshot, changed) = Reconciler.Reconcile(autoRetry);
            // Stryker disable once Equality: what a pass starts here is a real process
            var isOld = changed > 0 && ContinueDrains();
            isOld |= StartLeftFollowers(snapshot);
            return Reconciler.ShowEnded(snapshot, problem) || isOld
                ? QueueSnapshot.Take(Queue)
                : snapshot;
        }
        catch (QueueException e)
        {
            problem(e);
            Reconciler.ShowUnrecorded();
            return QueueSnapshot.Take(Queue);
        }
    }

    // Stored by somebody who died before starting them, or whose turn came when nobody was there.
    private bool StartLeftFollowers(QueueSnapshot snapshot) =>
        snapshot.Unfinished.Exists(t =>
            EventTaskId.Is(t.Id)
            && t.State is TaskState.Pending { Held: false }
            && !(snapshot.MayBeSupervised(t.Id) && Queue.IsSupervised(t.Id))
        ) && RunOf(QueueScope.Events).ContinueDrain() is { Started.Count: > 0 };

    /// <summary>As <see cref="Look"/>, for one task: the others cost nothing.</summary>
    public void Refresh(TaskId id, Action<QueueException> problem)
    {
        try
        {
            if (Reconciler.Refresh(id))
            {
                ContinueDrains();
            }
        }
        catch (QueueException e)
        {
            problem(e);
            Reconciler.ShowUnrecorded();
        }
    }

    /// <summary>
    /// Refuses what could never be started: an agent that does not exist, a prompt too long for it.
    /// </summary>
    public void CheckDeliverable(NewTask request)
    {
        var agent = Config.Find(request.Agent, request.Options);
        if (agent.Work.Adapter is null && request.Options is not null)
        {
            throw QueueException.Usage(
                $"Agent '{agent.Name}' has no adapter, so agentq cannot tell it about a model, a permission or a limit",
                $"Put them into its args, or set \"adapter\" for it in {AgentConfig.FileName}"
            );
        }

        CheckFallback(request, agent);
        var adapter = agent.Work.Adapter is { } name ? Config.Adapters.Find(name) : null;
        if (request.Options?.MaxUsd is not null && adapter is not { TellsDollars: true })
        {
            throw QueueException.Usage(
                $"Agent '{agent.Name}' tells no dollars, so nobody could hold it to an amount of them",
                "Limit its tokens instead: --max-tokens N"
            );
        }

        if (request.Checks is { FixAttempts: > 0 } && adapter?.Resume is null)
        {
            throw QueueException.Usage(
                $"Agent '{agent.Name}' cannot go on with a session, so it cannot mend what a check says",
                "Leave --fix-attempts away, or let it be retried"
            );
        }

        if (
            request.Checks is { FixAttempts: > 0 }
            && WorkChecks.Join(request.Checks, agent.Work.Checks) is { IsEmpty: true }
        )
        {
            throw QueueException.Usage(
                "--fix-attempts says how often a check that fails is mended, and there is no check",
                $"Add one: --verify \"COMMAND\", --require-changes or --require-clean, or \"verify\" of agent '{agent.Name}'"
            );
        }

        if (
            agent.PromptVia == PromptVia.Arg
            && System.Text.Encoding.UTF8.GetByteCount(request.Prompt)
                > AgentTemplate.LongestPromptArgument
        )
        {
            throw QueueException.Usage(
                $"The prompt is longer than {AgentTemplate.LongestPromptArgument / 1024} KiB, which '{agent.Name}' cannot be given as an argument",
                "Set \"promptVia\": \"stdin\" for it in agent-config.json"
            );
        }
    }

    private void CheckFallback(NewTask request, AgentDefinition agent)
    {
        var onLimit = (request.Options?.OnLimit ?? agent.Work.OnLimit)?.Fallback;
        if (
            onLimit == agent.Name
            || request.Options?.Fallback?.Contains(agent.Name, StringComparer.Ordinal) == true
        )
        {
            throw QueueException.Usage(
                $"Agent '{agent.Name}' cannot take over from itself",
                "Name another one: --on-limit fallback:AGENT; see the agents: agentq agents"
            );
        }

        if (request.Options?.OnLimit?.Fallback is { } fallback)
        {
            Config.Find(fallback);
        }
    }

    /// <summary>What the hidden verb does, from the inherited lock to the last task of a drain.</summary>
    /// <param name="task">What the launcher wrote there.</param>
    // Stryker disable once all: turns its own process into a supervisor; the end-to-end tests run it
    public void LiveAsSupervisor(string task, InheritedHandles handles)
    {
        if (!OperatingSystem.IsWindows())
        {
            CoreDumps.Forbid();
        }

        using var line = new LauncherPipe(handles.Report);
        using var inherited = TaskId.TryParse(task, out _) ? Adopt(handles.Lock) : null;
        var host = SystemHost(Clock);
        var supervisor = new Supervisor(Queue, Planner, host, Clock);
        new SupervisorProcess(
            Queue,
            supervisor,
            RunOf,
            line,
            StartFollowers,
            parked => new ParkedTask(Queue, Planner, parked, Clock),
            host.Idle
        ).Live(task, inherited);
    }

    // Stryker disable once all: a test sees one system
    private static HeldLock Adopt(nint inherited) =>
        OperatingSystem.IsWindows() ? WindowsLock.Adopt(inherited) : new UnixLock((int)inherited);

    // Stryker disable once all: a test sees one system
    private static IAgentHost SystemHost(TimeProvider clock) =>
        OperatingSystem.IsLinux() ? new LinuxAgentHost(clock)
        : OperatingSystem.IsMacOS() ? new MacAgentHost(clock)
        : OperatingSystem.IsWindows() ? new WindowsAgentHost(clock)
        : throw new QueueException("agentq cannot run agents on this system");
}
