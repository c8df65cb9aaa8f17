using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Cli.Commands;

/// <summary>Prints how the tasks ended that events started, while <c>watch</c> is on.</summary>
internal sealed class WatchedEnds
{
    private readonly Session _session;
    private long _known;

    public WatchedEnds(Session session)
    {
        _session = session;
        session.Queue.Create();
        session.Events.Log.Create();
        _known = session.Events.Log.LastSequence;
    }

    public void Tell()
    {
        var screen = Session.Screen;
        foreach (var record in _session.Events.Log.Since(_known))
        {
            _known = record.Sequence;
            // What nothing led to was told when it happened.
            if (
                record.Names[0].StartsWith(EventName.Started, StringComparison.Ordinal)
                || (record.Chain.IsEmpty && record.Task is null)
            )
            {
                continue;
            }

            if (_session.Json)
            {
                JsonOutput.PrintLine(
                    screen,
                    w =>
                    {
                        w.WriteString("type"u8, "followed"u8);
                        record.WriteMembers(w, whole: true);
                    }
                );
                continue;
            }

            var followed = EventText.Summary(record);
            screen.Line(
                $"{TimeText.At(record.At)}  {record.Names[0]}{(record.ExitCode is > 0 and var code ? $" (exit {code})" : "")}{(followed.Length > 0 ? "  " + followed : "")}",
                ToneOf(record.Names[0])
            );
        }

        screen.Flush();
    }

    private static Tone ToneOf(string name) =>
        name.StartsWith(EventName.Failed, StringComparison.Ordinal) ? Tone.Bad
        : name.StartsWith(EventName.Success, StringComparison.Ordinal) ? Tone.Good
        : Tone.Dim;
}
