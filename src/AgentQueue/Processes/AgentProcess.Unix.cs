using System.Runtime.InteropServices;
using AgentQueue.Native;
using AgentQueue.Tasks;

namespace AgentQueue.Processes;

/// <summary>Starting an agent on any Unix: posix_spawn into a session of its own, its output into its log.</summary>
internal static class UnixLaunch
{
    private const int OwnerOnly = 0x180; // 0600

    /// <returns>The agent's pid.</returns>
    /// <exception cref="LaunchException">It could not be started.</exception>
    public static int Start(AgentLaunch launch)
    {
        var input = Libc.Open(
            launch.InputFile ?? "/dev/null",
            Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NONBLOCK
        );
        if (input < 0)
        {
            throw Problem("read", launch.InputFile ?? "/dev/null");
        }

        var log = -1;
        var errors = -1;
        try
        {
            log = OpenLog(launch.LogFile);
            errors = launch.ErrorLogFile is { } file ? OpenLog(file) : log;
            var pid = Spawn.Start(
                launch.Executable,
                [Path.GetFileName(launch.Executable), .. launch.Arguments],
                launch.Environment,
                launch.WorkingFolder,
                [input, log, errors, (int)launch.AliveDescriptor],
                blockEndSignals: false
            );
            return pid >= 0
                ? pid
                : throw new LaunchException(
                    $"Cannot start {launch.Executable} in {launch.WorkingFolder}: {Marshal.GetPInvokeErrorMessage(-pid)}"
                );
        }
        finally
        {
            _ = Libc.Close(input);
            if (log >= 0)
            {
                _ = Libc.Close(log);
            }

            if (errors >= 0 && errors != log)
            {
                _ = Libc.Close(errors);
            }
        }
    }

    private static int OpenLog(string path)
    {
        var log = Libc.Open(
            path,
            Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND | Libc.O_NOFOLLOW | Libc.O_NONBLOCK,
            OwnerOnly
        );
        if (log < 0)
        {
            throw Problem("open", path);
        }

        if (FileStat.Of(log) is not { IsOwnFile: true })
        {
            _ = Libc.Close(log);
            throw new LaunchException(
                $"{path} is no ordinary file, or has a second name elsewhere; remove it"
            );
        }

        // O_NONBLOCK kept a planted fifo from stopping us; the agent gets an ordinary descriptor.
        const int F_SETFL = 4;
        _ = Libc.Fcntl(log, F_SETFL, Libc.O_APPEND);
        return log;
    }

    private static LaunchException Problem(string action, string path) =>
        new(
            $"Cannot {action} {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}"
        );
}

/// <summary>What the agents of all Unixes have in common: the leader, its group, its zombie.</summary>
internal abstract class UnixAgentProcess<TTree> : IAgentProcess
    where TTree : ProcessTree
{
    protected UnixAgentProcess(int pid, TimeProvider clock, Func<int, long, TTree> tree)
    {
        Pid = pid;
        Clock = clock;
        // A child that has ended is a zombie until we reap it, so its entry is there in any case.
        var start = ProcessTable.Read(pid)?.StartTicks ?? 0;
        Identity = new ProcessIdentity(ProcessIdentity.ThisMachine, pid, start);
        Tree = tree(pid, start);
    }

    public ProcessIdentity Identity { get; }

    public ExitStatus? Exit { get; private set; }

    protected int Pid { get; }

    protected TimeProvider Clock { get; }

    protected TTree Tree { get; }

    public abstract Wake Wait(TimeSpan limit);

    public void EndAll(TimeSpan grace)
    {
        // The group first, in one call: members that fork while they are being listed get it too.
        Posix.SignalGroup(Pid, Posix.SIGTERM);
        Posix.SignalGroup(Pid, Posix.SIGCONT);
        Tree.End(grace, adopted: true, Clock);
        LearnExit();
    }

    public void EndLeftovers(TimeSpan grace)
    {
        Posix.SignalGroup(Pid, Posix.SIGTERM);
        if (MayHaveLeftovers())
        {
            Tree.End(grace, adopted: true, Clock);
        }
    }

    public virtual void Dispose()
    {
        LearnExit();
        Posix.Reap(Pid);
    }

    /// <summary>False if the agent has certainly left nothing behind.</summary>
    protected abstract bool MayHaveLeftovers();

    protected bool LearnExit()
    {
        if (Exit is null && Posix.PeekExit(Pid) is { } end)
        {
            Exit = end.Signalled ? ExitStatus.Killed(SignalOf(end)) : ExitStatus.Exited(end.Status);
        }

        return Exit is not null;
    }

    protected virtual int SignalOf(ExitFact end) => end.Status;

    /// <summary>How long one wait may take; shorter where the end of the agent has to be looked for.</summary>
    protected static int Milliseconds(TimeSpan limit, bool isToldOfEnd)
    {
        var cap = isToldOfEnd ? 3_600_000 : 20;
        return (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds), 0, cap);
    }
}
