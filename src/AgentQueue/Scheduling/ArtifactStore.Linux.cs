using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using AgentQueue.Native;
using AgentQueue.Storage;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Scheduling;

/// <summary>By names in open folders: a link that somebody puts into the store leads nowhere.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class LinuxArtifactStore : ArtifactStore
{
    private const int OwnerOnly = 0x180; // 0600
    private const int OwnerRuns = 0x1C0; // 0700

    private readonly byte[] _buffer = new byte[128 << 10];
    private readonly int _fd;

    // Files of one folder come one after the other.
    private string _folder = "";
    private int _folderFd = -1;

    public LinuxArtifactStore(string path)
        : base(path)
    {
        new UnixDisk().CreateFolder(path);
        _fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW);
        if (_fd < 0)
        {
            throw DiskError.Last("use the folder", path);
        }

        RemoveLeftovers();
    }

    protected override void Copy(
        SafeFileHandle source,
        FileTimes times,
        string sourcePath,
        string storedAs,
        string temporary
    )
    {
        var (folder, name) = FolderOf(storedAs);
        var written = LinuxName.Of(temporary);
        var fd = Linux.OpenIn(
            _fd,
            written,
            Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_NOFOLLOW,
            times.CanRun ? OwnerRuns : OwnerOnly
        );
        if (fd < 0)
        {
            throw DiskError.Last("create a file in", Path);
        }

        var isOpen = true;
        try
        {
            var copied = CopyAll(source, fd, times.Size, sourcePath);
            RequireUnchanged(source, times, sourcePath, copied);
            // A copy with the wrong time is a copy.
            _ = Linux.SetTime(fd, times.ModifiedNs);
            isOpen = false;
            if (Libc.Close(fd) != 0)
            {
                throw DiskError.Last("write a file in", Path);
            }

            if (Linux.RenameIn(_fd, written, folder, name) != 0)
            {
                throw DiskError.Last("replace", System.IO.Path.Join(Path, storedAs));
            }
        }
        catch (QueueException)
        {
            if (isOpen)
            {
                _ = Libc.Close(fd);
            }

            _ = Linux.UnlinkIn(_fd, written);
            throw;
        }
    }

    protected override void Close()
    {
        CloseFolder();
        _ = Libc.Close(_fd);
    }

    private long CopyAll(SafeFileHandle source, int to, long size, string sourcePath)
    {
        var copied = CopyInKernel(source, to, size);
        while (copied < size)
        {
            var count = Read(source, copied, sourcePath);
            if (count == 0)
            {
                break;
            }

            Write(to, _buffer.AsSpan(0, count));
            copied += count;
        }

        return copied;
    }

    // Where the kernel stops, for whatever reason, the other way goes on, and tells the reason.
    private static long CopyInKernel(SafeFileHandle source, int to, long size)
    {
        const long Most = 1 << 30;
        long copied = 0;
        while (copied < size)
        {
            var count = Linux.CopyRange(
                (int)source.DangerousGetHandle(),
                copied,
                to,
                Math.Min(size - copied, Most)
            );
            if (count <= 0)
            {
                break;
            }

            copied += count;
        }

        return copied;
    }

    private int Read(SafeFileHandle source, long at, string sourcePath)
    {
        try
        {
            return RandomAccess.Read(source, _buffer, at);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot read {sourcePath}: {e.Message}", cause: e);
        }
    }

    private void Write(int to, ReadOnlySpan<byte> content)
    {
        // SAFETY: the content is pinned for the calls, which read no more than its length.
        fixed (byte* start = content)
        {
            for (nint done = 0; done < content.Length; )
            {
                var count = Libc.Write(to, start + done, content.Length - done);
                if (count > 0)
                {
                    done += count;
                }
                else if (count == 0 || Marshal.GetLastPInvokeError() != Libc.EINTR)
                {
                    throw DiskError.Last("write a file in", Path);
                }
            }
        }
    }

    private (int Folder, byte[] Name) FolderOf(string storedAs)
    {
        var end = storedAs.LastIndexOf('/');
        var name = LinuxName.Of(storedAs[(end + 1)..]);
        if (end < 0)
        {
            return (_fd, name);
        }

        var folder = storedAs[..end];
        if (_folderFd < 0 || folder != _folder)
        {
            CloseFolder();
            _folderFd = OpenFolder(folder);
            _folder = folder;
        }

        return (_folderFd, name);
    }

    private int OpenFolder(string path)
    {
        var fd = _fd;
        foreach (var part in path.Split('/'))
        {
            var name = LinuxName.Of(part);
            var made = Linux.MakeFolderIn(fd, name, OwnerRuns);
            var errno = made == 0 ? 0 : Marshal.GetLastPInvokeError();
            var next = -1;
            if (errno is 0 or Libc.EEXIST)
            {
                next = Linux.OpenIn(fd, name, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW);
                errno = Marshal.GetLastPInvokeError();
            }

            if (fd != _fd)
            {
                _ = Libc.Close(fd);
            }

            fd = next;
            if (fd < 0)
            {
                throw DiskError.From(errno, "use the folder", System.IO.Path.Join(Path, path));
            }
        }

        return fd;
    }

    private void CloseFolder()
    {
        if (_folderFd >= 0)
        {
            _ = Libc.Close(_folderFd);
            _folderFd = -1;
        }
    }

    private void RemoveLeftovers()
    {
        var leftovers = new List<byte[]>();
        Linux.VisitFolder(
            _fd,
            (name, _) =>
            {
                if (name.StartsWith(Encoding.ASCII.GetBytes(ArtifactNames.TemporaryPrefix)))
                {
                    leftovers.Add([.. name, 0]);
                }

                return true;
            }
        );
        foreach (var name in leftovers)
        {
            _ = Linux.UnlinkIn(_fd, name);
        }
    }
}
