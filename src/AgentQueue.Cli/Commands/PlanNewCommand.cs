using System.CommandLine;
using System.Text;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan new</c>: a plan from a template; and what templates there are.</summary>
internal static class PlanNewCommand
{
    private static readonly Argument<string> s_name = new("NAME")
    {
        HelpName = "NAME",
        Description = "The plan's name; its file is plans/NAME.yaml in the project",
    };

    private static readonly Option<string?> s_template = new("--template")
    {
        HelpName = "TEMPLATE",
        Description = $"What to begin with (default: {PlanTemplates.Default})",
        CompletionSources = { Completions.Templates },
    };

    private static readonly Option<string[]> s_set = new("--set")
    {
        HelpName = "NAME=VALUE",
        Description = "Another default for a parameter; may be given more than once",
    };

    private static readonly Option<bool> s_force = Options.Flag(
        "--force",
        "Replace a plan that is there already"
    );

    public static Command Create()
    {
        var command = new Verb(
            "new",
            "Make a plan from a template, to be edited and run",
            "agentq plan new nightly",
            "agentq plan new --template plan-build-review-document parser --set agent=coder",
            "agentq plan list --templates"
        )
        {
            s_name,
            s_template,
            s_set,
            s_force,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var log = new ActionLog(session, parsed, "plan.new");
        var name = PlanName.Require(parsed.GetValue(s_name)!);
        var template = new PlanTemplates(session.Queue).Find(
            parsed.GetValue(s_template) ?? PlanTemplates.Default
        );
        var text = PlanTemplates.Fill(
            template,
            name,
            PlanOptions.ReadGiven(parsed.GetValue(s_set))
        );
        var path = Path.Join(session.Project.Root, "plans", name + ".yaml");
        Write(session, path, Encoding.UTF8.GetBytes(text), parsed.GetValue(s_force));
        log.Add(subject: null, output: path);
        Tell(session, template, path);
        return ExitCode.Ok;
    }

    private static void Write(Session session, string path, byte[] content, bool force)
    {
        session.Queue.Disk.CreateFolder(Path.GetDirectoryName(path)!);
        if (force)
        {
            session.Queue.Durable.Replace(path, content);
        }
        else if (!session.Queue.Durable.TryCreate(path, content))
        {
            throw new QueueException(
                $"{Path.GetRelativePath(session.CurrentFolder, path)} is there already",
                "Choose another name, or replace it: --force"
            );
        }
    }

    private static void Tell(Session session, PlanTemplate template, string path)
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("path"u8, path);
                    w.WriteString("template"u8, template.Name);
                }
            );
            return;
        }

        var shown = Path.GetRelativePath(session.CurrentFolder, path);
        var word = ShellWords.Quote(shown);
        var screen = Session.Screen;
        screen.Line(shown);
        screen.Talk("Next:");
        screen.Talk($"  agentq plan validate {word}");
        screen.Talk($"  agentq plan graph {word}");
        screen.Talk($"  agentq plan run {word}");
    }

    /// <summary>What <c>plan list --templates</c> shows.</summary>
    public static ExitCode List(Session session)
    {
        var templates = new PlanTemplates(session.Queue).All(Session.Screen.Error);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteStartArray("templates"u8);
                    foreach (var template in templates)
                    {
                        w.WriteStartObject();
                        w.WriteString("name"u8, template.Name);
                        w.WriteString("description"u8, template.Description);
                        w.WriteBoolean("own"u8, template.IsOwn);
                        w.WriteEndObject();
                    }

                    w.WriteEndArray();
                }
            );
            return ExitCode.Ok;
        }

        var table = new Table(
            new Column("TEMPLATE"),
            new Column("DESCRIPTION") { Flexible = true, Widest = 100 }
        );
        foreach (var template in templates)
        {
            table.Add(
                template.Name,
                template.IsOwn ? $"{template.Description} (this project's)" : template.Description
            );
        }

        Session.Screen.Lines(table.ToTerminal(Session.Screen.Style));
        return ExitCode.Ok;
    }
}
