using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>deps</c>: what waits for what.</summary>
internal static class DepsCommand
{
    private static readonly Argument<string> s_id = Options.Id("The task");

    private static readonly Argument<string> s_on = new("ON")
    {
        HelpName = "ON",
        Description = "The task that must be complete first",
        CompletionSources = { Completions.Ids },
    };

    private static readonly Option<bool> s_all = Options.Flag(
        "--all",
        "Also what has ended (default: the unfinished tasks and what they rest on)"
    );

    public static Command Create()
    {
        var show = new Verb(
            "show",
            "Show what a task waits for, and what waits for it",
            "agentq deps show 01j9x2"
        )
        {
            s_id,
        };
        show.Runs(Show);
        var graph = new Verb(
            "graph",
            "Draw the dependencies as a tree: below each task what it waits for",
            "agentq deps graph",
            "agentq deps graph --all --format svg > graph.svg"
        )
        {
            GraphFormat.Option,
            s_all,
        };
        graph.Runs(Graph);
        var validate = new Verb(
            "validate",
            "Find what can never start: cycles, missing and failed dependencies; exit code 1 if any",
            "agentq deps validate"
        );
        validate.Runs(Validate);
        var add = new Verb(
            "add",
            "Make a pending task wait for another one",
            "agentq deps add 01j9x3 01j9x2"
        )
        {
            s_id,
            s_on,
        };
        add.Runs(Add);
        var remove = new Verb(
            "remove",
            "Take a dependency from a pending task",
            "agentq deps remove 01j9x3 01j9x2"
        )
        {
            s_id,
            s_on,
        };
        remove.Runs(Remove);
        return new Verb(
            "deps",
            "Show, check and change what waits for what",
            "agentq deps graph",
            "agentq deps show 01j9x2",
            "agentq deps add 01j9x3 01j9x2"
        )
        {
            show,
            graph,
            validate,
            add,
            remove,
        };
    }

    private static ExitCode Show(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var snapshot = session.Project.Reconciler.Reconcile(autoRetry: false).Snapshot;
        var task =
            session.Queue.Read(id) is TaskRead.Missing
            && session.Queue.ReadArchived(id) is TaskRead.Found(var old, _)
                ? old
                : session.Queue.ReadOrThrow(id);
        var view = DependencyView.Of(task, new DependencyCheck(session.Queue, snapshot));
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, view.Write);
        }
        else
        {
            view.Print(Session.Screen);
        }

        return ExitCode.Ok;
    }

    private static ExitCode Graph(Session session, ParseResult parsed)
    {
        var snapshot = session.Project.Reconciler.Reconcile(autoRetry: false).Snapshot;
        var graph = TaskGraph.Of(session.Queue, snapshot, parsed.GetValue(s_all));
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(screen, w => DependencyView.Write(w, graph));
        }
        else
        {
            if (graph.Nodes.Count == 0)
            {
                screen.Talk("No unfinished task depends on another one");
            }

            GraphFormat.Print(
                screen,
                parsed,
                () => GraphText.Tree(graph, screen.Style),
                () => GraphText.Boxes(graph)
            );
        }

        return ExitCode.Ok;
    }

    private static ExitCode Validate(Session session, ParseResult parsed)
    {
        var snapshot = session.Project.Reconciler.Reconcile(autoRetry: false).Snapshot;
        var problems = new DependencyCheck(session.Queue, snapshot).Validate();
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => DependencyView.Write(w, problems));
        }
        else
        {
            foreach (var problem in problems)
            {
                Session.Screen.Line($"{problem.Task} {problem.Message}", Tone.Bad);
            }

            if (problems.Count == 0)
            {
                Session.Screen.Line("Every dependency can still complete");
            }
        }

        return problems.Count == 0 ? ExitCode.Ok : ExitCode.Refused;
    }

    private static ExitCode Add(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!);
        var on = session.FindId(parsed.GetValue(s_on)!, archived: true);
        var changed = session.Project.Control.AddDependency(id, on);
        return Tell(session, id, on, changed, changed ? "now depends on" : "depends already on");
    }

    private static ExitCode Remove(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!);
        var task = session.Queue.ReadOrThrow(id);
        var on = new DependencyCheck(session.Queue, QueueSnapshot.Take(session.Queue)).Find(
            task,
            parsed.GetValue(s_on)!
        );
        var changed = session.Project.Control.RemoveDependency(id, on);
        return Tell(session, id, on, changed, "no longer depends on");
    }

    private static ExitCode Tell(Session session, TaskId id, TaskId on, bool changed, string what)
    {
        session.Project.ContinueDrains();
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteBoolean("changed"u8, changed);
                    TaskReply.WriteArray(w, "tasks"u8, [session.Queue.ReadOrThrow(id)]);
                }
            );
        }
        else
        {
            Session.Screen.Line($"{id} {what} {on}");
        }

        return ExitCode.Ok;
    }
}
