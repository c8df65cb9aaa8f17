using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>The verbs of <c>plan</c> that are about runs: what there are, how they go, and what to do about it.</summary>
internal static class PlanRunsCommand
{
    private static readonly Option<bool> s_watch = Options.Flag(
        "--watch",
        "Go on until the run is over, and exit by its outcome",
        "-w"
    );

    private static readonly Option<bool> s_templates = Options.Flag(
        "--templates",
        "Instead, the templates for new plans: the project's own and those of agentq"
    );

    private static readonly Argument<string> s_task = new("TASK")
    {
        HelpName = "TASK",
        Description = "A task of the plan, by its id there",
    };

    private static readonly Option<int?> s_keep = Options.Number(
        "--keep",
        "Leave the newest N runs",
        0,
        int.MaxValue
    );

    private static readonly Option<TimeSpan?> s_olderThan = Options.Time(
        "--older-than",
        "Only runs that ended longer ago than this"
    );

    public static IEnumerable<Command> Create()
    {
        var list = new Verb(
            "list",
            "The plans of this project and its runs, the newest first",
            "agentq plan list",
            "agentq plan list --templates"
        )
        {
            s_templates,
        };
        list.Runs(List);
        yield return list;

        var status = new Verb(
            "status",
            "How a run goes, task by task",
            "agentq plan status",
            "agentq plan status last --watch"
        )
        {
            PlanOptions.RunOrLast,
            s_watch,
        };
        status.Runs(Status);
        yield return status;

        var cancel = new Verb(
            "cancel",
            "End a run: what waits is cancelled, what runs is ended with all its processes",
            "agentq plan cancel last"
        )
        {
            PlanOptions.Run,
        };
        cancel.Runs(Cancel);
        yield return cancel;

        var report = new Verb(
            "report",
            "Write the report of a run anew and print it (Markdown)",
            "agentq plan report last"
        )
        {
            PlanOptions.RunOrLast,
        };
        report.Runs(Report);
        yield return report;

        var approve = new Verb(
            "approve",
            "Say yes to a task that asks",
            "agentq plan approve last deploy"
        )
        {
            PlanOptions.Run,
            s_task,
        };
        approve.Runs((session, parsed) => Answer(session, parsed, yes: true));
        yield return approve;

        var reject = new Verb(
            "reject",
            "Say no to a task that asks: it is cancelled",
            "agentq plan reject last deploy"
        )
        {
            PlanOptions.Run,
            s_task,
        };
        reject.Runs((session, parsed) => Answer(session, parsed, yes: false));
        yield return reject;

        var clean = new Verb(
            "clean",
            "Remove runs that are over, with their tasks, logs and artifacts",
            "agentq plan clean --keep 10",
            "agentq plan clean --older-than 30d"
        )
        {
            s_keep,
            s_olderThan,
        };
        clean.Runs(Clean);
        yield return clean;
    }

