using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>What receives a log, and can have enough of it.</summary>
internal interface ILogSink
{
    /// <summary>Nobody takes any more.</summary>
    bool IsClosed { get; }

    void Take(ReadOnlySpan<byte> piece);

    /// <summary>All that there is for now was given.</summary>
    void Pause();
}

/// <summary>
/// Follows the log of a task from before it starts until it has ended, and all of the log with it. A
/// supervisor that died meanwhile is noticed, and its task settled.
/// </summary>
internal sealed class LogFollow(QueueFolder queue, QueueWait wait, TimeProvider clock)
{
    // Also looked at without a sign of change: a supervisor that is killed leaves none.
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    // A log may grow a thousand times a second; the task's file is not read as often.
    private static readonly TimeSpan s_gap = TimeSpan.FromMilliseconds(100);

    /// <param name="tail">Begin with the last lines of what is there; 0 for all of it.</param>
    /// <param name="output">Written to by the sink; see <see cref="FolderWatch.OutputDescriptor"/>.</param>
    /// <returns>The task as it ended; null if the sink was closed before.</returns>
    public AgentTask? Until(TaskId id, int tail, ILogSink sink, int output = -1)
    {
        using var watch = new FolderWatch(queue.Tasks, queue.Logs) { OutputDescriptor = output };
        LogReader? log = null;
        try
        {
            AgentTask? ended = null;
            long? looked = null;
            while (true)
            {
                // Who has ended writes no more: what is read after having seen it is everything.
                var isDue = looked is null || clock.GetElapsedTime(looked.Value) >= s_gap;
                if (isDue)
                {
                    ended = wait.ReadEnded(id);
                    looked = clock.GetTimestamp();
                }

                log ??= Open(id, tail, watch);
                while (!sink.IsClosed && log is not null && log.Next() is { IsEmpty: false } piece)
                {
                    sink.Take(piece);
                }

                sink.Pause();
                if (sink.IsClosed || ended is not null)
                {
                    return ended;
                }

                // Stryker disable once Conditional: decides only how soon a change without a sign is seen
                watch.Wait(isDue ? s_look : s_gap);
            }
        }
        finally
        {
            log?.Dispose();
        }
    }

    private LogReader? Open(TaskId id, int tail, FolderWatch watch)
    {
        var path = queue.FindLog(id);
        watch.AlsoGrowth(path);
        var log = LogReader.TryOpen(queue.Disk, path);
        log?.SeekToLast(tail);
        return log;
    }
}
