using AgentQueue.Storage;

namespace AgentQueue.Tests.Support;

/// <summary>
/// The disk as one process sees it. When the process dies its locks are free, and every further step
/// throws <see cref="ProcessDied"/>.
/// </summary>
internal sealed class MemoryProcess(MemoryDisk disk, string name) : IDisk
{
    public string Name { get; } = name;

    public bool IsDead { get; private set; }

    /// <summary>kill -9.</summary>
    public void Die()
    {
        IsDead = true;
        disk.CloseAll(this);
    }

    /// <summary>Takes over another process's descriptor, as a child does.</summary>
    public HeldLock Inherit(nint descriptor) =>
        new MemoryLock(disk, disk.Inherit(descriptor, this), this);

    public DiskRead Read(string path, int limit) => disk.Read(this, path, limit);

    public FileFacts? Facts(string path) => disk.Facts(this, path);

    public void WriteNew(string path, ReadOnlySpan<byte> content, bool sync) =>
        disk.WriteNew(this, path, content.ToArray(), sync);

    public void Append(string path, ReadOnlySpan<byte> content) =>
        disk.Append(this, path, content.ToArray());

    public void AppendLine(string path, ReadOnlySpan<byte> line, bool sync) =>
        disk.AppendLine(this, path, line.ToArray(), sync);

    public void Rename(string from, string to) => disk.Rename(this, from, to, mustBeNew: false);

    public bool RenameNew(string from, string to) => disk.Rename(this, from, to, mustBeNew: true);

    public bool Delete(string path) => disk.Delete(this, path);

    public void SyncFolder(string path) => disk.SyncFolder(this, path);

    public void SyncAll(string folder) => disk.SyncAll(this, folder);

    public void CreateFolder(string path) => disk.CreateFolder(this, path);

    public IEnumerable<string> List(string folder) => disk.List(this, folder);

    public HeldLock? TryLock(string path, bool create) =>
        disk.TryLock(this, path, create, shared: false);

    public HeldLock? TryLockShared(string path, bool create) =>
        disk.TryLock(this, path, create, shared: true);

    public void RemoveLock(HeldLock held, string path) => disk.RemoveLock(this, held, path);

    public void Touch(string path, DateTimeOffset? time = null) => disk.Touch(this, path, time);

    public long NowNs => disk.NowNs;

    public ulong Boot => disk.Boot;

    public IFolderWatch Watch(params ReadOnlySpan<string> folders) =>
        new MemoryWatch(disk, this, folders.ToArray());

    public void Pause(TimeSpan time)
    {
        ThrowIfDead();
        disk.Time.Wait(time, static () => false);
        ThrowIfDead();
    }

    public void ThrowIfDead()
    {
        if (IsDead)
        {
            throw new ProcessDied();
        }
    }
}

internal sealed class MemoryLock(MemoryDisk disk, nint descriptor, MemoryProcess process) : HeldLock
{
    private bool _open = true;

    public override nint Descriptor => _open ? descriptor : -1;

    public override void Dispose()
    {
        if (_open)
        {
            _open = false;
            disk.Close(descriptor, process);
        }
    }
}

internal sealed class MemoryWatch : IFolderWatch
{
    private readonly MemoryDisk _disk;
    private readonly MemoryProcess _process;
    private readonly string[] _folders;
    private bool _changed;

    public MemoryWatch(MemoryDisk disk, MemoryProcess process, string[] folders)
    {
        (_disk, _process, _folders) = (disk, process, folders);
        _disk.Touched += Note;
    }

    public void Wait(TimeSpan limit)
    {
        _process.ThrowIfDead();
        _disk.Time.Wait(limit, () => _changed || _process.IsDead);
        _process.ThrowIfDead();
        _changed = false;
    }

    public void Dispose() => _disk.Touched -= Note;

    private void Note(string path) =>
        _changed |= Array.IndexOf(_folders, Path.GetDirectoryName(path)) >= 0;
}
