using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>The finished tasks that <c>clean</c> or <c>archive</c> would take, the oldest first.</summary>
/// <param name="LeftForRetry">How many failed ones will be retried by themselves, and are left for that.</param>
/// <param name="Unreadable">Left too: nobody can tell if they have ended.</param>
internal sealed record TaskSelection(
    IReadOnlyList<TaskId> Ids,
    int LeftForRetry,
    IReadOnlyList<TaskRead.Unreadable> Unreadable
)
{
    public static TaskSelection From(QueueSnapshot snapshot, Func<FinishedTask, bool> wanted)
    {
        var chosen = snapshot
            .Finished.Where(wanted)
            .ToLookup(static t => t.WillRetry || t.HasIntent);
        return new TaskSelection(
            [
                .. chosen[false]
                    .Select(static t => (t.CompletedTicks, t.Id))
                    .Order()
                    .Select(static t => t.Id),
            ],
            chosen[true].Count(),
            snapshot.Unreadable
        );
    }
}
