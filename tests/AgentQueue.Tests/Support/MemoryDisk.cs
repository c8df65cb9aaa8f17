using AgentQueue.Storage;

namespace AgentQueue.Tests.Support;

/// <summary>One step of a process on the disk.</summary>
/// <param name="Number">Counts the changes of the whole disk, from 0; a step that only looks has the number of the next change.</param>
internal readonly record struct DiskStep(
    int Number,
    string Kind,
    string Path,
    bool Changes,
    MemoryProcess Process
)
{
    public override string ToString() =>
        $"{Number} {Kind} {Path[(Path.LastIndexOf('/') + 1)..]} by {Process.Name}";
}

/// <summary>The process was killed: it takes no further step, and whatever unwinds it changes nothing.</summary>
internal sealed class ProcessDied() : Exception("killed");

/// <summary>
/// A disk in memory that forgets, at a loss of power, what was not synced: the content of files and, each
/// for itself and in any order, the changes of folders. Locks belong to open files that processes hold and
/// hand on, as with flock; they end with the last holder. Numbers of inodes are reused.
/// </summary>
internal sealed partial class MemoryDisk(FakeTime time)
{
    private readonly SortedSet<ulong> _free = [];
    private ulong _nextInode = 1;
    private nint _nextDescriptor = 100;
    private readonly Dictionary<nint, OpenFile> _open = [];
    private readonly List<DiskStep> _log = [];

    private Inode? _root;

    public FakeTime Time => time;

    /// <summary>How many changes were made so far.</summary>
    public int Changes { get; private set; }

    /// <summary>Asked before every step; may throw what the step shall fail with, or kill the process.</summary>
    public Action<DiskStep>? Before { get; set; }

    /// <summary>Called after a name in a folder was changed, written or touched.</summary>
    public event Action<string>? Touched;

    /// <summary>Bytes that fit; more is "No space left on device".</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>The files that are there and cannot be read now.</summary>
    public Predicate<string>? Refuses { get; set; }

    /// <summary>As if nobody had called fsync for the content of files.</summary>
    public bool ForgetsFileSyncs { get; set; }

    /// <summary>As if nobody had called fsync for folders.</summary>
    public bool ForgetsFolderSyncs { get; set; }

    /// <summary>The changes made so far.</summary>
    public IReadOnlyList<DiskStep> Log => _log;

    private Inode Root => _root ??= NewInode(isFolder: true);

    public MemoryProcess Process(string name = "agentq") => new(this, name);

    /// <summary>Every path with a file, link or the like under it, and its content.</summary>
    public IEnumerable<(string Path, byte[] Content)> Files() => Walk(Root, "");

    public string Text(string path) =>
        System.Text.Encoding.UTF8.GetString(
            (Find(path) ?? throw new FileNotFoundException(path)).Content
        );

    /// <summary>The files of one folder.</summary>
    public IEnumerable<(string Name, byte[] Content)> FilesIn(string folder) =>
        Find(folder) is { IsFolder: true } found
            ? found
                .Entries.Where(static e => !e.Value.IsFolder)
                .Select(static e => (e.Key, e.Value.Content))
            : [];

    /// <summary>The content of a file; null if there is none.</summary>
    public byte[]? TryRead(string path) =>
        Find(path) is { IsFolder: false } inode ? inode.Content : null;

    /// <summary>True if a loss of power cannot take this file, nor this version of it.</summary>
    public bool IsDurable(string path)
    {
        var folder = FolderOf(path, "look");
        var name = System.IO.Path.GetFileName(path);
        return folder.Entries.GetValueOrDefault(name) is { Stored: { } stored } inode
            && stored == inode.Content
            && folder.StoredEntries.GetValueOrDefault(name) == inode
            && !folder.Unsynced.Exists(c => c.Name == name || c.MovedFrom == name);
    }

    public bool Has(string path) => Find(path) is not null;

    /// <summary>Everything on the disk as one text, for comparing two states; what is derived is none.</summary>
    public string Dump() =>
        string.Join(
            '\n',
            Files()
                .Where(static f =>
                    !f.Path.EndsWith("/run/index", StringComparison.Ordinal)
                    && !f.Path.EndsWith("/run/ready", StringComparison.Ordinal)
                )
                .OrderBy(static f => f.Path, StringComparer.Ordinal)
                .Select(static f => $"{f.Path}: {Convert.ToHexString(f.Content)}")
        );

