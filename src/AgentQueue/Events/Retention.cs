using AgentQueue.Keeping;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <summary>
/// Removes the oldest ended tasks of an agent that events started, when a new one has begun and not before: an event
/// that is passed over costs nobody his history.
/// </summary>
internal sealed class Retention(ProjectQueue project)
{
    private readonly QueueFolder _queue = project.Queue;

    /// <param name="begun">A task that has just been started.</param>
    public void Apply(AgentTask begun)
    {
        if (
            !EventTaskId.Is(begun.Id)
            || !project.Config.Agents.TryGetValue(begun.Agent, out var agent)
        )
        {
            return;
        }

        var kept = agent.Events.KeepHistory ?? project.Config.KeepHistory;
        if (kept < 0)
        {
            return;
        }

        var snapshot = QueueSnapshot.Take(_queue);
        var needed = snapshot.Unfinished.SelectMany(static t => t.DependsOn).ToHashSet();
        var old = snapshot
            .Finished.Where(static f => EventTaskId.Is(f.Id))
            .Select(f => (_queue.Read(f.Id) as TaskRead.Found)?.Task)
            .OfType<AgentTask>()
            .Where(t => t.Agent == begun.Agent && t.State is TaskState.Finished)
            .OrderByDescending(static t => ((TaskState.Finished)t.State).CompletedAt)
            .ThenByDescending(static t => t.Id)
            // The one that has begun will be one of them.
            .Skip(Math.Max(kept - 1, 0))
            .Where(t => !needed.Contains(t.Id) && !MayBeToldAgain(t))
            .Select(static t => t.Id)
            .ToList();
        if (old.Count > 0)
        {
            new Cleaning(_queue, project.Reconciler, project.Clock).Clean(old);
        }
    }

    // What its end, or that of the task behind it, leads to would be made a second time if it were gone.
    private bool MayBeToldAgain(AgentTask task) =>
        _queue.Disk.Facts(_queue.LockFile(task.Id)) is not null
        || (task.Cause?.Task is { } cause && _queue.Disk.Facts(_queue.LockFile(cause)) is not null);
}
