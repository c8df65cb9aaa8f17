using System.Runtime.InteropServices;
using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>
/// Starts this program again as a supervisor that outlives its caller: a session of its own, nothing of
/// the caller's terminal or pipes, and the task's lock inherited, so that there is no moment in which
/// nobody holds it. The supervisor's report comes over a pipe that it closes once the agent runs.
/// </summary>
internal static class DetachedLaunch
{
    /// <summary>The hidden verb.</summary>
    public const string Verb = "__supervise";

    /// <summary>The descriptors at which a supervisor finds what it inherits.</summary>
    public const int ReportDescriptor = 3;
    public const int LockDescriptor = 4;

    /// <param name="arguments">What follows the hidden verb.</param>
    /// <param name="environment">The whole environment, as <c>KEY=VALUE</c>.</param>
    /// <param name="lockDescriptor">The held lock to hand over; −1 for none.</param>
    /// <exception cref="QueueException">The system would not start it.</exception>
    public static SupervisorReport Start(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        nint lockDescriptor
    )
    {
        if (OperatingSystem.IsWindows())
        {
            throw new QueueException("This build cannot start agents on Windows yet");
        }

        return StartUnix(arguments, environment, (int)lockDescriptor);
    }

    /// <summary>True if that process is one of our supervisors.</summary>
    public static bool IsSupervisor(int pid)
    {
        var line = ProcessTable.CommandLine(pid);
        return line.Contains($"\0{Verb}\0", StringComparison.Ordinal);
    }

    private static unsafe SupervisorReport StartUnix(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment,
        int lockDescriptor
    )
    {
        var pipe = stackalloc int[2];
        if (MakePipe(pipe) != 0)
        {
            throw new QueueException("Cannot make a pipe: too many open files");
        }

        var nothing = Libc.Open("/dev/null", Libc.O_RDWR);
        var (program, first) = Program();
        ReadOnlySpan<int> descriptors =
            lockDescriptor < 0
                ? [nothing, nothing, nothing, pipe[1]]
                : [nothing, nothing, nothing, pipe[1], lockDescriptor];
        var pid = Spawn.Start(
            program,
            ["agentq", .. first, Verb, .. arguments],
            environment,
            workingFolder: null,
            descriptors,
            blockEndSignals: true
        );
        _ = Libc.Close(nothing);
        _ = Libc.Close(pipe[1]);
        if (pid < 0)
        {
            _ = Libc.Close(pipe[0]);
            throw new QueueException(
                $"Cannot start the supervisor: {Marshal.GetPInvokeErrorMessage(-pid)}"
            );
        }

        return new SupervisorReport(pid, pipe[0]);
    }

    /// <summary>Lets go of the supervisors that have ended, for a launcher that lives on. It must have no other children.</summary>
    public static void ReapEnded()
    {
        if (!OperatingSystem.IsWindows())
        {
            Posix.ReapOthers(kept: 0);
        }
    }

    // The running program itself, even if its file has been replaced since by a newer one.
    private static (string Program, string[] First) Program()
    {
        var path = Environment.ProcessPath ?? "/proc/self/exe";
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
                ? (path, [Path.Join(AppContext.BaseDirectory, "agentq.dll")])
            : OperatingSystem.IsLinux() ? ("/proc/self/exe", [])
            : (path, []);
    }

    private static unsafe int MakePipe(int* ends)
    {
        var result = Pipes.Make(ends);
        if (result == 0)
        {
            const int F_SETFD = 2;
            _ = Libc.Fcntl(ends[0], F_SETFD, 1);
            _ = Libc.Fcntl(ends[1], F_SETFD, 1);
        }

        return result;
    }
}

/// <summary>What a new supervisor has to say: one line once its agent runs, or why it does not.</summary>
internal sealed class SupervisorReport(int pid, int fd)
{
    public int Pid { get; } = pid;

    /// <summary>
    /// The line, waited for at most that long; null if the supervisor ended, or is still silent, without one.
    /// </summary>
    public unsafe string? Read(TimeSpan patience)
    {
        var text = new StringBuilder();
        var buffer = stackalloc byte[4096];
        Span<Posix.PollFd> polls = [new() { Fd = fd, Events = Posix.POLLIN }];
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (clock.GetElapsedTime(start) < patience)
        {
            var left = patience - clock.GetElapsedTime(start);
            Posix.Poll(polls, (int)Math.Clamp(left.TotalMilliseconds, 1, 60_000));
            if (polls[0].Returned == 0)
            {
                continue;
            }

            var n = Libc.Read(fd, buffer, 4096);
            if (n <= 0)
            {
                break;
            }

            text.Append(Encoding.UTF8.GetString(buffer, (int)n));
        }

        _ = Libc.Close(fd);
        return text.Length == 0 ? null : text.ToString().TrimEnd('\n');
    }
}
