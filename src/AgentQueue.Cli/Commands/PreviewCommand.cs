using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Events;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli.Commands;

/// <summary><c>preview</c>: what would be done, without doing it.</summary>
internal static class PreviewCommand
{
    private static readonly Argument<string> s_name = new("AGENT|EVENT")
    {
        HelpName = "AGENT|EVENT",
        Description = "An agent; any other name is that of an event",
        CompletionSources = { Completions.Agents },
    };

    private static readonly Option<string[]> s_vars = Options.Repeated(
        "--var",
        "NAME=VALUE",
        "A variable as the event would bring it"
    );

    public static Command Create()
    {
        var command = new Verb(
            "preview",
            "Show the exact command of an agent, or what an event would start, without doing it",
            "agentq preview lint",
            "agentq preview lint --var path=src --json"
        )
        {
            s_name,
            s_vars,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var name = parsed.GetValue(s_name)!;
        var given = KeyValues.CallVariables(parsed.GetValue(s_vars) ?? []);
        if (!session.Project.Config.Agents.TryGetValue(name, out var agent))
        {
            return PreviewEvent(session, name, given);
        }

        var preview = AgentPreview.Of(
            session.Project.Config,
            agent,
            session.Queue,
            session.Project.Settings,
            given
        );
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => PreviewReply.Write(w, preview));
        }
        else
        {
            PreviewReply.Print(Session.Screen, preview);
        }

        return preview.Problem is null ? ExitCode.Ok : ExitCode.Refused;
    }

    private static ExitCode PreviewEvent(
        Session session,
        string name,
        ImmutableSortedDictionary<string, string> given
    )
    {
        var config = session.Project.Config;
        var forecast = new EventForecast(config);
        var follows = forecast.Of(EventName.Check(name));
        if (follows.IsEmpty)
        {
            throw new QueueException(
                $"There is no agent '{name}', and nothing listens to such an event{Nearest.Suggestion(name, config.Agents.Keys.Concat(EventBoxes.Roots(config)))}",
                "See what there is: agentq agents, agentq triggers"
            );
        }

        // What each agent would be called with that it starts at once; the others' variables are not known yet.
        var first = follows
            .Where(static f => f.Effect == Effect.Starts)
            .Select(f => config.Agents[f.Agent])
            .Select(agent => PreviewOf(session, agent, given))
            .OfType<AgentPreview>()
            .ToList();
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("event"u8, name);
                    Write(w, follows, first);
                    w.WriteBoolean("cut"u8, forecast.IsCut);
                }
            );
            return ExitCode.Ok;
        }

        Session.Screen.Lines(
            EventTree.Lines(name, new EventForecast(config), Session.Screen.Style.Ascii)
        );
        if (first.Count > 0)
        {
            Session.Screen.Line();
        }

        foreach (var preview in first)
        {
            Session.Screen.Line(
                $"{preview.Agent.Name}: {preview.Problem ?? PreviewReply.LineOf(preview)}",
                preview.Problem is null ? Tone.Plain : Tone.Bad
            );
        }

        return ExitCode.Ok;
    }

    // Null where only the event brings what its template needs.
    private static AgentPreview? PreviewOf(
        Session session,
        AgentDefinition agent,
        ImmutableSortedDictionary<string, string> given
    )
    {
        try
        {
            return AgentPreview.Of(
                session.Project.Config,
                agent,
                session.Queue,
                session.Project.Settings,
                given
            );
        }
        catch (QueueException e)
        {
            Session.Screen.Talk($"{agent.Name}: {e.Message}", Tone.Warn);
            return null;
        }
    }

    private static void Write(
        Utf8JsonWriter w,
        ImmutableArray<Forecast> follows,
        List<AgentPreview> commands
    )
    {
        w.WriteStartArray("follows"u8);
        foreach (var one in follows)
        {
            w.WriteStartObject();
            w.WriteString("agent"u8, one.Agent);
            w.WriteString("event"u8, one.Event);
            w.WriteString(
                "effect"u8,
                one.Effect switch
                {
                    Effect.Joins => "joins"u8,
                    Effect.Cancels => "cancels"u8,
                    Effect.GoesRound => "goes-round"u8,
                    _ => "starts"u8,
                }
            );
            if (commands.Find(c => c.Agent.Name == one.Agent) is { } preview)
            {
                w.WriteStartObject("preview"u8);
                PreviewReply.Write(w, preview);
                w.WriteEndObject();
            }

            Write(w, one.Next, []);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }
}
