using System.CommandLine;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>retry</c>: queue failed tasks again, as new ones.</summary>
internal static class RetryCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids(
        "Failed tasks to retry",
        required: false
    );

    private static readonly Option<bool> s_failed = Options.Flag(
        "--failed",
        "Every failed task that has no retry yet and may have one more"
    );

    private static readonly Option<int?> s_maxRetries = Options.Number(
        "--max-retries",
        "How often it may be retried in all (default: as it says itself)",
        1,
        Settings.MostRetries
    );

    private static readonly Option<bool> s_auto = Options.Flag(
        "--auto",
        "Retry the retry by itself if it fails too"
    );

    private static readonly Option<bool> s_resume = Options.Flag(
        "--resume",
        "Go on in the agent's session instead of beginning anew"
    );

    private static readonly RunOptions s_then = new("the new ids", "the outcome");

    public static Command Create()
    {
        var command = new Verb(
            "retry",
            "Queue failed tasks again, each as a new task that is linked to it",
            "agentq retry 01j9x2 --run",
            "agentq retry --failed",
            "agentq retry 01j9x2 --max-retries 5 --auto"
        )
        {
            s_ids,
            s_failed,
            s_maxRetries,
            s_auto,
            s_resume,
        };
        s_then.AddTo(command);
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var parts = parsed.GetValue(s_ids) ?? [];
        if (parsed.GetValue(s_failed) == parts.Length > 0)
        {
            throw QueueException.Usage("Say which tasks to retry, or --failed");
        }

        var options = new RetryOptions(
            parsed.GetValue(s_maxRetries),
            parsed.GetValue(s_auto),
            parsed.GetValue(s_resume) ? new Sessions(session.Project).Resume : null
        );
        var ids =
            parts.Length > 0
                ? session.FindIds(parts)
                : session.Project.Retries.FindRetryable(
                    session.Project.Reconciler.Reconcile(autoRetry: false).Snapshot,
                    options
                );
        var wishes = s_then.Read(parsed);
        return Retry(session, ids, options, wishes);
    }

    private static ExitCode Retry(
        Session session,
        IReadOnlyList<TaskId> ids,
        RetryOptions options,
        StartReport.Wishes wishes
    )
    {
        var retries = new List<AgentTask>();
        var code = ExitCode.Ok;
        foreach (var id in ids)
        {
            try
            {
                retries.Add(session.Project.Retries.Create(id, options));
            }
            catch (QueueException e)
            {
                Session.Screen.Error(e);
                code = e.ExitCode;
            }
        }

        if (ids.Count == 0 && !wishes.Quiet)
        {
            Session.Screen.Talk("No failed task is left to retry");
        }

        if (retries.Count == 0 && !session.Json)
        {
            return code;
        }

        var outcome = StartReport.Finish(session, retries, wishes);
        return code == ExitCode.Ok ? outcome : code;
    }
}
