using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

internal enum DependencyFault
{
    Cycle,
    Unknown,
    Blocked,
}

/// <summary>Why a task will never start as things are.</summary>
/// <param name="Task">The task that does not start.</param>
internal sealed record DependencyProblem(DependencyFault Fault, TaskId Task, string Message);

/// <summary>One dependency of a task.</summary>
/// <param name="StandsFor">The retry that counts in its place; its own id if there is none.</param>
/// <param name="Status">What counts; null if it is gone.</param>
internal sealed record DependencyLine(
    TaskId Id,
    TaskId StandsFor,
    TaskStatus? Status,
    DependencyKind Kind,
    DependencyStanding Standing,
    string Note
)
{
    public bool Met => Standing == DependencyStanding.Met;
}

/// <summary>A task that waits for another one.</summary>
/// <param name="StillWaitsFor">What else it waits for; none if it starts as soon as the other one is complete.</param>
internal sealed record DependentLine(TaskSummary Task, IReadOnlyList<TaskId> StillWaitsFor);

/// <summary>What dependencies mean at one moment; changes nothing.</summary>
internal sealed class DependencyCheck(QueueFolder queue, QueueSnapshot snapshot)
{
    private readonly Dependencies _dependencies = new(queue, snapshot);

    public Readiness Readiness(TaskSummary task) => _dependencies.Check(task);

    /// <summary>The dependencies of a task, in the order in which they were given.</summary>
    public IReadOnlyList<DependencyLine> Of(TaskSummary task) =>
        [
            .. task.DependsOn.Select(id =>
            {
                var (status, last, note, _) = _dependencies.Resolve(id);
                var kind = task.KindOf(id);
                return task.DependenciesMet.Contains(id)
                    ? new DependencyLine(
                        id,
                        id,
                        kind == DependencyKind.AfterOk ? TaskStatus.Complete : status,
                        kind,
                        DependencyStanding.Met,
                        ""
                    )
                    : new DependencyLine(id, last, status, kind, kind.Judge(status), note);
            }),
        ];

    /// <summary>The pending tasks that wait for <paramref name="id"/>, by id.</summary>
    public IReadOnlyList<DependentLine> WaitingFor(TaskId id) =>
        [
            .. snapshot
                .Unfinished.Where(static t => t.State is TaskState.Pending)
                .Select(t => (Task: t, Open: Of(t).Where(static d => !d.Met).ToList()))
                .Where(t => t.Open.Exists(d => d.StandsFor == id || d.Id == id))
                .Select(t => new DependentLine(
                    t.Task,
                    [
                        .. t
                            .Open.Where(d => d.StandsFor != id && d.Id != id)
                            .Select(static d => d.StandsFor),
                    ]
                )),
        ];

    /// <summary>The dependency of <paramref name="task"/> that a part of an id means, its retry's included.</summary>
    /// <exception cref="QueueException">None, or more than one.</exception>
    public TaskId Find(AgentTask task, string part)
    {
        var lines = Of(task);
        // A whole id wins over a part of another one.
        var found = lines.FirstOrDefault(d => d.Id.Value == part || d.StandsFor.Value == part)
            is { } exact
            ? [exact]
            : lines.Where(d => Has(d.Id, part) || Has(d.StandsFor, part)).ToList();
        return found.Count switch
        {
            1 => found[0].Id,
            0 => throw new QueueException(
                $"Task {task.Id} does not depend on '{part}'",
                $"See what it depends on: agentq deps show {task.Id}"
            ),
            _ => throw new QueueException(
                $"'{part}' is in the ids of {found.Count} dependencies of {task.Id}",
                "Type a longer part"
            ),
        };

        static bool Has(TaskId id, string part) =>
            part.Length > 0 && id.Value.Contains(part, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Everything that keeps a task from ever starting: cycles, missing tasks, dependencies that cannot complete.</summary>
    public IReadOnlyList<DependencyProblem> Validate()
    {
        var problems = new List<DependencyProblem>();
        foreach (var cycle in DependencyGraph.FindCycles(snapshot.Unfinished))
        {
            problems.Add(
                new DependencyProblem(
                    DependencyFault.Cycle,
                    cycle[0],
                    $"waits for itself: {string.Join(" → ", cycle)}"
                )
            );
        }

        var stuck = new HashSet<TaskId>();
        var waiting = new List<TaskSummary>();
        foreach (var task in snapshot.Unfinished.Where(static t => t.State is TaskState.Pending))
        {
            var before = problems.Count;
            problems.AddRange(
                Of(task)
                    .Where(static d => d.Standing == DependencyStanding.Lost)
                    .Select(d => ProblemOf(task.Id, d))
            );
            if (problems.Count > before)
            {
                stuck.Add(task.Id);
            }
            else if (!task.DependsOn.IsEmpty)
            {
                waiting.Add(task);
            }
        }

        AddThoseBehind(problems, stuck, waiting);
        return problems;
    }

    private static DependencyProblem ProblemOf(TaskId task, DependencyLine line) =>
        line.Status is null
            ? new DependencyProblem(
                DependencyFault.Unknown,
                task,
                $"depends on {line.StandsFor}, which {line.Note}"
            )
            : new DependencyProblem(
                DependencyFault.Blocked,
                task,
                line.StandsFor == line.Id
                    ? $"depends on {line.Id}, which {line.Note}"
                    : $"depends on {line.Id}, whose retry {line.StandsFor} {line.Note}"
            );

    // What waits for a stuck task is stuck itself, over any number of steps.
    private void AddThoseBehind(
        List<DependencyProblem> problems,
        HashSet<TaskId> stuck,
        List<TaskSummary> waiting
    )
    {
        var behind = new Dictionary<TaskId, List<TaskSummary>>();
        foreach (var task in waiting)
        {
            foreach (var line in Of(task).Where(static d => !d.Met))
            {
                if (!behind.TryGetValue(line.StandsFor, out var list))
                {
                    behind[line.StandsFor] = list = [];
                }

                list.Add(task);
            }
        }

        var open = new Queue<TaskId>(stuck);
        while (open.TryDequeue(out var id))
        {
            foreach (var task in behind.GetValueOrDefault(id) ?? [])
            {
                if (stuck.Add(task.Id))
                {
                    problems.Add(
                        new DependencyProblem(
                            DependencyFault.Blocked,
                            task.Id,
                            $"depends on {id}, which cannot start either"
                        )
                    );
                    open.Enqueue(task.Id);
                }
            }
        }
    }
}
