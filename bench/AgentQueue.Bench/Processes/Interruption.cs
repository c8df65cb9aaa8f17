using System.Runtime.InteropServices;

namespace AgentQueue.Bench;

/// <summary>
/// Ctrl-C and TERM end the bench at the next step rather than at once, so that what it started is ended and
/// what it wrote is removed. The child that is being measured gets a Ctrl-C of its own from the terminal.
/// </summary>
internal static class Interruption
{
    private static volatile bool s_happened;

    public static IDisposable Watch()
    {
        var watched = new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }
            .Select(signal =>
                PosixSignalRegistration.Create(
                    signal,
                    context => (context.Cancel, s_happened) = (true, true)
                )
            )
            .ToArray();
        return new Watching(watched);
    }

    /// <exception cref="OperationCanceledException">Somebody wants the bench to end.</exception>
    public static void Check()
    {
        if (s_happened)
        {
            throw new OperationCanceledException();
        }
    }

    private sealed class Watching(PosixSignalRegistration[] watched) : IDisposable
    {
        public void Dispose() => Array.ForEach(watched, w => w.Dispose());
    }
}
