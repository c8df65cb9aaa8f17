using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Watching;

namespace AgentQueue.Cli.Commands;

/// <summary>A file that grows while events have consequences.</summary>
/// <param name="Tell">Called when it has: prints what is new in it.</param>
internal sealed record FollowedFile(string Path, Action Tell);

/// <summary>
/// <c>watch</c> from its first line to its end: a line on stdout for each event. Ends with 0 on <c>q</c>, TERM, HUP,
/// or when nobody reads any more; with 130 on Ctrl-C; with an error when the project's folder is gone.
/// </summary>
/// <param name="read">Reads anew what to watch.</param>
/// <param name="followed">Null for none.</param>
internal sealed class WatchRun(
    Session session,
    Func<WatchSetup> read,
    MakeEvent trigger,
    FollowedFile? followed
)
{
    private readonly Screen _screen = Session.Screen;
    private readonly TimeProvider _clock = session.Project.Clock;
    private ChangeCollector _collector = null!;
    private ImmutableArray<WatchRule> _rules = [];
    private TreeWatch? _watch;
    private WatchEvent? _last;
    private ExitCode _code = ExitCode.Ok;
    private volatile bool _isEnded;

    private bool GoesOn => !_isEnded && !_screen.ReaderGone;

    public ExitCode Run(WatchSetup setup)
    {
        _rules = setup.Rules;
        var rules = new WatchRules(setup.Rules);
        _collector = new ChangeCollector(rules, _clock);
        using var watch = TreeWatch.Begin(session.Project.Root, rules, _clock);
        _watch = watch;
        PosixSignal[] ends = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        var signals = ends.Select(signal => PosixSignalRegistration.Create(signal, End)).ToList();
        try
        {
            using var keys = KeyInput.Open(watch.Wake);
            Follow(setup);
            TellBegin(keys.IsOn);
            watch.OutputDescriptor = _screen.OutputDescriptor;
            while (GoesOn)
            {
                watch.InputDescriptor = keys.Descriptor;
                var isTyped = watch.Wait(_collector.UntilNext);
                _screen.CheckReader();
                if (GoesOn)
                {
                    // Read only when there is something, or it would wait for it.
                    Turn(isTyped || watch.InputDescriptor < 0 ? keys.Read() : "");
                }
            }
        }
        finally
        {
            signals.ForEach(static s => s.Dispose());
        }

        _screen.Talk("Ended; what was started goes on", Tone.Dim);
        return _code;

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _code = signal.Signal == PosixSignal.SIGINT ? ExitCode.Interrupted : _code;
            _isEnded = true;
            watch.Wake();
        }
    }

    private void Turn(string keys)
    {
        // What was started may be a child of this process.
        DetachedLaunch.ReapEnded();
        var news = _watch!.Read();
        if (news.IsGone)
        {
            throw new QueueException(
                $"The project's folder {session.Project.Root} is not there any more: it was renamed or removed",
                "What was started from it goes on if it can; watch again from where the project is now"
            );
        }

        if (news.WasLost)
        {
            _screen.Talk(
                "More happened at once than the system tells; looked at every file",
                Tone.Dim
            );
        }

        foreach (var change in news.Changes)
        {
            _collector.Take(change);
        }

        foreach (var happened in _collector.Due())
        {
            Fire(happened);
        }

        foreach (var key in keys)
        {
            Press(key);
        }

        _screen.Flush();
    }

    private void Press(char key)
    {
        switch (key)
        {
            case 'q' or 'Q':
                _isEnded = true;
                break;
            case 'r' or 'R' when _last is { } last:
                Fire(last);
                break;
            case 'r' or 'R':
                _screen.Talk("No event has come yet that could come again", Tone.Dim);
                break;
            default:
                break;
        }
    }

    private void Fire(WatchEvent happened)
    {
        _last = happened;
        WatchOutcome outcome;
        QueueException? problem = null;
        try
        {
            outcome = trigger(happened.Rule.Event, happened.Variables);
        }
        catch (QueueException e)
        {
            // The next event may find the disk with room again, or the configuration mended.
            outcome = new([], []);
            problem = e;
        }

        if (session.Json)
        {
            TellAsJson(happened, outcome, problem);
        }
        else
        {
            Tell(happened, outcome, problem);
        }

        if (problem is not null)
        {
            _screen.Error(problem);
        }

        _screen.Flush();
    }

    private void Tell(WatchEvent happened, WatchOutcome outcome, QueueException? problem)
    {
        var more = happened.Changes.Length - 1;
        var others =
            more == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {more} more");
        var started = outcome.Started.IsEmpty
            ? ""
            : "; started " + string.Join(" ", outcome.Started);
        var ignored = outcome.Ignored.IsEmpty
            ? ""
            : "; ignored: " + string.Join("; ", outcome.Ignored);
        var nothing =
            problem is not null ? "; failed"
            : outcome.Started.IsEmpty && outcome.Ignored.IsEmpty ? "; nothing listens to it"
            : "";
        _screen.Line(
            $"{Now()} {happened.Rule.Event}: {happened.Last.Path} {happened.Last.Word}{others}{started}{ignored}{nothing}",
            problem is not null ? Tone.Bad
                : outcome.Started.IsEmpty ? Tone.Dim
                : Tone.Plain
        );
    }

    private void TellAsJson(WatchEvent happened, WatchOutcome outcome, QueueException? problem) =>
        PrintLine(
            "event",
            w =>
            {
                w.WriteString("event"u8, happened.Rule.Event);
                w.WriteString("file"u8, happened.Last.Path);
                w.WriteString("change"u8, happened.Last.Word);
                w.WriteNumber("count"u8, happened.Changes.Length);
                Write(
                    w,
                    "files"u8,
                    happened.Changes.Take(WatchEvent.MostFiles).Select(static c => c.Path)
                );
                Write(w, "started"u8, outcome.Started);
                Write(w, "ignored"u8, outcome.Ignored);
                if (problem is not null)
                {
                    w.WriteString("errorMessage"u8, problem.Message);
                }
            }
        );

    private void TellBegin(bool hasKeys)
    {
        TellRules("watching", "Watching");
        if (_watch!.UnwatchedFolders is > 0 and var unwatched)
        {
            _screen.Talk(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{unwatched} of the folders cannot be watched, because the system has no watches left (sysctl fs.inotify.max_user_watches); they are looked at every few seconds"
                ),
                Tone.Warn
            );
        }

        if (hasKeys)
        {
            _screen.Talk("r: the last event again, q: quit", Tone.Dim);
        }

        _screen.Flush();
    }

    private void TellRules(string type, string what)
    {
        var watch = _watch!;
        if (session.Json)
        {
            PrintLine(type, WriteRules);
            return;
        }

        var rules = string.Join("; ", _rules.Select(Describe));
        _screen.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Now()} {what} {Count(watch.Files, "file")} in {Count(watch.Folders, "folder")}: {rules}"
            )
        );
    }

    private void WriteRules(Utf8JsonWriter w)
    {
        w.WriteNumber("files"u8, _watch!.Files);
        w.WriteNumber("folders"u8, _watch.Folders);
        w.WriteStartArray("rules"u8);
        foreach (var rule in _rules)
        {
            w.WriteStartObject();
            Write(w, "paths"u8, rule.Paths);
            Write(w, "ignore"u8, rule.Ignore);
            w.WriteString("event"u8, rule.Event);
            w.WriteNumber("debounceMs"u8, (long)rule.Debounce.TotalMilliseconds);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private void Follow(WatchSetup setup)
    {
        foreach (var file in setup.Files)
        {
            _watch!.Also(file, Reload);
        }

        if (followed is not null)
        {
            _watch!.Also(followed.Path, followed.Tell);
        }
    }

    /// <summary>By what is written now; if that cannot be read, by what was before.</summary>
    private void Reload()
    {
        try
        {
            var setup = read();
            var rules = new WatchRules(setup.Rules);
            Follow(setup);
            if (_rules.Select(Describe).SequenceEqual(setup.Rules.Select(Describe)))
            {
                return;
            }

            foreach (var happened in _collector.Flush())
            {
                Fire(happened);
            }

            _rules = setup.Rules;
            _collector = new ChangeCollector(rules, _clock);
            _watch!.Change(rules);
            TellRules("reloaded", "The rules have changed; watching");
        }
        catch (QueueException e)
        {
            _screen.Error(e);
            _screen.Talk("The rules from before go on", Tone.Warn);
        }
    }

    private static string Describe(WatchRule rule)
    {
        var ignore = rule.Ignore.IsEmpty ? "" : $" but not {string.Join(", ", rule.Ignore)}";
        var debounce =
            rule.Debounce == WatchRule.DefaultDebounce
                ? ""
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $" after {rule.Debounce.TotalMilliseconds} ms"
                );
        return $"{string.Join(", ", rule.Paths)}{ignore} -> {rule.Event}{debounce}";
    }

    private static string Count(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private string Now() => TimeText.At(_clock.GetUtcNow());

    private void PrintLine(string type, Action<Utf8JsonWriter> members) =>
        JsonOutput.PrintLine(
            _screen,
            w =>
            {
                w.WriteString("time"u8, TimeText.Exact(_clock.GetUtcNow()));
                w.WriteString("type"u8, type);
                members(w);
            }
        );

    private static void Write(Utf8JsonWriter w, ReadOnlySpan<byte> name, IEnumerable<string> values)
    {
        w.WriteStartArray(name);
        foreach (var value in values)
        {
            w.WriteStringValue(value);
        }

        w.WriteEndArray();
    }
}
