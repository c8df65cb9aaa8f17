using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>logs</c>: what a task's agent printed.</summary>
internal static class LogsCommand
{
    private const int DefaultTail = 100;

    // A document is put together before it is printed; more than this is for --raw.
    private const int LongestDocument = 4 << 20;

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

    private static readonly Option<bool> s_pretty = Options.Flag(
        "--pretty",
        "What the agent says and does, as lines to read, where its output is JSON"
    );

    public static Command Create()
    {
        var command = new Verb(
            "logs",
            "Show the log of a task",
            "agentq logs 01j9x2",
            "agentq logs 01j9x2 -f --pretty",
            "agentq logs 01j9x2 --tail 0 --raw > log.txt"
        )
        {
            s_id,
            s_tail,
            s_follow,
            s_raw,
            s_pretty,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var tail = parsed.GetValue(s_tail) ?? DefaultTail;
        var raw = parsed.GetValue(s_raw);
        if (raw && parsed.GetValue(s_pretty))
        {
            throw QueueException.Usage("--raw and --pretty contradict each other");
        }

        var format = parsed.GetValue(s_pretty) ? PrettyLog.FormatOf(session, id) : null;
        if (session.Json)
        {
            var outcome = parsed.GetValue(s_follow)
                ? Follow(session, id, tail, new Silence(Session.Screen))
                : ExitCode.Ok;
            PrintDocument(session, id, tail, format);
            return outcome;
        }

        if (format is not null)
        {
            // Its lines are not those of the log: all of it is read.
            var stream = new StreamPrinter(Session.Screen, format, tail);
            var ended = Show(session, parsed, id, 0, stream);
            stream.Finish();
            return ended;
        }

        var printer = new LogPrinter(Session.Screen, raw);
        var code = Show(session, parsed, id, tail, printer);
        printer.Finish();
        return code;
    }

    private static ExitCode Show(
        Session session,
        ParseResult parsed,
        TaskId id,
        int tail,
        ILogSink sink
    )
    {
        if (parsed.GetValue(s_follow))
        {
            return Follow(session, id, tail, sink);
        }

        Print(session, id, tail, sink);
        return ExitCode.Ok;
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

    private static void Print(Session session, TaskId id, int tail, ILogSink sink)
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
        while (log.Position < end && !sink.IsClosed)
        {
            var piece = log.Next();
            if (piece.IsEmpty)
            {
                break;
            }

            sink.Take(piece);
        }
    }

    private static void PrintDocument(Session session, TaskId id, int tail, StreamFormat? format)
    {
        var path = session.Queue.FindLog(id);
        using var log = LogReader.TryOpen(session.Queue.Disk, path);
        var (lines, isCut) =
            log is null ? ([], false)
            : format is null ? LinesOf(log, tail)
            : (Pretty(log, tail, format), false);
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteString("taskId"u8, id.Value);
                w.WriteString("logFile"u8, path);
                w.WriteBoolean("exists"u8, log is not null);
                w.WriteBoolean("cut"u8, isCut);
                w.WriteStartArray("lines"u8);
                foreach (var line in lines)
                {
                    w.WriteStringValue(line);
                }

                w.WriteEndArray();
            }
        );
    }

    private static (IEnumerable<string> Lines, bool IsCut) LinesOf(LogReader log, int tail)
    {
        var (text, isCut) = log.Last(tail, LongestDocument);
        return (
            text.Length == 0
                ? []
                : text.TrimEnd('\n').Split('\n').Select(static line => line.TrimEnd('\r')),
            isCut
        );
    }

    private static Queue<string> Pretty(LogReader log, int tail, StreamFormat format)
    {
        var lines = new Queue<string>();
        var text = new PrettyText(
            format,
            (line, _) =>
            {
                lines.Enqueue(line);
                if (lines.Count > tail && tail > 0)
                {
                    lines.Dequeue();
                }
            }
        );
        var end = log.Length;
        while (log.Position < end && log.Next() is { IsEmpty: false } piece)
        {
            text.Feed(piece);
        }

        text.Finish();
        return lines;
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
