using System.Runtime.InteropServices;

namespace AgentQueue.Tests.Support;

/// <summary>Makes a named pipe, which blocks whoever opens it without care.</summary>
internal static partial class Fifo
{
    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Make(string path, uint mode);
}
