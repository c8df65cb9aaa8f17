using System.Collections.Immutable;
using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
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
    ) =>
        throw new QueueException(
            $"There is no agent '{name}'{Nearest.Suggestion(name, session.Project.Config.Agents.Keys)}",
            $"There are {string.Join(", ", session.Project.Config.Agents.Keys)}"
        );
}
