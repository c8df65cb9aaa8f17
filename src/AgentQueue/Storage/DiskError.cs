using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>Turns errno, or on Windows the last error, into a sentence with the path and a next step.</summary>
internal static class DiskError
{
    public static QueueException Last(string action, string path) =>
        From(Marshal.GetLastPInvokeError(), action, path);

    public static QueueException From(int errno, string action, string path) =>
        new($"Cannot {action} {path}: {Text(errno)}", Hint(errno, path))
        {
            IsNoRoom = OperatingSystem.IsWindows()
                ? errno is WindowsFiles.ERROR_DISK_FULL or WindowsFiles.ERROR_HANDLE_DISK_FULL
                : errno == Libc.ENOSPC || errno == Libc.EDQUOT,
        };

    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    private static string? Hint(int error, string path) =>
        OperatingSystem.IsWindows() ? WindowsHint(error, path) : UnixHint(error, path);

    private static string? UnixHint(int errno, string path) =>
        errno switch
        {
            Libc.ENOSPC => FullHint,
            Libc.EFBIG => "Files may not grow so large here: see ulimit -f",
            Libc.EROFS => "The file system is mounted read-only",
            Libc.EACCES or Libc.EPERM => $"Check who owns it: ls -ld {Path.GetDirectoryName(path)}",
            Libc.EIO => BrokenHint,
            Libc.EMFILE => "Too many files are open here: see ulimit -n",
            _ when errno == Libc.EDQUOT => FullHint,
            _ => null,
        };

    [SupportedOSPlatform("windows")]
    private static string? WindowsHint(int error, string path) =>
        error switch
        {
            WindowsFiles.ERROR_DISK_FULL or WindowsFiles.ERROR_HANDLE_DISK_FULL => FullHint,
            WindowsFiles.ERROR_WRITE_PROTECT => "The disk is write-protected",
            WindowsFiles.ERROR_ACCESS_DENIED =>
                $"Check who may use it: icacls \"{Path.GetDirectoryName(path)}\"",
            WindowsFiles.ERROR_SHARING_VIOLATION or WindowsFiles.ERROR_LOCK_VIOLATION =>
                "Another program has it open; close it there and try again",
            WindowsFiles.ERROR_IO_DEVICE => BrokenHint,
            _ => null,
        };

    private const string FullHint =
        "Free some space, or see what may go: agentq clean all --older-than 7d --dry-run";

    private const string BrokenHint =
        "The disk reported an error; what was just written may not be stored";
}
