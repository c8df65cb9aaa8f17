using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>history</c>: what ran, the newest first, and why.</summary>
internal static class HistoryCommand
{
    private const int Shown = 20;

    private static readonly Argument<string?> s_name = new("NAME")
    {
        HelpName = "NAME",
        Arity = ArgumentArity.ZeroOrOne,
        Description = "An agent, or a task's name (default: all)",
        CompletionSources = { Completions.Agents },
    };

    private static readonly Option<int?> s_limit = Options.Number(
        "--limit",
        "How many at most (default: 20)",
        1,
        1_000_000,
        "-n"
    );

    public static Command Create()
    {
        var history = new Verb(
            "history",
            "Show what ran, the newest first, with its outcome and its cause",
            "agentq history",
            "agentq history lint --limit 5"
        )
        {
            s_name,
            s_limit,
        };
        history.Runs(Run);
        return history;
    }

    private static ExitCode Run(Session session, ParseResult parsed)
    {
        var name = parsed.GetValue(s_name);
        var limit = parsed.GetValue(s_limit) ?? Shown;
        var snapshot = session.Project.Look(
            autoRetry: true,
            static problem => Session.Screen.Talk(StatusCommand.WarningOf(problem), Tone.Warn)
        );
        var tasks = new List<AgentTask>();
        foreach (
            var id in snapshot
                .Unfinished.Where(static t => t.State is TaskState.Running)
                .Select(static t => t.Id)
                .Concat(
                    snapshot
                        .Finished.OrderByDescending(static f => f.CompletedAt)
                        .ThenByDescending(static f => f.Id)
                        .Select(static f => f.Id)
                )
        )
        {
            if (tasks.Count == limit)
            {
                break;
            }

            if (
                session.Queue.Read(id) is TaskRead.Found(var task, _)
                && (name is null || task.Agent == name || task.Name == name)
            )
            {
                tasks.Add(task);
            }
        }

        if (
            tasks.Count == 0
            && name is not null
            && !session.Project.Config.Agents.ContainsKey(name)
        )
        {
            throw new QueueException(
                $"Nothing called '{name}' has run{Config.Nearest.Suggestion(name, session.Project.Config.Agents.Keys)}",
                "See what has: agentq history"
            );
        }

        Print(session, tasks);
        return ExitCode.Ok;
    }

    private static void Print(Session session, List<AgentTask> tasks)
    {
        var screen = Session.Screen;
        var now = session.Project.Clock.GetUtcNow();
        if (session.Json)
        {
            JsonOutput.PrintObject(
                screen,
                w =>
                {
                    w.WriteStartArray("runs"u8);
                    foreach (var task in tasks)
                    {
                        w.WriteStartObject();
                        w.WriteString("taskId"u8, task.Id.Value);
                        w.WriteString("agent"u8, task.Agent);
                        w.WriteString("name"u8, task.Name);
                        w.WriteString("status"u8, TaskJson.NameOf(task.Status));
                        w.WriteString("reason"u8, (task.State as TaskState.Failed)?.Reason);
                        WriteTime(w, "startedAt"u8, StartOf(task));
                        WriteTime(w, "completedAt"u8, EndOf(task));
                        if (Took(task, now) is { } took)
                        {
                            w.WriteNumber("durationMs"u8, (long)took.TotalMilliseconds);
                        }
                        else
                        {
                            w.WriteNull("durationMs"u8);
                        }

                        w.WriteString("triggerEvent"u8, task.Cause?.Event);
                        w.WriteStartArray("triggerChain"u8);
                        foreach (var cause in task.Cause?.Chain ?? [])
                        {
                            w.WriteStringValue(cause);
                        }

                        w.WriteEndArray();
                        w.WriteEndObject();
                    }

                    w.WriteEndArray();
                }
            );
            return;
        }

        if (tasks.Count == 0)
        {
            screen.Talk("Nothing has run yet");
            return;
        }

        var table = new Table(
            new Column("ID"),
            new Column("AGENT"),
            new Column("STATE"),
            new Column("TOOK") { AlignRight = true },
            new Column("WHEN"),
            new Column("CAUSE") { Flexible = true }
        );
        foreach (var task in tasks)
        {
            table.Add(
                task.Id.Value,
                task.Name ?? task.Agent,
                task.State is TaskState.Failed { Reason: not (Reason.Exit or Reason.Error) } failed
                    ? $"failed ({failed.Reason})"
                    : TaskJson.NameOf(task.Status),
                Took(task, now) is { } took ? Duration.FormatShort(took) : "-",
                EndOf(task) is { } end ? TimeText.Ago(end, now) : "now",
                task.Cause is { } cause ? string.Join(" → ", cause.Chain) : "by hand"
            );
        }

        TableOutput.Print(screen, table);
    }

    private static void WriteTime(
        System.Text.Json.Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        DateTimeOffset? time
    )
    {
        if (time is { } at)
        {
            w.WriteString(name, TimeText.Exact(at));
        }
        else
        {
            w.WriteNull(name);
        }
    }

    private static DateTimeOffset? StartOf(AgentTask task) =>
        task.State switch
        {
            TaskState.Running running => running.StartedAt,
            TaskState.Finished finished => finished.StartedAt,
            _ => null,
        };

    private static DateTimeOffset? EndOf(AgentTask task) =>
        (task.State as TaskState.Finished)?.CompletedAt;

    // The wall clock may have been set back meanwhile.
    private static TimeSpan? Took(AgentTask task, DateTimeOffset now) =>
        StartOf(task) is { } from
            ? TimeSpan.FromTicks(Math.Max(((EndOf(task) ?? now) - from).Ticks, 0))
            : null;
}
