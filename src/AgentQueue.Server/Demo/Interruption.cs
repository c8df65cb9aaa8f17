using System.Runtime.InteropServices;

namespace AgentQueue.Server.Demo;

/// <summary>When to stop: at Ctrl-C, TERM or HUP, or when the time is up. What has begun is then put away.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly List<PosixSignalRegistration> _signals = [];
    private int _code;

    public Interruption(TimeSpan limit)
    {
        _stop = new CancellationTokenSource(limit);
        Heed(PosixSignal.SIGINT, 130);
        Heed(PosixSignal.SIGTERM, 143);
        Heed(PosixSignal.SIGHUP, 129);
    }

    public CancellationToken Token => _stop.Token;

    /// <summary>The exit code that tells the signal; null if none has come.</summary>
    public int? Code => Volatile.Read(ref _code) is var code and > 0 ? code : null;

    public void Dispose()
    {
        _signals.ForEach(static s => s.Dispose());
        _stop.Dispose();
    }

    private void Heed(PosixSignal signal, int code) =>
        _signals.Add(
            PosixSignalRegistration.Create(
                signal,
                context =>
                {
                    context.Cancel = true;
                    _ = Interlocked.CompareExchange(ref _code, code, 0);
                    _stop.Cancel();
                }
            )
        );
}
