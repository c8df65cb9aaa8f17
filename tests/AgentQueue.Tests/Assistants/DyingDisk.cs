using AgentQueue.Storage;

namespace AgentQueue.Tests.Assistants;

/// <summary>A real disk whose user is killed before a certain change: nothing after it happens, clean-up included.</summary>
internal sealed class DyingDisk(int changes = int.MaxValue) : IDisk
{
    private readonly UnixDisk _disk = new();
    private int _left = changes;

    /// <summary>A folder in which no name comes or goes.</summary>
    public string? Unwritable { get; init; }

    /// <summary>How many changes were made.</summary>
    public int Made { get; private set; }

    public DiskRead Read(string path, int limit) => _disk.Read(path, limit);

    public FileFacts? Facts(string path) => _disk.Facts(path);

    public IEnumerable<string> List(string folder) => _disk.List(folder);

    public void WriteNew(string path, ReadOnlySpan<byte> content, bool sync)
    {
        Change();
        _disk.WriteNew(path, content, sync: false);
    }

    public void WriteNewShared(string path, ReadOnlySpan<byte> content, bool sync)
    {
        Change();
        Require(path);
        _disk.WriteNewShared(path, content, sync: false);
    }

    public void TakeRights(string path, string from, bool sync)
    {
        Change();
        _disk.TakeRights(path, from, sync: false);
    }

    public void Append(string path, ReadOnlySpan<byte> content) =>
        throw new NotSupportedException();

    public void AppendLine(string path, ReadOnlySpan<byte> line, bool sync) =>
        throw new NotSupportedException();

    public void Rename(string from, string to)
    {
        Change();
        _disk.Rename(from, to);
    }

    public bool RenameNew(string from, string to)
    {
        Change();
        return _disk.RenameNew(from, to);
    }

    public bool Delete(string path)
    {
        Change();
        return _disk.Delete(path);
    }

    public bool DeleteEmptyFolder(string path)
    {
        Change();
        return Path.GetDirectoryName(path) != Unwritable && ((IDisk)_disk).DeleteEmptyFolder(path);
    }

    public void CreateFolder(string path)
    {
        if (!Directory.Exists(path))
        {
            Change();
            _disk.CreateFolder(path);
        }
    }

    public void CreateFolderShared(string path)
    {
        if (!Directory.Exists(path))
        {
            Change();
            CreateFolderShared(Path.GetDirectoryName(path)!);
            Require(path);
            _disk.CreateFolderShared(path);
        }
    }

    public void SyncFolder(string path) { }

    public void SyncAll(string folder) { }

    public HeldLock? TryLock(string path, bool create)
    {
        Change();
        return _disk.TryLock(path, create);
    }

    public HeldLock? TryLockShared(string path, bool create) => throw new NotSupportedException();

    public void RemoveLock(HeldLock held, string path)
    {
        Change();
        _disk.RemoveLock(held, path);
    }

    public void Touch(string path, DateTimeOffset? time = null) =>
        throw new NotSupportedException();

    public IFolderWatch Watch(params ReadOnlySpan<string> folders) =>
        throw new NotSupportedException();

    public long NowNs => _disk.NowNs;

    // A process that another test starts holds the lock, too, between its fork and its exec.
    public void Pause(TimeSpan time) => _disk.Pause(time);

    private void Require(string path)
    {
        if (Path.GetDirectoryName(path) == Unwritable)
        {
            throw new QueueException($"Cannot create {path}");
        }
    }

    private void Change()
    {
        if (--_left < 0)
        {
            throw new Killed();
        }

        Made++;
    }

    /// <summary>Caught by nobody but the test: the code's own clean-up catches only its own errors.</summary>
    internal sealed class Killed() : Exception("killed");
}
