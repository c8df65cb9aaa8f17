using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan run</c> and <c>plan resume</c>: putting a run to work, and staying with it.</summary>
internal static class PlanRunCommand
{
    private static readonly Option<string?> s_workdir = Options.Text(
        "--workdir",
        "DIR",
        "The folder that the plan's paths start from (default: the current one)"
    );

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Show the tasks in an order in which they could run; nothing is stored"
    );

    private static readonly Option<bool> s_failedOnly = Options.Flag(
        "--failed-only",
        "Run what failed or was cancelled again; what a condition skipped stays skipped"
    );

    public static Command CreateRun()
    {
        var run = new Verb(
            "run",
            "Run a plan; the exit code is its outcome",
            "agentq plan run nightly.yaml",
            "agentq plan run nightly.yaml --max-parallel 2 --set version=1.2",
            "agentq plan run nightly.yaml --detach"
        )
        {
            PlanOptions.File,
            PlanOptions.Set,
            PlanOptions.MaxParallel,
            s_workdir,
            PlanOptions.FailFast,
            PlanOptions.NoFailFast,
            s_dryRun,
            PlanOptions.Detach,
        };
        run.Runs(Run);
        return run;
    }

    public static Command CreateResume()
    {
        var resume = new Verb(
            "resume",
            "Run what is not complete in a run, each task once",
            "agentq plan resume last",
            "agentq plan resume last --failed-only"
        )
        {
            PlanOptions.Run,
            s_failedOnly,
            PlanOptions.MaxParallel,
            PlanOptions.FailFast,
            PlanOptions.NoFailFast,
            PlanOptions.Detach,
        };
        resume.Runs(Resume);
        return resume;
    }

    private static ExitCode Run(Session session, ParseResult parsed)
    {
        var (path, shownAs) = PlanOptions.FileOf(session, parsed);
        var given = PlanOptions.Given(parsed);
        if (parsed.GetValue(s_dryRun))
        {
            return DryRun(session, PlanFile.LoadOrThrow(path, shownAs, given));
        }

        var request = new RunRequest(
            path,
            shownAs,
            Path.GetFullPath(parsed.GetValue(s_workdir) ?? ".", session.CurrentFolder),
            given
        )
        {
            MaxParallel = parsed.GetValue(PlanOptions.MaxParallel),
            FailFast = PlanOptions.FailFastOf(parsed),
        };
        var log = new ActionLog(session, parsed, "plan.run");
        var runs = new PlanRuns(session.Project);
        // An error in them is told before anything is stored.
        _ = session.Project.Settings;
        var detach = parsed.GetValue(PlanOptions.Detach);
        // From before there is a run: a Ctrl-C lets go of it, it never leaves half of one behind.
        using var interrupts = new Interrupts();
        var run = runs.Create(request);
        // Begun before it is told of: who cannot be told has a run all the same.
        runs.Begin(run);
        Say(
            session,
            run,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{run.Id} of {shownAs}: {Count(run.Nodes.Length)}, {run.Rules.Parallel} at once"
            )
        );
        log.Add(run.Id.Value);
        return detach ? ExitCode.Ok : Stay(session, runs, run.Id, interrupts);
    }

    private static ExitCode Resume(Session session, ParseResult parsed)
    {
        var runs = new PlanRuns(session.Project);
        var run = runs.Find(parsed.GetValue(PlanOptions.Run)!);
        var failFast = PlanOptions.FailFastOf(parsed);
        var log = new ActionLog(session, parsed, "plan.resume");
        using var interrupts = new Interrupts();
        var resumption = runs.Resume(
            run,
            parsed.GetValue(s_failedOnly),
            rules =>
                rules with
                {
                    Parallel = parsed.GetValue(PlanOptions.MaxParallel) ?? rules.Parallel,
                    FailFast = failFast ?? rules.FailFast,
                }
        );
        log.Add(run.Value);
        var view = runs.View(run);
        var left = view.Nodes.Count(static n => !n.IsOver);
        Say(
            session,
            view.Record,
            left == 0
                ? $"{run} is {RunView.WordOf(view.State)}; nothing is left to run"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{run} goes on: {Count(left)} to run, {resumption.Again.Count} of them again"
                )
        );
        return parsed.GetValue(PlanOptions.Detach)
            ? ExitCode.Ok
            : Stay(session, runs, run, interrupts);
    }

    // At once, so that whoever reads it can follow or cancel from the first moment.
    private static void Say(Session session, RunRecord run, string text)
    {
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintLine(
                screen,
                w =>
                {
                    w.WriteString("run"u8, run.Id.Value);
                    w.WriteString("folder"u8, session.Queue.RunFolder(run.Id));
                    w.WriteNumber("tasks"u8, run.Nodes.Length);
                }
            );
        }
        else
        {
            screen.Line(text);
        }

        screen.Flush();
    }

    private static ExitCode Stay(Session session, PlanRuns runs, RunId run, Interrupts interrupts)
    {
        var follow = new RunFollow(session, runs, run, interrupts);
        if (follow.UntilOver() is not { } view)
        {
            return ExitCode.Interrupted;
        }

        var screen = Session.Screen;
        var report = runs.WriteReport(view);
        if (session.Json)
        {
            JsonOutput.PrintLine(
                screen,
                w =>
                {
                    RunText.Write(w, view, session.Queue);
                    w.WriteString("report"u8, report);
                }
            );
        }
        else
        {
            // On a terminal it stands under the tasks already.
            if (!follow.ShowedEnd)
            {
                screen.Line(RunText.Summary(view, session.Project.Clock.GetUtcNow()));
            }

            screen.Line($"report: {Path.GetRelativePath(session.CurrentFolder, report)}", Tone.Dim);
        }

        if (view.State == RunState.Stopped)
        {
            screen.Talk(RunText.WhyStopped(session.Project, run), Tone.Warn);
        }

        return view.ExitCode;
    }

    private static ExitCode DryRun(Session session, Plan plan)
    {
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(screen, w => PlanView.Write(w, plan));
            return ExitCode.Ok;
        }

        var table = new Table(
            new Column("#") { AlignRight = true },
            new Column("TASK"),
            new Column("WHAT") { Flexible = true }
        );
        var place = 0;
        foreach (var task in PlanGraph.InOrder(plan.Tasks))
        {
            place++;
            table.Add(
                place.ToString(CultureInfo.InvariantCulture),
                task.Id,
                PlanView.Describe(task)
            );
        }

        screen.Lines(table.ToTerminal(screen.Style));
        return ExitCode.Ok;
    }

    private static string Count(int tasks) =>
        string.Create(CultureInfo.InvariantCulture, $"{tasks} {(tasks == 1 ? "task" : "tasks")}");
}
