using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Events;

namespace AgentQueue.Cli.Commands;

/// <summary>Rules as the boxes of a diagram: agents, and the events that come from outside.</summary>
internal static class EventBoxes
{
    private static readonly string[] s_ends =
    [
        EventName.Started,
        EventName.Success,
        EventName.Failed,
        EventName.Cancelled,
        EventName.Finished,
    ];

    /// <param name="name">Only what may follow from this event; null for everything.</param>
    public static IReadOnlyList<Box> Of(AgentConfig config, string? name)
    {
        var agents = name is null
            ? [.. config.Agents.Values.Where(static a => a.Events.Listens)]
            : Reached(config, name);
        var boxes = new List<Box>();
        foreach (var root in name is null ? Roots(config) : [name])
        {
            boxes.Add(new Box(root, [], BoxState.Planned, []));
        }

        var keys = boxes.Select(static b => b.Key).ToHashSet(StringComparer.Ordinal);
        var all = agents.Concat(Sources(config, agents)).Distinct().ToList();
        foreach (var agent in all)
        {
            var after = new List<(string, string)>();
            foreach (var (pattern, word) in PatternsOf(agent))
            {
                after.AddRange(
                    keys.Where(k => EventName.IsMatch(pattern, k)).Select(k => (k, word))
                );
                after.AddRange(
                    all.SelectMany(other =>
                        s_ends
                            .Where(end => EventName.IsMatch(pattern, end + other.Name))
                            .Take(1)
                            .Select(end =>
                                (KeyOf(other), word.Length == 0 ? end.TrimEnd(':') : word)
                            )
                    )
                );
            }

            boxes.Add(
                new Box(
                    KeyOf(agent),
                    [agent.Description ?? ""],
                    BoxState.Pending,
                    [.. after.Distinct()]
                )
            );
        }

        return boxes;
    }

    /// <summary>
    /// Events that rules wait for and that no end of an agent's task is; and of agents that only lead to one another,
    /// the first event of the first.
    /// </summary>
    public static IReadOnlyList<string> Roots(AgentConfig config)
    {
        var roots = Outside(config).ToList();
        var reached = roots
            .SelectMany(root => Reached(config, root))
            .Select(static a => a.Name)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var agent in config.Agents.Values.Where(static a => a.Events.Listens))
        {
            if (!reached.Contains(agent.Name))
            {
                var root = PatternsOf(agent).First().Pattern;
                roots.Add(root);
                reached.UnionWith(Reached(config, root).Select(static a => a.Name));
                reached.Add(agent.Name);
            }
        }

        return roots;
    }

    private static IEnumerable<string> Outside(AgentConfig config) =>
        [
            .. config
                .Agents.Values.SelectMany(static a => PatternsOf(a))
                .Select(static p => p.Pattern)
                .Where(p =>
                    !config.Agents.Keys.Any(a => s_ends.Any(end => EventName.IsMatch(p, end + a)))
                )
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];

    private static IEnumerable<(string Pattern, string Word)> PatternsOf(AgentDefinition agent) =>
        agent
            .Events.Triggers.Select(static p => (p, ""))
            .Concat(agent.Events.AllOf.Select(static p => (p, "all of")))
            .Concat(agent.Events.CancelOn.Select(static p => (p, "cancels")));

    private static IEnumerable<AgentDefinition> Sources(
        AgentConfig config,
        List<AgentDefinition> listening
    ) =>
        config.Agents.Values.Where(a =>
            listening.Exists(l =>
                PatternsOf(l).Any(p => s_ends.Any(end => p.Pattern == end + a.Name))
            )
        );

    private static List<AgentDefinition> Reached(AgentConfig config, string name)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal);
        Visit(new EventForecast(config).Of(name));
        return [.. config.Agents.Values.Where(a => reached.Contains(a.Name))];

        void Visit(IEnumerable<Forecast> all)
        {
            foreach (var one in all)
            {
                reached.Add(one.Agent);
                Visit(one.Next);
            }
        }
    }

    // An event may be called as an agent is.
    private static string KeyOf(AgentDefinition agent) => $"agent {agent.Name}";
}
