using System.Runtime.InteropServices;
using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>Turns errno into a sentence with the path and a next step.</summary>
internal static class DiskError
{
    public static QueueException Last(string action, string path) =>
        From(Marshal.GetLastPInvokeError(), action, path);

    public static QueueException From(int errno, string action, string path) =>
        new($"Cannot {action} {path}: {Text(errno)}", Hint(errno, path));

    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    private static string? Hint(int errno, string path) =>
        errno switch
        {
            Libc.ENOSPC =>
                "Free some space, or see what may go: agentq clean all --older-than 7d --dry-run",
            Libc.EROFS => "The file system is mounted read-only",
            Libc.EACCES or Libc.EPERM => $"Check who owns it: ls -ld {Path.GetDirectoryName(path)}",
            Libc.EIO => "The disk reported an error; what was just written may not be stored",
            _ => null,
        };
}
