using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Processes;

/// <summary>Lets TERM, INT and QUIT end this process until it is disposed. Not for two threads.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class IdleSignals : IDisposable
{
    public IdleSignals() => Posix.BlockEndSignals(false);

    public void Dispose() => Posix.BlockEndSignals(true);
}
