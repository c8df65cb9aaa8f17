using System.Runtime.InteropServices;
using AgentQueue.Native;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Storage;

/// <summary>
/// A regular file of any size, opened to be read from its beginning to its end. Nothing else is: a fifo
/// would keep us waiting, a device may never end. Links are followed, since the user named the file.
/// </summary>
internal static class WholeFile
{
    /// <exception cref="QueueException">It is not there, is no regular file, or must not be read.</exception>
    public static FileStream Open(string path)
    {
        var handle = OperatingSystem.IsWindows() ? OpenOnWindows(path) : OpenOnUnix(path);
        return new FileStream(handle, FileAccess.Read, bufferSize: 0);
    }

    private static SafeFileHandle OpenOnUnix(string path)
    {
        var fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_NONBLOCK);
        if (fd < 0)
        {
            throw DiskError.Last("read", path);
        }

        if (FileStat.Of(fd) is not { } stat || !stat.IsRegular)
        {
            _ = Libc.Close(fd);
            throw NotRegular(path, Directory.Exists(path));
        }

        // O_NONBLOCK was for a fifo; what follows is to be an ordinary read.
        const int F_SETFL = 4;
        _ = Libc.Fcntl(fd, F_SETFL, 0);
        return new SafeFileHandle(fd, ownsHandle: true);
    }

    [System.Runtime.Versioning.SupportedOSPlatform("windows")]
    private static SafeFileHandle OpenOnWindows(string path)
    {
        var file = WindowsFiles.Open(
            path,
            WindowsFiles.GENERIC_READ,
            WindowsFiles.SHARE_ALL,
            WindowsFiles.OPEN_EXISTING
        );
        if (file.IsInvalid)
        {
            throw DiskError.From(Marshal.GetLastPInvokeError(), "read", path);
        }

        if (WindowsFiles.FactsOf(file) is { IsRegular: true })
        {
            return file;
        }

        file.Dispose();
        throw NotRegular(path, Directory.Exists(path));
    }

    private static QueueException NotRegular(string path, bool isFolder) =>
        isFolder
            ? new QueueException($"Cannot read {path}: it is a folder")
            : new QueueException(
                $"Cannot read {path}: it is not a regular file",
                "What comes through a pipe is read from standard input, as -"
            );
}
