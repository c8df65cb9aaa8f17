using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Native;

/// <summary>The pipe between a launcher and its supervisor.</summary>
internal static unsafe partial class Pipes
{
    [LibraryImport("libc", EntryPoint = "pipe", SetLastError = true)]
    public static partial int Make(int* ends);

    /// <summary>Writes in one go; that nobody reads any more is passed over.</summary>
    public static void Write(nint pipe, ReadOnlySpan<byte> content)
    {
        if (OperatingSystem.IsWindows())
        {
            using var handle = new SafeFileHandle(pipe, ownsHandle: false);
            _ = WindowsFiles.Write(handle, content);
            return;
        }

        // SAFETY: the span is pinned for the call, which reads at most its length.
        fixed (byte* start = content)
        {
            _ = Libc.Write((int)pipe, start, content.Length);
        }
    }

    public static void Close(nint pipe) =>
        _ = OperatingSystem.IsWindows() ? WindowsProcesses.Close(pipe) : Libc.Close((int)pipe);
}
