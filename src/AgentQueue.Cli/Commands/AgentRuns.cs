using System.Globalization;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>agents --runs</c>: what each agent did last. That it did nothing is said only if that is known.</summary>
internal static class AgentRuns
{
    private const string NoRuns = "no runs";
    private const string Unknown = "unknown";

    public static void Print(Session session, IEnumerable<AgentDefinition> agents)
    {
        session.Project.Look(
            autoRetry: false,
            static problem => Session.Screen.Talk(StatusCommand.WarningOf(problem), Tone.Warn)
        );
        var runs = LastRuns.Find(session.Queue);
        if (session.Json)
        {
            PrintJson(runs, agents);
        }
        else
        {
            PrintTable(session, runs, agents);
        }

        foreach (var (path, reason) in runs.Unreadable)
        {
            Session.Screen.Talk(
                $"agentq: warning: cannot read {path}: {reason}; it may be the last run of any agent",
                Tone.Warn
            );
        }
    }

    private static void PrintTable(
        Session session,
        LastRuns runs,
        IEnumerable<AgentDefinition> agents
    )
    {
        var now = session.Project.Clock.GetUtcNow();
        var table = new Table(
            new Column("Name") { Flexible = true, Narrowest = 8 },
            new Column("Last run"),
            new Column("Exit") { AlignRight = true },
            new Column("Time") { AlignRight = true, Rank = 1 },
            new Column("When") { Rank = 2 },
            new Column("Task") { Rank = 3 }
        );
        foreach (var agent in agents)
        {
            if (runs.Of.TryGetValue(agent.Name, out var task))
            {
                table.Add(
                    agent.Name,
                    new Cell(TaskJson.NameOf(task.Status), ToneOf(task.Status)),
                    ExitOf(task)?.ToString(CultureInfo.InvariantCulture) ?? "-",
                    TookOf(task, now) is { } took ? Duration.Format(took) : "-",
                    TimeText.At(LastRuns.TimeOf(task)),
                    task.Id.Value
                );
            }
            else
            {
                table.Add(
                    agent.Name,
                    runs.Unreadable.Count == 0 ? NoRuns : new Cell(Unknown, Tone.Warn),
                    "-",
                    "-",
                    "-",
                    "-"
                );
            }
        }

        TableOutput.Print(Session.Screen, table);
    }

    private static void PrintJson(LastRuns runs, IEnumerable<AgentDefinition> agents) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("agents"u8);
                foreach (var agent in agents)
                {
                    w.WriteStartObject();
                    w.WriteString("name"u8, agent.Name);
                    runs.Of.TryGetValue(agent.Name, out var task);
                    w.WriteString(
                        "lastRun"u8,
                        task is not null ? TaskJson.NameOf(task.Status)
                            : runs.Unreadable.Count == 0 ? NoRuns
                            : Unknown
                    );
                    Write(w, task);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                w.WriteStartArray("unreadable"u8);
                foreach (var (path, reason) in runs.Unreadable)
                {
                    w.WriteStartObject();
                    w.WriteString("path"u8, path);
                    w.WriteString("reason"u8, reason);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );

    private static void Write(Utf8JsonWriter w, AgentTask? task)
    {
        w.WriteString("taskId"u8, task?.Id.Value);
        WriteNumber(w, "exitCode"u8, task is null ? null : ExitOf(task));
        var end = (task?.State as TaskState.Finished)?.CompletedAt;
        WriteNumber(
            w,
            "durationSec"u8,
            end is { } at && TookOf(task!, at) is { } took ? Math.Round(took.TotalSeconds, 3) : null
        );
        WriteTime(w, "startedAt"u8, task is null ? null : LastRuns.StartOf(task));
        WriteTime(w, "endedAt"u8, end);
    }

    private static void WriteNumber(Utf8JsonWriter w, ReadOnlySpan<byte> name, double? number)
    {
        if (number is { } known)
        {
            w.WriteNumber(name, known);
        }
        else
        {
            w.WriteNull(name);
        }
    }

    private static void WriteTime(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        DateTimeOffset? time
    ) => w.WriteString(name, time is { } at ? TimeText.Exact(at) : null);

    private static int? ExitOf(AgentTask task) => (task.State as TaskState.Finished)?.ExitCode;

    private static TimeSpan? TookOf(AgentTask task, DateTimeOffset now) =>
        LastRuns.StartOf(task) is { } from
            ? TimeSpan.FromTicks(
                Math.Max((((task.State as TaskState.Finished)?.CompletedAt ?? now) - from).Ticks, 0)
            )
            : null;

    private static Tone ToneOf(Tasks.TaskStatus status) =>
        status switch
        {
            Tasks.TaskStatus.Complete => Tone.Good,
            Tasks.TaskStatus.Failed => Tone.Bad,
            Tasks.TaskStatus.Cancelled => Tone.Warn,
            Tasks.TaskStatus.Running => Tone.Info,
            _ => Tone.Plain,
        };
}
