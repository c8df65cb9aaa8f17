using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Tasks;
using AgentQueue.Timing;

namespace AgentQueue.Cli.Commands;

/// <summary><c>schedule</c>: events by the clock, through the system's own scheduler.</summary>
internal static class ScheduleCommand
{
    public static Command Create()
    {
        var install = new Verb(
            "install",
            "Have the system's scheduler trigger the events of the rules, and of no others of this project",
            "agentq schedule install"
        );
        install.Runs(Install);
        var remove = new Verb(
            "remove",
            "Take all rules of this project out of the system's scheduler",
            "agentq schedule remove"
        );
        remove.Runs(Remove);
        var list = new Verb(
            "list",
            "Show the rules: whether they are installed, when they are due and fired, and what was missed",
            "agentq schedule list"
        );
        list.Runs(List);
        return new Verb(
            "schedule",
            "Let events happen by the clock, as \"schedule\" in agent-config.json says",
            "agentq schedule install",
            "agentq schedule list"
        )
        {
            install,
            remove,
            list,
        };
    }

    private static ImmutableArray<ScheduleRule> RulesOf(Session session) =>
        session.Project.Config.Schedule;

    private static ExitCode Install(Session session, ParseResult parsed)
    {
        var rules = RulesOf(session);
        var schedule = Of(session);
        if (rules.Length == 0)
        {
            return Tell(
                session,
                schedule.Remove(),
                null,
                "There are no rules in agent-config.json any more; those that were installed are removed",
                "There are no rules in agent-config.json; nothing was installed"
            );
        }

        var (where, changed) = schedule.Install(rules);
        if (!session.Json)
        {
            Print(session, schedule.List(rules));
        }

        return Tell(
            session,
            changed,
            where.Name,
            $"Installed in {where.Name}{(where.Note is { } note ? $". {note}" : "")}",
            $"Nothing has changed; they are in {where.Name}"
        );
    }

    private static ExitCode Remove(Session session, ParseResult parsed) =>
        Tell(
            session,
            Of(session).Remove(),
            null,
            "All rules of this project are out of the system's scheduler",
            "No rule of this project was installed"
        );

    private static ExitCode List(Session session, ParseResult parsed)
    {
        var rules = Of(session).List(RulesOf(session));
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => Write(w, rules));
        }
        else if (rules.Count == 0)
        {
            Session.Screen.Talk("There are no rules: \"schedule\" in agent-config.json has them");
        }
        else
        {
            Print(session, rules);
            if (rules.Any(static r => !r.IsInstalled))
            {
                Session.Screen.Talk("Not all are installed: agentq schedule install", Tone.Warn);
            }
        }

        return ExitCode.Ok;
    }

    private static Schedule Of(Session session) =>
        Schedule.Of(session.Queue, session.Project.Clock);

    private static ExitCode Tell(
        Session session,
        bool changed,
        string? where,
        string yes,
        string no
    )
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteBoolean("changed"u8, changed);
                    w.WriteString("where"u8, where);
                }
            );
        }
        else
        {
            Session.Screen.Talk(changed ? yes : no);
        }

        return ExitCode.Ok;
    }

    private static void Print(Session session, IReadOnlyList<ScheduledRule> rules)
    {
        var clock = session.Project.Clock;
        var (now, zone) = (clock.GetUtcNow(), clock.LocalTimeZone);
        var table = new Table(
            new Column("Event") { Flexible = true, Narrowest = 8 },
            new Column("When"),
            new Column("Installed"),
            new Column("Next"),
            new Column("Last fired") { Rank = 1 },
            new Column("Missed") { AlignRight = true }
        );
        foreach (var rule in rules)
        {
            table.Add(
                rule.Rule.Event,
                rule.Rule.When,
                rule.IsInstalled ? new Cell("yes", Tone.Good) : new Cell("no", Tone.Warn),
                rule.Next is { } next ? StartTime.Describe(next, now, zone) : "-",
                rule.Memory?.FiredAt is { } fired ? TimeText.Ago(fired, now) : "-",
                new Cell(
                    rule.Missed.ToString(CultureInfo.InvariantCulture),
                    rule.Missed > 0 ? Tone.Warn : Tone.Plain
                )
            );
        }

        TableOutput.Print(Session.Screen, table);
    }

    private static void Write(Utf8JsonWriter w, IReadOnlyList<ScheduledRule> rules)
    {
        w.WriteStartArray("rules"u8);
        foreach (var rule in rules)
        {
            w.WriteStartObject();
            w.WriteString("event"u8, rule.Rule.Event);
            w.WriteString("cron"u8, rule.Rule.Cron?.Text);
            if (rule.Rule.Every is { } every)
            {
                w.WriteNumber("everySeconds"u8, (long)every.TotalSeconds);
            }
            else
            {
                w.WriteNull("everySeconds"u8);
            }

            w.WriteString("rule"u8, rule.Rule.Key);
            w.WriteBoolean("installed"u8, rule.IsInstalled);
            WriteTime(w, "since"u8, rule.Memory?.Since);
            WriteTime(w, "next"u8, rule.Next);
            WriteTime(w, "lastDue"u8, rule.Memory?.Due);
            WriteTime(w, "lastFired"u8, rule.Memory?.FiredAt);
            w.WriteNumber("missed"u8, rule.Missed);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteTime(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        DateTimeOffset? time
    ) => w.WriteString(name, time is { } at ? TimeText.Exact(at) : null);
}
