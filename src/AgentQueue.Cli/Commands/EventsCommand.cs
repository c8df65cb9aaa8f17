using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Events;
using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary><c>events</c>: the log of what has happened.</summary>
internal static class EventsCommand
{
    private const int Shown = 20;

    private static readonly Option<bool> s_follow = Options.Flag(
        "--follow",
        "Go on with what happens from now on, until Ctrl-C",
        "-f"
    );

    private static readonly Option<bool> s_notify = Options.Flag(
        "--notify",
        "With --follow: have the terminal tell of the events that a rule with \"notify\" means"
    );

    private static readonly Option<int?> s_since = Options.Number(
        "--since",
        "Only events after this number (default: the last 20)",
        0,
        int.MaxValue
    );

    public static Command Create()
    {
        var events = new Verb(
            "events",
            "Show what has happened, and what followed from it",
            "agentq events",
            "agentq events --follow --json"
        )
        {
            s_follow,
            s_since,
            s_notify,
        };
        events.Runs(Run);
        return events;
    }

    private static ExitCode Run(Session session, ParseResult parsed)
    {
        var log = session.Events.Log;
        var last = session.Queue.Exists ? log.LastSequence : 0;
        var since = parsed.GetValue(s_since) ?? Math.Max(last - Shown, 0);
        var notify = parsed.GetValue(s_notify);
        if (!parsed.GetValue(s_follow))
        {
            if (notify)
            {
                throw QueueException.Usage(
                    "--notify tells of what happens from now on",
                    "Add --follow"
                );
            }

            Show(session, [.. log.Since(since)], last, since);
            return ExitCode.Ok;
        }

        // Read before anything is shown: an error in it is told at once.
        IReadOnlyList<HookRule> told = notify
            ? [.. session.Project.Config.Hooks.OfType<HookRule.Desktop>()]
            : [];
        Follow(session, log, since, told);
        return ExitCode.Interrupted;
    }

    private static void Show(
        Session session,
        IReadOnlyList<EventRecord> records,
        long last,
        long since
    )
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteStartArray("events"u8);
                    foreach (var record in records)
                    {
                        w.WriteStartObject();
                        record.WriteMembers(w, whole: true);
                        w.WriteEndObject();
                    }

                    w.WriteEndArray();
                }
            );
            return;
        }

        if (records.Count == 0)
        {
            Session.Screen.Talk(
                last == 0 ? "Nothing has happened yet" : $"Nothing has happened since {since}"
            );
            return;
        }

        var table = new Table(
            new Column("SEQ") { AlignRight = true },
            new Column("AT"),
            new Column("EVENT"),
            new Column("WHAT FOLLOWED") { Flexible = true }
        );
        foreach (var record in records)
        {
            table.Add(
                record.Sequence.ToString(CultureInfo.InvariantCulture),
                TimeText.At(record.At, TimeZoneInfo.Local),
                record.Names[0],
                EventText.Summary(record)
            );
        }

        TableOutput.Print(Session.Screen, table);
    }

    /// <param name="told">The rules whose events the terminal is to tell of.</param>
    private static void Follow(
        Session session,
        EventLog log,
        long since,
        IReadOnlyList<HookRule> told
    )
    {
        session.Queue.Create();
        log.Create();
        var screen = Session.Screen;
        using var watch = new FolderWatch(session.Queue.Events);
        using var interrupts = new Interrupts();
        interrupts.Wake(watch);
        while (interrupts.Count == 0)
        {
            foreach (var record in log.Since(since))
            {
                since = record.Sequence;
                if (screen.OutIsTerminal && Notification(record, told) is { } notification)
                {
                    screen.Out(notification);
                }

                if (session.Json)
                {
                    JsonOutput.PrintLine(screen, w => record.WriteMembers(w, whole: true));
                }
                else
                {
                    var followed = EventText.Summary(record);
                    screen.Line(
                        $"{record.Sequence}  {TimeText.At(record.At, TimeZoneInfo.Local)}  {record.Names[0]}{(followed.Length > 0 ? "  " + followed : "")}"
                    );
                }
            }

            screen.Flush();
            watch.WaitForChange(TimeSpan.FromSeconds(5));
        }

        interrupts.Wake(null);
    }

    /// <summary>
    /// What makes a terminal tell of an event (OSC 9), null if none of the rules means it. It begins with a word
    /// of ours: some terminals take a number there for an order.
    /// </summary>
    internal static string? Notification(EventRecord record, IEnumerable<HookRule> rules) =>
        Hooks.Of(rules, record.Names).FirstOrDefault() is { Rule: not null, Event: var name }
            ? $"\e]9;agentq: {Terminal.Clean(HookText.Notification(record, name))}\a"
            : null;
}
