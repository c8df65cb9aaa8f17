using System.Collections.Concurrent;
using System.Text;

namespace AgentQueue.Watching;

/// <summary>By what .NET offers: one watch for the whole tree, with what it tells taken only as a hint where to look.</summary>
internal sealed class PortableTreeWatch : TreeWatch
{
    private readonly ConcurrentQueue<(string Path, bool IsWritten)> _told = new();
    private readonly SemaphoreSlim _happened = new(0);
    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly string _root;
    private volatile bool _lost;

    public PortableTreeWatch(string root, WatchRules rules, TimeProvider clock)
        : base(root, rules, clock)
    {
        _root = root;
        Watch(root, recursive: true);
    }

    public override int UnwatchedFolders => 0;

    public override void Enter(WatchedFolder folder, string path) => folder.Watch = 0;

    public override void Leave(WatchedFolder folder) { }

    public override void Wake() => _happened.Release();

    public override void Dispose()
    {
        _watchers.ForEach(static w => w.Dispose());
        _happened.Dispose();
        base.Dispose();
    }

    protected override bool WaitFor(TimeSpan? limit)
    {
        _happened.Wait(limit ?? Timeout.InfiniteTimeSpan);
        return false;
    }

    protected override bool ReadNotifications()
    {
        var lost = _lost;
        _lost = false;
        var now = ToNs(Clock.GetUtcNow());
        while (_told.TryDequeue(out var told))
        {
            // One look takes all that was told until then.
            _happened.Wait(0);
            foreach (var outside in OutsideFiles)
            {
                if (outside.Path == told.Path)
                {
                    outside.Happened();
                }
            }

            if (Find(told.Path) is var (folder, name))
            {
                Tree.Look(folder, Encoding.UTF8.GetBytes(name), told.IsWritten, false, now);
            }
        }

        return lost;
    }

    protected override bool TryWatch(Outside outside)
    {
        if (
            !IsIn(outside.Folder, _root)
            && _watchers.TrueForAll(w => w.Path != outside.Folder)
            && Directory.Exists(outside.Folder)
        )
        {
            Watch(outside.Folder, recursive: false);
        }

        return IsIn(outside.Folder, _root) || _watchers.Exists(w => w.Path == outside.Folder);
    }

    private void Watch(string folder, bool recursive)
    {
        var watcher = new FileSystemWatcher(folder)
        {
            IncludeSubdirectories = recursive,
            InternalBufferSize = 64 << 10,
            NotifyFilter =
                NotifyFilters.FileName
                | NotifyFilters.DirectoryName
                | NotifyFilters.LastWrite
                | NotifyFilters.Size,
        };
        watcher.Created += (_, e) => Tell(e.FullPath, isWritten: false);
        watcher.Changed += (_, e) => Tell(e.FullPath, isWritten: true);
        watcher.Deleted += (_, e) => Tell(e.FullPath, isWritten: false);
        watcher.Renamed += (_, e) =>
        {
            Tell(e.OldFullPath, isWritten: false);
            Tell(e.FullPath, isWritten: false);
        };
        watcher.Error += (_, _) =>
        {
            _lost = true;
            _happened.Release();
        };
        watcher.EnableRaisingEvents = true;
        _watchers.Add(watcher);
    }

    private void Tell(string path, bool isWritten)
    {
        _told.Enqueue((path, isWritten));
        _happened.Release();
    }

    // The nearest folder that is known, and the name in it that leads to the path; null for what is not in view.
    private (WatchedFolder Folder, string Name)? Find(string path)
    {
        if (!IsIn(path, _root))
        {
            return null;
        }

        var folder = Tree.Root;
        var names = Path.GetRelativePath(_root, path).Split(Path.DirectorySeparatorChar);
        foreach (var name in names[..^1])
        {
            if (!folder.Folders.TryGetValue(name, out var below))
            {
                return (folder, name);
            }

            folder = below;
        }

        return (folder, names[^1]);
    }

    private static bool IsIn(string path, string folder) =>
        path == folder
        || path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
