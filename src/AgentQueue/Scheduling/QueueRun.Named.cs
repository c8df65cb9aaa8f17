using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <content>Tasks that somebody names, and why they may not start.</content>
internal sealed partial class QueueRun
{
    /// <summary>What would be started, in order; nothing is.</summary>
    public IReadOnlyList<AgentTask> Preview(IReadOnlyList<TaskId>? ids, int limit, int most)
    {
        var (snapshot, survey) = LookAround(autoRetry: false);
        var chosen = ids is null
            ? Choose(survey, Math.Min(limit - survey.Running.Count, most), null)
            : [.. ids.Select(id => CheckNamed(id, survey, snapshot))];
        return [.. chosen.Select(t => queue.ReadOrThrow(t.Id))];
    }

    /// <summary>What keeps the first ready task of the scope from starting besides slots; null if nothing does.</summary>
    public StartBar? FirstBar() =>
        StartGate.IsNeeded(queue, planner)
        && LookAround(autoRetry: false).Survey.Barred is [{ Bar: var bar }, ..]
            ? bar
            : null;

    /// <summary>What keeps a ready task from starting besides slots; null if nothing does.</summary>
    public StartBar? BarOf(TaskId id) =>
        StartGate.IsNeeded(queue, planner)
        && LookAround(autoRetry: false).Survey.Barred.Find(b => b.Task.Id == id) is { Bar: { } bar }
            ? bar
            : null;

    private TaskSummary CheckNamed(TaskId id, QueueSurvey survey, QueueSnapshot snapshot)
    {
        // Who names a task starts it whatever its account's limit is; a budget is for somebody to raise.
        if (survey.Ready.Find(t => t.Id == id) is { } found)
        {
            return found;
        }

        if (survey.Barred.Find(t => t.Task.Id == id) is { Task: { } barred, Bar: var bar })
        {
            return bar.IsBudget
                ? throw new QueueException(
                    bar.Until is { } renewed
                        ? $"Task {id} is not to start before {StartTime.Describe(renewed, clock.GetUtcNow(), clock.LocalTimeZone)}: {bar.Reason}"
                        : $"Task {id} may not start: {bar.Reason}",
                    $"Raise it: budgets in {Config.AgentConfig.FileName}"
                )
                : barred;
        }

        var task = queue.ReadOrThrow(id);
        if (task.State is not TaskState.Pending pending)
        {
            throw new QueueException(
                $"Task {id} is {TaskJson.NameOf(task.Status)}; only a pending task can be started",
                task.State is TaskState.Failed ? $"Try it again: agentq retry {id} --run" : null
            );
        }

        if (RunId.Of(id) is { } run && scope != run)
        {
            throw new QueueException(
                $"Task {id} belongs to a run of a plan, which starts it",
                $"Let the run go on: agentq plan resume {run}"
            );
        }

        if (EventTaskId.Is(id) && scope != QueueScope.Events)
        {
            throw new QueueException(
                $"Task {id} belongs to an event, which starts it as soon as its agent's limit allows",
                $"See what it waits for: agentq show {id}"
            );
        }

        throw pending is { Held: true, Question: { } question }
            ? new QueueException(
                $"Task {id} asks: {question}",
                $"Answer it: agentq answer {id} \"…\""
            )
        : pending.Held ? new QueueException($"Task {id} is held", $"Let it go: agentq release {id}")
        : new Dependencies(queue, snapshot).Check(task) switch
        {
            Readiness.Waiting w => new QueueException(
                $"Task {id} waits for {string.Join(", ", w.For)}",
                $"See its dependencies: agentq deps show {id}"
            ),
            Readiness.Blocked b => new QueueException(
                $"Task {id} cannot start: {b.Reason}",
                b.MayRetry
                    ? $"Retry the dependency, or remove it: agentq deps remove {id} {b.By}"
                    : $"Do without the dependency: agentq deps remove {id} {b.By}"
            ),
            _ when pending.NotBefore is { } at && at > clock.GetUtcNow() => new QueueException(
                $"Task {id} is not to start before {StartTime.Describe(at, clock.GetUtcNow(), clock.LocalTimeZone)}",
                $"Let it go now: agentq release {id}, then agentq run {id}; or have it started in time: agentq run --drain"
            ),
            _ => new QueueException(
                $"Task {id} is not ready to start",
                $"See why: agentq show {id}"
            ),
        };
    }
}
