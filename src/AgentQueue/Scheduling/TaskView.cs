using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Scheduling;

/// <summary>A task as it is shown at one moment: its file, and what follows from the rest of the queue. Pure.</summary>
internal sealed record TaskView(AgentTask Task, DateTimeOffset Now)
{
    private const int MostNamed = 2;

    /// <summary>Pending in its file, but a supervisor holds it and is about to start the agent.</summary>
    public bool IsStarting { get; init; }

    /// <summary>What its dependencies say; only for a pending task.</summary>
    public Readiness Readiness { get; init; } = new Readiness.Ready();

    public TaskId Id => Task.Id;

    /// <summary>As it counts: what is starting runs.</summary>
    public TaskStatus Status => IsStarting ? TaskStatus.Running : Task.Status;

    public bool IsHeld => !IsStarting && Task.State is TaskState.Pending { Held: true };

    /// <summary>Pending, not held, and kept from starting by a dependency or a back-off.</summary>
    public bool IsWaiting =>
        Status == TaskStatus.Pending
        && !IsHeld
        && (Readiness is not Readiness.Ready || StartsIn is not null);

    /// <summary>The dependencies that have yet to complete; a retried one is its retry.</summary>
    public IReadOnlyList<TaskId> WaitingFor => Readiness is Readiness.Waiting w ? w.For : [];

    /// <summary>How long it runs, or ran; null if it never did.</summary>
    public TimeSpan? Elapsed =>
        Task.State switch
        {
            TaskState.Running running => NotNegative(Now - running.StartedAt),
            TaskState.Finished { StartedAt: { } from } end => NotNegative(end.CompletedAt - from),
            _ => null,
        };

    /// <summary>What is left of its time, negative when it is over; null if it has no limit.</summary>
    public TimeSpan? Remaining => Task.State is TaskState.Running ? Task.Timeout - Elapsed : null;

    public bool IsNearLimit => Remaining is { } left && left <= Warning;

    public TimeSpan Warning => Task.TimeoutWarning ?? AgentTask.DefaultTimeoutWarning;

    /// <summary>Until the end of a back-off; null if it may start as far as that goes.</summary>
    public TimeSpan? StartsIn =>
        Task.State is TaskState.Pending { NotBefore: { } at } && !IsStarting && at > Now
            ? at - Now
            : null;

    /// <summary>Until it is retried by itself, zero if that is due; null if it will not be.</summary>
    public TimeSpan? RetryIn => RetryPolicy.DueAt(Task) is { } due ? NotNegative(due - Now) : null;

    public TaskId? RetriedBy => (Task.State as TaskState.Failed)?.RetriedBy;

    /// <summary>One word: its status, or what keeps a pending one from starting.</summary>
    public string Word =>
        IsHeld ? "held"
        : IsWaiting ? "waiting"
        : TaskJson.NameOf(Task.Status);

    /// <summary>When something about it changes without anybody doing anything; null if never.</summary>
    public DateTimeOffset? NextChange =>
        StartsIn is { } start ? Now + start
        : RetryIn is { } retry && retry > TimeSpan.Zero ? Now + retry
        : null;

    /// <summary>The one thing worth saying beside the status: an error, a countdown, what it waits for.</summary>
    public string Info =>
        Task.State switch
        {
            _ when IsStarting => "starting",
            TaskState.Pending pending => PendingInfo(pending),
            TaskState.Complete { Note: { } note } => note,
            TaskState.Failed failed => FailedInfo(failed),
            _ => "",
        };

    private string PendingInfo(TaskState.Pending pending) =>
        Readiness switch
        {
            Readiness.Blocked blocked => "blocked: " + blocked.Reason,
            Readiness.Waiting waiting => "waits for " + Names(waiting.For),
            _ when StartsIn is { } left && !pending.Held => $"starts in {Countdown(left)}",
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

    // A clock that was set back makes nothing run for less than no time.
    private static TimeSpan NotNegative(TimeSpan time) =>
        time < TimeSpan.Zero ? TimeSpan.Zero : time;

    /// <param name="dependencies">Made only when a task has some.</param>
    public static TaskView Of(
        AgentTask task,
        QueueFolder queue,
        QueueSnapshot snapshot,
        Lazy<Dependencies> dependencies,
        DateTimeOffset now
    )
    {
        var view = new TaskView(task, now);
        if (task.State is not TaskState.Pending)
        {
            return view;
        }

        return view with
        {
            IsStarting = snapshot.MayBeSupervised(task.Id) && queue.IsSupervised(task.Id),
            Readiness = task.DependsOn.IsEmpty ? view.Readiness : dependencies.Value.Check(task),
        };
    }
}
