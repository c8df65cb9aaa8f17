using System.Runtime.InteropServices;

namespace AgentQueue.Native;

internal static unsafe partial class Pipes
{
    [LibraryImport("libc", EntryPoint = "pipe", SetLastError = true)]
    public static partial int Make(int* ends);
}
