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
internal sealed class Simulation : IDisposable
{
    private const int Limit = 3;

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
    private readonly Dictionary<TaskId, string> _verdicts = [];
    private readonly HashSet<MemoryProcess> _living = [];
    private readonly Dictionary<byte[], (string?, TaskId?)> _seen = new(
        ReferenceEqualityComparer.Instance
    );
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
        _turns = new Turns(_world.Time, _random);
        _world.Time.TicksWhenLookedAt = true;
        _world.Host.Script = _ => NewAgent();
        _world.Host.Launched = CheckLaunch;
        _world.Backend.Launched = s =>
        {
            _living.Add(s.Process);
            _turns.Add(s.Process.Name, s.Live);
        };
        _world.Disk.Plant($"{World.Root}/.agents/tasks/task_newer.json", _foreign);
        foreach (var folder in (string[])["run", "plans", "logs", "workspace"])
        {
            _world.Disk.Plant($"{World.Root}/.agents/{folder}/.keep", "");
        }

        _world.Disk.Before = BeforeStep;
    }

    public IReadOnlyList<FakeAgentProcess> Agents => _world.Host.Started;

    public int Tasks => _accepted.Count;

    /// <summary>Every change of the disk, without what is random in names.</summary>
    public IEnumerable<string> Story =>
        _world.Disk.Log.Select(static s =>
            $"{s.Number} {s.Kind} {s.Process.Name.Split(" of ")[0]}"
        );

    public void Run(int commands)
    {
        for (var i = 0; i < commands; i++)
        {
            Begin(i);
            _turns.Play(_random.Next(40));
            if (_random.Next(60) == 0)
            {
                LosePower();
            }
        }

        _world.Disk.Capacity = long.MaxValue;
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
            Command("drain", static own => own.Run.BeginDrain(Limit));
            PlayToTheEnd();
            _world.Time.AdvanceTo(_world.Time.Elapsed + TimeSpan.FromMinutes(10));
        }

        Command("status", static own => own.Reconciler.Reconcile(autoRetry: false));
        PlayToTheEnd();
        var dump = _world.Disk.Dump();
        Command("status", static own => own.Reconciler.Reconcile(autoRetry: false));
        PlayToTheEnd();
        Check(dump == _world.Disk.Dump(), "I5: a second pass changed something");

        var snapshot = QueueSnapshot.Take(_world.Open().Queue);
        foreach (var task in snapshot.Unfinished)
        {
            var blocked = task.State is TaskState.Pending { BlockedBy: not null };
            var waits = task.DependsOn.Any(d => snapshot.Unfinished.Exists(t => t.Id == d));
            Check(blocked || waits, $"I6: {task.Id} has not ended: {TaskText.Of(task.State)}");
        }

        Check(!_world.Host.Alive.Any(), "I7: an agent has outlived its task");
        Check(
            _world.Disk.Text($"{World.Root}/.agents/tasks/task_newer.json") == _foreign,
            "I16: a file of a newer version was touched"
        );
        CheckFiles();
    }

    private void Begin(int number)
    {
        switch (_random.Next(12))
        {
            case 0 or 1 or 2:
                Start(number);
                break;
            case 3:
                StartBatch();
                break;
            case 4 when Some() is { } one && Some() is { } other:
                Command("run", own => own.Run.StartNamed([one, other], Limit));
                break;
            case 4 or 5:
                Command("run", static own => own.Run.Fill(Limit));
                break;
            case 6:
                Command("drain", static own => own.Run.BeginDrain(Limit));
                break;
            case 7:
                Command(
                    "status",
                    own =>
                    {
                        own.Reconciler.Reconcile(autoRetry: true);
                        own.Run.ContinueDrain();
                    }
                );
                break;
            case 8 when Some() is { } id:
                Command("cancel", own => own.Control.Cancel(id));
                break;
            case 9 when Some() is { } id:
                Command("retry", own => own.Retries.Create(id, new RetryOptions()));
                break;
            case 10 when Some() is { } id:
                var hold = _random.Next(2) == 0;
                Command("hold", own => _ = hold ? own.Control.Hold(id) : own.Control.Release(id));
                break;
            case 11 when Some() is { } id:
                Command("extend", own => own.Control.Extend(id, TimeSpan.FromSeconds(30)));
                break;
            default:
                Disturb();
                break;
        }
    }

    private void Disturb()
    {
        switch (_random.Next(6))
        {
            case 0:
                _world.Time.SetWall(TimeSpan.FromMinutes(_random.Next(-90, 90)));
                break;
            case 1:
                _world.Disk.Capacity =
                    _world.Disk.Capacity == long.MaxValue
                        ? _world.Disk.Files().Sum(static f => f.Content.Length) + _random.Next(3000)
                        : long.MaxValue;
                break;
            case 2 when _living.Count > 0:
                Kill(_living.ElementAt(_random.Next(_living.Count)));
                break;
            case 3 when Some() is { } id:
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

    private void Start(int number)
    {
        var request = new NewTask("coder", $"do {number}")
        {
            Priority = _random.Next(1, 11),
            AutoRetry = _random.Next(3) == 0,
            MaxRetries = _random.Next(4),
            Timeout = _random.Next(3) == 0 ? TimeSpan.FromSeconds(_random.Next(1, 30)) : null,
            IdleTimeout = _random.Next(4) == 0 ? TimeSpan.FromSeconds(_random.Next(1, 30)) : null,
            DependsOn = _random.Next(4) == 0 && Some() is { } on ? [on] : [],
        };
        Command("start", own => _accepted.Add(own.NewTasks.Create(request).Id));
    }

    private void StartBatch()
    {
        NewTask[] requests =
        [
            .. Enumerable
                .Range(0, _random.Next(1, 4))
                .Select(i => new NewTask("coder", $"batch {i}")),
        ];
        Command(
            "batch",
            own => _accepted.AddRange(own.NewTasks.CreateAll(requests).Select(static t => t.Id))
        );
    }

    private void Command(string name, Action<AgentqProcess> act)
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
                catch (QueueException)
                {
                    // Refused with a sentence, which is always an allowed answer.
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

        if (step.Changes && _random.Next(20) == 0)
        {
            CheckFiles();
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
        process.Die();
        _living.Remove(process);
    }

    private void LosePower()
    {
        foreach (var process in _living.ToList())
        {
            Kill(process);
        }

        _world.Host.LosePower();
        // Those that are dead unwind before anything new begins.
        PlayToTheEnd();
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
        switch (_random.Next(5))
        {
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

    private void CheckLaunch(FakeAgentProcess agent)
    {
        Check(
            _world.Host.Of(agent.Task).Count(static a => a.IsAlive) == 1,
            $"I1: a second agent of {agent.Task} was started while the first lived"
        );
        Check(
            _world.Host.Of(agent.Task).Count() == 1 || !_verdicts.ContainsKey(agent.Task),
            $"I2: {agent.Task} was started again after its verdict"
        );
        Check(
            _world.Host.Alive.Count() <= Limit,
            $"I9: {_world.Host.Alive.Count()} agents at once"
        );
    }

    private void CheckFiles()
    {
        var found = new HashSet<TaskId>();
        var retried = new HashSet<TaskId>();
        foreach (var (path, content) in _world.Disk.Files())
        {
            if (!IsTask(path, out var id))
            {
                continue;
            }

            found.Add(id);
            var (verdict, retryOf) = Look(id, content);
            Check(
                retryOf is not { } of || retried.Add(of),
                $"{retryOf} was retried twice, the second time by {id}"
            );
            Check(
                !_verdicts.TryGetValue(id, out var before) || before == verdict,
                $"I2: the verdict of {id} changed from {before} to {verdict}"
            );
            if (verdict is not null)
            {
                _verdicts[id] = verdict;
            }
        }

        foreach (var id in _accepted)
        {
            Check(found.Contains(id), $"I3: {id} was accepted and is gone");
        }
    }

    // Files are replaced and never changed, so what was read once need not be read again.
    private (string? Verdict, TaskId? RetryOf) Look(TaskId id, byte[] content)
    {
        if (_seen.TryGetValue(content, out var known))
        {
            return known;
        }

        try
        {
            var task = TaskJson.Read(content, id);
            return _seen[content] = (
                task.State is TaskState.Finished ? TaskText.Of(WithoutLinks(task.State)) : null,
                task.RetryHistory is [.., var last] ? last.RetriedFrom : null
            );
        }
        catch (FormatException e)
        {
            throw new InvariantBroken($"I4: {id} cannot be read: {e.Message}");
        }
    }

    private static bool IsTask(string path, out TaskId id)
    {
        id = default;
        return path.Contains("/tasks/", StringComparison.Ordinal)
            && path.EndsWith(".json", StringComparison.Ordinal)
            && !path.EndsWith("/task_newer.json", StringComparison.Ordinal)
            && TaskId.TryParse(path.AsSpan(path.LastIndexOf('/') + 1)[..^5], out id);
    }

    private static TaskState WithoutLinks(TaskState state) =>
        state is TaskState.Failed failed
            ? failed with
            {
                RetriedBy = null,
                RetriedAt = null,
                RetryIntent = null,
            }
            : state;

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

    private static void Check(bool holds, string invariant)
    {
        if (!holds)
        {
            throw new InvariantBroken(invariant);
        }
    }

    public void Dispose() => _turns.Dispose();
}

internal sealed class InvariantBroken(string message) : Exception(message);