    /// <summary>Puts a file there, synced, as if it had always been there.</summary>
    public void Plant(string path, ReadOnlySpan<byte> content)
    {
        var folder = MakeFolders(System.IO.Path.GetDirectoryName(path)!);
        var inode = NewInode(isFolder: false);
        inode.Content = content.ToArray();
        Set(folder, System.IO.Path.GetFileName(path), inode);
        SyncEverything(Root);
    }

    public void Plant(string path, string content) =>
        Plant(path, System.Text.Encoding.UTF8.GetBytes(content));

    /// <summary>What a program other than agentq does: writes a file in place, unsynced.</summary>
    public void Drop(MemoryProcess by, string path, string content)
    {
        var inode = Find(path);
        if (inode is null)
        {
            inode = NewInode(isFolder: false);
            Set(FolderOf(path, "create"), System.IO.Path.GetFileName(path), inode);
        }

        inode.Content = System.Text.Encoding.UTF8.GetBytes(content);
        inode.Modified = Now;
        Changed(new DiskStep(Changes, "drop", path, true, by));
    }

    private static IEnumerable<(string, byte[])> Walk(Inode folder, string path)
    {
        foreach (var (name, inode) in folder.Entries)
        {
            var full = $"{path}/{name}";
            if (inode.IsFolder)
            {
                foreach (var below in Walk(inode, full))
                {
                    yield return below;
                }
            }
            else
            {
                yield return (full, inode.Content);
            }
        }
    }

    private Inode NewInode(bool isFolder)
    {
        var number = _free.Count > 0 ? _free.Min : _nextInode++;
        _free.Remove(number);
        return new Inode(number, isFolder) { Modified = Now };
    }

    /// <summary>What files are stamped with.</summary>
    public long NowNs => time.Elapsed.Ticks * 100;

    /// <summary>False for a file system whose folders keep the time at which they were made.</summary>
    public bool FoldersKeepTime { get; set; } = true;

    /// <summary>Counts the losses of power, from one.</summary>
    public ulong Boot { get; private set; } = 1;

    // Never a whole second, unless that is asked for.
    private long Now =>
        HasWholeSeconds
            ? time.Elapsed.Ticks / 10_000_000 * 1_000_000_000
            : (time.Elapsed.Ticks / 10_000 * 1_000_000) + 500_000;

    /// <summary>True for a file system whose times have no fractions of a second.</summary>
    public bool HasWholeSeconds { get; set; }

    private Inode? Find(ReadOnlySpan<char> path)
    {
        var at = Root;
        while (!path.IsEmpty)
        {
            var end = path.IndexOf('/');
            var part = end < 0 ? path : path[..end];
            path = end < 0 ? [] : path[(end + 1)..];
            if (part.IsEmpty)
            {
                continue;
            }

            if (!at.IsFolder || at.Find(part) is not { } next)
            {
                return null;
            }

            at = next;
        }

        return at;
    }

    private Inode FolderOf(string path, string action) =>
        Find(path.AsSpan(0, Math.Max(path.LastIndexOf('/'), 0))) is { IsFolder: true } folder
            ? folder
            : throw new QueueException($"Cannot {action} {path}: No such file or directory");

    private Inode MakeFolders(string path)
    {
        var at = Root;
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!at.Entries.TryGetValue(part, out var next))
            {
                next = NewInode(isFolder: true);
                Set(at, part, next);
            }

