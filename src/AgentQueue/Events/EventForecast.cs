using System.Collections.Immutable;
using AgentQueue.Config;

namespace AgentQueue.Events;

/// <summary>What an event would do with an agent.</summary>
internal enum Effect
{
    Starts,

    /// <summary>It is one of several that all have to come.</summary>
    Joins,

    /// <summary>Ends what events have started of it.</summary>
    Cancels,

    /// <summary>It would start what led to it, and is refused for that.</summary>
    GoesRound,
}

/// <param name="Event">The name by which the event concerns the agent.</param>
/// <param name="Next">What may follow from the agent's task in its turn.</param>
internal sealed record Forecast(
    string Agent,
    string Event,
    Effect Effect,
    ImmutableArray<Forecast> Next
);

/// <summary>Follows rules through without doing anything; pure.</summary>
internal sealed class EventForecast(AgentConfig config)
{
    // A net of rules has more ways through it than anybody reads.
    private const int Most = 1000;
    private int _left = Most;

    /// <summary>True if there was more than is told.</summary>
    public bool IsCut => _left <= 0;

    /// <summary>Everything that may follow from an event.</summary>
    public ImmutableArray<Forecast> Of(string name) => Of([name], [], loops: false);

    private ImmutableArray<Forecast> Of(
        ImmutableArray<string> names,
        ImmutableArray<string> chain,
        bool loops
    )
    {
        var found = ImmutableArray.CreateBuilder<Forecast>();
        foreach (var agent in config.Agents.Values)
        {
            if (EventName.Match(agent.Events.CancelOn, names) is { } ending)
            {
                Add(new Forecast(agent.Name, ending, Effect.Cancels, []));
            }

            if (EventName.Match(agent.Events.Triggers, names) is { } starting)
            {
                var goesRound = chain.Contains(starting);
                Add(
                    new Forecast(
                        agent.Name,
                        starting,
                        goesRound && !loops ? Effect.GoesRound : Effect.Starts,
                        goesRound || IsCut ? [] : After(agent.Name, chain.Add(starting))
                    )
                );
            }
            else if (EventName.Match(agent.Events.AllOf, names) is { } joining)
            {
                Add(new Forecast(agent.Name, joining, Effect.Joins, []));
            }
        }

        return found.ToImmutable();

        void Add(Forecast one)
        {
            if (_left-- > 0)
            {
                found.Add(one);
            }
        }
    }

    // Each way in which it may end, and its start.
    private ImmutableArray<Forecast> After(string agent, ImmutableArray<string> chain)
    {
        var loops =
            config.Agents.TryGetValue(agent, out var teller) && !teller.Events.LoopDetection;
        var seen = new HashSet<(string, string, Effect)>();
        var next = ImmutableArray.CreateBuilder<Forecast>();
        foreach (
            var how in (ReadOnlySpan<string>)
                [EventName.Started, EventName.Success, EventName.Failed, EventName.Cancelled]
        )
        {
            ImmutableArray<string> names =
                how == EventName.Started
                    ? [how + agent]
                    : [how + agent, EventName.Finished + agent];
            next.AddRange(
                Of(names, chain, loops).Where(f => seen.Add((f.Agent, f.Event, f.Effect)))
            );
        }

        return next.ToImmutable();
    }
}
