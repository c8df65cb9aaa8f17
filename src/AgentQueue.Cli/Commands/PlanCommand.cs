using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan</c>: graphs of tasks, kept in files.</summary>
internal static class PlanCommand
{
    private static readonly Argument<string> s_file = new("PLAN")
    {
        HelpName = "PLAN",
        Description = "The plan's file, YAML or JSON",
    };

    private static readonly Option<string[]> s_set = new("--set")
    {
        HelpName = "NAME=VALUE",
        Description = "A value for a parameter of the plan; may be given more than once",
    };

    public static Command Create()
    {
        var validate = new Verb(
            "validate",
            "Check a plan; exit code 2 if it has an error",
            "agentq plan validate nightly.yaml"
        )
        {
            s_file,
            s_set,
        };
        validate.Runs(Validate);
        var graph = new Verb(
            "graph",
            "Draw a plan: as a tree, or as a diagram for documents",
            "agentq plan graph nightly.yaml",
            "agentq plan graph nightly.yaml --format svg > nightly.svg"
        )
        {
            s_file,
            s_set,
            GraphFormat.Option,
        };
        graph.Runs(Graph);
        return new Verb(
            "plan",
            "Check and draw plans: graphs of tasks in a YAML or JSON file",
            "agentq plan validate nightly.yaml",
            "agentq plan graph nightly.yaml --format svg > nightly.svg"
        )
        {
            validate,
            graph,
        };
    }

    private static ExitCode Validate(Session session, ParseResult parsed)
    {
        var (path, shownAs) = FileOf(session, parsed);
        var (plan, problems) = PlanFile.Load(path, shownAs, Given(parsed));
        if (session.Json)
        {
            ProblemReply.Print(Session.Screen, problems);
            return plan is null ? ExitCode.Usage : ExitCode.Ok;
        }

        ProblemReply.Lines(Session.Screen, problems);
        if (plan is not null)
        {
            Session.Screen.Line($"{shownAs}: {Summary(plan)}, nothing wrong");
        }

        return plan is null ? ExitCode.Usage : ExitCode.Ok;
    }

    private static ExitCode Graph(Session session, ParseResult parsed)
    {
        var (path, shownAs) = FileOf(session, parsed);
        var plan = PlanFile.LoadOrThrow(path, shownAs, Given(parsed));
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(screen, w => PlanView.Write(w, plan));
            return ExitCode.Ok;
        }

        GraphFormat.Print(
            screen,
            parsed,
            () => PlanView.Tree(plan, screen.Style),
            () => PlanView.Boxes(plan)
        );
        return ExitCode.Ok;
    }

    private static (string Path, string ShownAs) FileOf(Session session, ParseResult parsed)
    {
        var file = parsed.GetValue(s_file)!;
        return (Path.GetFullPath(file, session.CurrentFolder), file);
    }

    private static Dictionary<string, string> Given(ParseResult parsed)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in parsed.GetValue(s_set) ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw QueueException.Usage($"--set wants NAME=VALUE, not '{text}'");
            }

            if (!given.TryAdd(text[..equals], text[(equals + 1)..]))
            {
                throw QueueException.Usage($"--set gives '{text[..equals]}' twice");
            }
        }

        return given;
    }

    private static string Summary(Plan plan)
    {
        var waits = plan.Tasks.Sum(static t => t.DependsOn.Length);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{plan.Tasks.Length} {(plan.Tasks.Length == 1 ? "task" : "tasks")}, {waits} {(waits == 1 ? "dependency" : "dependencies")}"
        );
    }
}
