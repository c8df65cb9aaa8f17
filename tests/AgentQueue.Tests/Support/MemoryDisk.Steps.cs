using AgentQueue.Storage;

namespace AgentQueue.Tests.Support;

/// <summary>The steps themselves, each for a process that lives.</summary>
internal sealed partial class MemoryDisk
{
    public DiskRead Read(MemoryProcess p, string path, int limit)
    {
        Step(p, "read", path, changes: false);
        return Find(path) switch
        {
            null => DiskRead.Failed(ReadStatus.Missing),
            not null when Refuses?.Invoke(path) == true => DiskRead.Failed(
                ReadStatus.Refused,
                "Input/output error"
            ),
            { IsFolder: true } => DiskRead.Failed(ReadStatus.NotAFile),
            { } i when i.Content.Length > limit => DiskRead.Failed(ReadStatus.TooLarge),
            { } i => new DiskRead(ReadStatus.Ok, i.Content, FactsOf(i)),
        };
    }

    public FileFacts? Facts(MemoryProcess p, string path)
    {
        Step(p, "stat", path, changes: false);
        return Find(path) is { } inode ? FactsOf(inode) : null;
    }

    public IEnumerable<string> List(MemoryProcess p, string folder)
    {
        Step(p, "list", folder, changes: false);
        return Find(folder) is { IsFolder: true } found ? [.. found.Entries.Keys] : [];
    }

    public void WriteNew(MemoryProcess p, string path, byte[] content, bool sync)
    {
        var step = Step(p, "write", path);
        var folder = FolderOf(path, "create");
        if (folder.Entries.ContainsKey(System.IO.Path.GetFileName(path)))
        {
            throw new QueueException($"Cannot create {path}: File exists");
        }

        CheckSpace(content.Length, path);
        var inode = NewInode(isFolder: false);
        inode.Content = content;
        inode.Stored = sync && !ForgetsFileSyncs ? content : null;
        Set(folder, System.IO.Path.GetFileName(path), inode);
        Changed(step);
    }

    public void Append(MemoryProcess p, string path, byte[] content)
    {
        var step = Step(p, "append", path);
        CheckSpace(content.Length, path);
        var inode = Find(path);
        if (inode is null)
        {
            inode = NewInode(isFolder: false);
            Set(FolderOf(path, "open"), System.IO.Path.GetFileName(path), inode);
        }

        inode.Content = [.. inode.Content, .. content];
        inode.Modified = Now;
        Changed(step);
    }

    public void AppendLine(MemoryProcess p, string path, byte[] line, bool sync)
    {
        Append(p, path, Find(path)?.Content is [.., not (byte)'\n'] ? [(byte)'\n', .. line] : line);
        if (sync && !ForgetsFileSyncs)
        {
            var inode = Find(path)!;
            inode.Stored = inode.Content;
        }
    }

    public bool Rename(MemoryProcess p, string from, string to, bool mustBeNew)
    {
        var step = Step(p, mustBeNew ? "rename new" : "rename", to);
        var (name, target) = (System.IO.Path.GetFileName(from), System.IO.Path.GetFileName(to));
        var folder = FolderOf(to, mustBeNew ? "create" : "replace");
        if (
            FolderOf(from, "move") is var source
            && !source.Entries.TryGetValue(name, out var inode)
        )
        {
            throw new QueueException($"Cannot replace {to}: No such file or directory");
        }

        if (folder.Entries.TryGetValue(target, out var existing))
        {
            if (mustBeNew)
            {
                return false;
            }

            if (existing.IsFolder)
            {
                throw new QueueException($"Cannot replace {to}: Is a directory");
            }
        }

        if (source == folder)
        {
            Set(folder, target, inode, movedFrom: name);
            inode.Links = 1;
        }
        else
        {
            var arrival = Set(folder, target, inode);
            Set(source, name, null, onlyWith: new Arrival(folder, arrival));
        }

        Changed(step);
        return true;
    }

