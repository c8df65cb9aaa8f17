using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Simulation;

/// <summary>
/// One story of a queue: random commands at once, agents of every kind, processes killed at any step, the
/// power lost, the clock set, the disk full. The real library does all the work. What must hold
/// (the invariants of docs/design.md) is looked at after every step of the disk or of the story.
/// </summary>
internal sealed partial class Simulation : IDisposable
{
    private const int Limit = 3;
    private const string TasksFolder = World.Root + "/.agents/tasks";
    private const string NoSpace = "No space left on device";
    private const string ArchiveFolder = World.Root + "/.agents/archive";

    // A story takes some thousands; who needs so many turns for the last of it goes round in circles.
    private const int MostTurns = 100_000;
    private readonly World _world = new();
    private readonly Random _random;
    private readonly Turns _turns;

    // How many chances in 10,000 a step of the disk has to be its process's last.
    private readonly int _killRate;

    // One in so many changes of the disk gives the turn to somebody else.
    private readonly int _yieldRate;
    private readonly List<TaskId> _accepted = [];

    // Somebody has asked for it to be removed, so it may be gone.
    private readonly HashSet<TaskId> _cleaned = [];

    // Refused for want of space, which has to leave nothing behind.
    private readonly HashSet<string> _refused = [];
    private readonly Dictionary<TaskId, TaskId> _retries = [];
    private readonly HashSet<TaskId> _completed = [];
    private int _prompts;
    private bool _syncsFail;
    private TimeSpan _wall;
    private readonly Dictionary<TaskId, string> _verdicts = [];
    private readonly HashSet<MemoryProcess> _living = [];
    private readonly Dictionary<byte[], Seen> _seen = new(ReferenceEqualityComparer.Instance);

    // Beside it the index never takes a folder for known.
    private readonly bool _hasForeign;
    private readonly bool _hasKinds;

    // No seed that always runs: those stay the stories that they were.
    private readonly bool _hasRuns;
    private readonly string _foreign =
        """{"version":99,"taskId":"task_newer","status":"dreaming"}""";

    public Simulation(int seed)
    {
        _random = new Random(seed);
        _killRate = (seed % 3) switch
        {
            0 => 0,
            1 => 10,
            _ => 60,
        };
        _yieldRate = seed % 2 == 0 ? 3 : 10;
        _hasKinds = seed % 4 == 3;
        _hasRuns = seed % 5 == 0;
        _turns = new Turns(_world.Time, _random);
        _world.Time.TicksWhenLookedAt = true;
        _world.Host.Script = _ => NewAgent();
        _world.Host.Launched = CheckLaunch;
        _world.Backend.Launched = s =>
        {
            _living.Add(s.Process);
            _turns.Add(s.Process.Name, s.Live);
        };
        if (_hasForeign = seed % 4 > 0)
        {
            _world.Disk.Plant($"{World.Root}/.agents/tasks/task_newer.json", _foreign);
        }

        foreach (var folder in (string[])["run", "plans", "logs", "workspace"])
        {
            _world.Disk.Plant($"{World.Root}/.agents/{folder}/.keep", "");
        }

        _world.Disk.Before = BeforeStep;
    }

    public IReadOnlyList<FakeAgentProcess> Agents => _world.Host.Started;

    public int Tasks => _accepted.Count;

    /// <summary>Processes killed, power lost, clocks set, disks filled and the like.</summary>
    public int Faults { get; private set; }

    /// <summary>Every change of the disk, without what is random in names.</summary>
    public IEnumerable<string> Story =>
        _world.Disk.Log.Select(static s =>
            $"{s.Number} {s.Kind} {s.Process.Name.Split(" of ")[0]}"
        );

    /// <summary>As <see cref="Story"/>, with the files: for whoever replays one seed.</summary>
    public IEnumerable<string> Steps =>
        _world.Disk.Log.Select(static s => $"{s.Number} {s.Kind} {s.Process.Name} {s.Path}");

    public void Run(int commands)
    {
        if (_hasRuns)
        {
            StartRun();
        }

        for (var i = 0; i < commands; i++)
        {
            Begin();
            _turns.Play(_random.Next(40));
            if (_random.Next(60) == 0)
            {
                LosePower();
            }
        }

        _world.Disk.Capacity = long.MaxValue;
        _syncsFail = false;
        Settle();
    }

