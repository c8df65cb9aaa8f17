using System.Globalization;
using System.Text;
using AgentQueue.Storage;

namespace AgentQueue.Scheduling;

/// <summary>
/// Keeps the slots of a queue full for as long as it is let. It owns nothing: the tasks run under their
/// own supervisors and go on when it ends, however it ends. At most one works on a queue, by a lock that dies
/// with its process. Between two passes it holds nothing of the queue.
/// </summary>
/// <param name="pass">One pass over the queue: reconcile, retry what is due, fill the slots.</param>
internal sealed class DaemonLoop(QueueFolder queue, TimeProvider clock, Func<PassResult> pass)
{
    private const string LockName = "daemon.lock";

    // Long enough for a clock that ticks slowly, short enough to be no delay.
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_startPatience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private FolderWatch? _watch;
    private volatile bool _stopping;

    /// <summary>Works until <see cref="Stop"/>.</summary>
    /// <param name="interval">Looks at the latest after this, for what leaves no sign.</param>
    /// <param name="begun">Called once this is the queue's daemon.</param>
    /// <param name="tell">Told of what has happened, as soon as it is seen.</param>
    /// <param name="trouble">Told when a pass fails, once for each reason until one succeeds. The loop goes on.</param>
    /// <exception cref="QueueException">Another daemon works on this queue.</exception>
    public void Run(
        TimeSpan interval,
        Action begun,
        Action<IReadOnlyList<QueueEvent>> tell,
        Action<QueueException> trouble
    )
    {
        queue.Create();
        using var only = Claim();
        begun();
        using var watch = new FolderWatch(queue.Tasks);
        watch.PrepareWake();
        lock (_lock)
        {
            _watch = watch;
        }

        try
        {
            var events = new QueueEvents(queue, clock.GetUtcNow());
            events.Look(QueueSnapshot.Take(queue));
            string? told = null;
            while (!_stopping)
            {
                DateTimeOffset? due = null;
                try
                {
                    due = Pass();
                    tell(events.Look(QueueSnapshot.Take(queue)));
                    told = null;
                }
                catch (QueueException e)
                {
                    // A full disk, a broken configuration, a queue that is in use: it may be well at the next look.
                    if (told != e.Message)
                    {
                        trouble(e);
                        told = e.Message;
                    }
                }

                if (!_stopping)
                {
                    watch.Wait(WaitFor(clock.GetUtcNow(), due, interval));
                }
            }
        }
        finally
        {
            queue.Disk.Delete(OwnerFile);
        }
    }

    /// <summary>Ends <see cref="Run"/> soon; from any thread.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping = true;
            _watch?.Wake();
        }
    }

    /// <summary>How long to wait for news before looking again.</summary>
    /// <param name="due">When the next back-off ends.</param>
    public static TimeSpan WaitFor(DateTimeOffset now, DateTimeOffset? due, TimeSpan interval) =>
        due - now is { } left && left < interval
            ? left > s_shortest
                ? left
                : s_shortest
            : interval;

    private DateTimeOffset? Pass()
    {
        var result = pass();
        foreach (var start in result.Started)
        {
            // Also closes its line; how it went stands in the task.
            start.Start.Await(s_startPatience);
        }

        return result.NextDue;
    }

    private string OwnerFile => Path.Join(queue.Run, "daemon");

    private HeldLock Claim()
    {
        if (queue.TryLockRun(LockName) is not { } held)
        {
            var owner = Encoding.UTF8.GetString(queue.Disk.Read(OwnerFile, 100).Content).Trim();
            var which = owner.Length == 0 ? "" : $" (pid {owner})";
            throw new QueueException(
                $"A daemon{which} works on this queue already: it holds {Path.Join(queue.Run, LockName)}",
                "It starts whatever is ready; to see what it does: agentq status --watch"
            );
        }

        queue.Unsynced.ReplaceUnsynced(
            OwnerFile,
            Encoding.UTF8.GetBytes(
                Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"
            )
        );
        return held;
    }
}
