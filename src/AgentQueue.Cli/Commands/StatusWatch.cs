using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// <c>status --watch</c>: on a terminal the table, kept up to date in place; elsewhere a line for each
/// change. It ends on Ctrl-C, TERM, or when nobody reads any more, with exit code 0.
/// </summary>
internal sealed class StatusWatch(Session session, StatusFilter filter, bool autoRetry)
{
    // Elapsed times and countdowns are shown in seconds.
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    // What changes in a burst is drawn once.
    private static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(30);

    private static readonly CultureInfo s_invariant = CultureInfo.InvariantCulture;

    private readonly Screen _screen = Session.Screen;
    private readonly TimeProvider _clock = session.Project.Clock;
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private volatile bool _isEnded;

    private bool GoesOn => !_isEnded && !_screen.ReaderGone;

    public ExitCode Run(TimeSpan interval, bool table)
    {
        using var watch = new FolderWatch(session.Queue.Tasks)
        {
            OutputDescriptor = _screen.OutputDescriptor,
        };
        watch.PrepareWake();
        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _isEnded = true;
            watch.Wake();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        if (_screen.CanRedraw && table && !session.Json)
        {
            Draw(watch, interval);
        }
        else
        {
            TellChanges(watch, interval);
        }

        return ExitCode.Ok;
    }

    private void Draw(FolderWatch watch, TimeSpan interval)
    {
        using (var live = new LiveView(_screen))
        {
            var snapshot = Look();
            var looked = _clock.GetTimestamp();
            while (GoesOn)
            {
                var view = StatusView.Of(
                    session.Queue,
                    snapshot,
                    filter,
                    _clock.GetUtcNow(),
                    () => _clock.LocalTimeZone
                );
                live.Draw(Frame(view));
                var isMoving = view.Counts.Running > 0 || view.NextChange is not null;
                var left = interval - _clock.GetElapsedTime(looked);
                if (
                    Wait(watch, isMoving && left > s_second ? s_second : left)
                    || _clock.GetElapsedTime(looked) >= interval
                    || view.NextChange <= _clock.GetUtcNow()
                )
                {
                    snapshot = Look();
                    looked = _clock.GetTimestamp();
                }
            }
        }

        // The terminal may have written ^C behind the last line.
        _screen.Out("\n");
    }

    private void TellChanges(FolderWatch watch, TimeSpan interval)
    {
        var changes = new StatusChanges(session.Queue, filter);
        while (GoesOn)
        {
            var snapshot = Look();
            foreach (var change in changes.Next(snapshot, _clock.GetUtcNow()))
            {
                Tell(change);
            }

            foreach (var warning in _warnings)
            {
                if (_told.Add(warning))
                {
                    _screen.Talk(warning, Tone.Warn);
                }
            }

            _screen.Flush();
            var left = changes.NextChange - _clock.GetUtcNow();
            Wait(watch, left < interval ? left.Value : interval);
        }
    }

    private QueueSnapshot Look()
    {
        // A look may go on with a drain; those that it started are children of this process.
        DetachedLaunch.ReapEnded();
        _warnings.Clear();
        var snapshot = session.Project.Look(
            autoRetry,
            problem => _warnings.Add(StatusCommand.WarningOf(problem))
        );
        foreach (var bad in snapshot.Unreadable)
        {
            _warnings.Add(StatusCommand.WarningOf(session.Queue, bad));
        }

        return snapshot;
    }

    /// <summary>The table and the counts, cut to the terminal so that the counts are always there.</summary>
    private List<string> Frame(StatusView view)
    {
        var summary = StatusReply.SummaryOf(view);
        var style = _screen.Style;
        List<string> below =
        [
            "",
            .. _warnings.Select(text => _screen.Paint(Tone.Warn, text)),
            .. summary.ToLines(style.Ascii),
            _screen.Paint(Tone.Dim, "Ctrl-C ends the watch; the tasks go on"),
        ];
        var room = Math.Max(_screen.Height - 2 - below.Count, 1);
        var tasks = view.Tasks;
        if (tasks.Count > room)
        {
            tasks = [.. tasks.Take(Math.Max(room - 1, 1))];
            below.Insert(
                0,
                $"{style.Ellipsis} and {view.Tasks.Count - tasks.Count} more in this table; the terminal is too small"
            );
        }

        var usage = new ShownUsage(session.Queue);
        var rows = tasks.Select(task => StatusReply.RowOf(task, usage.Of(task)));
        var table = tasks.Count > 0 ? StatusTable.ToTerminal(rows, style) : [];
        return [.. table, .. below];
    }

    private void Tell(StatusChange change)
    {
        var now = _clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", s_invariant);
        var failed = change.Task?.State as TaskState.Failed;
        if (session.Json)
        {
            TellAsJson(change, failed, now);
            return;
        }

        var why = failed is null ? "" : $" ({failed.Reason}): {failed.Message.Split('\n', 2)[0]}";
        _screen.Line($"{now} {change.Id} {change.From} -> {change.To}{why}");
    }

    // One document a line: a reader gets each as it happens.
    private void TellAsJson(StatusChange change, TaskState.Failed? failed, string now)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var options = JsonOutput.WriterOptions with { Indented = false };
        using (var w = new Utf8JsonWriter(buffer, options))
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, JsonOutput.Version);
            w.WriteString("time"u8, now);
            w.WriteString("taskId"u8, change.Id.Value);
            w.WriteString("from"u8, change.From);
            w.WriteString("to"u8, change.To);
            w.WriteString("reason"u8, failed?.Reason);
            w.WriteString("errorMessage"u8, failed?.Message);
            w.WriteEndObject();
        }

        _screen.Out(buffer.WrittenSpan);
        _screen.Out("\n"u8);
    }

    /// <summary>True if something has changed for all we know.</summary>
    private bool Wait(FolderWatch watch, TimeSpan limit)
    {
        var changed = watch.WaitForChange(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);
        _screen.CheckReader();
        if (changed && GoesOn)
        {
            Pause.For(s_burst);
        }

        return changed;
    }
}
