using AgentQueue.Tasks;

namespace AgentQueue.Agents;

/// <summary>What some tasks have used together.</summary>
/// <param name="Key">What they have in common; null for those that have no such thing.</param>
/// <param name="Usage">The sum of what is known; a member is null where nothing is.</param>
/// <param name="UnknownCosts">Tasks of which nobody knows what they cost.</param>
/// <param name="Turns">Null if no task tells.</param>
internal sealed record UsageSum(
    string? Key,
    int Tasks,
    Usage Usage,
    int UnknownCosts,
    long? Turns,
    TimeSpan Duration
);

/// <summary>Adds up what <see cref="UsageLog"/> tells. What is not known stays so: it is never counted as 0. Pure.</summary>
internal static class UsageSums
{
    /// <summary>A sum for each key, in the order of their text, those without one last.</summary>
    /// <param name="keysOf">What an entry counts for; it may count for several, or for null.</param>
    public static IReadOnlyList<UsageSum> By(
        IEnumerable<UsageEntry> entries,
        Func<UsageEntry, IEnumerable<string?>> keysOf
    ) =>
        [
            .. entries
                .SelectMany(entry => keysOf(entry).Select(key => (Key: key, Entry: entry)))
                .GroupBy(static e => e.Key, static e => e.Entry)
                .OrderBy(static group => group.Key is null)
                .ThenBy(static group => group.Key, StringComparer.Ordinal)
                .Select(static group => Of(group.Key, group)),
        ];

    public static UsageSum Of(string? key, IEnumerable<UsageEntry> entries)
    {
        var sum = new Usage();
        long? turns = null;
        var duration = TimeSpan.Zero;
        // A later line of a task tells the whole of it again.
        var isCostKnown = new Dictionary<TaskId, bool>();
        foreach (var entry in entries)
        {
            sum += entry.Usage;
            turns = entry.Turns is { } more ? (turns ?? 0) + more : turns;
            duration += entry.Duration;
            isCostKnown[entry.Task] = entry.Usage.Cost is not null;
        }

        return new UsageSum(
            key,
            isCostKnown.Count,
            sum,
            isCostKnown.Values.Count(static known => !known),
            turns,
            duration
        );
    }
}
