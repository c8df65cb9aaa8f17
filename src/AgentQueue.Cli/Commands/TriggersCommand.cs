using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Events;

namespace AgentQueue.Cli.Commands;

/// <summary><c>triggers</c>: which events start and end what.</summary>
internal static class TriggersCommand
{
    private static readonly Argument<string?> s_event = new("EVENT")
    {
        HelpName = "EVENT",
        CompletionSources = { Completions.Events },
        Arity = ArgumentArity.ZeroOrOne,
        Description = "Only what listens to this event",
    };

    private static readonly Option<string?> s_graph = Options.Word(
        "--graph",
        "Draw what follows from what: a tree for people; Mermaid, DOT or SVG for documents",
        GraphFormat.All
    );

    public static Command Create()
    {
        var triggers = new Verb(
            "triggers",
            "Show which events start and end what",
            "agentq triggers",
            "agentq triggers task_failed:lint",
            "agentq triggers --graph svg > events.svg"
        )
        {
            s_event,
            s_graph,
        };
        triggers.Runs(Run);
        return triggers;
    }

    private static ExitCode Run(Session session, ParseResult parsed)
    {
        var config = session.Project.Config;
        var name = parsed.GetValue(s_event) is { } given ? EventName.Check(given) : null;
        if (parsed.GetValue(s_graph) is { } format)
        {
            GraphFormat.Print(
                Session.Screen,
                format,
                () => Trees(config, name, Session.Screen.Style.Ascii),
                () => EventBoxes.Of(config, name)
            );
            return ExitCode.Ok;
        }

        var rules = RulesOf(config)
            .Where(r => name is null || EventName.IsMatch(r.Event, name))
            .ToList();
        if (session.Json)
        {
            PrintJson(rules);
        }
        else if (rules.Count == 0)
        {
            Session.Screen.Talk(
                name is null
                    ? $"No agent listens to an event; give one \"triggers\" in {AgentConfig.FileName}"
                    : $"Nothing listens to '{name}'{Nearest.Suggestion(name, RulesOf(config).Select(static r => r.Event))}"
            );
        }
        else
        {
            PrintTable(rules);
        }

        return ExitCode.Ok;
    }

    private sealed record Rule(string Event, string Does, AgentDefinition Agent);

    private static IEnumerable<Rule> RulesOf(AgentConfig config) =>
        config
            .Agents.Values.SelectMany(static a =>
                a.Events.Triggers.Select(e => new Rule(e, "starts", a))
                    .Concat(a.Events.AllOf.Select(e => new Rule(e, "joins", a)))
                    .Concat(a.Events.CancelOn.Select(e => new Rule(e, "cancels", a)))
            )
            .OrderBy(static r => r.Event, StringComparer.Ordinal)
            .ThenBy(static r => r.Agent.Name, StringComparer.Ordinal);

    private static void PrintTable(List<Rule> rules)
    {
        var table = new Table(
            new Column("EVENT"),
            new Column("DOES"),
            new Column("AGENT"),
            new Column("POLICY") { Flexible = true }
        );
        foreach (var rule in rules)
        {
            table.Add(
                rule.Event,
                rule.Does,
                rule.Agent.Name,
                rule.Does == "cancels" ? "" : PolicyOf(rule.Agent.Events)
            );
        }

        TableOutput.Print(Session.Screen, table);
    }

    /// <summary>In the words of the configuration.</summary>
    internal static string PolicyOf(EventRule rule)
    {
        var policy = rule.MaxConcurrent is { } most
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{most} at once, then {WordOf(rule.OnRetrigger)}"
            )
            : "any number at once";
        if (rule.AllOf.Length > 0)
        {
            policy += $"; when all of {string.Join(", ", rule.AllOf)} have come";
        }

        return rule.Debounce > TimeSpan.Zero
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{policy}; debounce {rule.Debounce.TotalMilliseconds:0} ms ({WordOf(rule.DebounceMode)})"
            )
            : policy;
    }

    internal static string WordOf(OnRetrigger policy) =>
        policy switch
        {
            OnRetrigger.Ignore => "ignore",
            OnRetrigger.Queue => "queue",
            _ => "cancel_and_restart",
        };

    internal static string WordOf(DebounceMode mode) =>
        mode switch
        {
            DebounceMode.Completion => "completion",
            DebounceMode.Trailing => "trailing",
            _ => "start",
        };

    private static void PrintJson(List<Rule> rules) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("rules"u8);
                foreach (var rule in rules)
                {
                    var events = rule.Agent.Events;
                    w.WriteStartObject();
                    w.WriteString("event"u8, rule.Event);
                    w.WriteString("does"u8, rule.Does);
                    w.WriteString("agent"u8, rule.Agent.Name);
                    w.WriteNumber("maxConcurrent"u8, events.MaxConcurrent ?? 0);
                    w.WriteString("onRetrigger"u8, WordOf(events.OnRetrigger));
                    w.WriteNumber("debounceMs"u8, (long)events.Debounce.TotalMilliseconds);
                    w.WriteString("debounceMode"u8, WordOf(events.DebounceMode));
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );

    private static IEnumerable<string> Trees(AgentConfig config, string? name, bool ascii)
    {
        var roots = name is null ? EventBoxes.Roots(config) : [name];
        foreach (var root in roots)
        {
            foreach (var line in EventTree.Lines(root, new EventForecast(config), ascii))
            {
                yield return line;
            }
        }
    }
}
