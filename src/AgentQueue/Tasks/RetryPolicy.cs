namespace AgentQueue.Tasks;

/// <summary>Who is retried, and when.</summary>
internal static class RetryPolicy
{
    /// <summary>The longest wait before an automatic retry.</summary>
    public static readonly TimeSpan LongestBackoff = TimeSpan.FromMinutes(5);

    /// <summary>2^<paramref name="retryCount"/> seconds, at most <see cref="LongestBackoff"/>.</summary>
    public static TimeSpan Backoff(int retryCount) =>
        retryCount >= 16
            ? LongestBackoff
            : TimeSpan.FromSeconds(
                Math.Min(1 << Math.Max(retryCount, 0), LongestBackoff.TotalSeconds)
            );

    /// <summary>
    /// When <paramref name="task"/> is to be retried by itself; null if never. A task that already has a
    /// retry is never due again, so each failure is retried once.
    /// </summary>
    public static DateTimeOffset? DueAt(AgentTask task) =>
        // In a plan what cannot be started at all would not start the next time either.
        task is { Step: not null, State: TaskState.Failed { Reason: Reason.Launch } }
            ? null
        : task.State
            is TaskState.Failed { FallbackTo: not null, RetriedBy: null, RetryIntent: null } handed
            ? handed.CompletedAt
        : task.State is TaskState.Failed { NoRetry: not null } ? null
        : task
            is {
                AutoRetry: true,
                State: TaskState.Failed { RetriedBy: null, RetryIntent: null } failed
            }
        && task.RetryCount < task.MaxRetries
            ? failed.CompletedAt + Backoff(task)
        : null;

    /// <summary>The pause before the next automatic retry: as its plan says, else 2^n seconds, at most a minute in a plan.</summary>
    private static TimeSpan Backoff(AgentTask task) =>
        task.Step switch
        {
            null => Backoff(task.RetryCount),
            { Backoff: { IsEmpty: false } pauses } => pauses[
                Math.Min(task.RetryCount, pauses.Length - 1)
            ],
            _ => Shorter(Backoff(task.RetryCount), TimeSpan.FromMinutes(1)),
        };

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>
    /// True if it is time. A wait that is longer than any back-off means that the clock was set back, and
    /// whoever believed it would wait for hours or years.
    /// </summary>
    public static bool IsDue(AgentTask task, DateTimeOffset due, DateTimeOffset now)
    {
        var back = Backoff(task);
        return due <= now || due - now > (back > LongestBackoff ? back : LongestBackoff);
    }
}
