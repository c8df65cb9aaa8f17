using System.Text;
using System.Text.Unicode;

namespace AgentQueue.Watching;

/// <summary>A folder that is looked at, and what is known of it.</summary>
/// <param name="path">Relative to the root, UTF-8, with a slash at its end; empty for the root.</param>
internal sealed class WatchedFolder(WatchedFolder? parent, string name, byte[] path)
{
    public WatchedFolder? Parent { get; } = parent;
    public string Name { get; } = name;
    public byte[] Path { get; } = path;
    public Dictionary<string, FileFacts> Files { get; set; } = new(StringComparer.Ordinal);
    public Dictionary<string, WatchedFolder> Folders { get; set; } = new(StringComparer.Ordinal);
    public GitIgnore Ignore { get; set; } = GitIgnore.None;
    public FileFacts? IgnoreFile { get; set; }
    public ulong Inode { get; set; }

    /// <summary>The system's watch of it; −1 if it has none.</summary>
    public int Watch { get; set; } = -1;

    public byte[] PathOf(ReadOnlySpan<byte> name) => [.. Path, .. name];
}

/// <summary>Watches folders as they become known; what it misses, a look again finds.</summary>
internal interface IFolderWatcher
{
    /// <summary>Before its names are read, and again whenever they are read anew.</summary>
    void Enter(WatchedFolder folder, string path);

    void Leave(WatchedFolder folder);
}

/// <summary>
/// The files of a folder tree that rules are about and git does not ignore, as they were when last looked at. Each
/// look adds to <see cref="Changes"/> what is different since. What only came into view or out of it, because rules
/// have changed, is no change. Links are never followed, and what is ignored is never entered.
/// </summary>
internal sealed class KnownTree(string root, WatchRules rules, IFolderWatcher watcher) : IDisposable
{
    // The clock of a file system ticks up to a hundred times a second: what was written in the same tick has
    // the same time.
    private const long TickNs = 20_000_000;

    private static readonly byte[] s_ignoreFile = Encoding.UTF8.GetBytes(GitIgnore.FileName);

    private readonly FolderListing _listing = FolderListing.ForThisSystem();
    private GitIgnore _outside = GitIgnore.None;
    private WatchRules _rules = rules;
    private WatchRules _rulesBefore = rules;

    public WatchedFolder Root { get; } = new(null, "", []);

    public int FolderCount { get; private set; } = 1;

    public int FileCount { get; private set; }

    /// <summary>Taken by whoever looks; oldest first.</summary>
    public List<FileChange> Changes { get; } = [];

    /// <summary>Files outside of the tree's folders that say what is ignored.</summary>
    public IReadOnlyList<string> OutsideFiles { get; private set; } = [];

    /// <summary>The first look: nothing is a change yet.</summary>
    /// <exception cref="QueueException">The root cannot be read.</exception>
    public void TakeUp()
    {
        ReadOutside();
        if (!Scan(Root, whole: true, loud: false))
        {
            throw new QueueException($"The folder {root} cannot be read");
        }
    }

    /// <summary>Looks at everything again.</summary>
    public void LookAgain() => Scan(Root, whole: true, loud: true);

    /// <summary>Looks at everything again by other rules.</summary>
    public void LookAgain(WatchRules changed)
    {
        _rules = changed;
        LookAgain();
        _rulesBefore = changed;
    }

    /// <summary>Looks at everything again after a change of <see cref="OutsideFiles"/>.</summary>
    public void OutsideChanged()
    {
        ReadOutside();
        LookAgain();
    }

    /// <summary>Looks again at one folder, and at folders below it only if they are new.</summary>
    public void LookAgain(WatchedFolder folder) => Scan(folder, whole: false, loud: true);

