using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AgentQueue.Bench;

/// <summary>
/// Learns when another process gets somewhere: it writes a line into a FIFO (a shell's built-in echo is
/// enough, no further program has to start), and whoever waits here wakes at once.
/// </summary>
internal sealed class Doorbell : IDisposable
{
    private const int Patience = 20_000;
    private readonly int _descriptor;

    public Doorbell(string path)
    {
        if (Native.MakeFifo(path, 0x180) != 0)
        {
            throw new BenchException($"mkfifo {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        // Open for writing as well: then there never is an end of file when a ringer has gone.
        _descriptor = Native.Open(path, Native.ReadWrite | Native.NonBlocking | Native.CloseOnExec);
        if (_descriptor < 0)
        {
            throw new BenchException($"open {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        Ring = $"echo > '{path}'";
    }

    /// <summary>The shell command that rings.</summary>
    public string Ring { get; }

    /// <summary>
    /// Listens from now on, on a thread of its own, since the ring may come while the caller still waits
    /// for a program; the result is the time of <see cref="Stopwatch"/> at which it rang.
    /// </summary>
    public Task<long> Listen() =>
        Task.Factory.StartNew(
            Await,
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    /// <summary>Rings at whoever reads from the FIFO.</summary>
    public void RingIt() => Native.WriteLine(_descriptor);

    public void Dispose() => _ = Native.Close(_descriptor);

    private unsafe long Await()
    {
        var poll = new Native.PollDescriptor { Descriptor = _descriptor, Events = Native.PollIn };
        var ready = Native.Poll(ref poll, 1, Patience);
        var now = Stopwatch.GetTimestamp();
        if (ready != 1)
        {
            throw new BenchException($"no sign of life from the agent after {Patience / 1000} s");
        }

        byte line;
        _ = Native.Read(_descriptor, &line, 1);
        return now;
    }
}
