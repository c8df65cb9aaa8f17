using System.Collections.Immutable;
using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Events;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Timing;

namespace AgentQueue.Cli.Commands;

/// <summary><c>trigger</c>: lets an event happen, and says what followed from it.</summary>
internal static class TriggerCommand
{
    private static readonly Argument<string> s_event = new("EVENT")
    {
        HelpName = "EVENT",
        CompletionSources = { Completions.Events },
        Description = "The event's name: any text",
    };

    private static readonly Option<string[]> s_var = Options.Repeated(
        "--var",
        "NAME=VALUE",
        "A variable for the templates of what it starts; repeatable"
    );

    private static readonly Option<bool> s_wait = Options.Flag(
        "--wait",
        "Wait for what it started and for what follows from that; the exit code is their outcome"
    );

    private static readonly Option<TimeSpan?> s_timeout = Options.Time(
        "--timeout",
        "With --wait: how long at most, as 90s or 5m"
    );

    // What the system's scheduler calls: the key of the rule that it calls for.
    private static readonly Option<string?> s_scheduled = new(ScheduledCall.Option)
    {
        Hidden = true,
    };

    public static Command Create()
    {
        var trigger = new Verb(
            "trigger",
            "Let an event happen: start and end what listens to it",
            "agentq trigger saved",
            "agentq trigger saved --var file=src/app.py --wait"
        )
        {
            s_event,
            s_var,
            s_wait,
            s_timeout,
            s_scheduled,
        };
        trigger.Runs(Run);
        return trigger;
    }

    private static ExitCode Run(Session session, ParseResult parsed)
    {
        var name = parsed.GetValue(s_event)!;
        if (parsed.GetValue(s_scheduled) is { } key && !IsDue(session, name, key))
        {
            return ExitCode.Ok;
        }

        var record = session.Events.Trigger(
            name,
            Variables(parsed.GetValue(s_var) ?? []),
            CallingTask(session)
        );
        Start(session);
        if (parsed.GetValue(s_wait))
        {
            if (!session.Json)
            {
                Print(session, record, []);
                Session.Screen.Flush();
            }

            return Wait(session, record, parsed.GetValue(s_timeout));
        }

        Print(session, record, []);
        if (
            record is { Started.IsEmpty: true, Cancelled.IsEmpty: true, Ignored.IsEmpty: true }
            && !Hooks.Of(session.Project.Config.Hooks, record.Names).Any()
        )
        {
            TellNobodyListens(session, record.Names[0]);
        }

        return ExitCode.Ok;
    }

    // It has happened: what cannot be started now waits for whoever looks next.
    private static void Start(Session session)
    {
        try
        {
            session.Events.StartFollowers();
        }
        catch (QueueException e)
        {
            session.Debug($"not started here: {e.Message}");
        }
    }

    // A timer may call twice for one time, or for a rule that is gone.
    private static bool IsDue(Session session, string name, string key)
    {
        if (Schedule.Find(session.Project.Config.Schedule, key) is not { } rule)
        {
            throw new QueueException(
                $"No rule of \"schedule\" in {AgentConfig.FileName} is the one that this timer was installed for ('{name}')",
                "Bring the timers up to date: agentq schedule install"
            );
        }

        session.Queue.Create();
        var decision = new ScheduleLog(session.Queue).Fire(
            rule,
            session.Project.Clock.GetUtcNow(),
            TimeZoneInfo.Local
        );
        if (decision.Text.Length > 0)
        {
            Session.Screen.Talk(decision.Text, Tone.Warn);
        }

        return decision is FireDecision.Fire;
    }

    /// <summary>The task that this call is made in, so that what it starts knows what led to it; null for a person's.</summary>
    private static AgentTask? CallingTask(Session session) =>
        Environment.GetEnvironmentVariable(AgentEnvironment.TaskFileVariable) is { } file
        && Environment.GetEnvironmentVariable(AgentEnvironment.TaskIdVariable) is { } id
        && TaskId.TryParse(id, out var task)
        && file == session.Queue.TaskFile(task)
        && session.Queue.Read(task) is TaskRead.Found(var found, _)
            ? found
            : null;

