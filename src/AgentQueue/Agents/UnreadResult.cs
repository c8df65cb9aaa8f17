using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Agents;

/// <summary>
/// What is known of an ended task whose agent nobody could read: what its file tells, and what its supervisor has noted
/// of its checks. Pure.
/// </summary>
internal static class UnreadResult
{
    /// <summary>What a supervisor notes of an attempt with checks; the task's file does not tell why they failed.</summary>
    /// <param name="task">Still running.</param>
    /// <param name="earlier">What is kept of an attempt before, which may be that of another agent; null for nothing.</param>
    /// <param name="error">Null if the task has ended well.</param>
    public static AgentResult Noted(
        AgentTask task,
        AgentResult? earlier,
        DateTimeOffset now,
        ExitStatus? exit,
        (Verification State, string? Message) verification,
        ReadError? error
    ) =>
        new()
        {
            Task = task.Id,
            Attempt = task.Attempt,
            Agent = task.Agent,
            Adapter = "",
            EndedAt = now,
            Model = task.Options?.Model,
            Session = task.Options?.Session,
            Turns = earlier?.Turns,
            ToolCalls = earlier?.ToolCalls,
            Files = earlier?.Files,
            // What is forgotten here the next attempt that can be read would count as never used.
            Usage = earlier?.Usage ?? new(),
            SessionUsage = earlier?.SessionUsage ?? new(),
            Duration =
                (earlier?.Duration ?? TimeSpan.Zero)
                + (
                    task.State is TaskState.Running { StartedAt: var from } && now > from
                        ? now - from
                        : TimeSpan.Zero
                ),
            Exit = exit,
            Verification = verification.State,
            VerificationMessage = verification.Message,
            Error = error,
        };

    /// <param name="noted">What <see cref="Noted"/> has made of this attempt or one before; null for nothing.</param>
    public static AgentResult Of(
        AgentTask task,
        TaskState.Finished end,
        AgentResult? noted = null
    ) =>
        new()
        {
            Task = task.Id,
            Attempt = task.Attempt,
            Agent = task.Agent,
            Adapter = "",
            EndedAt = end.CompletedAt,
            Model = task.Options?.Model,
            Session = task.Options?.Session,
            Turns = noted?.Turns,
            ToolCalls = noted?.ToolCalls,
            Files = noted?.Files,
            Usage = noted?.Usage ?? new(),
            Duration =
                end.StartedAt is { } from && end.CompletedAt > from
                    ? end.CompletedAt - from
                    : TimeSpan.Zero,
            Exit = end.ExitCode is { } code ? ExitStatus.Exited(code) : null,
            Verification =
                noted?.Attempt == task.Attempt ? noted.Verification : VerificationOf(task, end),
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
            // It was lost while it was checked.
            TaskState.Failed { Reason: Reason.Lost, ExitCode: not null }
                when task.Checks is { IsEmpty: false } => Verification.Unavailable,
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
