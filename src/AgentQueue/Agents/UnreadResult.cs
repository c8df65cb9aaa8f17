using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Agents;

/// <summary>What is known of an ended task whose agent nobody could read: only what its file tells. Pure.</summary>
internal static class UnreadResult
{
    public static AgentResult Of(AgentTask task, TaskState.Finished end) =>
        new()
        {
            Task = task.Id,
            Attempt = task.Attempt,
            Agent = task.Agent,
            Adapter = "",
            EndedAt = end.CompletedAt,
            Model = task.Options?.Model,
            Session = task.Options?.Session,
            Duration =
                end.StartedAt is { } from && end.CompletedAt > from
                    ? end.CompletedAt - from
                    : TimeSpan.Zero,
            Exit = end.ExitCode is { } code ? ExitStatus.Exited(code) : null,
            Verification = VerificationOf(task, end),
            VerificationMessage = end is TaskState.Failed { Reason: Reason.Verify } check
                ? check.Message
                : null,
            Error = end is TaskState.Failed failed ? ErrorOf(failed) : null,
        };

    // Whoever completes a task by a sentinel before it has run completes it without a check.
    private static Verification VerificationOf(AgentTask task, TaskState.Finished end) =>
        end switch
        {
            TaskState.Failed { Reason: Reason.Verify } => Verification.Failed,
            { Status: TaskStatus.Complete, StartedAt: not null }
                when task.Checks is { IsEmpty: false } => Verification.Passed,
            _ => Verification.None,
        };

    private static ReadError ErrorOf(TaskState.Failed failed) =>
        failed.ErrorClass is { } known ? new ReadError(known, Confidence.Likely, failed.Message)
        : Seen(failed.Reason) is { } seen ? new ReadError(seen, Confidence.Certain, failed.Message)
        : new ReadError(ErrorClass.Unknown, Confidence.Guess, failed.Message);

    private static string? Seen(string reason) =>
        reason switch
        {
            Reason.Timeout => ErrorClass.Timeout,
            Reason.Stalled => ErrorClass.Stalled,
            Reason.Launch => ErrorClass.Spawn,
            _ => null,
        };
}
