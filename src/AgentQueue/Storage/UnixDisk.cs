using System.Runtime.InteropServices;
using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>The disk of a Unix machine, with every error reported, fsync's and flock's included.</summary>
internal sealed unsafe class UnixDisk : IDisk
{
    private const int OwnerOnly = 0x180; // 0600
    private const int OwnerFolder = 0x1C0; // 0700
    private const int Everybody = 0x1B6; // 0666
    private const int EverybodysFolder = 0x1FF; // 0777
    private const int Permissions = 0x1FF;
    private const int GroupBits = 0x38;
    private const int OtherBits = 0x7;
    private const uint NoChange = uint.MaxValue;

    private ulong? _boot;

    public DiskRead Read(string path, int limit) => Read(path, limit, ofLonger: false);

    public void PointTo(string path, string target)
    {
        var temporary = $"{path}.{Environment.ProcessId}.link";
        _ = Libc.SymLink(target, temporary);
        Rename(temporary, path);
    }

    public DiskRead ReadEnd(string path, int limit) => Read(path, limit, ofLonger: true);

    private static DiskRead Read(string path, int limit, bool ofLonger)
    {
        var fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NONBLOCK);
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno is Libc.ENOENT or Libc.ENOTDIR ? DiskRead.Failed(ReadStatus.Missing)
                : errno == Libc.ELOOP ? DiskRead.Failed(ReadStatus.NotAFile)
                : DiskRead.Failed(ReadStatus.Refused, DiskError.Text(errno));
        }

        try
        {
            if (FileStat.Of(fd) is not { } s)
            {
                return DiskRead.Failed(
                    ReadStatus.Refused,
                    DiskError.Text(Marshal.GetLastPInvokeError())
                );
            }

            if (!s.IsRegular)
            {
                return DiskRead.Failed(ReadStatus.NotAFile);
            }

            if (s.Size > limit && !ofLonger)
            {
                return DiskRead.Failed(ReadStatus.TooLarge);
            }

            // Our files are replaced, never grown; a foreign one that grows meanwhile is cut here.
            var content = new byte[Math.Min(s.Size, limit)];
            var from = s.Size - content.Length;
            var length = 0;
            fixed (byte* buffer = content)
            {
                while (length < content.Length)
                {
                    var n = Libc.ReadAt(
                        fd,
                        buffer + length,
                        content.Length - length,
                        from + length
                    );
                    if (n < 0)
                    {
                        var errno = Marshal.GetLastPInvokeError();
                        if (errno == Libc.EINTR)
                        {
                            continue;
                        }

                        return DiskRead.Failed(ReadStatus.Refused, DiskError.Text(errno));
                    }

                    if (n == 0)
                    {
                        break;
                    }

                    length += (int)n;
                }
            }

            if (length < content.Length)
            {
                Array.Resize(ref content, length);
            }

            return new DiskRead(ReadStatus.Ok, content, FileFacts.Of(s));
        }
        finally
        {
            _ = Libc.Close(fd);
        }
    }

    public FileFacts? Facts(string path)
    {
        if (FileStat.Of(path) is { } s)
        {
            return FileFacts.Of(s);
        }

        // "It cannot be told" is not "it is not there": that would make a living task a dead one.
        var errno = Marshal.GetLastPInvokeError();
        return errno is Libc.ENOENT or Libc.ENOTDIR
            ? null
            : throw DiskError.From(errno, "look at", path);
    }

    public void WriteNew(string path, ReadOnlySpan<byte> content, bool sync) =>
        WriteNew(path, content, sync, OwnerOnly);

    public void WriteNewShared(string path, ReadOnlySpan<byte> content, bool sync) =>
        WriteNew(path, content, sync, Everybody);

    public void TakeRights(string path, string from, bool sync)
    {
        if (FileStat.Of(from) is not { } model)
        {
            throw DiskError.Last("look at", from);
        }

        var fd = Libc.Open(path, Libc.O_WRONLY | Libc.O_NOFOLLOW);
        if (fd < 0)
        {
            throw DiskError.Last("open", path);
        }

        var mode = model.Mode & Permissions;
        if (
            FileStat.Of(fd) is { } own
            && (own.Owner, own.Group) != (model.Owner, model.Group)
            && Libc.ChangeOwner(fd, model.Owner, model.Group) != 0
            && (own.Group == model.Group || Libc.ChangeOwner(fd, NoChange, model.Group) != 0)
            && own.Group != model.Group
        )
        {
            // What one group was allowed is not another's; it gets what everybody has.
            mode = (mode & ~GroupBits) | ((mode & OtherBits) << 3);
        }

        var problem = Libc.ChangeMode(fd, mode) != 0 ? DiskError.Last("change", path) : null;
        problem ??= sync ? SyncError(fd, path) : null;
        _ = Libc.Close(fd);
        if (problem is not null)
        {
            throw problem;
        }
    }

    private static void WriteNew(string path, ReadOnlySpan<byte> content, bool sync, int mode)
    {
        var fd = Libc.Open(
            path,
            Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_NOFOLLOW,
            mode
        );
        if (fd < 0)
        {
            throw DiskError.Last("create", path);
        }

        var problem = WriteAll(fd, content, path) ?? (sync ? SyncError(fd, path) : null);
        if (Libc.Close(fd) != 0)
        {
            problem ??= DiskError.Last("write", path);
        }

        if (problem is not null)
        {
            _ = Libc.Unlink(path);
            throw problem;
        }
    }

    public void Append(string path, ReadOnlySpan<byte> content)
    {
        var (fd, _) = OpenToAppend(path, Libc.O_WRONLY);
        var failed = WriteAll(fd, content, path);
        _ = Libc.Close(fd);
        if (failed is not null)
        {
            throw failed;
        }
    }

    public void AppendLine(string path, ReadOnlySpan<byte> line, bool sync)
    {
        var (fd, size) = OpenToAppend(path, Libc.O_RDWR);
        byte last = (byte)'\n';
        var failed =
            size > 0 && Libc.ReadAt(fd, &last, 1, size - 1) < 0
                ? DiskError.Last("read", path)
                : null;
        failed ??= WriteAll(fd, last == '\n' ? line : [(byte)'\n', .. line], path);
        failed ??= sync ? SyncError(fd, path) : null;
        _ = Libc.Close(fd);
        if (failed is not null)
        {
            throw failed;
        }
    }

    private static (int Descriptor, long Size) OpenToAppend(string path, int access)
    {
        var fd = Libc.Open(
            path,
            access | Libc.O_CREAT | Libc.O_APPEND | Libc.O_NOFOLLOW | Libc.O_NONBLOCK,
            OwnerOnly
        );
        if (fd < 0)
        {
            throw DiskError.Last("open", path);
        }

        if (FileStat.Of(fd) is { IsOwnFile: true } stat)
        {
            return (fd, stat.Size);
        }

        _ = Libc.Close(fd);
        throw new QueueException($"{path} is no ordinary file, or has a second name elsewhere");
    }

    private static QueueException? WriteAll(int fd, ReadOnlySpan<byte> content, string path)
    {
        fixed (byte* start = content)
        {
            for (nint done = 0; done < content.Length; )
            {
                var n = Libc.Write(fd, start + done, content.Length - done);
                if (n > 0)
                {
                    done += n;
                }
                else if (n == 0 || Marshal.GetLastPInvokeError() != Libc.EINTR)
                {
                    return DiskError.Last("write", path);
                }
            }
        }

        return null;
    }

    public void Rename(string from, string to)
    {
        if (Libc.Rename(from, to) != 0)
        {
            throw DiskError.Last("replace", to);
        }
    }

    public bool RenameNew(string from, string to)
    {
        if (Libc.RenameNoReplace(from, to) == 0)
        {
            return true;
        }

        var refusal = Marshal.GetLastPInvokeError();
        if (refusal == Libc.EEXIST)
        {
            return false;
        }

        if (!Libc.IsUnsupported(refusal))
        {
            throw DiskError.From(refusal, "create", to);
        }

        // A hard link refuses an existing name on every Unix file system that has links.
        if (Libc.Link(from, to) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Libc.EEXIST ? false : throw DiskError.From(errno, "create", to);
        }

        _ = Libc.Unlink(from);
        return true;
    }

    public bool Delete(string path)
    {
        if (Libc.Unlink(path) == 0)
        {
            return true;
        }

        var errno = Marshal.GetLastPInvokeError();
        return errno is Libc.ENOENT or Libc.ENOTDIR
            ? false
            : throw DiskError.From(errno, "remove", path);
    }

    public void SyncFolder(string path)
    {
        var fd = Libc.Open(path, Libc.O_RDONLY | Libc.O_DIRECTORY);
        if (fd < 0)
        {
            throw DiskError.Last("open", path);
        }

        var problem = SyncError(fd, path);
        _ = Libc.Close(fd);
        if (problem is not null)
        {
            throw problem;
        }
    }

    public void SyncAll(string folder)
    {
        var fd = Libc.Open(folder, Libc.O_RDONLY | Libc.O_DIRECTORY);
        if (fd < 0)
        {
            throw DiskError.Last("open", folder);
        }

        var failed = Libc.SyncFileSystem(fd) != 0 ? DiskError.Last("store", folder) : null;
        _ = Libc.Close(fd);
        if (failed is not null)
        {
            throw failed;
        }
    }

    public void CreateFolder(string path) => CreateFolder(path, OwnerFolder);

    public void CreateFolderShared(string path) => CreateFolder(path, EverybodysFolder);

    private static void CreateFolder(string path, int mode)
    {
        if (Libc.MakeFolder(path, mode) == 0)
        {
            return;
        }

        var errno = Marshal.GetLastPInvokeError();
        if (errno == Libc.EEXIST)
        {
            return;
        }

        if (errno == Libc.ENOENT && Path.GetDirectoryName(path) is { Length: > 1 } parent)
        {
            CreateFolder(parent, mode);
            if (Libc.MakeFolder(path, mode) == 0)
            {
                return;
            }

            errno = Marshal.GetLastPInvokeError();
        }

        if (errno != Libc.EEXIST)
        {
            throw DiskError.From(errno, "create", path);
        }
    }

    public IEnumerable<string> List(string folder) => FolderNames.In(folder);

    public IFolderLook LookInto(string folder) =>
        OperatingSystem.IsLinux() ? new LinuxFolderLook(folder) : new PlainFolderLook(this, folder);

    public long NowNs =>
        (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks
        * TimeSpan.NanosecondsPerTick;

    public ulong Boot => _boot ??= OperatingSystem.IsLinux() ? Linux.Boot() : 0;

    public HeldLock? TryLock(string path, bool create) => TryLock(path, create, Libc.LOCK_EX);

    public HeldLock? TryLockShared(string path, bool create) => TryLock(path, create, Libc.LOCK_SH);

    public void RemoveLock(HeldLock held, string path)
    {
        // While we hold it, nobody else removes the name that leads to it, so nothing changes in between.
        var fd = (int)held.Descriptor;
        if (fd >= 0 && FileStat.Of(fd)?.Inode is { } ours && ours == FileStat.Of(path)?.Inode)
        {
            _ = Libc.Unlink(path);
        }
    }

    private static UnixLock? TryLock(string path, bool create, int kind)
    {
        // A holder may remove the file before it lets go, so a lock counts only if the name still leads
        // to the file that was locked. Bounded: each turn means that another holder has just finished.
        for (var turn = 0; turn < 100; turn++)
        {
            var fd = Open(Libc.O_RDWR | (create ? Libc.O_CREAT : 0));
            if (fd < 0 && !create && Marshal.GetLastPInvokeError() == Libc.EROFS)
            {
                // Only looked at: nobody can run anything here, and it must be possible to say so.
                fd = Open(Libc.O_RDONLY);
            }

            if (fd < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.ENOENT && !create)
                {
                    return null;
                }

                // The private folder may be deleted whenever nothing runs; a lock brings it back.
                if (errno == Libc.ENOENT && MakeFolderOf(path))
                {
                    continue;
                }

                throw DiskError.From(errno, "open", path);
            }

            while (Libc.FLock(fd, kind | Libc.LOCK_NB) != 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.EINTR)
                {
                    continue;
                }

                _ = Libc.Close(fd);
                return errno == Libc.EAGAIN
                    ? null
                    : throw new QueueException(
                        $"Cannot lock {path}: {DiskError.Text(errno)}",
                        "The queue needs a file system with working locks; move the project to a local disk"
                    );
            }

            if (FileStat.Of(fd)?.Inode == FileStat.Of(path)?.Inode)
            {
                return new UnixLock(fd);
            }

            _ = Libc.Close(fd);
        }

        return null;

        int Open(int flags) =>
            Libc.Open(path, flags | Libc.O_NOFOLLOW | Libc.O_NONBLOCK, OwnerOnly);
    }

    private static bool MakeFolderOf(string path) =>
        Libc.MakeFolder(Path.GetDirectoryName(path)!, OwnerFolder) == 0
        || Marshal.GetLastPInvokeError() == Libc.EEXIST;

    public void Touch(string path, DateTimeOffset? time = null) =>
        Libc.Touch(path, time?.ToUnixTimeSeconds());

    public IFolderWatch Watch(params ReadOnlySpan<string> folders) => new FolderWatch(folders);

    public void Pause(TimeSpan time) => Storage.Pause.About(time);

    private static QueueException? SyncError(int fd, string path) =>
        Libc.Sync(fd) == 0 ? null : DiskError.Last("store", path);
}

/// <summary>A flock on an open descriptor.</summary>
internal sealed class UnixLock(int fd) : HeldLock
{
    private int _fd = fd;

    public override nint Descriptor => _fd;

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _fd, -1) is >= 0 and var open)
        {
            _ = Libc.Close(open);
        }
    }
}
