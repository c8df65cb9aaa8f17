using System.Runtime.InteropServices;

namespace AgentQueue.Native;

/// <summary>Processes and signals of the C library, with the layouts of 64-bit Linux and macOS.</summary>
internal static unsafe partial class Posix
{
    private const string Library = "libc";

    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGKILL = 9;
    public const int SIGPIPE = 13;
    public const int SIGTERM = 15;
    public static int SIGCONT => OperatingSystem.IsMacOS() ? 19 : 18;

    private const int P_ALL = 0;
    private const int P_PID = 1;
    private const int WNOHANG = 1;
    private const int WEXITED = 4;
    private static int WNOWAIT => OperatingSystem.IsMacOS() ? 0x20 : 0x0100_0000;

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    [LibraryImport(Library, EntryPoint = "signal")]
    private static partial nint SetAction(int signal, nint action);

    /// <summary>
    /// From now on a write beyond the caller's limit for files fails with EFBIG, like one to a full disk,
    /// instead of ending this process. What <see cref="Spawn"/> starts has the default again.
    /// </summary>
    public static void SurviveTooLargeFiles()
    {
        const int SIGXFSZ = 25;
        const nint SIG_IGN = 1;
        _ = SetAction(SIGXFSZ, SIG_IGN);
    }

    [LibraryImport(Library, EntryPoint = "sigemptyset")]
    private static partial int SigEmptySet(void* set);

    [LibraryImport(Library, EntryPoint = "sigaddset")]
    private static partial int SigAddSet(void* set, int signal);

    [LibraryImport(Library, EntryPoint = "pthread_sigmask")]
    private static partial int SetMask(int how, void* set, void* before);

    /// <summary>Whether TERM, INT and QUIT wait, in this thread, until somebody reads them.</summary>
    public static void BlockEndSignals(bool block)
    {
        var set = stackalloc byte[128];
        _ = SigEmptySet(set);
        foreach (var signal in (ReadOnlySpan<int>)[SIGTERM, SIGINT, SIGQUIT])
        {
            _ = SigAddSet(set, signal);
        }

        var shift = OperatingSystem.IsMacOS() ? 1 : 0;
        _ = SetMask((block ? 0 : 1) + shift, set, null);
    }

    [LibraryImport(Library, EntryPoint = "getpid")]
    public static partial int ProcessId();

    /// <summary>Signals the group that <paramref name="leader"/> leads; the caller knows the leader to be an
    /// unreaped child of its own, so that the number cannot have passed to somebody else.</summary>
    public static void SignalGroup(int leader, int signal)
    {
        // kill(-1) is everybody and kill(0) is ourselves.
        if (leader > 1)
        {
            _ = Kill(-leader, signal);
        }
    }

    /// <summary>Signals one process by number: only where no pidfd exists, after checking its identity.</summary>
    public static void SignalUnchecked(int pid, int signal)
    {
        if (pid > 1)
        {
            _ = Kill(pid, signal);
        }
    }

    [LibraryImport(Library, EntryPoint = "waitid", SetLastError = true)]
    private static partial int WaitId(int type, int id, byte* info, int options);

    /// <summary>How our child ended, leaving it a zombie whose number stays taken; null while it runs.</summary>
    public static ExitFact? PeekExit(int pid) => Wait(P_PID, pid, WEXITED | WNOHANG | WNOWAIT);

    /// <summary>Lets the zombie go.</summary>
    public static void Reap(int pid) => Wait(P_PID, pid, WEXITED | WNOHANG);

    /// <summary>Lets go every dead child but one, of those that the system names before it.</summary>
    public static void ReapOthers(int kept)
    {
        while (
            Wait(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT) is { } dead
            && dead.Pid != kept
            && Wait(P_PID, dead.Pid, WEXITED | WNOHANG) is not null
        ) { }
    }

    private static ExitFact? Wait(int type, int id, int options)
    {
        var info = stackalloc byte[128];
        NativeMemory.Clear(info, 128);
        int result;
        do
        {
            result = WaitId(type, id, info, options);
        } while (result != 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);

        var mac = OperatingSystem.IsMacOS();
        var pid = *(int*)(info + (mac ? 12 : 16));
        if (result != 0 || pid == 0)
        {
            return null;
        }

        const int CLD_EXITED = 1;
        var code = *(int*)(info + 8);
        var status = *(int*)(info + (mac ? 20 : 24));
        return new ExitFact(pid, status, Signalled: code != CLD_EXITED);
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [LibraryImport(Library, EntryPoint = "nanosleep")]
    private static partial int NanoSleep(in TimeSpec time, nint left);

    /// <summary>Sleeps about that long; a signal ends it early. Nothing for a time that is not positive.</summary>
    public static void Sleep(TimeSpan time)
    {
        if (time > TimeSpan.Zero)
        {
            var spec = new TimeSpec
            {
                Seconds = (nint)(time.Ticks / TimeSpan.TicksPerSecond),
                Nanoseconds = (nint)(time.Ticks % TimeSpan.TicksPerSecond * 100),
            };
            _ = NanoSleep(spec, 0);
        }
    }

    public const short POLLIN = 1;
    public const short POLLOUT = 4;

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    private static partial int PollOnce(PollFd* fds, nuint count, int milliseconds);

    /// <summary>Waits for any of the descriptors; −1 milliseconds is for ever. A signal ends it early.</summary>
    public static void Poll(Span<PollFd> fds, int milliseconds)
    {
        fixed (PollFd* start = fds)
        {
            if (PollOnce(start, (nuint)fds.Length, milliseconds) < 0)
            {
                foreach (ref var fd in fds)
                {
                    fd.Returned = 0;
                }
            }
        }
    }
}

/// <param name="Status">The exit code, or the number of the signal.</param>
internal readonly record struct ExitFact(int Pid, int Status, bool Signalled);
