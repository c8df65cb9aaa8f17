using AgentQueue.Config;
using AgentQueue.Events;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>Events in words.</summary>
internal static class EventText
{
    /// <summary>A line for each thing that followed.</summary>
    /// <param name="standing">The word for a task that it stored, padded.</param>
    public static IEnumerable<string> Effects(EventRecord record, Func<TaskId, string> standing)
    {
        foreach (var (agent, id) in record.Cancelled)
        {
            yield return $"cancelled {agent}  {id}";
        }

        foreach (var (agent, id) in record.Started)
        {
            yield return $"{standing(id)}{agent}  {id}";
        }

        foreach (var (agent, why) in record.Ignored)
        {
            yield return $"ignored   {agent}: {why}";
        }

        if (record.Problem is { } problem)
        {
            yield return record.Names[0].StartsWith(EventName.HookFailed, StringComparison.Ordinal)
                ? problem
                : $"no rule was looked at: {problem}";
        }
    }

    /// <summary>The same in a few words, for one line.</summary>
    public static string Summary(EventRecord record)
    {
        List<string> parts =
        [
            .. record.Cancelled.Select(static c => $"cancelled {c.Agent}"),
            .. record.Started.Select(static s => $"started {s.Agent}"),
            .. record.Ignored.Select(static i => $"ignored {i.Agent}: {i.Why}"),
        ];
        if (record.Problem is { } problem)
        {
            parts.Add(problem);
        }

        return string.Join("; ", parts);
    }
}
