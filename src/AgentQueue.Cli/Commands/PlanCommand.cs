using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan</c>: graphs of tasks, kept in files.</summary>
internal static class PlanCommand
{
    private static readonly Argument<string> s_planOrRun = new("PLAN|RUN")
    {
        HelpName = "PLAN|RUN",
        Description = "A plan's file, or a run: its id, a part of it, or 'last'",
        CompletionSources = { Completions.Runs },
    };

    public static Command Create()
    {
        var validate = new Verb(
            "validate",
            "Check a plan; exit code 2 if it has an error",
            "agentq plan validate nightly.yaml"
        )
        {
            PlanOptions.File,
            PlanOptions.Set,
        };
        validate.Runs(Validate);
        var graph = new Verb(
            "graph",
            "Draw a plan or a run: as a tree, or as a diagram for documents",
            "agentq plan graph nightly.yaml",
            "agentq plan graph last",
            "agentq plan graph nightly.yaml --format svg > nightly.svg"
        )
        {
            s_planOrRun,
            PlanOptions.Set,
            GraphFormat.Option,
        };
        graph.Runs(Graph);
        var plan = new Verb(
            "plan",
            "Graphs of tasks in a YAML or JSON file: check, draw and run them",
            "agentq plan validate nightly.yaml",
            "agentq plan run nightly.yaml",
            "agentq plan status last --watch"
        )
        {
            PlanNewCommand.Create(),
            PlanRunCommand.CreateRun(),
            validate,
            graph,
            PlanRunCommand.CreateResume(),
            PlanLogsCommand.Create(),
            PlanDocumentCommand.Create(),
        };
        foreach (var verb in PlanRunsCommand.Create())
        {
            plan.Add(verb);
        }

        return plan;
    }

    private static ExitCode Validate(Session session, ParseResult parsed)
    {
        var (path, shownAs) = PlanOptions.FileOf(session, parsed);
        var (plan, problems) = PlanFile.Load(path, shownAs, PlanOptions.Given(parsed));
        if (session.Json)
        {
            ProblemReply.Print(Session.Screen, problems);
            return plan is null ? ExitCode.Usage : ExitCode.Ok;
        }

        ProblemReply.Lines(Session.Screen, problems);
        if (plan is not null)
        {
            var isSound = !WarnOfAgents(session, plan) && problems.Count == 0;
            Session.Screen.Line(
                $"{shownAs}: {Summary(plan)}, {(isSound ? "nothing wrong" : "no error")}"
            );
        }

        return plan is null ? ExitCode.Usage : ExitCode.Ok;
    }

    // Where the plan is checked may not be where it runs. True if an agent is not there.
    private static bool WarnOfAgents(Session session, Plan plan)
    {
        var any = false;
        foreach (var agent in plan.Tasks.Select(static t => t.Agent).OfType<string>().Distinct())
        {
            try
            {
                session.Project.Config.Find(agent);
            }
            catch (QueueException e)
            {
                Session.Screen.Talk(e.Message, Tone.Warn);
                any = true;
            }
        }

        return any;
    }

    private static ExitCode Graph(Session session, ParseResult parsed)
    {
        var name = parsed.GetValue(s_planOrRun)!;
        var path = Path.GetFullPath(name, session.CurrentFolder);
        return File.Exists(path) || Path.HasExtension(name)
            ? GraphOfPlan(parsed, session, path, name)
            : GraphOfRun(parsed, session, name);
    }

    private static ExitCode GraphOfRun(ParseResult parsed, Session session, string part)
    {
        var runs = new PlanRuns(session.Project);
        var view = runs.View(runs.Find(part));
        var screen = Session.Screen;
        var now = session.Project.Clock.GetUtcNow();
        if (session.Json)
        {
            JsonOutput.PrintObject(screen, w => RunText.Write(w, view, session.Queue));
            return ExitCode.Ok;
        }

        var boxes = RunText.Boxes(view, now);
        GraphFormat.Print(
            screen,
            parsed,
            () => PlanView.Tree([.. boxes.Select(PlanView.NodeOf)], screen.Style),
            () => boxes
        );
        return ExitCode.Ok;
    }

    private static ExitCode GraphOfPlan(
        ParseResult parsed,
        Session session,
        string path,
        string shownAs
    )
    {
        var plan = PlanFile.LoadOrThrow(path, shownAs, PlanOptions.Given(parsed));
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(screen, w => PlanView.Write(w, plan));
            return ExitCode.Ok;
        }

        var boxes = PlanView.Boxes(plan);
        GraphFormat.Print(
            screen,
            parsed,
            () => PlanView.Tree([.. boxes.Select(PlanView.NodeOf)], screen.Style),
            () => boxes
        );
        return ExitCode.Ok;
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