            at = next;
        }

        return at;
    }

    private Change Set(
        Inode folder,
        string name,
        Inode? inode,
        string? movedFrom = null,
        Arrival? onlyWith = null
    )
    {
        var change = new Change(name, inode, movedFrom, onlyWith);
        folder.Unsynced.Add(change);
        if (FoldersKeepTime)
        {
            folder.Modified = Now;
        }

        Replace(folder, name, inode);
        if (movedFrom is not null)
        {
            folder.Entries.Remove(movedFrom);
        }

        return change;
    }

    private void Replace(Inode folder, string name, Inode? inode)
    {
        if (folder.Entries.TryGetValue(name, out var old) && old != inode)
        {
            folder.Entries.Remove(name);
            old.Links--;
            Release(old);
        }

        if (inode is not null && folder.Entries.TryAdd(name, inode))
        {
            inode.Links++;
        }
    }

    // A number is free once nothing leads to the file: no name, no open file.
    private void Release(Inode inode)
    {
        if (inode.Links <= 0 && !IsOpen(inode, static _ => true))
        {
            _free.Add(inode.Number);
        }
    }

    private bool IsOpen(Inode inode, Func<OpenFile, bool> how)
    {
        foreach (var open in _open.Values)
        {
            if (open.Inode == inode && how(open))
            {
                return true;
            }
        }

        return false;
    }

    private void Changed(DiskStep step)
    {
        Changes++;
        _log.Add(step);
        Touched?.Invoke(step.Path);
    }

    private void CheckSpace(int more, string path)
    {
        if (
            Capacity != long.MaxValue
            && Files().Sum(static f => f.Content.Length) + more > Capacity
        )
        {
            throw new QueueException($"Cannot write {path}: No space left on device")
            {
                IsNoRoom = true,
            };
        }
    }

    private static void SyncEverything(Inode inode)
    {
        inode.Stored = inode.Content;
        inode.SyncEntries();
        foreach (var below in inode.Entries.Values)
        {
            SyncEverything(below);
        }
    }

    private sealed class Inode(ulong number, bool isFolder)
    {
        private Dictionary<string, Inode>? _entries;
        private Dictionary<string, Inode>? _storedEntries;

        public ulong Number { get; } = number;
        public bool IsFolder { get; } = isFolder;

        /// <summary>Replaced, never changed: whoever has read it may keep it.</summary>
        public byte[] Content { get; set; } = [];

        /// <summary>What a loss of power cannot take; null if nothing was ever synced.</summary>
        public byte[]? Stored { get; set; }
        public long Modified { get; set; }
        public int Links { get; set; }
        public Dictionary<string, Inode> Entries
        {
            get => _entries ??= new(StringComparer.Ordinal);
            set => _entries = value;
        }
        public Dictionary<string, Inode> StoredEntries
        {
            get => _storedEntries ??= new(StringComparer.Ordinal);
            set => _storedEntries = value;
        }
        public List<Change> Unsynced { get; } = [];

        public Inode? Find(ReadOnlySpan<char> name) =>
            _entries is not null
            && _entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var inode)
                ? inode
                : null;

        public void SyncEntries()
        {
            foreach (var change in Unsynced)
            {
                change.OnlyWith?.Store();
                change.Apply(StoredEntries);
            }

            Unsynced.Clear();
        }
    }

    /// <summary>One change of a folder that a loss of power may undo, whole or not at all.</summary>
    /// <param name="OnlyWith">The other half of a move to another folder.</param>
    private sealed record Change(string Name, Inode? Inode, string? MovedFrom, Arrival? OnlyWith)
    {
        public void Apply(Dictionary<string, Inode> entries)
        {
            // A move is one change: the old name goes with it, unless it has become something else.
            if (MovedFrom is { } from && entries.GetValueOrDefault(from) is { } old && old == Inode)
            {
                entries.Remove(from);
            }

            if (Inode is not null)
            {
                entries[Name] = Inode;
            }
            else
            {
                entries.Remove(Name);
            }
        }
    }

    /// <summary>
    /// Where a moved file went. A journal keeps a move whole, so a departure is never stored without the
    /// arrival; the arrival alone may be, and then the file is in both folders.
    /// </summary>
    private sealed record Arrival(Inode Folder, Change Change)
    {
        public void Store()
        {
            var at = Folder.Unsynced.FindIndex(c => ReferenceEquals(c, Change));
            for (var i = 0; i <= at; i++)
            {
                Folder.Unsynced[i].OnlyWith?.Store();
                Folder.Unsynced[i].Apply(Folder.StoredEntries);
            }

            Folder.Unsynced.RemoveRange(0, at + 1);
        }
    }

    /// <summary>An open file with a lock, held by all who inherited it.</summary>
    private sealed class OpenFile(Inode inode, bool shared)
    {
        public Inode Inode { get; } = inode;
        public bool Shared { get; } = shared;

        /// <summary>How many descriptors of which process lead to it.</summary>
        public Dictionary<MemoryProcess, int> Holders { get; } = [];
    }
}
