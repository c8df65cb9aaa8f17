using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan logs</c>: what the tasks of a run printed, each attempt with standard output and error apart.</summary>
internal static class PlanLogsCommand
{
    private const int DefaultTail = 100;
    private const int LongestDocument = 4 << 20;

    private static readonly Option<string?> s_task = Options.Text(
        "--task",
        "TASK",
        "Only this task of the plan"
    );

    private static readonly Option<int?> s_tail = Options.Number(
        "--tail",
        $"Only the last N lines of each log (default {DefaultTail}; 0 for all)",
        0,
        int.MaxValue,
        "-n"
    );

    private static readonly Option<bool> s_follow = Options.Flag(
        "--follow",
        "Go on until the run is over, and exit by its outcome",
        "-f"
    );

    public static Command Create()
    {
        var command = new Verb(
            "logs",
            "Show the logs of a run, standard output and error apart",
            "agentq plan logs last",
            "agentq plan logs last --task build --tail 0",
            "agentq plan logs last -f"
        )
        {
            PlanOptions.RunOrLast,
            s_task,
            s_tail,
            s_follow,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var runs = new PlanRuns(session.Project);
        var run = runs.Find(parsed.GetValue(PlanOptions.RunOrLast)!);
        var only = parsed.GetValue(s_task);
        var tail = parsed.GetValue(s_tail) ?? DefaultTail;
        var view = runs.View(run);
        if (only is not null)
        {
            PlanRuns.FindNode(view, only);
        }

        if (session.Json)
        {
            PrintDocument(session, Shown(view, only), tail);
            return ExitCode.Ok;
        }

        if (parsed.GetValue(s_follow))
        {
            return new PlanLogsFollow(session, runs, run, only, tail).UntilOver();
        }

        foreach (var node in Shown(view, only))
        {
            foreach (var attempt in node.Attempts)
            {
                Print(session, node, attempt, tail);
            }
        }

        return ExitCode.Ok;
    }

    public static IEnumerable<NodeView> Shown(RunView view, string? only) =>
        view.Nodes.Where(n => only is null || n.Id == only);

    /// <summary><c>===== build, attempt 1 of 3: stderr =====</c></summary>
    public static string Header(NodeView node, AgentTask attempt, string stream)
    {
        var place = node.Attempts.IndexOf(attempt) + 1;
        var most = Math.Max(node.Attempts.Length, 1 + attempt.MaxRetries);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"===== {node.Id}, attempt {place} of {most}: {stream} ====="
        );
    }

    public static IEnumerable<(string Stream, string Path)> LogsOf(QueueFolder queue, TaskId task)
    {
        yield return ("stdout", queue.LogFile(task));
        if (queue.ErrorLogFile(task) is { } errors)
        {
            yield return ("stderr", errors);
        }

        if (queue.CheckLogFile(task) is { } checks)
        {
            yield return ("verify", checks);
        }
    }

    private static void Print(Session session, NodeView node, AgentTask attempt, int tail)
    {
        var screen = Session.Screen;
        foreach (var (stream, path) in LogsOf(session.Queue, attempt.Id))
        {
            using var log = LogReader.TryOpen(session.Queue.Disk, path);
            if (log is null)
            {
                continue;
            }

            screen.Line(Header(node, attempt, stream), Tone.Dim);
            if (log.Length == 0)
            {
                screen.Line("(empty)", Tone.Dim);
                continue;
            }

            var printer = new LogPrinter(screen, raw: false);
            var end = log.Length;
            log.SeekToLast(tail);
            while (
                log.Position < end && !printer.IsClosed && log.Next() is { IsEmpty: false } piece
            )
            {
                printer.Take(piece);
            }

            printer.Finish();
        }
    }

    private static void PrintDocument(Session session, IEnumerable<NodeView> nodes, int tail) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("logs"u8);
                foreach (var node in nodes)
                {
                    foreach (var attempt in node.Attempts)
                    {
                        foreach (var (stream, path) in LogsOf(session.Queue, attempt.Id))
                        {
                            using var log = LogReader.TryOpen(session.Queue.Disk, path);
                            if (log is null)
                            {
                                continue;
                            }

                            var (text, isCut) = log.Last(tail, LongestDocument);
                            w.WriteStartObject();
                            w.WriteString("task"u8, node.Id);
                            w.WriteString("taskId"u8, attempt.Id.Value);
                            w.WriteNumber("attempt"u8, node.Attempts.IndexOf(attempt) + 1);
                            w.WriteString("stream"u8, stream);
                            w.WriteString("path"u8, path);
                            w.WriteBoolean("cut"u8, isCut);
                            w.WriteString("text"u8, text);
                            w.WriteEndObject();
                        }
                    }
                }

                w.WriteEndArray();
            }
        );
}
