using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Simulation;

/// <summary>Runs of plans in some stories: graphs of every kind of dependency, each with a drain of its own.</summary>
internal sealed partial class Simulation
{
    private readonly List<RunId> _runs = [];

    private void StartRun()
    {
        var run = RunId.New(_world.Time.GetUtcNow());
        var count = _random.Next(2, 9);
        var tasks = new List<AgentTask>();
        // A plan's order need not be that of its graph.
        var places = Enumerable.Range(1, count).ToArray();
        _random.Shuffle(places);
        foreach (var place in places)
        {
            var on = tasks
                .Where(_ => _random.Next(3) == 0)
                .Select(t => (t.Id, Kind: (DependencyKind)(_random.Next(5) % 3)))
                .ToList();
            var asks = _random.Next(10) == 0;
            tasks.Add(
                new AgentTask
                {
                    Id = run.TaskOf(place, count, $"n{place}"),
                    Agent = PlanStep.CommandAgent,
                    Prompt = $"do {_prompts++}",
                    CreatedAt = _world.Time.GetUtcNow(),
                    Timeout =
                        _random.Next(3) == 0 ? TimeSpan.FromSeconds(_random.Next(1, 30)) : null,
                    MaxRetries = _random.Next(3),
                    AutoRetry = _random.Next(2) == 0,
                    DependsOn = [.. on.Select(static o => o.Id)],
                    AfterAny =
                    [
                        .. on.Where(static o => o.Kind == DependencyKind.AfterAny)
                            .Select(static o => o.Id),
                    ],
                    AfterNotOk =
                    [
                        .. on.Where(static o => o.Kind == DependencyKind.AfterNotOk)
                            .Select(static o => o.Id),
                    ],
                    Step = new PlanStep
                    {
                        Node = $"n{place}",
                        Command = ["make"],
                        Backoff =
                            _random.Next(2) == 0
                                ? []
                                : [TimeSpan.Zero, TimeSpan.FromSeconds(_random.Next(1, 500))],
                        When =
                            on.Count > 0 && _random.Next(6) == 0
                                ? new StepCondition(on[0].Id, "complete", null, null)
                                : null,
                        Approval = asks ? "Go on?" : null,
                    },
                    State = new TaskState.Pending(Held: asks),
                }
            );
        }

        _world.Disk.Plant($"{World.Root}/.agents/runs/{run}/logs/.keep", "");
        // Also one whose maker dies half-way goes on when somebody resumes it.
        _runs.Add(run);
        Command(
            "plan run",
            own =>
            {
                own.NewTasks.CreateRun(tasks);
                _accepted.AddRange(tasks.Select(static t => t.Id));
                own.RunOf(run).BeginDrain(new(Limit));
            }
        );
    }

    private void DisturbRun()
    {
        if (_runs.Count == 0 || _random.Next(5) == 0)
        {
            StartRun();
            return;
        }

        var run = _runs[_random.Next(_runs.Count)];
        switch (_random.Next(3))
        {
            case 0:
                Command("plan stop", own => own.RunOf(run).EndDrain());
                break;
            default:
                Command("plan resume", own => own.RunOf(run).BeginDrain(new(Limit)));
                break;
        }
    }

    private void DrainRuns()
    {
        foreach (var run in _runs)
        {
            Command("plan resume", own => own.RunOf(run).BeginDrain(new(Limit)));
        }
    }

    // Judged from the files alone, without the library's own way to look at them.
    private DependencyStanding StandingOf(TaskSummary task)
    {
        var result = DependencyStanding.Met;
        foreach (var on in task.DependsOn.Except(task.DependenciesMet))
        {
            var (isOver, isGood, isBad) = EndOf(LastOf(on));
            var isMet = task.KindOf(on) switch
            {
                DependencyKind.AfterOk => isGood,
                DependencyKind.AfterAny => isOver && (isGood || isBad || ExistsStill(LastOf(on))),
                _ => isBad,
            };
            if (isOver && !isMet)
            {
                return DependencyStanding.Lost;
            }

            result = isMet ? result : DependencyStanding.Open;
        }

        return result;
    }

    private bool ExistsStill(TaskId id) => FileOf(id) is not null;

    private (bool IsOver, bool IsGood, bool IsBad) EndOf(TaskId id) =>
        FileOf(id)?.State switch
        {
            null => (true, false, false),
            TaskState.Complete => (true, true, false),
            TaskState.Cancelled { Skipped: not null } => (true, false, false),
            // What was archived is not tried again by itself.
            TaskState.Unsuccessful ended
                when _world.Disk.Has($"{TasksFolder}/{id}.json")
                    && (
                        ended.RetryIntent is not null || RetryPolicy.DueAt(FileOf(id)!) is not null
                    ) => default,
            TaskState.Unsuccessful => (true, false, true),
            TaskState.Pending => (StandingOf(FileOf(id)!) == DependencyStanding.Lost, false, false),
            _ => default,
        };

    private AgentTask? FileOf(TaskId id) =>
        (
            _world.Disk.TryRead($"{TasksFolder}/{id}.json")
            ?? _world.Disk.TryRead($"{ArchiveFolder}/{id}.json")
        )
            is { } content
            ? TaskJson.Read(content, id)
            : null;
}
