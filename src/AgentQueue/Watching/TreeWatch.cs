namespace AgentQueue.Watching;

/// <summary>
/// Watches the files of a project that rules are about: from the moment it is made, every change of one is among
/// what <see cref="Read"/> gives, in order; several of one file may come as one. A file counts as changed when
/// its size, time or identity differs, so a save that is told of twice is one change; one that is held open is
/// seen when it is closed. Notifications that were lost, and folders for which the system has no watch left, are
/// made up for by looking. Nothing is done while nothing happens. For one thread, but for <see cref="Wake"/>.
/// </summary>
internal abstract class TreeWatch : IFolderWatcher, IDisposable
{
    // What cannot be watched is looked at this often; more seldom if looking takes long.
    private static readonly TimeSpan s_shortestPoll = TimeSpan.FromSeconds(2);
    private const int MostShareOfTime = 20;

    private readonly string _root;
    private readonly ulong _identity;
    private readonly List<Outside> _outside = [];
    private TimeSpan _poll = s_shortestPoll;
    private long _polled;

    /// <param name="root">The project's folder, absolute, without links in it.</param>
    protected TreeWatch(string root, WatchRules rules, TimeProvider clock)
    {
        _root = root;
        Clock = clock;
        Tree = new KnownTree(root, rules, this);
        _identity = FolderListing.Look(root)?.Facts.Inode ?? 0;
    }

    /// <exception cref="QueueException">The folder cannot be read.</exception>
    public static TreeWatch Begin(string root, WatchRules rules, TimeProvider clock)
    {
        TreeWatch watch = OperatingSystem.IsLinux()
            ? new LinuxTreeWatch(root, rules, clock)
            : new PortableTreeWatch(root, rules, clock);
        watch.Begin();
        return watch;
    }

    /// <summary>Takes up what is there; once.</summary>
    public void Begin()
    {
        Tree.TakeUp();
        foreach (var file in Tree.OutsideFiles)
        {
            Also(file, Tree.OutsideChanged);
        }

        _polled = Clock.GetTimestamp();
    }

    public int Folders => Tree.FolderCount;

    public int Files => Tree.FileCount;

    /// <summary>Becoming readable, it ends a wait, too; −1 for none.</summary>
    public int InputDescriptor { get; set; } = -1;

    /// <summary>Its reader's going away ends a wait, too; −1 for none.</summary>
    public int OutputDescriptor { get; set; } = -1;

    protected KnownTree Tree { get; }

    protected TimeProvider Clock { get; }

    /// <summary>Folders that are looked at from time to time, because they cannot be watched.</summary>
    public abstract int UnwatchedFolders { get; }

    /// <summary>Calls back, from <see cref="Read"/>, when a file anywhere is written, replaced, made or removed.</summary>
    /// <param name="path">Absolute; it need not exist.</param>
    public void Also(string path, Action changed)
    {
        if (_outside.TrueForAll(o => o.Path != path || o.Changed != changed))
        {
            var outside = new Outside(path, changed);
            _outside.Add(outside);
            outside.IsWatched = TryWatch(outside);
        }
    }

    /// <summary>By other rules from now on. What thereby comes into view or goes out of it has not changed.</summary>
    public void Change(WatchRules rules) => Tree.LookAgain(rules);

    /// <summary>
    /// Returns when there may be something to <see cref="Read"/>, a descriptor is ready, after <see cref="Wake"/>,
    /// or after the limit; null is for ever.
    /// </summary>
    /// <returns>True if <see cref="InputDescriptor"/> is readable.</returns>
    public bool Wait(TimeSpan? limit)
    {
        if (UnwatchedFolders > 0)
        {
            var left = _poll - Clock.GetElapsedTime(_polled);
            limit = limit < left ? limit : left;
        }

        return WaitFor(limit is { } time && time < TimeSpan.Zero ? TimeSpan.Zero : limit);
    }

    /// <summary>What has changed since the last time.</summary>
    public TreeNews Read()
    {
        if (FolderListing.Look(_root)?.Facts.Inode != _identity)
        {
            return new TreeNews([], WasLost: false, IsGone: true);
        }

        var wasLost = ReadNotifications();
        if (wasLost)
        {
            Tree.LookAgain();
        }

        LookAtUnwatched();
        foreach (var outside in _outside.ToArray())
        {
            if (outside.Take())
            {
                outside.Changed();
            }

            // Its folder may not have been there, or not be any more.
            outside.IsWatched = outside.IsWatched || TryWatch(outside);
        }

        var changes = Tree.Changes.ToArray();
        Tree.Changes.Clear();
        // While folders were looked at that went with their root, everything in them seemed deleted.
        return FolderListing.Look(_root)?.Facts.Inode == _identity
            ? new TreeNews(changes, wasLost, IsGone: false)
            : new TreeNews([], wasLost, IsGone: true);
    }

    public abstract void Enter(WatchedFolder folder, string path);

    public abstract void Leave(WatchedFolder folder);

    /// <summary>Ends this wait, or the next one; from any thread.</summary>
    public abstract void Wake();

    public virtual void Dispose() => Tree.Dispose();

    protected IEnumerable<Outside> OutsideFiles => _outside;

    /// <returns>True if notifications were lost.</returns>
    protected abstract bool ReadNotifications();

    protected abstract bool WaitFor(TimeSpan? limit);

    /// <summary>False if its folder cannot be watched, or is not there yet.</summary>
    protected abstract bool TryWatch(Outside outside);

    protected static long ToNs(DateTimeOffset time) =>
        (time - DateTimeOffset.UnixEpoch).Ticks * 100;

    private void LookAtUnwatched()
    {
        if (UnwatchedFolders > 0 && Clock.GetElapsedTime(_polled) >= _poll)
        {
            var begun = Clock.GetTimestamp();
            foreach (var folder in Tree.AllFolders().Where(static f => f.Watch < 0).ToList())
            {
                // One that went with another that was looked at before is found gone, and that is told only once.
                if (folder.Watch < 0)
                {
                    Tree.LookAgain(folder);
                }
            }

            _polled = Clock.GetTimestamp();
            var took = Clock.GetElapsedTime(begun, _polled) * MostShareOfTime;
            _poll = took > s_shortestPoll ? took : s_shortestPoll;
        }
    }

    /// <summary>A file that is watched by its name in its folder, wherever that is.</summary>
    internal sealed class Outside(string path, Action changed)
    {
        private bool _happened;

        public string Path { get; } = path;
        public string Folder { get; } = System.IO.Path.GetDirectoryName(path) ?? "/";
        public string Name { get; } = System.IO.Path.GetFileName(path);
        public Action Changed { get; } = changed;
        public bool IsWatched { get; set; }

        public void Happened() => _happened = true;

        public bool Take()
        {
            var happened = _happened;
            _happened = false;
            return happened;
        }
    }
}

/// <param name="WasLost">Notifications were lost; everything was looked at instead.</param>
/// <param name="IsGone">The root has been renamed or removed; nothing will come any more.</param>
internal readonly record struct TreeNews(
    IReadOnlyList<FileChange> Changes,
    bool WasLost,
    bool IsGone
);
