using System.Runtime.InteropServices;
using AgentQueue.Native;
using AgentQueue.Tasks;

namespace AgentQueue.Processes;

internal static partial class ForegroundProgram
{
    // Where no descriptor tells of the program's end this is how often it is looked for.
    private const int LookMilliseconds = 20;

    private static ExitStatus RunOnUnix(ForegroundLaunch launch, OutputPiece show)
    {
        using var streams = new UnixStreams();
        var pid = Spawn.Start(
            launch.Executable,
            [Path.GetFileName(launch.Executable), .. launch.Arguments],
            launch.Environment,
            launch.WorkingFolder,
            streams.OfChild,
            blockEndSignals: false
        );
        if (pid < 0)
        {
            throw Problem(launch, -pid);
        }

        using var program = new UnixProgram(pid);
        streams.CloseOfChild();
        streams.Carry(launch.Input, program, show);
        return program.Exit!.Value is { Signalled: true } end
            ? ExitStatus.Killed(end.Status)
            : ExitStatus.Exited(program.Exit.Value.Status);
    }

    /// <summary>The child, until it is let go; signals to us go to its group, which it leads.</summary>
    private sealed class UnixProgram : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly int _pid;
        private readonly List<PosixSignalRegistration> _signals;
        private bool _isReaped;

        public UnixProgram(int pid)
        {
            _pid = pid;
            EndDescriptor = OperatingSystem.IsLinux() ? Linux.OpenProcess(pid) : -1;
            _signals =
            [
                Register(PosixSignal.SIGINT, Posix.SIGINT),
                Register(PosixSignal.SIGTERM, Posix.SIGTERM),
                Register(PosixSignal.SIGHUP, Posix.SIGHUP),
            ];
        }

        /// <summary>Readable once it has ended; −1 if there is none.</summary>
        public int EndDescriptor { get; }

        public ExitFact? Exit { get; private set; }

        public bool HasEnded => (Exit ??= Posix.PeekExit(_pid)) is not null;

        public void Dispose()
        {
            _signals.ForEach(static s => s.Dispose());
            lock (_lock)
            {
                _isReaped = true;
                Posix.Reap(_pid);
            }

            if (EndDescriptor >= 0)
            {
                _ = Libc.Close(EndDescriptor);
            }
        }

        private PosixSignalRegistration Register(PosixSignal signal, int number) =>
            PosixSignalRegistration.Create(
                signal,
                context =>
                {
                    context.Cancel = true;
                    // Until it is reaped its number cannot pass to somebody else.
                    lock (_lock)
                    {
                        if (!_isReaped)
                        {
                            Posix.SignalGroup(_pid, number);
                        }
                    }
                }
            );
    }

    /// <summary>Three pipes: what the child reads, prints, and prints as errors.</summary>
    private sealed unsafe class UnixStreams : IDisposable
    {
        private const int F_SETFL = 4;
        private readonly int[] _child = [-1, -1, -1];
        private readonly int[] _ours = [-1, -1, -1];

        public UnixStreams()
        {
            var ends = stackalloc int[2];
            for (var i = 0; i < 3; i++)
            {
                if (Pipes.Make(ends) != 0)
                {
                    Dispose();
                    throw new QueueException("Cannot make a pipe: too many open files");
                }

                var childReads = i == 0;
                _child[i] = ends[childReads ? 0 : 1];
                _ours[i] = ends[childReads ? 1 : 0];
            }

            // A child that reads late must not keep us from reading what it prints meanwhile.
            _ = Libc.Fcntl(_ours[0], F_SETFL, Libc.O_NONBLOCK);
        }

        public ReadOnlySpan<int> OfChild => _child;

        public void CloseOfChild() => CloseAll(_child);

        /// <summary>Gives and takes until the program has ended and all that it printed is here.</summary>
        public void Carry(ReadOnlyMemory<byte> input, UnixProgram program, OutputPiece show)
        {
            var piece = new byte[PieceSize];
            Span<Posix.PollFd> polls = stackalloc Posix.PollFd[4];
            while (true)
            {
                var hasEnded = program.HasEnded;
                if (input.IsEmpty || hasEnded)
                {
                    Close(ref _ours[0]);
                }

                polls[0] = new() { Fd = _ours[0], Events = Posix.POLLOUT };
                polls[1] = new() { Fd = _ours[1], Events = Posix.POLLIN };
                polls[2] = new() { Fd = _ours[2], Events = Posix.POLLIN };
                polls[3] = new()
                {
                    Fd = hasEnded ? -1 : program.EndDescriptor,
                    Events = Posix.POLLIN,
                };
                Posix.Poll(
                    polls,
                    hasEnded ? 0
                        : program.EndDescriptor >= 0 ? -1
                        : LookMilliseconds
                );
                if (polls[0].Returned != 0)
                {
                    Give(ref input);
                }

                var came = false;
                for (var i = 1; i <= 2; i++)
                {
                    came |= polls[i].Returned != 0 && Take(ref _ours[i], piece, show, i == 2);
                }

                // What it left running may keep the pipes open for ever.
                if (hasEnded && !came)
                {
                    return;
                }
            }
        }

        private void Give(ref ReadOnlyMemory<byte> input)
        {
            nint count;
            // SAFETY: the span is pinned for the call, which reads at most its length.
            fixed (byte* start = input.Span)
            {
                count = Libc.Write(_ours[0], start, input.Length);
            }

            if (count > 0)
            {
                input = input[(int)count..];
            }
            else if (
                Marshal.GetLastPInvokeError() is var error
                && error != Libc.EAGAIN
                && error != Libc.EINTR
            )
            {
                // It does not want to read the rest: how it ends will tell whether that was right.
                input = default;
            }
        }

        private static bool Take(ref int fd, byte[] piece, OutputPiece show, bool isError)
        {
            nint count;
            // SAFETY: the array is pinned for the call, which fills at most its length.
            fixed (byte* start = piece)
            {
                count = Libc.Read(fd, start, piece.Length);
            }

            if (count > 0)
            {
                show(piece.AsSpan(0, (int)count), isError);
            }
            else if (count == 0 || Marshal.GetLastPInvokeError() != Libc.EINTR)
            {
                Close(ref fd);
            }

            return count > 0;
        }

        public void Dispose()
        {
            CloseAll(_child);
            CloseAll(_ours);
        }

        private static void CloseAll(int[] fds)
        {
            for (var i = 0; i < fds.Length; i++)
            {
                Close(ref fds[i]);
            }
        }

        private static void Close(ref int fd)
        {
            if (fd >= 0)
            {
                _ = Libc.Close(fd);
                fd = -1;
            }
        }
    }
}
