using System.Collections.Immutable;
using AgentQueue.Events;

namespace AgentQueue.Cli.Commands;

/// <summary>What may follow from an event, as a tree.</summary>
internal static class EventTree
{
    public static IEnumerable<string> Lines(string name, EventForecast rules, bool ascii)
    {
        yield return name;
        foreach (var line in Below(rules.Of(name), "", name, ascii))
        {
            yield return line;
        }

        if (rules.IsCut)
        {
            yield return "(and more)";
        }
    }

    private static IEnumerable<string> Below(
        ImmutableArray<Forecast> all,
        string lead,
        string by,
        bool ascii
    )
    {
        for (var i = 0; i < all.Length; i++)
        {
            var one = all[i];
            var isLast = i == all.Length - 1;
            var why = one.Event == by ? "" : $"  ({one.Event})";
            yield return lead
                + (isLast, ascii) switch
                {
                    (true, true) => "`- ",
                    (false, true) => "|- ",
                    (true, false) => "└─ ",
                    (false, false) => "├─ ",
                }
                + WordOf(one.Effect)
                + " "
                + one.Agent
                + why
                + (one.Effect == Effect.GoesRound ? "  and is refused: it would go round" : "");
            var deeper =
                lead
                + (
                    isLast ? "   "
                    : ascii ? "|  "
                    : "│  "
                );
            foreach (var line in Below(one.Next, deeper, "", ascii))
            {
                yield return line;
            }
        }
    }

    public static string WordOf(Effect effect) =>
        effect switch
        {
            Effect.Joins => "counts for",
            Effect.Cancels => "cancels",
            _ => "starts",
        };
}
