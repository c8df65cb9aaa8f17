using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

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
        var ended = session.Project.Foreground.SeeThrough(
            ids,
            limit ?? session.Project.Settings.Parallel,
            start =>
            {
                start.Start.Await(TimeSpan.FromSeconds(5));
                if (!quiet)
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

    /// <summary>One line on stderr: how a task ended, and why.</summary>
    public static void Tell(AgentTask task)
    {
        var (text, tone) = Outcome(task);
        Session.Screen.Talk($"{task.Id} {text}", tone);
    }

    /// <summary>How a task ended, why, after how long, and what comes of it.</summary>
    public static (string Text, Tone Tone) Outcome(AgentTask task)
    {
        var (tone, what) = task.State switch
        {
            TaskState.Complete c => (
                Tone.Good,
                c.Note is null ? "complete" : $"complete ({c.Note})"
            ),
            TaskState.Failed f => (Tone.Bad, $"failed ({f.Reason}): {FirstLine(f.Message)}"),
            TaskState.Cancelled => (Tone.Warn, "cancelled"),
            _ => (Tone.Plain, TaskJson.NameOf(task.Status)),
        };
        var took = task.State is TaskState.Finished { StartedAt: { } from } end
            ? $" after {Duration.Format(end.CompletedAt - from)}"
            : "";
        var then = RetryPolicy.DueAt(task) is null ? "" : "; will be retried";
        return ($"{what}{took}{then}", tone);
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0];
}