    /// <summary>Something has happened to a name in a folder.</summary>
    /// <param name="rewritten">It was written to, whatever its facts say.</param>
    /// <param name="replaced">A folder of that name is not the one that was known.</param>
    /// <param name="nowNs">Nanoseconds since 1970.</param>
    public void Look(
        WatchedFolder folder,
        ReadOnlySpan<byte> name,
        bool rewritten,
        bool replaced,
        long nowNs
    )
    {
        if (!Utf8.IsValid(name))
        {
            return;
        }

        var text = Encoding.UTF8.GetString(name);
        var known = folder.Folders.GetValueOrDefault(text);
        if (known is not null && replaced)
        {
            Forget(known, loud: true);
            known = null;
        }

        var found = FolderListing.Look(FullPath(folder) + text);
        if (found is { Kind: EntryKind.Folder })
        {
            ForgetFile(folder, text);
            LookAtFolder(folder, name, text, known, found.Value.Facts.Inode);
            return;
        }

        if (known is not null)
        {
            Forget(known, loud: true);
        }

        var isRecent = rewritten && nowNs - (found?.Facts.ModifiedNs ?? 0) < TickNs;
        if (name.SequenceEqual(s_ignoreFile) && (isRecent || found?.Facts != folder.IgnoreFile))
        {
            Scan(folder, whole: true, loud: true);
            return;
        }

        if (found is not { Kind: EntryKind.File })
        {
            ForgetFile(folder, text);
            return;
        }

        var path = folder.PathOf(name);
        if (_rules.Wants(path) && !folder.Ignore.IsIgnored(path, isFolder: false))
        {
            var isNew = !folder.Files.TryGetValue(text, out var facts);
            var now = found.Value.Facts;
            folder.Files[text] = now;
            FileCount += isNew ? 1 : 0;
            if (isNew || isRecent || facts != now)
            {
                Tell(path, isNew ? ChangeKind.Created : ChangeKind.Modified);
            }
        }
    }

    /// <summary>Absolute, with a slash at its end.</summary>
    public string FullPath(WatchedFolder folder) =>
        $"{root}/{Encoding.UTF8.GetString(folder.Path)}";

    /// <summary>Every folder that is known, each after the one that it lies in.</summary>
    public IEnumerable<WatchedFolder> AllFolders()
    {
        var left = new Stack<WatchedFolder>([Root]);
        while (left.TryPop(out var folder))
        {
            yield return folder;
            foreach (var below in folder.Folders.Values)
            {
                left.Push(below);
            }
        }
    }

    /// <summary>A folder is no more where it was known.</summary>
    public void Forget(WatchedFolder folder, bool loud)
    {
        folder.Parent?.Folders.Remove(folder.Name);
        var left = new Stack<WatchedFolder>([folder]);
        while (left.TryPop(out var gone))
        {
            watcher.Leave(gone);
            FolderCount--;
            FileCount -= gone.Files.Count;
            foreach (var file in gone.Files.Keys)
            {
                if (loud)
                {
                    Tell(gone.PathOf(Encoding.UTF8.GetBytes(file)), ChangeKind.Deleted);
                }
            }

            foreach (var below in gone.Folders.Values)
            {
                left.Push(below);
            }
        }
    }

    public void Dispose() => _listing.Dispose();

    private void ReadOutside()
    {
        _outside = GitIgnore.Outside(root, out var files);
        OutsideFiles = files;
    }

    private void LookAtFolder(
        WatchedFolder folder,
        ReadOnlySpan<byte> name,
        string text,
        WatchedFolder? known,
        ulong inode
    )
    {
        byte[] path = [.. folder.Path, .. name, (byte)'/'];
        if (known is not null && known.Inode == inode && known.Watch >= 0)
        {
            return;
        }

        if (known is not null && known.Inode != inode)
        {
            Forget(known, loud: true);
            known = null;
        }

        if (_rules.MayHold(path) && !folder.Ignore.IsIgnored(path.AsSpan()[..^1], isFolder: true))
        {
            Scan(known ?? Add(folder, text, path), whole: true, loud: true);
        }
    }

    private WatchedFolder Add(WatchedFolder folder, string name, byte[] path)
    {
        var added = new WatchedFolder(folder, name, path);
        folder.Folders.Add(name, added);
        FolderCount++;
        return added;
    }

    private bool Scan(WatchedFolder first, bool whole, bool loud)
    {
        var left = new Stack<(WatchedFolder Folder, bool Loud)>([(first, loud)]);
        while (left.TryPop(out var next))
        {
            if (!ScanOne(next.Folder, whole, next.Loud, left))
            {
                if (next.Folder == Root)
                {
                    return false;
                }

                Forget(next.Folder, next.Loud);
            }
        }

        return true;
    }

