using System.Text;
using AgentQueue.Native;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// The life of a supervisor's process: take over the inherited lock, run the task, and while a drain is on,
/// run the next one, without a new process.
/// </summary>
internal sealed class SupervisorProcess(
    QueueFolder queue,
    Supervisor supervisor,
    Func<QueueScope, QueueRun> runOf,
    ILauncherLine launcher,
    Action? startFollowers = null,
    Func<AgentTask, ParkedTask>? park = null,
    Func<IDisposable?>? idle = null
)
{
    /// <param name="task">What the launcher wrote there: a task, or the word of a scope to keep.</param>
    /// <param name="inherited">The task's lock, held since before this process began.</param>
    public void Live(string task, HeldLock? inherited)
    {
        var scope = QueueScope.Parse(task);
        var run = runOf(scope);
        using var joined = new Drain(queue, scope).TryJoin();
        AgentTask? ended = null;
        ParkedTask? parked = null;
        if (TaskId.TryParse(task, out var id) && inherited is not null)
        {
            using (inherited)
            {
                if (!RunOne(id, Tell, out ended))
                {
                    return;
                }

                parked = Park(ended);
            }
        }

        launcher.Dispose();
        while (TakeNext(run, ended, parked) is var (next, held))
        {
            using (held)
            {
                if (!RunOne(next.Id, static _ => { }, out ended))
                {
                    return;
                }

                parked = Park(ended);
            }
        }
    }

    // False if there shall be no next task: told to end, or the disk or the configuration let us down.
    private bool RunOne(TaskId id, Action<string> report, out AgentTask? ended)
    {
        ended = null;
        var told = false;
        try
        {
            ended = supervisor.Run(
                id,
                word =>
                {
                    told = true;
                    report(word);
                }
            );
            StartFollowers();
            // Whoever tells a supervisor to end does not want it to begin with the next task.
            return !supervisor.WasToldToEnd;
        }
        catch (QueueException e)
        {
            // The files could not be read or written. The task stays as it is recorded: whoever looks
            // next settles it, and whoever waits for this start is told.
            if (!told)
            {
                report("failed " + e.Message);
            }

            return false;
        }
    }

    private (AgentTask, HeldLock)? TakeNext(QueueRun run, AgentTask? ended, ParkedTask? parked)
    {
        using (parked)
        using (idle?.Invoke())
        {
            return run.TakeNext(ended) ?? parked?.Take();
        }
    }

    private ParkedTask? Park(AgentTask? ended) =>
        ended is { State: TaskState.Pending { Limit: not null } } ? park?.Invoke(ended) : null;

    // What follows from an end is no business of this scope's drain.
    private void StartFollowers()
    {
        try
        {
            startFollowers?.Invoke();
        }
        catch (QueueException)
        {
            // It is stored; whoever looks next starts it.
        }
    }

    private void Tell(string word)
    {
        launcher.Tell(word);
        launcher.Dispose();
    }
}

/// <summary>
/// The line to whoever started a supervisor: one word about how the first start went, then it is closed,
/// so that nobody waits for more.
/// </summary>
internal interface ILauncherLine : IDisposable
{
    void Tell(string word);
}

/// <summary>The pipe that a supervisor inherits.</summary>
internal sealed class LauncherPipe(nint pipe) : ILauncherLine
{
    private bool _closed;

    // Whoever asked may be gone; the task runs all the same. SIGPIPE is ignored by the runtime.
    public void Tell(string word) => Pipes.Write(pipe, Encoding.UTF8.GetBytes(word + "\n"));

    public void Dispose()
    {
        if (!_closed)
        {
            _closed = true;
            Pipes.Close(pipe);
        }
    }
}
