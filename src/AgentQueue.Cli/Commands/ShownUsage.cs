using AgentQueue.Agents;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary>What the tasks of a table have used. It looks only at those, and at none where no task has a result.</summary>
internal sealed class ShownUsage(QueueFolder queue)
{
    private readonly Results? _results = queue.Disk.Facts(queue.Results) is null
        ? null
        : new Results(queue);

    /// <summary>Null if nothing is known.</summary>
    public Usage? Of(TaskView view) =>
        view.Task.Attempt > 0 && _results?.Read(view.Id)?.Usage is { IsEmpty: false } usage
            ? usage
            : null;
}
