using System.CommandLine;
using System.Runtime.InteropServices;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>daemon</c>: keep the slots full from the foreground, with a line for each thing that happens.</summary>
internal static class DaemonCommand
{
    private static readonly TimeSpan s_defaultInterval = TimeSpan.FromSeconds(5);

    private static readonly Option<int?> s_concurrent = Options.Number(
        "--max-concurrent",
        "How many tasks may run at once (the setting 'parallel', 3)",
        1,
        Settings.MostParallel,
        "-c"
    );

    private static readonly Option<TimeSpan?> s_interval = Options.Time(
        "--interval",
        "Look at the latest after this long; what happens is seen at once (5s)",
        "-i"
    );

    public static Command Create()
    {
        var command = new Verb(
            "daemon",
            "Start tasks as they become ready until Ctrl-C; what runs then goes on",
            "agentq daemon",
            "agentq daemon --max-concurrent 5 --interval 10"
        )
        {
            s_concurrent,
            s_interval,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        _ = session.Project.Config;
        var most = parsed.GetValue(s_concurrent);
        var limit = most ?? session.Project.Settings.Parallel;
        var loop = new DaemonLoop(session.Queue, session.Project.Clock, () => Pass(session, most));
        PosixSignal[] ends = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        var signals = ends.Select(signal => PosixSignalRegistration.Create(signal, Stop)).ToList();
        try
        {
            loop.Run(
                parsed.GetValue(s_interval) ?? s_defaultInterval,
                () =>
                    Session.Screen.Talk(
                        $"Keeping up to {limit} running; Ctrl-C ends this, not them"
                    ),
                news => Tell(session, news, loop),
                problem => Session.Screen.Error(problem)
            );
            Session.Screen.Talk("Ended; what runs goes on");
        }
        finally
        {
            signals.ForEach(static s => s.Dispose());
        }

        return ExitCode.Ok;

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            loop.Stop();
        }
    }

    // Made anew for each pass, so that a change of the configuration counts from then on.
    private static PassResult Pass(Session session, int? most)
    {
        DetachedLaunch.ReapEnded();
        var project = new ProjectQueue(session.Project.Root, session.Project.Clock);
        return project.Run.Fill(most ?? project.Settings.Parallel);
    }

    private static void Tell(Session session, IReadOnlyList<QueueEvent> news, DaemonLoop loop)
    {
        foreach (var happened in news)
        {
            var now = session.Project.Clock.GetUtcNow();
            if (session.Json)
            {
                Reply(happened, now);
            }
            else
            {
                var (text, tone) = Describe(happened);
                Session.Screen.Line($"{TimeText.At(now)} {happened.Task.Id} {text}", tone);
            }
        }

        Session.Screen.Flush();
        if (Session.Screen.ReaderGone)
        {
            loop.Stop();
        }
    }

    private static (string Text, Tone Tone) Describe(QueueEvent happened) =>
        happened switch
        {
            QueueEvent.Queued(var task) => ($"queued for {task.Agent}", Tone.Dim),
            QueueEvent.Retried(var task, var of) => (
                $"queued as retry {task.RetryCount}/{task.MaxRetries} of {of}",
                Tone.Dim
            ),
            QueueEvent.Started(var task) => ($"started: {task.Agent}", Tone.Info),
            QueueEvent.Ended(var task) => Following.Outcome(task),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static void Reply(QueueEvent happened, DateTimeOffset now) =>
        JsonOutput.PrintLine(
            Session.Screen,
            w =>
            {
                w.WriteString("time"u8, TimeText.Exact(now));
                w.WriteString("event"u8, WordFor(happened));
                w.WriteString("taskId"u8, happened.Task.Id.Value);
                w.WriteString("agent"u8, happened.Task.Agent);
                w.WriteString("status"u8, TaskJson.NameOf(happened.Task.Status));
                if (happened is QueueEvent.Retried(_, var of))
                {
                    w.WriteString("retryOf"u8, of.Value);
                }

                if (happened.Task.State is TaskState.Failed failed)
                {
                    w.WriteString("reason"u8, failed.Reason);
                    w.WriteString("errorMessage"u8, failed.Message);
                }
            }
        );

    private static string WordFor(QueueEvent happened) =>
        happened switch
        {
            QueueEvent.Queued => "queued",
            QueueEvent.Retried => "retried",
            QueueEvent.Started => "started",
            QueueEvent.Ended => "ended",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