    public bool Delete(MemoryProcess p, string path)
    {
        var step = Step(p, "delete", path);
        if (Find(path) is not { } inode)
        {
            return false;
        }

        if (inode.IsFolder)
        {
            throw new QueueException($"Cannot remove {path}: Is a directory");
        }

        Set(FolderOf(path, "remove"), System.IO.Path.GetFileName(path), null);
        Changed(step);
        return true;
    }

    public void SyncFolder(MemoryProcess p, string path)
    {
        var step = Step(p, "sync", path);
        var folder =
            Find(path)
            ?? throw new QueueException($"Cannot open {path}: No such file or directory");
        if (!ForgetsFolderSyncs)
        {
            folder.SyncEntries();
        }

        Count(step);
    }

    public void SyncAll(MemoryProcess p, string folder)
    {
        var step = Step(p, "sync all", folder);
        SyncEverything(Root);
        Count(step);
    }

    public void CreateFolder(MemoryProcess p, string path)
    {
        var step = Step(p, "make folder", path);
        if (Find(path) is null)
        {
            MakeFolders(path);
            Changed(step);
        }
    }

    public void Touch(MemoryProcess p, string path, DateTimeOffset? time)
    {
        var step = Step(p, "touch", path);
        if (Find(path) is { } inode)
        {
            inode.Modified = time is { } t ? t.ToUnixTimeMilliseconds() * 1_000_000 : Now;
            Changed(step);
        }
    }

    public HeldLock? TryLock(MemoryProcess p, string path, bool create, bool shared)
    {
        var step = Step(p, "lock", path, changes: create && Find(path) is null);
        var inode = Find(path);
        if (inode is null)
        {
            if (!create)
            {
                return null;
            }

            MakeFolders(System.IO.Path.GetDirectoryName(path)!);
            inode = NewInode(isFolder: false);
            Set(FolderOf(path, "open"), System.IO.Path.GetFileName(path), inode);
            Changed(step);
        }

        if (inode.IsFolder)
        {
            throw new QueueException($"Cannot open {path}: Is a directory");
        }

        if (IsOpen(inode, o => !shared || !o.Shared))
        {
            return null;
        }

        var descriptor = _nextDescriptor++;
        _open[descriptor] = new OpenFile(inode, shared) { Holders = { [p] = 1 } };
        return new MemoryLock(this, descriptor, p);
    }

    public void RemoveLock(MemoryProcess p, HeldLock held, string path)
    {
        var step = Step(p, "remove lock", path);
        if (_open.TryGetValue(held.Descriptor, out var open) && Find(path) == open.Inode)
        {
            Set(FolderOf(path, "remove"), System.IO.Path.GetFileName(path), null);
            Changed(step);
        }
    }

    public nint Inherit(nint descriptor, MemoryProcess by)
    {
        var holders = _open[descriptor].Holders;
        holders[by] = holders.GetValueOrDefault(by) + 1;
        return descriptor;
    }

    public void Close(nint descriptor, MemoryProcess by)
    {
        if (
            _open.TryGetValue(descriptor, out var open)
            && open.Holders.TryGetValue(by, out var count)
        )
        {
            if (count > 1)
            {
                open.Holders[by] = count - 1;
                return;
            }

            open.Holders.Remove(by);
            if (open.Holders.Count == 0)
            {
                _open.Remove(descriptor);
                Release(open.Inode);
            }
        }
    }

    public void CloseAll(MemoryProcess process)
    {
        foreach (var (descriptor, open) in _open.ToList())
        {
            if (open.Holders.Remove(process) && open.Holders.Count == 0)
            {
                _open.Remove(descriptor);
                Release(open.Inode);
            }
        }
    }

    private DiskStep Step(MemoryProcess p, string kind, string path, bool changes = true)
    {
        p.ThrowIfDead();
        var step = new DiskStep(Changes, kind, path, changes, p);
        Before?.Invoke(step);
        p.ThrowIfDead();
        return step;
    }

    private void Count(DiskStep step)
    {
        Changes++;
        _log.Add(step);
    }

    private static FileFacts FactsOf(Inode inode) =>
        new(inode.Number, inode.Content.Length, inode.Modified, inode.Modified, !inode.IsFolder)
        {
            IsFolder = inode.IsFolder,
        };
}
