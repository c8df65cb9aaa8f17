namespace AgentQueue;

/// <summary>Process exit codes: one table for all verbs (README, "Exit codes").</summary>
internal enum ExitCode
{
    Ok = 0,

    /// <summary>Refused or not possible: unknown id, wrong state, environment.</summary>
    Refused = 1,

    /// <summary>Usage, invalid configuration or plan.</summary>
    Usage = 2,

    /// <summary>The work itself failed.</summary>
    WorkFailed = 3,

    /// <summary>The work was cancelled.</summary>
    WorkCancelled = 4,

    /// <summary>Waiting timed out; the work goes on.</summary>
    WaitTimedOut = 5,

    /// <summary>A bug in agentq.</summary>
    Bug = 70,

    /// <summary>Ended by Ctrl-C: 128 + SIGINT.</summary>
    Interrupted = 130,
}

/// <summary>
/// The only exception users meet. <see cref="Exception.Message"/> is one sentence naming the task,
/// file or setting; <see cref="Hint"/> is what to type next, or null when nothing helps.
/// </summary>
internal sealed class QueueException(
    string message,
    string? hint = null,
    ExitCode exitCode = ExitCode.Refused,
    Exception? cause = null
) : Exception(message, cause)
{
    public string? Hint { get; } = hint;

    public ExitCode ExitCode { get; } = exitCode;

    /// <summary>The disk, its inodes or a quota are used up: what is tried again later may succeed.</summary>
    public bool IsNoRoom { get; init; }

    public static QueueException Usage(string message, string? hint = null) =>
        new(message, hint, ExitCode.Usage);
}
