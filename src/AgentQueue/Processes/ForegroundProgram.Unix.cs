using System.Runtime.InteropServices;
using AgentQueue.Native;
using AgentQueue.Tasks;

namespace AgentQueue.Processes;

internal static partial class ForegroundProgram
{
    // Where no descriptor tells of the program's end this is how often it is looked for.
    private const int LookMilliseconds = 20;

    private static (ExitStatus Exit, bool TimedOut) RunOnUnix(
        ForegroundLaunch launch,
        OutputPiece show
    )
    {
        if (launch.Limit is { Mark: not null, Adopts: true } && OperatingSystem.IsLinux())
        {
            // So that what it leaves behind comes to us, and not to somebody who cannot tell whose it is.
            Linux.BecomeSubreaper();
        }

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

        using var program = new UnixProgram(pid, launch.PassesSignals);
        streams.CloseOfChild();
        var limit = launch.Limit is { } most ? new UnixLimit(most, pid) : null;
        var timedOut = false;
        if (!streams.Carry(launch.Input, program, show, limit))
        {
            timedOut = !program.HasEnded;
            limit!.End(program);
            if (program.HasEnded)
            {
                streams.Carry(default, program, show, limit: null);
            }
        }

        return program.Exit switch
        {
            { Signalled: false } end => (ExitStatus.Exited(end.Status), timedOut),
            { } end => (ExitStatus.Killed(end.Status), timedOut),
            // In the kernel's hands: it will be, once it gets out of there.
            null => (ExitStatus.Killed(Posix.SIGKILL), timedOut),
        };
    }

    /// <summary>A program's time, and who is to be ended when it is up.</summary>
    private sealed class UnixLimit(ProgramLimit limit, int pid)
    {
        // Where orphans do not come to us they have to be seen before their parents end.
        private static readonly TimeSpan s_remember = TimeSpan.FromSeconds(1);

        private readonly long _begun = limit.Clock.GetTimestamp();
        private readonly ProcessTree? _tree = limit.Mark is { } mark
            ? ProcessTree.Of(pid, ProcessTable.Read(pid)?.StartTicks ?? 0, mark, aliveFile: null)
            : null;
        private long _remembered = limit.Clock.GetTimestamp();

        public int MillisecondsLeft =>
            (int)
                Math.Clamp(
                    Math.Ceiling(
                        (limit.Time - limit.Clock.GetElapsedTime(_begun)).TotalMilliseconds
                    ),
                    0,
                    60_000
                );

        /// <summary>True while something that belongs to the program runs.</summary>
        public bool AnyLeft => _tree?.Members(limit.Adopts).Count > 0;

        public void Remember()
        {
            if (OperatingSystem.IsMacOS() && limit.Clock.GetElapsedTime(_remembered) >= s_remember)
            {
                _remembered = limit.Clock.GetTimestamp();
                _ = AnyLeft;
            }
        }

        public void End(UnixProgram program)
        {
            // The program is not reaped yet, so its number, and its group's, are still its own.
            Posix.SignalGroup(pid, Posix.SIGTERM);
            Posix.SignalGroup(pid, Posix.SIGCONT);
            if (_tree is null)
            {
                program.Await(s_grace, limit.Clock);
                Posix.SignalGroup(pid, Posix.SIGKILL);
                program.Await(s_grace, limit.Clock);
            }

            _tree?.End(s_grace, limit.Adopts, limit.Clock);
        }
    }

    /// <summary>The child, until it is let go; signals to us go to its group, which it leads.</summary>
    private sealed class UnixProgram : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly int _pid;
        private readonly List<PosixSignalRegistration> _signals;
        private bool _isReaped;

        public UnixProgram(int pid, bool passesSignals)
        {
            _pid = pid;
            EndDescriptor = OperatingSystem.IsLinux() ? Linux.OpenProcess(pid) : -1;
            _signals = passesSignals
                ?
                [
                    Register(PosixSignal.SIGINT, Posix.SIGINT),
                    Register(PosixSignal.SIGTERM, Posix.SIGTERM),
                    Register(PosixSignal.SIGHUP, Posix.SIGHUP),
                ]
                : [];
        }

        /// <summary>Readable once it has ended; −1 if there is none.</summary>
        public int EndDescriptor { get; }

        public ExitFact? Exit { get; private set; }

        public bool HasEnded => (Exit ??= Posix.PeekExit(_pid)) is not null;

        /// <summary>Waits for its end, at most that long.</summary>
        public void Await(TimeSpan most, TimeProvider clock)
        {
            var begun = clock.GetTimestamp();
            Span<Posix.PollFd> polls = stackalloc Posix.PollFd[1];
            while (!HasEnded && clock.GetElapsedTime(begun) < most)
            {
                polls[0] = new() { Fd = EndDescriptor, Events = Posix.POLLIN };
                Posix.Poll(polls, LookMilliseconds);
            }
        }

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

        /// <summary>
        /// Gives and takes until the program has ended and all that it printed is here; with a limit, until all
        /// that it has started has ended too.
        /// </summary>
        /// <returns>False if the time was up before that.</returns>
        public bool Carry(
            ReadOnlyMemory<byte> input,
            UnixProgram program,
            OutputPiece show,
            UnixLimit? limit
        )
        {
            var piece = new byte[PieceSize];
            Span<Posix.PollFd> polls = stackalloc Posix.PollFd[4];
            while (true)
            {
                limit?.Remember();
                var hasEnded = program.HasEnded;
                var isOver = hasEnded && limit?.AnyLeft != true;
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
                var wait =
                    isOver ? 0
                    : hasEnded ? LeftoverMilliseconds
                    : program.EndDescriptor >= 0 ? -1
                    : LookMilliseconds;
                if (limit is not null)
                {
                    var left = limit.MillisecondsLeft;
                    if (left == 0 && !isOver)
                    {
                        return false;
                    }

                    wait = wait < 0 ? left : Math.Min(wait, left);
                }

                Posix.Poll(polls, wait);
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
                if (isOver && !came)
                {
                    return true;
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
