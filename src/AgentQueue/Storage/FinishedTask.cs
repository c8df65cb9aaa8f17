using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Storage;

/// <summary>What a list needs to know of a task that has ended; the rest is in its file.</summary>
internal readonly struct FinishedTask
{
    private readonly TaskIndex _index;

    public FinishedTask(TaskIndex index, int record)
    {
        (_index, Record) = (index, record);
        Status = index.StatusOf(record);
        CompletedTicks = index.TicksOf(record);
        Flags = (FinishedFlags)index.FlagsOf(record);
    }

    /// <summary>Where the index has it.</summary>
    public int Record { get; }

    /// <summary>Made when it is asked for: of thousands only a few are named.</summary>
    public TaskId Id => _index.TaskIdOf(Record);

    public TaskStatus Status { get; }

    public DateTimeOffset CompletedAt => new(CompletedTicks, TimeSpan.Zero);

    /// <summary>In UTC.</summary>
    public long CompletedTicks { get; }

    public bool TimedOut => Flags.HasFlag(FinishedFlags.TimedOut);

    /// <summary>An automatic retry is due, now or later.</summary>
    public bool WillRetry => Flags.HasFlag(FinishedFlags.WillRetry);

    /// <summary>A retry is being made, or its maker died.</summary>
    public bool HasIntent => Flags.HasFlag(FinishedFlags.HasIntent);

    private FinishedFlags Flags { get; }

    public int CompareIdTo(FinishedTask other) =>
        _index.IdOf(Record).SequenceCompareTo(other._index.IdOf(other.Record));

    public static FinishedFlags FlagsOf(AgentTask task) =>
        (task.State is TaskState.Failed { Reason: Reason.Timeout } ? FinishedFlags.TimedOut : 0)
        | (RetryPolicy.DueAt(task) is not null ? FinishedFlags.WillRetry : 0)
        | (
            task.State is TaskState.Unsuccessful { RetryIntent: not null }
                ? FinishedFlags.HasIntent
                : 0
        );
}

[Flags]
internal enum FinishedFlags : byte
{
    TimedOut = 1,
    WillRetry = 2,
    HasIntent = 4,
}
