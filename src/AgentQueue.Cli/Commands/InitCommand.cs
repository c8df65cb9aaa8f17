using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary><c>init</c>: make a project's configuration and queue folder.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var command = new Verb(
            "init",
            "Make agent-config.json and .agents/ in this folder; never overwrites",
            "agentq init",
            "agentq init --root ~/projects/parser"
        );
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        RefuseInsideAnother(session, parsed);
        var path = Environment.GetEnvironmentVariable("PATH");
        var result = ProjectSetup.Create(session.Queue, path);
        var configured = Configured(session);
        if (session.Json)
        {
            Reply(session, result, configured);
            return ExitCode.Ok;
        }

        var screen = Session.Screen;
        screen.Line($"Project {session.Project.Root}");
        foreach (var item in result.Items)
        {
            screen.Line(
                $"  {(item.Made ? "made" : "kept")}  {item.Path}",
                item.Made ? Tone.Plain : Tone.Dim
            );
        }

        TellAgents(screen, result, configured);
        var example = result.Found is [var first, ..] ? first.Name : AgentDefinition.Shell;
        screen.Line();
        screen.Line("Next:");
        screen.Line("  agentq start shell 'echo hello' --run --wait");
        if (example != AgentDefinition.Shell)
        {
            screen.Line($"  agentq start {example} 'Explain what this project does' --run");
        }

        screen.Line("  agentq status");
        screen.Line("  agentq setup   (teaches your coding assistants to use it)");
        return ExitCode.Ok;
    }

    // A folder below a project belongs to it; a second queue there would be found by nobody above.
    private static void RefuseInsideAnother(Session session, ParseResult parsed)
    {
        var isNamed =
            parsed.GetValue(CommonOptions.Root) is not null
            || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(QueueLocator.RootVariable));
        if (!isNamed && session.FoundProject && session.Project.Root != session.CurrentFolder)
        {
            throw new QueueException(
                $"This folder belongs to the project {session.Project.Root}",
                "To make a new project here all the same: agentq init --root ."
            );
        }
    }

    // The configuration may be an old one that was kept; that it has errors is not init's to judge.
    private static IReadOnlyCollection<string> Configured(Session session)
    {
        try
        {
            return [.. session.Project.Config.Configured.Keys];
        }
        catch (QueueException e)
        {
            Session.Screen.Talk(e.Message, Tone.Warn);
            return [];
        }
    }

    private static void TellAgents(
        Screen screen,
        SetupResult result,
        IReadOnlyCollection<string> configured
    )
    {
        screen.Line();
        if (result.Found.IsEmpty)
        {
            screen.Line("No agent CLI was found on PATH; shell is always there");
            return;
        }

        screen.Line("Agents found on PATH:");
        foreach (var agent in result.Found)
        {
            screen.Line(
                configured.Contains(agent.Name)
                    ? $"  {agent.Name}: {agent.Description}"
                    : $"  {agent.Name}: not in the {AgentConfig.FileName} that was kept"
            );
        }
    }

    private static void Reply(
        Session session,
        SetupResult result,
        IReadOnlyCollection<string> configured
    ) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteString("root"u8, session.Project.Root);
                w.WriteStartArray("items"u8);
                foreach (var item in result.Items)
                {
                    w.WriteStartObject();
                    w.WriteString("path"u8, item.Path);
                    w.WriteBoolean("made"u8, item.Made);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                w.WriteStartArray("agents"u8);
                foreach (var agent in result.Found)
                {
                    w.WriteStartObject();
                    w.WriteString("name"u8, agent.Name);
                    w.WriteString("command"u8, agent.Command);
                    w.WriteBoolean("configured"u8, configured.Contains(agent.Name));
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );
}
