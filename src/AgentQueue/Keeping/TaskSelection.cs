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
    public static TaskSelection From(QueueSnapshot snapshot, Func<FinishedTask, bool> wanted)
    {
        var all = snapshot.Finished.Where(wanted).ToLookup(static t => RunId.Of(t.Id) is not null);
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
}