    /// <summary>At the end nobody is killed any more, and everything must come to rest.</summary>
    private void Settle()
    {
        _world.Disk.Before = null;
        PlayToTheEnd();
        for (var round = 0; round < 6; round++)
        {
            Command("release", static own => ReleaseAll(own));
            PlayToTheEnd();
            Command("drain", static own => own.Run.BeginDrain(new(Limit)));
            PlayToTheEnd();
            DrainRuns();
            PlayToTheEnd();
            _world.Time.AdvanceTo(_world.Time.Elapsed + TimeSpan.FromMinutes(10));
        }

        Command("status", static own => own.Reconciler.Reconcile(autoRetry: false));
        PlayToTheEnd();
        var dump = _world.Disk.Dump();
        Command("status", static own => own.Reconciler.Reconcile(autoRetry: false));
        PlayToTheEnd();
        Check(dump == _world.Disk.Dump(), "I5: a second pass changed something");

        // Who was retried as whom stands in the files.
        CheckFiles();
        var snapshot = QueueSnapshot.Take(_world.Open().Queue);
        foreach (var task in snapshot.Unfinished)
        {
            if (RunId.Of(task.Id) is not null)
            {
                Check(
                    StandingOf(task) == DependencyStanding.Lost,
                    $"I6: {task.Id} of a run has neither ended nor is skipped: {TaskText.Of(task.State)}"
                );
                continue;
            }

            var blocked = task.State is TaskState.Pending { BlockedBy: not null };
            var waits = task.DependsOn.Any(d => snapshot.Unfinished.Exists(t => t.Id == LastOf(d)));
            Check(
                blocked || waits,
                $"I6: {task.Id} has not ended: {TaskText.Of(task.State)}, waits for {string.Join(", ", task.DependsOn.Select(LastOf))}"
            );
        }

        Check(!_world.Host.Alive.Any(), "I7: an agent has outlived its task");
        Check(
            !_hasForeign
                || _world.Disk.Text($"{World.Root}/.agents/tasks/task_newer.json") == _foreign,
            "I16: a file of a newer version was touched"
        );
        foreach (var (name, content) in _world.Disk.FilesIn(TasksFolder))
        {
            Check(
                !IsTask(name, out var id) || !_refused.Contains(Look(id, content).Prompt),
                $"I15: {name} was refused and is there all the same"
            );
        }
    }

    private void Begin()
    {
        if (_hasRuns && _random.Next(3) == 0)
        {
            DisturbRun();
            return;
        }

        switch (_random.Next(17))
        {
            case 0 or 1 or 2:
                Start();
                break;
            case 3:
                StartBatch();
                break;
            case 4 when SomeUnfinished() is { } one && SomeUnfinished() is { } other:
                Command("run", own => own.Run.StartNamed([one, other], Limit));
                break;
            case 4 or 5:
                Command("run", static own => own.Run.Fill(Limit));
                break;
            case 6:
                Command("drain", static own => own.Run.BeginDrain(new(Limit)));
                break;
            case 7:
                Command(
                    "status",
                    own =>
                    {
                        own.Reconciler.Reconcile(autoRetry: true);
                        own.Run.ContinueDrain();
                        foreach (var run in _hasRuns ? Drain.Runs(own.Queue) : [])
                        {
                            own.RunOf(run).ContinueDrain();
                        }
                    }
                );
                break;
            case 8 when SomeUnfinished() is { } id:
                Command("cancel", own => own.Control.Cancel(id));
                break;
            case 9 when Some() is { } id:
                Command("retry", own => own.Retries.Create(id, new RetryOptions()));
                break;
            case 10 when SomeUnfinished() is { } id:
                var hold = _random.Next(2) == 0;
                Command("hold", own => _ = hold ? own.Control.Hold(id) : own.Control.Release(id));
                break;
            case 11 when SomeUnfinished() is { } id:
                Command("extend", own => own.Control.Extend(id, TimeSpan.FromSeconds(30)));
                break;
            case 12 when SomeUnfinished() is { } id:
                Command("timeout", own => own.Control.Expire(id));
                break;
            case 13
                when SomeUnfinished() is { } id
                    && Some() is { } on
                    // A run's graph is its plan's, and nobody waits for it from outside.
                    && RunId.Of(id) == RunId.Of(on)
                    && RunId.Of(id) is null:
                var add = _random.Next(3) > 0;
                Command(
                    "deps",
                    own =>
                        _ = add
                            ? own.Control.AddDependency(id, on)
                            : own.Control.RemoveDependency(id, on)
                );
                break;
            case 14 when Some() is { } id:
                Keep(id);
                break;
            case 15:
                Rush();
                break;
            default:
                Disturb();
                break;
        }
    }

