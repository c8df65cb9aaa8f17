using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>logs</c>: what a task's agent printed.</summary>
internal static class LogsCommand
{
    private const int DefaultTail = 100;

    // A document is put together before it is printed; more than this is for --raw.
    private const int LongestDocument = 16 << 20;

    private static readonly Argument<string> s_id = Options.Id("The task, also an archived one");

    private static readonly Option<int?> s_tail = Options.Number(
        "--tail",
        $"Only the last N lines (default {DefaultTail}; 0 for all)",
        0,
        int.MaxValue,
        "-n"
    );

    private static readonly Option<bool> s_follow = Options.Flag(
        "--follow",
        "Go on until the task ends, and exit by its outcome",
        "-f"
    );

    private static readonly Option<bool> s_raw = Options.Flag(
        "--raw",
        "Byte for byte, without making it safe for a terminal"
    );

    public static Command Create()
    {
        var command = new Verb(
            "logs",
            "Show the log of a task",
            "agentq logs 01j9x2",
            "agentq logs 01j9x2 -f",
            "agentq logs 01j9x2 --tail 0 --raw > log.txt"
        )
        {
            s_id,
            s_tail,
            s_follow,
            s_raw,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var tail = parsed.GetValue(s_tail) ?? DefaultTail;
        var printer = new LogPrinter(Session.Screen, parsed.GetValue(s_raw));
        var code = ExitCode.Ok;
        if (parsed.GetValue(s_follow))
        {
            ILogSink sink = session.Json ? new Silence(Session.Screen) : printer;
            code = Follow(session, id, tail, sink);
        }
        else if (!session.Json)
        {
            Print(session, id, tail, printer);
        }

        if (session.Json)
        {
            PrintDocument(session, id, tail);
        }
        else
        {
            printer.Finish();
        }

        return code;
    }

    private static ExitCode Follow(Session session, TaskId id, int tail, ILogSink sink)
    {
        var ended = session.Project.LogFollow.Until(
            id,
            tail,
            sink,
            Session.Screen.OutputDescriptor
        );
        return ended is null ? ExitCode.Ok : QueueWait.Outcome([ended]);
    }

    private static void Print(Session session, TaskId id, int tail, LogPrinter printer)
    {
        using var log = LogReader.TryOpen(session.Queue.Disk, session.Queue.FindLog(id));
        if (log is null)
        {
            Session.Screen.Talk(WhyNone(session, id));
            return;
        }

        // What is added meanwhile is for --follow; an agent may well write faster than a terminal shows.
        var end = log.Length;
        log.SeekToLast(tail);
        while (log.Position < end && !printer.IsClosed)
        {
            var piece = log.Next();
            if (piece.IsEmpty)
            {
                break;
            }

            printer.Take(piece);
        }
    }

    private static void PrintDocument(Session session, TaskId id, int tail)
    {
        var path = session.Queue.FindLog(id);
        using var log = LogReader.TryOpen(session.Queue.Disk, path);
        var (text, isCut) = log?.Last(tail, LongestDocument) ?? ("", false);
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteString("taskId"u8, id.Value);
                w.WriteString("logFile"u8, path);
                w.WriteBoolean("exists"u8, log is not null);
                w.WriteBoolean("cut"u8, isCut);
                w.WriteStartArray("lines"u8);
                if (text.Length > 0)
                {
                    foreach (var line in text.TrimEnd('\n').Split('\n'))
                    {
                        w.WriteStringValue(line.TrimEnd('\r'));
                    }
                }

                w.WriteEndArray();
            }
        );
    }

    private static string WhyNone(Session session, TaskId id) =>
        session.Queue.Read(id) switch
        {
            TaskRead.Found({ State: TaskState.Pending }, _) =>
                $"Task {id} is pending and has no log yet; follow it with -f",
            TaskRead.Found({ State: TaskState.Finished { StartedAt: null } }, _) =>
                $"Task {id} has no log: it never ran",
            _ => $"Task {id} has no log",
        };

    /// <summary>For <c>--json</c>: the document comes at the end.</summary>
    private sealed class Silence(Screen screen) : ILogSink
    {
        public bool IsClosed => screen.ReaderGone;

        public void Take(ReadOnlySpan<byte> piece) { }

        public void Pause() => screen.CheckReader();
    }
}
