using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>timeout</c>: the time limits of tasks: force one, list them, extend one.</summary>
internal static class TimeoutCommand
{
    private static readonly Argument<string?> s_id = new("ID")
    {
        HelpName = "ID",
        Description = "A running task to end now as timed out",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Completions.Ids },
    };

    private static readonly Argument<string> s_extended = Options.Id("The task to give more time");

    private static readonly Argument<TimeSpan> s_more = new("SECONDS")
    {
        Description = "How much more: 300, 90s, 5m, 2h",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (!Duration.TryParse(text, out var more) || more <= TimeSpan.Zero)
            {
                result.AddError(
                    $"SECONDS must be a time of at least 1s such as 300, 90s, 5m or 2h, not '{text}'"
                );
            }

            return more;
        },
    };

    public static Command Create()
    {
        var list = new Verb(
            "list",
            "List the unfinished tasks that have a time limit",
            "agentq timeout list"
        );
        list.Runs(List);
        var extend = new Verb(
            "extend",
            "Give a task more time, also while it runs",
            "agentq timeout extend 01j9x2 300",
            "agentq timeout extend 01j9x2 5m"
        )
        {
            s_extended,
            s_more,
        };
        extend.Runs(Extend);
        var command = new Verb(
            "timeout",
            "End a running task as timed out; list and extend time limits",
            "agentq timeout 01j9x2",
            "agentq timeout list",
            "agentq timeout extend 01j9x2 5m"
        )
        {
            s_id,
            list,
            extend,
        };
        command.Runs(Force);
        return command;
    }

    private static ExitCode Force(Session session, ParseResult parsed)
    {
        var part =
            parsed.GetValue(s_id)
            ?? throw QueueException.Usage(
                "Say which task is to time out",
                "See those that have a limit: agentq timeout list"
            );
        var task = session.Project.Control.Expire(session.FindId(part));
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => TaskReply.WriteArray(w, "tasks"u8, [task]));
        }
        else
        {
            Session.Screen.Line(
                task.State is TaskState.Failed { Reason: Reason.Timeout }
                    ? $"{task.Id} timed out"
                    : $"{task.Id} had ended already: {TaskJson.NameOf(task.Status)}"
            );
        }

        return ExitCode.Ok;
    }

    private static ExitCode Extend(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_extended)!);
        var (before, after) = session.Project.Control.Extend(id, parsed.GetValue(s_more));
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("taskId"u8, id.Value);
                    w.WriteNumber("before"u8, (long)before.TotalSeconds);
                    w.WriteNumber("after"u8, (long)after.TotalSeconds);
                }
            );
        }
        else
        {
            Session.Screen.Line(
                $"{id} timeout {Duration.Format(before)} -> {Duration.Format(after)}"
            );
        }

        return ExitCode.Ok;
    }

    private static ExitCode List(Session session, ParseResult parsed)
    {
        var snapshot = session.Project.Reconciler.Reconcile(autoRetry: false).Snapshot;
        var now = session.Project.Clock.GetUtcNow();
        var rows = snapshot
            .Unfinished.Select(t => (Task: t, Limit: TimeLimit.Of(t, now)))
            .Where(static r => r.Limit is not null)
            .Select(static r => (r.Task, Limit: r.Limit!.Value))
            .ToList();
        var timedOut = snapshot.Finished.Count(static t => t.TimedOut);
        if (session.Json)
        {
            Reply(rows, timedOut);
        }
        else
        {
            Print(rows, timedOut);
        }

        return ExitCode.Ok;
    }

    private static void Print(List<(TaskSummary Task, TimeLimit Limit)> rows, int timedOut)
    {
        var table = new Table(
            new("ID"),
            new("Status"),
            new("Timeout"),
            new("Elapsed"),
            new("Remaining"),
            new("State")
        );
        foreach (var (task, limit) in rows)
        {
            var tone =
                limit.IsOverdue ? Tone.Bad
                : limit.IsNear ? Tone.Warn
                : Tone.Plain;
            table.Add(
                task.Id.Value,
                TaskJson.NameOf(task.Status),
                Duration.Format(limit.Limit),
                limit.Elapsed is { } elapsed ? Duration.Format(elapsed) : "-",
                Duration.Format(limit.Remaining),
                new Cell(StateOf(limit), tone)
            );
        }

        if (rows.Count > 0)
        {
            TableOutput.Print(Session.Screen, table);
        }

        var running = rows.Count(static r => r.Task.State is TaskState.Running);
        Session.Screen.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"With a time limit: {rows.Count} | Running: {running} | Timed out: {timedOut}"
            )
        );
    }

    private static string StateOf(TimeLimit limit) =>
        limit.Elapsed is null ? "not started"
        : limit.IsOverdue ? "OVERDUE"
        : limit.IsNear ? "near its limit"
        : "ok";

    private static void Reply(List<(TaskSummary Task, TimeLimit Limit)> rows, int timedOut) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("tasks"u8);
                foreach (var (task, limit) in rows)
                {
                    w.WriteStartObject();
                    w.WriteString("taskId"u8, task.Id.Value);
                    w.WriteString("status"u8, TaskJson.NameOf(task.Status));
                    w.WriteNumber("timeout"u8, (long)limit.Limit.TotalSeconds);
                    if (limit.Elapsed is { } elapsed)
                    {
                        w.WriteNumber("elapsed"u8, Math.Round(elapsed.TotalSeconds, 1));
                        w.WriteNumber("remaining"u8, Math.Round(limit.Remaining.TotalSeconds, 1));
                    }

                    w.WriteBoolean("near"u8, limit.IsNear);
                    w.WriteBoolean("overdue"u8, limit.IsOverdue);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                w.WriteNumber("timedOut"u8, timedOut);
            }
        );
}
