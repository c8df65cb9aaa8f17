using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>The unfinished tasks of a snapshot, sorted by what can be done with them.</summary>
internal sealed record QueueSurvey
{
    public List<TaskSummary> Ready { get; } = [];

    /// <summary>How many of each agent run, or are starting, in the whole queue: an agent's limit holds for all of it.</summary>
    public Dictionary<string, int> Agents { get; } = new(StringComparer.Ordinal);

    /// <summary>Those that run, or are starting, in the scope.</summary>
    public List<TaskId> Running { get; } = [];

    /// <summary>How many of each agent these are.</summary>
    public Dictionary<string, int> RunningAgents { get; } = new(StringComparer.Ordinal);

    /// <summary>Tasks whose end may make others ready, and these.</summary>
    public Dictionary<TaskId, List<TaskId>> Awaited { get; } = [];

    /// <summary>Ready, and not to be started now, with the reason.</summary>
    public List<(TaskSummary Task, StartBar Bar)> Barred { get; } = [];

    public int Pending { get; set; }
    public int InHand { get; set; }
    public DateTimeOffset? NextDue { get; set; }

    /// <summary>Puts aside what may not start for another reason than slots and dependencies.</summary>
    public void Bar(QueueFolder queue, IAgentPlanner planner, TimeProvider clock)
    {
        if (
            Ready.Count == 0
            || StartGate.Of(queue, planner, Agents, Running, clock) is not { } gate
        )
        {
            return;
        }

        foreach (var task in Scheduler.InOrder([.. Ready]))
        {
            if (gate.Bar(task) is not { } bar)
            {
                gate.Take(task);
                continue;
            }

            Ready.Remove(task);
            Barred.Add((task, bar));
            if (bar.Until is { } until && (NextDue is null || until < NextDue))
            {
                NextDue = until;
            }
        }
    }
}

/// <summary>Sorts the tasks of one scope.</summary>
internal sealed class Surveyor(
    QueueFolder queue,
    Retries retries,
    QueueScope scope,
    TimeProvider clock
)
{
    public bool IsInScope(TaskId id) => QueueScope.Of(id) == scope;

    /// <param name="failFast">Once a task has failed for good, none is ready.</param>
    public QueueSurvey Of(QueueSnapshot snapshot, bool failFast)
    {
        var dependencies = new Lazy<Dependencies>(() => new Dependencies(queue, snapshot));
        var now = clock.GetUtcNow();
        var isOver = failFast && HasFailed(snapshot);
        var survey = new QueueSurvey
        {
            // A retry that is being made will be a task in a moment.
            InHand = snapshot.Finished.Count(t => t.HasIntent && IsInScope(t.Id)),
            NextDue = isOver ? null : NextDue(snapshot),
        };
        foreach (var task in snapshot.Unfinished)
        {
            var isOurs = IsInScope(task.Id);
            if (
                task.State is not TaskState.Pending state
                || IsSupervised(task, snapshot)
                || HasStartedSince(task, snapshot)
            )
            {
                survey.Agents[task.Agent] = survey.Agents.GetValueOrDefault(task.Agent) + 1;
                if (isOurs)
                {
                    survey.Running.Add(task.Id);
                    survey.RunningAgents[task.Agent] =
                        survey.RunningAgents.GetValueOrDefault(task.Agent) + 1;
                    survey.InHand += task.State is TaskState.Pending ? 1 : 0;
                }

                continue;
            }

            if (!isOurs)
            {
                continue;
            }

            survey.Pending++;
            var readiness = task.DependsOn.IsEmpty
                ? Readiness.Ready.Always
                : dependencies.Value.Check(task);
            if (readiness is Readiness.Waiting waiting)
            {
                foreach (var id in waiting.For)
                {
                    if (!survey.Awaited.TryGetValue(id, out var those))
                    {
                        survey.Awaited[id] = those = [];
                    }

                    those.Add(task.Id);
                }
            }
            else if (
                readiness is Readiness.Ready
                && !isOver
                && !state.Held
                && task.WaitsUntil(now) is null
            )
            {
                survey.Ready.Add(task);
            }
        }

        return survey;
    }

    /// <summary>True if a task of the scope has failed and will not be retried by itself.</summary>
    private bool HasFailed(QueueSnapshot snapshot) =>
        snapshot.Finished.Exists(t =>
            t.Status == TaskStatus.Failed
            && !t.WillRetry
            && !t.HasIntent
            && IsInScope(t.Id)
            && queue.Read(t.Id)
                is TaskRead.Found({ State: TaskState.Failed { RetriedBy: null } }, _)
        );

    public bool IsSupervised(TaskSummary task, QueueSnapshot snapshot) =>
        snapshot.MayBeSupervised(task.Id) && queue.IsSupervised(task.Id);

    // Its supervisor may have started the agent after the snapshot, and been killed before the lock was asked:
    // the agent takes a slot until somebody settles it.
    private bool HasStartedSince(TaskSummary task, QueueSnapshot snapshot) =>
        snapshot.MayBeSupervised(task.Id)
        && queue.Read(task.Id) is TaskRead.Found({ State: TaskState.Running }, _);

    /// <summary>When the next back-off of the scope ends, or the next time that was set comes; null if none is waited for.</summary>
    public DateTimeOffset? NextDue(QueueSnapshot snapshot)
    {
        var next = retries.NextDue(snapshot, IsInScope);
        foreach (var task in snapshot.Unfinished)
        {
            if (
                task.State is TaskState.Pending { Held: false }
                && task.WaitsUntil(clock.GetUtcNow()) is { } at
                && (next is null || at < next)
                && IsInScope(task.Id)
            )
            {
                next = at;
            }
        }

        return next;
    }
}
