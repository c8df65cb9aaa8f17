using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using AgentQueue.Native;
using Microsoft.Win32.SafeHandles;
using static AgentQueue.Native.WindowsFiles;

namespace AgentQueue.Storage;

/// <summary>
/// The disk of a Windows machine. Files and folders have the access rights of the folder they are made in.
/// A lock is a file that is open without sharing, so it lasts as long as any process has the handle; what
/// stands between us and a file for a moment, a reader or a virus scanner, is waited for.
/// </summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsDisk(TimeProvider clock) : IDisk
{
    private const long UnixEpoch = 116_444_736_000_000_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _unsynced = new(StringComparer.OrdinalIgnoreCase);

    public DiskRead Read(string path, int limit)
    {
        var error = Persist(
            () => Open(path, GENERIC_READ, SHARE_ALL, OPEN_EXISTING),
            out var opened
        );
        using var file = opened;
        if (error != 0)
        {
            return IsMissing(error)
                ? DiskRead.Failed(ReadStatus.Missing)
                : DiskRead.Failed(ReadStatus.Refused, DiskError.Text(error));
        }

        if (FactsOf(file) is not { IsRegular: true } facts)
        {
            return DiskRead.Failed(ReadStatus.NotAFile);
        }

        if (facts.Size > limit)
        {
            return DiskRead.Failed(ReadStatus.TooLarge);
        }

        // Our files are replaced, never grown; a foreign one that grows meanwhile is cut here.
        var content = new byte[facts.Size];
        var length = 0;
        while (length < content.Length)
        {
            var n = WindowsFiles.Read(file, content.AsSpan(length));
            if (n < 0)
            {
                return DiskRead.Failed(
                    ReadStatus.Refused,
                    DiskError.Text(Marshal.GetLastPInvokeError())
                );
            }

            if (n == 0)
            {
                Array.Resize(ref content, length);
                break;
            }

            length += n;
        }

        return new DiskRead(ReadStatus.Ok, content, Portable(facts));
    }

    public FileFacts? Facts(string path) => FactsOf(path) is { } facts ? Portable(facts) : null;

    public void WriteNew(string path, ReadOnlySpan<byte> content, bool sync)
    {
        QueueException? problem = null;
        using (var file = Open(path, GENERIC_WRITE, SHARE_READ | SHARE_DELETE, CREATE_NEW))
        {
            if (file.IsInvalid)
            {
                throw DiskError.Last("create", path);
            }

            if (!WindowsFiles.Write(file, content))
            {
                problem = DiskError.Last("write", path);
            }
            else if (sync && !Flush(file))
            {
                problem = DiskError.Last("store", path);
            }
        }

        if (problem is not null)
        {
            _ = TryRemove(path);
            throw problem;
        }

        if (!sync)
        {
            lock (_gate)
            {
                _unsynced.Add(path);
            }
        }
    }

    public void Append(string path, ReadOnlySpan<byte> content)
    {
        var error = Persist(() => Open(path, APPEND, SHARE_ALL, OPEN_ALWAYS), out var opened);
        using var file = opened;
        if (error != 0)
        {
            throw DiskError.From(error, "open", path);
        }

        RefuseUnlessRegular(file, path);
        if (!WindowsFiles.Write(file, content))
        {
            throw DiskError.Last("write", path);
        }
    }

    public void AppendLine(string path, ReadOnlySpan<byte> line, bool sync)
    {
        var error = Persist(
            () => Open(path, GENERIC_READ | APPEND, SHARE_ALL, OPEN_ALWAYS),
            out var opened
        );
        using var file = opened;
        if (error != 0)
        {
            throw DiskError.From(error, "open", path);
        }

        RefuseUnlessRegular(file, path);
        Span<byte> last = [(byte)'\n'];
        if (RandomAccess.GetLength(file) is > 0 and var size)
        {
            _ = RandomAccess.Read(file, last, size - 1);
        }

        if (!WindowsFiles.Write(file, last[0] == '\n' ? line : [(byte)'\n', .. line]))
        {
            throw DiskError.Last("write", path);
        }

        if (sync && !Flush(file))
        {
            throw DiskError.Last("store", path);
        }
    }

    public void Rename(string from, string to)
    {
        var error = Persist(() => Move(from, to, replace: true));
        if (error != 0)
        {
            throw DiskError.From(error, "replace", to);
        }

        Moved(from, to);
    }

    public bool RenameNew(string from, string to)
    {
        var error = Persist(() => Move(from, to, replace: false));
        if (error is not (0 or ERROR_ALREADY_EXISTS or ERROR_FILE_EXISTS))
        {
            throw DiskError.From(error, "create", to);
        }

        // Even if somebody else made it: it may have been us, in a life that ended before the sync.
        Moved(from, to);
        return error == 0;
    }

    public bool Delete(string path)
    {
        var error = TryRemove(path);
        lock (_gate)
        {
            _unsynced.Remove(path);
        }

        return error == 0
            || (IsMissing(error) ? false : throw DiskError.From(error, "remove", path));
    }

    // A rename is stored when it returns. What other changes need is asked for where the file system knows it.
    public void SyncFolder(string path)
    {
        using var folder = Open(path, GENERIC_WRITE, SHARE_ALL, OPEN_EXISTING);
        if (!folder.IsInvalid && !Flush(folder) && Marshal.GetLastPInvokeError() == ERROR_IO_DEVICE)
        {
            throw DiskError.Last("store", path);
        }
    }

    // Only administrators may sync a volume: file by file, what was written without a sync.
    public void SyncAll(string folder)
    {
        string[] paths;
        lock (_gate)
        {
            paths = [.. _unsynced];
            _unsynced.Clear();
        }

        foreach (var path in paths)
        {
            var error = Persist(
                () => Open(path, GENERIC_WRITE, SHARE_ALL, OPEN_EXISTING),
                out var opened
            );
            using var file = opened;
            if (error == 0 && !Flush(file))
            {
                error = Marshal.GetLastPInvokeError();
            }

            if (error != 0 && !IsMissing(error))
            {
                throw DiskError.From(error, "store", path);
            }
        }

        SyncFolder(folder);
    }

    public void CreateFolder(string path)
    {
        if (MakeFolder(path))
        {
            return;
        }

        var error = Marshal.GetLastPInvokeError();
        if (error == ERROR_PATH_NOT_FOUND && Path.GetDirectoryName(path) is { Length: > 1 } parent)
        {
            CreateFolder(parent);
            error = MakeFolder(path) ? 0 : Marshal.GetLastPInvokeError();
        }

        if (error is not (0 or ERROR_ALREADY_EXISTS))
        {
            throw DiskError.From(error, "create", path);
        }
    }

    public IEnumerable<string> List(string folder) => FolderNames.In(folder);

    // Who wants to write, or does not let others read, is kept out by either kind of holder. Sharing the
    // right to delete lets a holder remove its own lock's name.
    public HeldLock? TryLock(string path, bool create) =>
        TryLock(path, create, GENERIC_READ | GENERIC_WRITE, SHARE_DELETE);

    public HeldLock? TryLockShared(string path, bool create) =>
        TryLock(path, create, GENERIC_READ, SHARE_READ | SHARE_DELETE);

    public void RemoveLock(HeldLock held, string path)
    {
        // While we hold it, nobody else removes the name that leads to it, so nothing changes in between.
        if (held.Descriptor is var handle and not 0)
        {
            using var file = new SafeFileHandle(handle, ownsHandle: false);
            if (FactsOf(file) is { } ours && IsSame(ours, FactsOf(path)))
            {
                _ = TryRemove(path);
            }
        }
    }

    public void Touch(string path, DateTimeOffset? time = null) =>
        WindowsFiles.Touch(path, (time ?? clock.GetUtcNow()).UtcDateTime.ToFileTimeUtc());

    public IFolderWatch Watch(params ReadOnlySpan<string> folders) => new FolderWatch(folders);

    public long NowNs =>
        (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    public void Pause(TimeSpan time) => Storage.Pause.About(time);

    private static WindowsLock? TryLock(string path, bool create, uint access, uint share)
    {
        // A holder may remove the file before it lets go, so a lock counts only if the name still leads
        // to the file that was locked. Bounded: each turn means that another holder has just finished.
        var refused = 0;
        for (var turn = 0; turn < 100; turn++)
        {
            SafeFileHandle? file = Open(path, access, share, create ? OPEN_ALWAYS : OPEN_EXISTING);
            if (file.IsInvalid)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == ERROR_SHARING_VIOLATION || (IsMissing(error) && !create))
                {
                    return null;
                }

                // The private folder may be deleted whenever nothing runs; a lock brings it back.
                if (error == ERROR_PATH_NOT_FOUND && MakeFolderOf(path))
                {
                    continue;
                }

                // The name of a file that is being removed is refused until its last holder has closed it.
                if (error is ERROR_ACCESS_DENIED or ERROR_DELETE_PENDING && ++refused < 20)
                {
                    Storage.Pause.About(TimeSpan.FromMilliseconds(5));
                    continue;
                }

                throw DiskError.From(error, "open", path);
            }

            try
            {
                if (RefuseUnlessRegular(file, path) is var ours && IsSame(ours, FactsOf(path)))
                {
                    var held = new WindowsLock(file);
                    file = null;
                    return held;
                }
            }
            finally
            {
                file?.Dispose();
            }
        }

        return null;
    }

    private static bool MakeFolderOf(string path) =>
        MakeFolder(Path.GetDirectoryName(path)!)
        || Marshal.GetLastPInvokeError() == ERROR_ALREADY_EXISTS;

    private void Moved(string from, string to)
    {
        lock (_gate)
        {
            if (_unsynced.Contains(from))
            {
                _unsynced.Add(to);
            }
        }
    }

    private static int TryRemove(string path)
    {
        var error = Persist(() => Open(path, DELETE, SHARE_ALL, OPEN_EXISTING), out var opened);
        using var file = opened;
        return error != 0 ? error
            : FactsOf(file) is { IsFolder: true } ? ERROR_ACCESS_DENIED
            : Remove(file) ? 0
            : Marshal.GetLastPInvokeError();
    }

    private static Facts RefuseUnlessRegular(SafeFileHandle file, string path) =>
        FactsOf(file) is { IsRegular: true } facts
            ? facts
            : throw new QueueException($"Cannot use {path}: it is not a regular file");

    private static bool IsSame(Facts ours, Facts? other) =>
        other is { } o && o.Index == ours.Index && o.Volume == ours.Volume;

    private static FileFacts Portable(Facts facts)
    {
        var written = unchecked((facts.Written - UnixEpoch) * 100);
        return new FileFacts(facts.Index, facts.Size, written, written, facts.IsRegular)
        {
            IsFolder = facts.IsFolder,
        };
    }

    private static bool IsMissing(int error) =>
        error is ERROR_FILE_NOT_FOUND or ERROR_PATH_NOT_FOUND or ERROR_INVALID_NAME;

    /// <summary>0, or the error that the step still fails with once the patience is over.</summary>
    private static int Persist(Func<bool> step)
    {
        var waited = TimeSpan.Zero;
        var pause = TimeSpan.FromMilliseconds(1);
        while (!step())
        {
            var error = Marshal.GetLastPInvokeError();
            var mayPass =
                error
                is ERROR_SHARING_VIOLATION
                    or ERROR_LOCK_VIOLATION
                    or ERROR_ACCESS_DENIED
                    or ERROR_DELETE_PENDING;
            if (!mayPass || waited >= s_patience)
            {
                return error;
            }

            Storage.Pause.About(pause);
            waited += pause;
            pause = TimeSpan.FromMilliseconds(Math.Min(pause.TotalMilliseconds * 2, 64));
        }

        return 0;
    }

    private static int Persist(Func<SafeFileHandle> open, out SafeFileHandle file)
    {
        SafeFileHandle? opened = null;
        var error = Persist(() =>
        {
            opened = open();
            return !opened.IsInvalid;
        });
        file = opened!;
        return error;
    }
}

/// <summary>A file that is open without sharing.</summary>
[SupportedOSPlatform("windows")]
internal sealed class WindowsLock(SafeFileHandle file) : HeldLock
{
    /// <summary>A lock that this process has inherited, and does not pass on by itself.</summary>
    public static WindowsLock Adopt(nint handle)
    {
        WindowsSpawn.Keep(handle);
        return new WindowsLock(new SafeFileHandle(handle, ownsHandle: true));
    }

    public override nint Descriptor => file.IsClosed ? 0 : file.DangerousGetHandle();

    public override void Dispose() => file.Dispose();
}
