using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using LibraryReport = AgentQueue.Scheduling.StartReport;

namespace AgentQueue.Cli.Commands;

/// <summary>Staying until tasks have ended, with a line on stderr for each thing that happens.</summary>
internal static class Following
{
    /// <summary>Starts what has not been started yet and stays until all have ended, retries included.</summary>
    public static ExitCode SeeThrough(
        Session session,
        IReadOnlyList<TaskId> ids,
        bool quiet,
        int? limit = null
    )
    {
        // What was put off is told of as soon as one looks.
        TellWhatKeeps(session, [.. ids.Where(id => !IsPutOff(session, id))]);
        using var parting = quiet ? null : new Parting();
        var foreground = session.Project.Foreground;
        foreground.PutOff = task => Session.Screen.Talk(WhyPutOff(session, task), Tone.Warn);
        var ended = foreground.SeeThrough(
            ids,
            limit ?? session.Project.Settings.Parallel,
            start =>
            {
                var report = start.Start.Await(TimeSpan.FromSeconds(5));
                if (
                    report is LibraryReport.Failed(var message)
                    && IsPending(session, start.Task.Id)
                )
                {
                    throw Starts.Refused(session, start.Task.Id, message);
                }

                if (!quiet && report is LibraryReport.Started)
                {
                    Session.Screen.Talk($"{start.Task.Id} started", Tone.Dim);
                }
            },
            task =>
            {
                if (!quiet)
                {
                    Tell(task);
                }
            },
            static () => true
        );
        return QueueWait.Outcome(ended);
    }

    private static bool IsPutOff(Session session, TaskId id) =>
        session.Queue.Read(id)
            is TaskRead.Found(
                {
                    Attempt: > 0,
                    State: TaskState.Pending { Question: not null }
                        or TaskState.Pending { Limit: not null }
                },
                _
            );

    private static string WhyPutOff(Session session, AgentTask task)
    {
        var clock = session.Project.Clock;
        return task.State is TaskState.Pending { Question: { } question }
                ? $"{task.Id} asks: {question}\n  Answer it: agentq answer {task.Id} \"…\""
            : task.State is TaskState.Pending { NotBefore: { } until, Limit: { } limit }
                ? $"{task.Id} waits for a usage limit until {StartTime.Describe(until, clock.GetUtcNow(), clock.LocalTimeZone)}; {limit}"
            : $"{task.Id} waits";
    }

    public static bool IsPending(Session session, TaskId id) =>
        session.Queue.Read(id) is TaskRead.Found({ State: TaskState.Pending }, _)
        && !session.Queue.IsSupervised(id);

    /// <summary>A line on stderr for each task that cannot start now: whoever waits shall know for what.</summary>
    public static void TellWhatKeeps(Session session, IReadOnlyList<TaskId> ids)
    {
        foreach (var id in ids)
        {
            // What is of a run is started by that.
            if (RunId.Of(id) is not null || !IsPending(session, id))
            {
                continue;
            }

            try
            {
                session.Project.Run.Preview([id], int.MaxValue, int.MaxValue);
                // It may be started by its name, but whoever waits for it does not.
                if (session.Project.Run.BarOf(id) is { IsPassing: false, Until: { } until } bar)
                {
                    var clock = session.Project.Clock;
                    Session.Screen.Talk(
                        $"Task {id} is not to start before {StartTime.Describe(until, clock.GetUtcNow(), clock.LocalTimeZone)}: {bar.Reason}; waiting\n  Start it all the same: agentq run {id}",
                        Tone.Warn
                    );
                }
            }
            catch (QueueException e)
            {
                if (
                    ids is [_]
                    && session.Project.Run.BarOf(id)
                        is { IsBudget: true, Until: null, IsPassing: false }
                )
                {
                    // Nothing but a person ends that, and who waits here may be a script.
                    throw new QueueException($"{e.Message}; it stays queued", e.Hint);
                }

                Session.Screen.Talk($"{e.Message}; waiting", Tone.Warn);
            }
        }
    }

    /// <summary>One line on stderr: how a task ended, and why.</summary>
    public static void Tell(AgentTask task)
    {
        var (text, tone) = Outcome(task);
        Session.Screen.Talk($"{task.Id} {text}", tone);
    }

    /// <summary>How a task ended, why, after how long, and what comes of it.</summary>
    public static (string Text, Tone Tone) Outcome(AgentTask task)
    {
        var took = task.State is TaskState.Finished { StartedAt: { } from } end
            ? $" after {Duration.Format(end.CompletedAt - from)}"
            : "";
        var (tone, what) = task.State switch
        {
            TaskState.Complete { Note: { } note } => (Tone.Good, $"complete{took} ({note})"),
            TaskState.Complete => (Tone.Good, $"complete{took}"),
            TaskState.Failed f => (Tone.Bad, $"failed{took} ({f.Reason}): {FirstLine(f.Message)}"),
            TaskState.Cancelled { Skipped: { } why } => (Tone.Warn, $"skipped: {why}"),
            TaskState.Cancelled => (Tone.Warn, $"cancelled{took}"),
            TaskState.Pending => (Tone.Warn, "skipped"),
            _ => (Tone.Plain, TaskJson.NameOf(task.Status)),
        };
        var then = RetryPolicy.DueAt(task) is null ? "" : "; will be retried";
        return ($"{what}{then}", tone);
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0];
}