    private static ExitCode List(Session session, ParseResult parsed)
    {
        if (parsed.GetValue(s_templates))
        {
            return PlanNewCommand.List(session);
        }

        var runs = new PlanRuns(session.Project);
        var plans = PlanFinder.Find(session.Project.Root);
        var views = new List<RunView>();
        foreach (var run in runs.All())
        {
            try
            {
                views.Add(runs.View(run));
            }
            catch (QueueException e)
            {
                Session.Screen.Error(e);
            }
        }

        if (session.Json)
        {
            WriteList(session, plans, views);
            return ExitCode.Ok;
        }

        var screen = Session.Screen;
        var now = session.Project.Clock.GetUtcNow();
        if (plans.Count > 0)
        {
            var table = new Table(
                new Column("PLAN") { Flexible = true },
                new Column("TASKS") { AlignRight = true },
                new Column("GOAL") { Flexible = true, Widest = 80 }
            );
            foreach (var plan in plans)
            {
                table.Add(
                    plan.Path,
                    plan.Tasks?.ToString(CultureInfo.InvariantCulture) ?? "?",
                    plan.Goal ?? ""
                );
            }

            screen.Lines(table.ToTerminal(screen.Style));
            screen.Line();
        }

        if (views.Count == 0)
        {
            screen.Talk("No plan has been run in this project; run one: agentq plan run PLAN");
            return ExitCode.Ok;
        }

        var list = new Table(
            new Column("RUN"),
            new Column("PLAN") { Flexible = true },
            new Column("STATE"),
            new Column("DONE") { AlignRight = true },
            new Column("TIME") { AlignRight = true },
            new Column("BEGAN") { Rank = 1 }
        );
        foreach (var view in views)
        {
            list.Add(
                view.Record.Id.Value,
                view.Record.Plan,
                new Cell(RunView.WordOf(view.State), ToneOf(view.State)),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{view.Count(NodeState.Complete)}/{view.Nodes.Length}"
                ),
                view.StartedAt is { } from
                    ? Duration.FormatShort((view.EndedAt ?? now) - from)
                    : "",
                view.Record.CreatedAt.ToLocalTime()
                    .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)
            );
        }

        screen.Lines(list.ToTerminal(screen.Style));
        return ExitCode.Ok;
    }

    private static void WriteList(
        Session session,
        IReadOnlyList<FoundPlan> plans,
        IReadOnlyList<RunView> views
    ) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("plans"u8);
                foreach (var plan in plans)
                {
                    w.WriteStartObject();
                    w.WriteString("path"u8, plan.Path);
                    w.WriteString("goal"u8, plan.Goal);
                    w.WriteBoolean("valid"u8, plan.Tasks is not null);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                w.WriteStartArray("runs"u8);
                foreach (var view in views)
                {
                    w.WriteStartObject();
                    RunText.Write(w, view, session.Queue);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );

    private static ExitCode Status(Session session, ParseResult parsed)
    {
        var runs = new PlanRuns(session.Project);
        var run = runs.Find(parsed.GetValue(PlanOptions.RunOrLast)!);
        session.Project.Look(
            autoRetry: true,
            static problem => Session.Screen.Talk(StatusCommand.WarningOf(problem), Tone.Warn)
        );
        var view = runs.View(run);
        if (parsed.GetValue(s_watch) && !view.IsOver)
        {
            using var interrupts = new Interrupts();
            view = new RunFollow(session, runs, run, interrupts).UntilOver();
            if (view is null)
            {
                return ExitCode.Interrupted;
            }
        }

        Show(session, view);
        return parsed.GetValue(s_watch) ? view.ExitCode : ExitCode.Ok;
    }

    private static void Show(Session session, RunView view)
    {
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(screen, w => RunText.Write(w, view, session.Queue));
            return;
        }

        var now = session.Project.Clock.GetUtcNow();
        screen.Line($"{view.Record.Id} of {view.Record.Plan}");
        if (view.Record.Goal is { } goal)
        {
            screen.Line(goal, Tone.Dim);
        }

        screen.Line();
        screen.Lines(RunText.Table(view, screen.Style, now));
        screen.Line();
        screen.Line(RunText.Summary(view, now));
        foreach (var node in view.Nodes.Where(static n => n.State == NodeState.Approval))
        {
            screen.Talk(
                $"{node.Id} asks: {node.Reason}  (agentq plan approve {view.Record.Id} {node.Id}, or reject)",
                Tone.Warn
            );
        }

        if (view.State == RunState.Stopped)
        {
            screen.Talk(RunText.WhyStopped(session.Project, view.Record.Id), Tone.Warn);
        }
    }

    private static ExitCode Cancel(Session session, ParseResult parsed)
    {
        var runs = new PlanRuns(session.Project);
        var run = runs.Find(parsed.GetValue(PlanOptions.Run)!);
        var log = new ActionLog(session, parsed, "plan.cancel");
        var count = runs.Cancel(run);
        log.Add(run.Value);
        var view = runs.View(run);
        runs.WriteReport(view);
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => RunText.Write(w, view, session.Queue));
        }
        else
        {
            Session.Screen.Line(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run} is {RunView.WordOf(view.State)}: {count} {(count == 1 ? "task" : "tasks")} cancelled"
                )
            );
        }

        return ExitCode.Ok;
    }

    private static ExitCode Report(Session session, ParseResult parsed)
    {
        var runs = new PlanRuns(session.Project);
        var view = runs.View(runs.Find(parsed.GetValue(PlanOptions.RunOrLast)!));
        var path = runs.WriteReport(view);
        var text = runs.ReportOf(view);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("run"u8, view.Record.Id.Value);
                    w.WriteString("report"u8, path);
                    w.WriteString("text"u8, text);
                }
            );
        }
        else
        {
            Session.Screen.Out(Terminal.Clean(text, multiline: true));
        }

        return ExitCode.Ok;
    }

    private static ExitCode Answer(Session session, ParseResult parsed, bool yes)
    {
        var runs = new PlanRuns(session.Project);
        var run = runs.Find(parsed.GetValue(PlanOptions.Run)!);
        var node = parsed.GetValue(s_task)!;
        var log = new ActionLog(session, parsed, yes ? "plan.approve" : "plan.reject");
        var task = yes ? runs.Approve(run, node) : runs.Reject(run, node);
        log.Add(run.Value);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w => RunText.Write(w, runs.View(run), session.Queue)
            );
        }
        else
        {
            Session.Screen.Line($"{node} {(yes ? "approved" : "rejected")} ({task.Id})");
        }

        return ExitCode.Ok;
    }

    private static ExitCode Clean(Session session, ParseResult parsed)
    {
        var keep = parsed.GetValue(s_keep);
        var age = parsed.GetValue(s_olderThan);
        if (keep is null && age is null)
        {
            throw QueueException.Usage(
                "Say which runs: --keep N, or --older-than TIME",
                "All that are over: agentq plan clean --keep 0"
            );
        }

        var runs = new PlanRuns(session.Project);
        var before = session.Project.Clock.GetUtcNow() - (age ?? TimeSpan.Zero);
        var removed = new List<RunId>();
        foreach (var run in runs.All().Skip(keep ?? 0))
        {
            var view = runs.View(run);
            if (
                (view.IsOver || view.State == RunState.Stopped)
                && (view.EndedAt ?? view.Record.CreatedAt) <= before
            )
            {
                runs.Remove(run);
                removed.Add(run);
            }
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteStartArray("removed"u8);
                    foreach (var run in removed)
                    {
                        w.WriteStringValue(run.Value);
                    }

                    w.WriteEndArray();
                }
            );
            return ExitCode.Ok;
        }

        foreach (var run in removed)
        {
            Session.Screen.Line($"{run} removed");
        }

        if (removed.Count == 0)
        {
            Session.Screen.Talk("No run to remove");
        }

        return ExitCode.Ok;
    }

    private static Tone ToneOf(RunState state) =>
        state switch
        {
            RunState.Complete => Tone.Good,
            RunState.Failed => Tone.Bad,
            RunState.Running => Tone.Info,
            _ => Tone.Warn,
        };
}
