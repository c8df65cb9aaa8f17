using System.Runtime.InteropServices;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// While somebody waits: Ctrl-C ends the waiting and nothing else, and says so. The program then ends as the
/// signal would have ended it, so that a script that was interrupted sees 130.
/// </summary>
internal sealed class Parting : IDisposable
{
    private readonly PosixSignalRegistration _signal;

    public Parting() => _signal = PosixSignalRegistration.Create(PosixSignal.SIGINT, Say);

    private static void Say(PosixSignalContext context) =>
        Session.Screen.Error(
            new QueueException(
                "Interrupted; what runs goes on",
                "See it: agentq status; wait again: agentq wait; end it: agentq cancel ID"
            )
        );

    public void Dispose() => _signal.Dispose();
}
