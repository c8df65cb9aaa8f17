using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>The finished tasks that <c>clean</c> or <c>archive</c> would take, the oldest first.</summary>
/// <param name="LeftForRetry">How many failed ones will be retried by themselves, and are left for that.</param>
/// <param name="LeftForRuns">How many belong to a run of a plan, which they go with.</param>
/// <param name="Unreadable">Left too: nobody can tell if they have ended.</param>
internal sealed record TaskSelection(
    IReadOnlyList<TaskId> Ids,
    int LeftForRetry,
    int LeftForRuns,
    IReadOnlyList<TaskRead.Unreadable> Unreadable
)
{
    public static TaskSelection From(
        QueueFolder queue,
        QueueSnapshot snapshot,
        Func<FinishedTask, bool> wanted
    )
    {
        // A task whose run's folder is gone belongs to nothing any more.
        var there = new Dictionary<RunId, bool>();
        var all = snapshot.Finished.Where(wanted).ToLookup(t => IsOfRun(queue, t.Id, there));
        var chosen = all[false].ToLookup(static t => t.WillRetry || t.HasIntent);
        return new TaskSelection(
            [
                .. chosen[false]
                    .Select(static t => (t.CompletedTicks, t.Id))
                    .Order()
                    .Select(static t => t.Id),
            ],
            chosen[true].Count(),
            all[true].Count(),
            snapshot.Unreadable
        );
    }

    private static bool IsOfRun(QueueFolder queue, TaskId id, Dictionary<RunId, bool> there)
    {
        if (RunId.Of(id) is not { } run)
        {
            return false;
        }

        if (!there.TryGetValue(run, out var isThere))
        {
            there[run] = isThere = queue.Disk.Facts(queue.RunFolder(run)) is not null;
        }

        return isThere;
    }
}
