using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>wait</c>: stay until tasks have ended.</summary>
internal static class WaitCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids(
        "Tasks to wait for (default: until nothing is running or ready)",
        required: false
    );

    private static readonly Option<bool> s_any = Options.Flag(
        "--any",
        "Return at the first one that ends"
    );

    private static readonly Option<TimeSpan?> s_timeout = Options.Time(
        "--timeout",
        "Give up after this long (exit code 5); the tasks go on"
    );

    private static readonly Option<bool> s_quiet = Options.Flag(
        "--quiet",
        "Say nothing; the exit code tells",
        "-q"
    );

    public static Command Create()
    {
        var command = new Verb(
            "wait",
            "Stay until tasks have ended; the exit code is their outcome",
            "agentq wait",
            "agentq wait 01j9x2 01j9x3 --timeout 10m",
            "agentq wait --any 01j9x2 01j9x3"
        )
        {
            s_ids,
            s_any,
            s_timeout,
            s_quiet,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var parts = parsed.GetValue(s_ids) ?? [];
        var quiet = parsed.GetValue(s_quiet);
        if (parts.Length == 0)
        {
            return ForAll(session, quiet, parsed.GetValue(s_timeout), parsed.GetValue(s_any));
        }

        var ids = session.FindIds(parts, archived: true);
        if (!quiet)
        {
            Following.TellWhatKeeps(session, ids);
        }

        using var parting = quiet ? null : new Parting();
        var ended = session.Project.Wait.Until(
            ids,
            parsed.GetValue(s_any),
            parsed.GetValue(s_timeout),
            task => Tell(task, quiet),
            static () => true
        );
        return Finish(
            session,
            ended,
            timedOut: parsed.GetValue(s_any) ? ended.Count == 0 : ended.Count < ids.Count,
            quiet
        );
    }

    /// <summary>Until nothing is running or ready, whoever starts it.</summary>
    public static ExitCode ForAll(
        Session session,
        bool quiet,
        TimeSpan? timeout = null,
        bool any = false,
        IReadOnlyList<TaskId>? also = null
    )
    {
        if (!session.Queue.Exists)
        {
            return Empty(session, quiet);
        }

        using var parting = quiet ? null : new Parting();
        var (ended, timedOut, waited) = session.Project.Wait.UntilIdle(
            session.Project.Run,
            timeout,
            any,
            task => Tell(task, quiet),
            also
        );
        return waited ? Finish(session, ended, timedOut, quiet: quiet) : Empty(session, quiet);
    }

    private static ExitCode Empty(Session session, bool quiet) =>
        Finish(
            session,
            [],
            timedOut: false,
            quiet,
            "Nothing is running or ready; nothing to wait for"
        );

    private static void Tell(AgentTask task, bool quiet)
    {
        if (!quiet)
        {
            Following.Tell(task);
        }
    }

    private static ExitCode Finish(
        Session session,
        IReadOnlyList<AgentTask> ended,
        bool timedOut,
        bool quiet,
        string? message = null
    )
    {
        if (timedOut)
        {
            message = "The time for waiting is up; the tasks go on";
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    TaskReply.WriteArray(w, "ended"u8, ended);
                    w.WriteBoolean("timedOut"u8, timedOut);
                }
            );
        }
        else if (message is not null && !quiet)
        {
            Session.Screen.Talk(message);
        }

        return timedOut ? ExitCode.WaitTimedOut : QueueWait.Outcome(ended);
    }
}