    private bool ScanOne(
        WatchedFolder folder,
        bool whole,
        bool loud,
        Stack<(WatchedFolder, bool)> below
    )
    {
        var fullPath = FullPath(folder);
        var withoutSlash = fullPath[..^1];
        // First the watch: what appears while the names are read is told by it.
        watcher.Enter(folder, withoutSlash);
        if (
            FolderListing.Look(withoutSlash) is not { Kind: EntryKind.Folder } self
            || !_listing.Open(withoutSlash)
        )
        {
            return false;
        }

        folder.Inode = self.Facts.Inode;
        var ignoredBefore = folder.Ignore;
        folder.Ignore = ReadIgnore(folder, fullPath);
        var filesBefore = folder.Files;
        var foldersBefore = folder.Folders;
        folder.Files = new(filesBefore.Count, StringComparer.Ordinal);
        folder.Folders = new(foldersBefore.Count, StringComparer.Ordinal);
        FileCount -= filesBefore.Count;
        var path = new byte[folder.Path.Length + 256];
        folder.Path.CopyTo(path, 0);
        for (var i = 0; i < _listing.Count; i++)
        {
            var name = _listing.NameOf(i);
            if (folder.Path.Length + name.Length + 1 > path.Length)
            {
                Array.Resize(ref path, folder.Path.Length + name.Length + 1);
            }

            name.CopyTo(path.AsSpan(folder.Path.Length));
            var entry = path.AsSpan(0, folder.Path.Length + name.Length);
            switch (_listing.KindOf(i))
            {
                case EntryKind.Folder:
                    path[entry.Length] = (byte)'/';
                    ScanFolder(path.AsSpan(0, entry.Length + 1), name);
                    break;
                case EntryKind.File:
                    ScanFile(i, entry, name);
                    break;
                default:
                    break;
            }
        }

        FileCount += folder.Files.Count;
        foreach (var gone in filesBefore.Keys)
        {
            Tell(folder.PathOf(Encoding.UTF8.GetBytes(gone)), ChangeKind.Deleted);
        }

        foreach (var gone in foldersBefore.Values)
        {
            Forget(gone, loud: true);
        }

        return true;

        void ScanFolder(ReadOnlySpan<byte> slashed, ReadOnlySpan<byte> name)
        {
            var text = Encoding.UTF8.GetString(name);
            foldersBefore.Remove(text, out var known);
            if (!_rules.MayHold(slashed) || folder.Ignore.IsIgnored(slashed[..^1], true))
            {
                if (known is not null)
                {
                    Forget(known, loud: false);
                }
            }
            else if (known is null)
            {
                var wasSeen =
                    _rulesBefore.MayHold(slashed) && !ignoredBefore.IsIgnored(slashed[..^1], true);
                below.Push((Add(folder, text, slashed.ToArray()), loud && wasSeen));
            }
            else
            {
                folder.Folders.Add(text, known);
                if (whole)
                {
                    below.Push((known, loud));
                }
            }
        }

        void ScanFile(int index, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> name)
        {
            var wants = _rules.Wants(entry) && !folder.Ignore.IsIgnored(entry, false);
            if (!wants && filesBefore.Count == 0)
            {
                return;
            }

            var text = Encoding.UTF8.GetString(name);
            var isKnown = filesBefore.Remove(text, out var before);
            if (!wants || _listing.FactsOf(index) is not { } facts)
            {
                if (wants && isKnown)
                {
                    Tell(entry, ChangeKind.Deleted);
                }

                return;
            }

            folder.Files.Add(text, facts);
            if (isKnown && facts != before)
            {
                Tell(entry, ChangeKind.Modified);
            }
            else if (
                !isKnown
                && loud
                && _rulesBefore.Wants(entry)
                && !ignoredBefore.IsIgnored(entry, false)
            )
            {
                Tell(entry, ChangeKind.Created);
            }
        }
    }

    private GitIgnore ReadIgnore(WatchedFolder folder, string fullPath)
    {
        var above = folder.Parent?.Ignore ?? _outside;
        folder.IgnoreFile = null;
        for (var i = 0; i < _listing.Count; i++)
        {
            if (_listing.NameOf(i).SequenceEqual(s_ignoreFile))
            {
                // Before it is read: what is written meanwhile is seen as a change of it.
                folder.IgnoreFile = _listing.FactsOf(i);
                return GitIgnore.ReadFile(fullPath + GitIgnore.FileName) is { } content
                    ? above.With(folder.Path, content)
                    : above;
            }
        }

        return above;
    }

    private void ForgetFile(WatchedFolder folder, string name)
    {
        if (folder.Files.Remove(name))
        {
            FileCount--;
            Tell(folder.PathOf(Encoding.UTF8.GetBytes(name)), ChangeKind.Deleted);
        }
    }

    private void Tell(ReadOnlySpan<byte> path, ChangeKind kind) =>
        Changes.Add(new FileChange(Encoding.UTF8.GetString(path), kind));
}
