using System.Globalization;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>A task as it is shown at one moment: its file, and where it stands. Pure.</summary>
internal sealed record TaskView(AgentTask Task, DateTimeOffset Now) : TaskStanding(Task, Now)
{
    private const int MostNamed = 2;

    /// <summary>Until it is retried by itself, zero if that is due; null if it will not be.</summary>
    public TimeSpan? RetryIn => RetryPolicy.DueAt(Task) is { } due ? NotNegative(due - Now) : null;

    public TaskId? RetriedBy => (Task.State as TaskState.Unsuccessful)?.RetriedBy;

    /// <summary>When something about it changes without anybody doing anything; null if never.</summary>
    public DateTimeOffset? NextChange =>
        StartsIn is { } start ? Now + start
        : RetryIn is { } retry && retry > TimeSpan.Zero ? Now + retry
        : null;

    /// <summary>What keeps it from starting besides slots and dependencies; null if nobody asked, or nothing does.</summary>
    public string? KeptBy { get; init; }

    /// <summary>The one thing worth saying beside the status: an error, a countdown, what it waits for.</summary>
    public string Info =>
        Task.State switch
        {
            _ when IsStarting => "starting",
            TaskState.Pending pending => PendingInfo(pending),
            TaskState.Complete { Note: { } note } => note,
            TaskState.Failed failed => FailedInfo(failed),
            TaskState.Cancelled { Skipped: { } why } => "skipped: " + why,
            _ => "",
        };

    private string PendingInfo(TaskState.Pending pending) =>
        Readiness switch
        {
            Readiness.Blocked blocked => (RunId.Of(Id) is null ? "blocked: " : "skipped: ")
                + blocked.Reason,
            Readiness.Waiting waiting => "waits for " + Names(waiting.For),
            _ when pending.Held && Task.Step?.Approval is { } question => "asks: " + question,
            _ when pending is { Held: true, Question: { } asked } => "needs input: " + asked,
            _ when StartsIn is { } left && !pending.Held && pending.Limit is { } limit =>
                $"usage limit until {StartTime.Describe(Now + left, Now, Zone())}; {limit}"
                    + (KeptBy is null ? "" : $"; {KeptBy}"),
            _ when StartsIn is { } left && !pending.Held => "not before "
                + StartTime.Describe(Now + left, Now, Zone()),
            _ when !pending.Held => KeptBy ?? "",
            _ => "",
        };

    // What is next comes first: the end of a long error is cut off.
    private string FailedInfo(TaskState.Failed failed) =>
        failed.RetriedBy is { } by ? $"retried as {by}; {failed.Message}"
        : RetryIn is { } left ? $"{RetryText(left)}; {failed.Message}"
        : failed.Message;

    private static string RetryText(TimeSpan left) =>
        left > TimeSpan.Zero ? $"retry in {Countdown(left)}" : "retry due";

    /// <summary>Rounded up, so that it says 1s until it is over.</summary>
    public static string Countdown(TimeSpan left) =>
        Duration.Format(TimeSpan.FromSeconds(Math.Ceiling(left.TotalSeconds)));

    private static string Names(IReadOnlyList<TaskId> ids)
    {
        var named = string.Join(", ", ids.Take(MostNamed));
        return ids.Count <= MostNamed
            ? named
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{named} and {ids.Count - MostNamed} more"
            );
    }

    /// <summary>The task whose file was read, where it was found to stand unless it has ended since.</summary>
    public static TaskView Of(AgentTask task, TaskStanding standing) =>
        task.IsFinished
            ? new(task, standing.Now) { Zone = standing.Zone }
            : new(task, standing.Now)
            {
                Zone = standing.Zone,
                IsStarting = standing.IsStarting && task.State is TaskState.Pending,
                Readiness = standing.Readiness,
            };
}
