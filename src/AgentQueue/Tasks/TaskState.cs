namespace AgentQueue.Tasks;

/// <summary>The five words that stand in <c>status</c>; scripts written for older tools know them.</summary>
internal enum TaskStatus
{
    Pending,
    Running,
    Complete,
    Failed,
    Cancelled,
}

/// <summary>Why a task ended as it did; the word beside <c>status</c>. Text, because later versions add words.</summary>
internal static class Reason
{
    /// <summary>The agent exited with a code other than 0, or by a signal.</summary>
    public const string Exit = "exit";

    /// <summary>The agent wrote <c>.error</c>.</summary>
    public const string Error = "error";

    public const string Timeout = "timeout";

    /// <summary>No output for the idle limit.</summary>
    public const string Stalled = "stalled";

    /// <summary>Supervisor and agent ended without a record: a reboot, a kill -9.</summary>
    public const string Lost = "lost";

    /// <summary>The command could not be started at all.</summary>
    public const string Launch = "launch";

    /// <summary>Exit 0 without the sentinel that the agent's configuration asks for.</summary>
    public const string NoSignal = "no-signal";

    /// <summary>The command ended well, and a check of its work did not.</summary>
    public const string Verify = "verify";

    /// <summary>The agent's own account says that it failed, or breaks off, whatever it exited with.</summary>
    public const string Agent = "agent";

    /// <summary>It has used what it was allowed to.</summary>
    public const string Budget = "budget";

    /// <summary>Its account has reached a usage limit, and it was not to wait.</summary>
    public const string Limit = "limit";
}

/// <summary>
/// What has become of a task. Each state owns the facts that exist only in it, so a pending task with an
/// exit code cannot be written down.
/// </summary>
internal abstract record TaskState
{
    private TaskState() { }

    public abstract TaskStatus Status { get; }

    /// <param name="Held">Kept from starting by <c>hold</c>.</param>
    /// <param name="NotBefore">The time that was set for it; null if it may start at once.</param>
    internal sealed record Pending(bool Held = false, DateTimeOffset? NotBefore = null) : TaskState
    {
        /// <summary>The dependency that can no longer complete, and why, as last seen by a reconcile.</summary>
        public TaskId? BlockedBy { get; init; }

        public string? BlockedReason { get; init; }

        /// <summary>What its agent wants to know from a person; such a task is held until the answer.</summary>
        public string? Question { get; init; }

        /// <summary>The usage limit, in words, that <see cref="NotBefore"/> waits for.</summary>
        public string? Limit { get; init; }

        public override TaskStatus Status => TaskStatus.Pending;
    }

    /// <param name="StartedAt">When the attempt was recorded, just before the agent was started.</param>
    /// <param name="Pid">The supervisor's process, for people: TERM to it ends the task. agentq itself never
    /// signals by this number alone.</param>
    internal sealed record Running(DateTimeOffset StartedAt, int? Pid = null) : TaskState
    {
        public override TaskStatus Status => TaskStatus.Running;
    }

    /// <summary>Ended; never changes again, except for its links to a retry.</summary>
    internal abstract record Finished(DateTimeOffset? StartedAt, DateTimeOffset CompletedAt)
        : TaskState
    {
        /// <summary>0 to 255; 128 + n for signal n; null if no process ended under our eyes.</summary>
        public int? ExitCode { get; init; }
    }

    internal sealed record Complete(DateTimeOffset? StartedAt, DateTimeOffset CompletedAt)
        : Finished(StartedAt, CompletedAt)
    {
        /// <summary>Worth knowing beside the success, such as an exit code other than 0.</summary>
        public string? Note { get; init; }

        public override TaskStatus Status => TaskStatus.Complete;
    }

    /// <summary>Ended without success, so it may be tried again.</summary>
    internal abstract record Unsuccessful(DateTimeOffset? StartedAt, DateTimeOffset CompletedAt)
        : Finished(StartedAt, CompletedAt)
    {
        /// <summary>The task that retries this one.</summary>
        public TaskId? RetriedBy { get; init; }

        public DateTimeOffset? RetriedAt { get; init; }

        /// <summary>
        /// The id that was chosen for a retry whose file may not exist yet. Written before the retry is
        /// created, cleared when <see cref="RetriedBy"/> is set: a crash between the two is finished by
        /// the next pass instead of making a second retry.
        /// </summary>
        public TaskId? RetryIntent { get; init; }
    }

    internal sealed record Failed(
        DateTimeOffset? StartedAt,
        DateTimeOffset CompletedAt,
        string Reason,
        string Message
    ) : Unsuccessful(StartedAt, CompletedAt)
    {
        /// <summary>A word of <see cref="Tasks.ErrorClass"/>; null for an agent whose errors nobody can read.</summary>
        public string? ErrorClass { get; init; }

        /// <summary>Why it is not retried by itself, whatever its task says; null if it may be.</summary>
        public string? NoRetry { get; init; }

        /// <summary>The agent that is to try it next, at once; null for none.</summary>
        public string? FallbackTo { get; init; }

        /// <summary>Set exactly when <see cref="Reason"/> is <see cref="Tasks.Reason.Timeout"/>.</summary>
        public DateTimeOffset? TimedOutAt { get; init; }

        public override TaskStatus Status => TaskStatus.Failed;
    }

    internal sealed record Cancelled(DateTimeOffset? StartedAt, DateTimeOffset CompletedAt)
        : Unsuccessful(StartedAt, CompletedAt)
    {
        /// <summary>Why its plan did not want it to run; null if somebody cancelled it.</summary>
        public string? Skipped { get; init; }

        public override TaskStatus Status => TaskStatus.Cancelled;
    }
}
