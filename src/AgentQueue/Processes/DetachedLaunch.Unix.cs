using System.Runtime.InteropServices;
using AgentQueue.Native;

namespace AgentQueue.Processes;

internal static partial class DetachedLaunch
{
    // In the order of InheritedHandles.OnUnix.
    private static unsafe UnixReport StartUnix(
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

        return new UnixReport(pid, pipe[0]);
    }

    private static void StartHooksUnix(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string> environment
    )
    {
        var nothing = Libc.Open("/dev/null", Libc.O_RDWR);
        var (program, first) = Program();
        var pid = Spawn.Start(
            program,
            ["agentq", .. first, HookVerb, .. arguments],
            environment,
            workingFolder: null,
            [nothing, nothing, nothing],
            blockEndSignals: false
        );
        _ = Libc.Close(nothing);
        if (pid < 0)
        {
            throw new QueueException(
                $"Cannot start the hooks: {Marshal.GetPInvokeErrorMessage(-pid)}"
            );
        }
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

    private sealed class UnixReport(int pid, int fd) : SupervisorReport(pid)
    {
        protected override unsafe int? ReadSome(Span<byte> buffer, TimeSpan wait)
        {
            Span<Posix.PollFd> polls = [new() { Fd = fd, Events = Posix.POLLIN }];
            Posix.Poll(polls, (int)Math.Clamp(wait.TotalMilliseconds, 1, 60_000));
            if (polls[0].Returned == 0)
            {
                return null;
            }

            fixed (byte* start = buffer)
            {
                return (int)Libc.Read(fd, start, buffer.Length);
            }
        }

        protected override void Close() => _ = Libc.Close(fd);
    }
}