    /// <summary>Everybody wants to start something at the same moment.</summary>
    private void Rush()
    {
        for (var i = _random.Next(2, 5); i > 0; i--)
        {
            switch (_random.Next(4))
            {
                case 0 when SomeUnfinished() is { } one && SomeUnfinished() is { } other:
                    Command("run", own => own.Run.StartNamed([one, other], Limit));
                    break;
                case 1:
                    Start();
                    Command("drain", static own => own.Run.BeginDrain(new(Limit)));
                    break;
                default:
                    Command("run", static own => own.Run.Fill(Limit));
                    break;
            }
        }
    }

    private void Keep(TaskId id)
    {
        switch (_random.Next(3))
        {
            case 0:
                _cleaned.Add(id);
                Command("clean", own => own.Cleaning.Clean([id]));
                break;
            case 1:
                Command("archive", own => own.Archive.Store([id]));
                break;
            default:
                Command("restore", own => own.Archive.Restore([id]));
                break;
        }
    }

    private void Disturb()
    {
        Faults++;
        switch (_random.Next(10))
        {
            case 0:
                SetWall(TimeSpan.FromMinutes(_random.Next(-90, 90)));
                break;
            case 1:
                // Ten years, there and back.
                SetWall(
                    _random.Next(2) == 0 ? -_wall : TimeSpan.FromDays(3653) * (_random.Next(3) - 1)
                );
                break;
            case 2:
                _world.Disk.Capacity =
                    _world.Disk.Capacity == long.MaxValue
                        ? _world.Disk.Files().Sum(static f => f.Content.Length) + _random.Next(3000)
                        : long.MaxValue;
                break;
            case 3:
                _syncsFail = !_syncsFail;
                break;
            case 4 when _living.Count > 0:
                Kill(_living.ElementAt(_random.Next(_living.Count)));
                break;
            case 5
                when _living.FirstOrDefault(static p =>
                    p.Name.EndsWith(" of -", StringComparison.Ordinal)
                )
                    is { } keeper:
                Kill(keeper);
                break;
            case 6 when _world.Host.Alive.ToList() is { Count: > 0 } alive:
                alive[_random.Next(alive.Count)].TellSupervisorToEnd();
                break;
            case 7 when Some() is { } id:
                var kind = SentinelNames.All[_random.Next(5)];
                _world.Disk.Drop(
                    _world.Disk.Process("user"),
                    $"{World.Root}/.agents/tasks/{id}{SentinelNames.Extension(kind)}",
                    _random.Next(2) == 0 ? "" : "3"
                );
                break;
            default:
                _turns.Play(_random.Next(400));
                break;
        }
    }

    private void SetWall(TimeSpan by)
    {
        // Two jumps of ten years in the same direction are one too many for the clock.
        if ((_wall + by).Duration() < TimeSpan.FromDays(4000))
        {
            _wall += by;
            _world.Time.SetWall(by);
        }
    }

    private void Start()
    {
        var request = new NewTask("coder", $"do {_prompts++}")
        {
            Priority = _random.Next(1, 11),
            AutoRetry = _random.Next(3) == 0,
            MaxRetries = _random.Next(4),
            Timeout = _random.Next(3) == 0 ? TimeSpan.FromSeconds(_random.Next(1, 30)) : null,
            IdleTimeout = _random.Next(4) == 0 ? TimeSpan.FromSeconds(_random.Next(1, 30)) : null,
            DependsOn =
                _random.Next(4) == 0 && Some() is { } on && RunId.Of(on) is null
                    ? [new Dependency(on, NextKind())]
                    : [],
        };
        Command("start", own => _accepted.Add(own.NewTasks.Create(request).Id), [request]);
    }

    // Without a draw: the seeds that always run stay the stories that they were.
    private DependencyKind NextKind() =>
        !_hasKinds ? DependencyKind.AfterOk : (DependencyKind)(_prompts % 3);

