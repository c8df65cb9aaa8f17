using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Completions;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli.Commands;

/// <summary><c>config</c>: the settings of the queue, and what is wrong with them and with the agents.</summary>
internal static class ConfigCommand
{
    private static readonly Argument<string> s_key = new("KEY")
    {
        HelpName = "KEY",
        Description = "A key of config show",
        CompletionSources =
        {
            static _ =>
                SettingKey.All.Select(static k => new CompletionItem(
                    k.Name,
                    detail: k.Description
                )),
        },
    };

    private static readonly Argument<string> s_value = new("VALUE")
    {
        HelpName = "VALUE",
        Description = "The new value; default takes the key away",
        CompletionSources = { static _ => [new CompletionItem("default")] },
    };

    public static Command Create()
    {
        var show = new Verb("show", "Show every setting", "agentq config show");
        show.Runs(Show);
        var validate = new Verb(
            "validate",
            "Check both files and all adapters; exit code 2 if one has an error",
            "agentq config validate"
        );
        validate.Runs(Validate);
        var set = new Verb(
            "set",
            "Change a setting in .agents/settings.json; its comments stay",
            "agentq config set parallel 5",
            "agentq config set timeout 30m",
            "agentq config set timeout default"
        )
        {
            s_key,
            s_value,
        };
        set.Runs(Set);
        var path = new Verb("path", "Print where both files are", "agentq config path");
        path.Runs(PrintPaths);
        return new Verb(
            "config",
            "Show, check and change the settings",
            "agentq config show",
            "agentq config validate",
            "agentq config set parallel 5"
        )
        {
            show,
            validate,
            set,
            path,
        };
    }

    private static ExitCode Show(Session session, ParseResult parsed)
    {
        var lines = session.Project.Settings.Show();
        if (session.Json)
        {
            Reply(lines);
            return ExitCode.Ok;
        }

        var table = new Table(
            new("Setting"),
            new("Value"),
            new("From") { Rank = 2 },
            new("Meaning")
            {
                Flexible = true,
                Narrowest = 12,
                Rank = 1,
            }
        );
        foreach (var line in lines)
        {
            table.Add(
                line.Key,
                new Cell(line.Value, line.IsDefault ? Tone.Dim : Tone.Info),
                line.IsDefault ? new Cell("default", Tone.Dim) : Settings.FileName,
                line.Description
            );
        }

        TableOutput.Print(Session.Screen, table);
        return ExitCode.Ok;
    }

    private static void Reply(ImmutableArray<SettingLine> lines) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("settings"u8);
                foreach (var line in lines)
                {
                    w.WriteStartObject();
                    w.WriteString("key"u8, line.Key);
                    w.WriteString("value"u8, line.Value);
                    w.WriteBoolean("isDefault"u8, line.IsDefault);
                    w.WriteString("description"u8, line.Description);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );

    private static ExitCode Validate(Session session, ParseResult parsed)
    {
        ConfigProblem[] problems =
        [
            .. AgentConfig.Validate(
                session.Project.Root,
                Environment.GetEnvironmentVariable("PATH")
            ),
            .. Settings.Validate(session.Queue.Folder),
        ];
        if (session.Json)
        {
            ProblemReply.Print(Session.Screen, problems);
        }
        else
        {
            ProblemReply.Lines(Session.Screen, problems);
            if (problems.Length == 0)
            {
                Session.Screen.Line($"{ProjectConfig.Describe(session.Queue)}: nothing wrong");
            }
        }

        return problems.Any(static p => p.IsError) ? ExitCode.Usage : ExitCode.Ok;
    }

    private static ExitCode Set(Session session, ParseResult parsed)
    {
        var key = parsed.GetValue(s_key)!;
        var line = ProjectConfig.Set(session.Queue, key, parsed.GetValue(s_value)!);
        if (session.Json)
        {
            Reply([line]);
        }
        else
        {
            Session.Screen.Line($"{line.Key} = {line.Value}{(line.IsDefault ? " (default)" : "")}");
        }

        return ExitCode.Ok;
    }

    private static ExitCode PrintPaths(Session session, ParseResult parsed)
    {
        var agents = ProjectConfig.AgentsFile(session.Queue);
        var settings = ProjectConfig.SettingsFile(session.Queue);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("agents"u8, agents);
                    w.WriteString("settings"u8, settings);
                }
            );
        }
        else
        {
            Session.Screen.Line(agents);
            Session.Screen.Line(settings);
        }

        return ExitCode.Ok;
    }
}
