using System.Runtime.InteropServices;
using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// Counts Ctrl-C from the moment it is made, so that one which comes before anybody looks is not lost and does not
/// end this call half-way through what it stores.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly PosixSignalRegistration _signal;
    private FolderWatch? _wakes;
    private int _count;

    public Interrupts() => _signal = PosixSignalRegistration.Create(PosixSignal.SIGINT, Take);

    public int Count => Volatile.Read(ref _count);

    /// <summary>Ends a wait on <paramref name="watch"/> at each further one; null when it is about to be closed.</summary>
    public void Wake(FolderWatch? watch)
    {
        watch?.PrepareWake();
        Volatile.Write(ref _wakes, watch);
    }

    public void Dispose() => _signal.Dispose();

    private void Take(PosixSignalContext signal)
    {
        signal.Cancel = true;
        Interlocked.Increment(ref _count);
        Volatile.Read(ref _wakes)?.Wake();
    }
}