    private void StartBatch()
    {
        NewTask[] requests =
        [
            .. Enumerable
                .Range(0, _random.Next(1, 4))
                .Select(_ => new NewTask("coder", $"do {_prompts++}")),
        ];
        Command(
            "batch",
            own => _accepted.AddRange(own.NewTasks.CreateAll(requests).Select(static t => t.Id)),
            requests
        );
    }

    private void Command(string name, Action<AgentqProcess> act, params NewTask[] requests)
    {
        var own = _world.Open(name);
        _living.Add(own.Disk);
        _turns.Add(
            name,
            () =>
            {
                try
                {
                    act(own);
                }
                catch (QueueException e)
                {
                    // Refused with a sentence, which is always an allowed answer.
                    if (e.Message.EndsWith(NoSpace, StringComparison.Ordinal))
                    {
                        _refused.UnionWith(requests.Select(static r => r.Prompt));
                    }
                }
                finally
                {
                    own.Disk.Die();
                    _living.Remove(own.Disk);
                }
            }
        );
    }

    private void BeforeStep(DiskStep step)
    {
        // Agents have their own ways to end.
        if (_living.Contains(step.Process) && _random.Next(10_000) < _killRate)
        {
            Kill(step.Process);
        }

        if (_syncsFail && step.Kind is "sync" or "sync all" && _random.Next(4) == 0)
        {
            throw new QueueException($"Cannot sync {step.Path}: Input/output error");
        }

        if (step.Changes && _random.Next(20) == 0)
        {
            CheckFiles();
        }
        else if (step.Kind is "rename" or "delete")
        {
            // What is about to be replaced has been seen by somebody.
            CheckFile(step.Path);
        }

        _turns.MayYield(step.Changes ? _yieldRate : 5 * _yieldRate);
    }

    private void PlayToTheEnd() =>
        Check(
            _turns.Play(MostTurns),
            $"I6: these do not come to an end: {string.Join(", ", _turns.Names)}"
        );

    private void Kill(MemoryProcess process)
    {
        Faults++;
        process.Die();
        _living.Remove(process);
    }

    private void LosePower()
    {
        Faults++;
        foreach (var process in _living.ToList())
        {
            Kill(process);
        }

        _world.Host.LosePower();
        // Those that are dead unwind before anything new begins.
        PlayToTheEnd();
        ForgetWhatIsNotDurable();
        _world.Disk.LosePower(_random);
        _world.Disk.Capacity = long.MaxValue;
        // Until the next pass a batch that was being stored may be half there.
        _world.Disk.Before = null;
        Command("status", static own => own.Reconciler.Reconcile(autoRetry: false));
        PlayToTheEnd();
        _world.Disk.Before = BeforeStep;
        CheckFiles();
    }

    private FakeAgent NewAgent()
    {
        var seconds = _random.Next(1, 40);
        var agent = new FakeAgent
        {
            IgnoresTerm = _random.Next(4) == 0,
            LeavesChild = _random.Next(5) == 0,
            LaunchError = _random.Next(15) == 0 ? "no such program" : null,
        };
        switch (_random.Next(6))
        {
            case 3:
                return agent.Killed(seconds, signal: 9);
            case 0:
                agent.Drop(seconds, Sentinel.Done);
                break;
            case 1:
                agent.Drop(seconds, Sentinel.Error, "{\"error\":\"half");
                break;
            case 2:
                agent.Print(seconds);
                break;
        }

        return agent.Exit(seconds + _random.Next(20), code: _random.Next(3));
    }

    private static void ReleaseAll(AgentqProcess own)
    {
        foreach (var task in QueueSnapshot.Take(own.Queue).Unfinished)
        {
            if (task.State is TaskState.Pending { Held: true })
            {
                own.Control.Release(task.Id);
            }
        }
    }

    private TaskId? Some() =>
        _accepted.Count == 0 ? null : _accepted[_random.Next(_accepted.Count)];

    /// <summary>One that nobody has seen ended.</summary>
    private TaskId? SomeUnfinished()
    {
        for (var i = 0; i < 5; i++)
        {
            if (Some() is { } id && !_verdicts.ContainsKey(id))
            {
                return id;
            }
        }

        return Some();
    }

    public void Dispose() => _turns.Dispose();
}
