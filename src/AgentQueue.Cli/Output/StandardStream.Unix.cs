using System.Runtime.InteropServices;

namespace AgentQueue.Cli.Output;

internal sealed unsafe partial class UnixStandardStream(int descriptor) : StandardStream
{
    private const int Interrupted = 4;
    private const int InputOutputError = 5;
    private const int BrokenPipe = 32;
    private static readonly int s_tryAgain = OperatingSystem.IsLinux() ? 11 : 35;

    private bool? _isTerminal;

    public override bool IsTerminal => _isTerminal ??= IsATty(descriptor) == 1;

    public override bool TakesEscapes =>
        IsTerminal && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    public override (int Columns, int Rows)? Size =>
        !IsTerminal ? null
        : OperatingSystem.IsLinux() ? SizeByControlCall()
        : (Console.WindowWidth, Console.WindowHeight);

    public override int Descriptor => descriptor;

    public override bool IsAbandoned
    {
        get
        {
            // POLLERR, POLLHUP and POLLNVAL are reported without being asked for.
            var request = new PollRequest { Descriptor = descriptor };
            // SAFETY: one request, on this stack, as the count says.
            return Poll(&request, 1, 0) > 0 && request.Returned != 0;
        }
    }

    public override void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written;
            // SAFETY: the span is pinned for the call, which reads at most its length.
            fixed (byte* start = bytes)
            {
                written = WriteTo(descriptor, start, (nuint)bytes.Length);
            }

            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            RecoverOrThrow(Marshal.GetLastPInvokeError());
        }
    }

    private void RecoverOrThrow(int error)
    {
        if (error == s_tryAgain)
        {
            WaitUntilWritable();
        }
        else if (error == BrokenPipe || (error == InputOutputError && IsTerminal))
        {
            throw new ReaderGoneException();
        }
        else if (error != Interrupted)
        {
            throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    // Whoever shares the terminal or pipe with us may have made it non-blocking.
    private void WaitUntilWritable()
    {
        var request = new PollRequest { Descriptor = descriptor, Events = 4 };
        // SAFETY: one request, on this stack, as the count says.
        _ = Poll(&request, 1, -1);
    }

    // Only on Linux: ioctl takes a variable argument list, which Apple's arm64 passes differently.
    private (int, int)? SizeByControlCall()
    {
        WindowSize size;
        // SAFETY: TIOCGWINSZ fills four 16-bit numbers, which is what WindowSize holds.
        var result = Control(descriptor, 0x5413, &size);
        return result == 0 && size.Columns > 0 ? (size.Columns, size.Rows) : null;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort PixelsWide;
        public ushort PixelsHigh;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteTo(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsATty(int descriptor);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(int descriptor, nuint request, WindowSize* size);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollRequest* requests, nuint count, int milliseconds);
}