    internal static ImmutableSortedDictionary<string, string> Variables(IEnumerable<string> texts)
    {
        var variables = ImmutableSortedDictionary.CreateBuilder<string, string>(
            StringComparer.Ordinal
        );
        foreach (var text in texts)
        {
            if (text.Split('=', 2) is not [{ Length: > 0 } name, var value])
            {
                throw QueueException.Usage(
                    $"--var wants NAME=VALUE, not '{text}'",
                    "For example --var file=src/app.py"
                );
            }

            if (Config.Variables.Problem(name, value) is { } problem)
            {
                throw QueueException.Usage($"--var {name} {problem}");
            }

            NewTasks.CheckText(value, $"The value of {name}");
            variables[name] = value;
        }

        return variables.ToImmutable();
    }

    // Everything that follows, however many steps: the log tells of each end what it started.
    private static ExitCode Wait(Session session, EventRecord record, TimeSpan? limit)
    {
        var clock = session.Project.Clock;
        var begun = clock.GetTimestamp();
        var ended = new List<AgentTask>();
        var known = new HashSet<TaskId>();
        var next = record.Started.Select(static s => s.Id).ToList();
        var timedOut = false;
        while (next.Count > 0 && !timedOut)
        {
            known.UnionWith(next);
            var left = limit - clock.GetElapsedTime(begun);
            var done = session.Project.Wait.Until(
                next,
                any: false,
                left < TimeSpan.Zero ? TimeSpan.Zero : left,
                session.Json ? static _ => { } : Following.Tell,
                () =>
                {
                    // Whoever settles a task here stores what follows from that, and has to start it.
                    Start(session);
                    return true;
                }
            );
            ended.AddRange(done);
            timedOut = done.Count < next.Count;
            next = [.. FollowersOf(session, record.Sequence, done, known)];
        }

        if (session.Json)
        {
            Print(session, record, ended);
        }

        if (timedOut)
        {
            Session.Screen.Talk("The time for waiting is up; the tasks go on", Tone.Warn);
        }

        return timedOut ? ExitCode.WaitTimedOut : QueueWait.Outcome(ended);
    }

    // An end is on disk a moment before what follows from it is. What the tasks let happen themselves came before it.
    private static IEnumerable<TaskId> FollowersOf(
        Session session,
        long since,
        IReadOnlyList<AgentTask> ended,
        HashSet<TaskId> known
    )
    {
        var missing = ended.Select(static t => Occurrence.EndOf(t).Id).ToHashSet();
        var followers = new List<TaskId>();
        var clock = session.Project.Clock;
        var begun = clock.GetTimestamp();
        while (missing.Count > 0 && clock.GetElapsedTime(begun) < TimeSpan.FromSeconds(5))
        {
            foreach (var record in session.Events.Log.Since(since))
            {
                if (missing.Remove(record.Id) || (record.Task is { } task && known.Contains(task)))
                {
                    followers.AddRange(record.Started.Select(static s => s.Id));
                }
            }

            if (missing.Count > 0)
            {
                session.Project.Look(autoRetry: true, static _ => { });
                session.Queue.Disk.Pause(TimeSpan.FromMilliseconds(2));
            }
        }

        return followers.Where(f => !known.Contains(f)).Distinct();
    }

    private static void Print(Session session, EventRecord record, List<AgentTask> ended)
    {
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(
                screen,
                w =>
                {
                    record.WriteMembers(w, whole: true);
                    if (ended.Count > 0)
                    {
                        TaskReply.WriteArray(w, "ended"u8, ended);
                    }
                }
            );
            return;
        }

        foreach (var line in EventText.Effects(record, id => StandingOf(session, id)))
        {
            screen.Line(line);
        }
    }

    // What was stored may wait: for the last event of a burst, for its turn, for somebody's release.
    private static string StandingOf(Session session, TaskId id) =>
        session.Queue.Read(id) is TaskRead.Found({ State: TaskState.Pending pending } task, _)
        && !session.Queue.IsSupervised(id)
            ? pending.Held
                ? "held      "
                : task.WaitsUntil(session.Project.Clock.GetUtcNow()) is not null
                    ? "delayed   "
                    : "queued    "
            : "started   ";

    private static void TellNobodyListens(Session session, string name)
    {
        var known = session
            .Project.Config.Agents.Values.SelectMany(static a =>
                a.Events.Triggers.Concat(a.Events.AllOf).Concat(a.Events.CancelOn)
            )
            .Distinct(StringComparer.Ordinal);
        Session.Screen.Talk(
            $"Nothing listens to '{name}'{Nearest.Suggestion(name, known)}  (see agentq triggers)",
            Tone.Warn
        );
    }
}
