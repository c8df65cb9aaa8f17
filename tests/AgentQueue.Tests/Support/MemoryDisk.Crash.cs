namespace AgentQueue.Tests.Support;

internal sealed partial class MemoryDisk
{
    /// <summary>
    /// The power goes: no process lives on, and of what was not synced only what <paramref name="fate"/>
    /// keeps is left: some changes of folders, and of each file's content all, nothing, or a part.
    /// </summary>
    public void LosePower(Random fate)
    {
        foreach (var (descriptor, _) in _open.ToList())
        {
            _open.Remove(descriptor);
        }

        var moment = Freeze();
        var choices = new int[moment.Choices.Count];
        for (var i = 0; i < choices.Length; i++)
        {
            choices[i] = fate.Next(moment.Choices[i].Ways);
        }

        moment.Thaw(choices, this);
    }

    /// <summary>
    /// What of the disk could be left if the power went now. It stays as it is while the disk goes on.
    /// </summary>
    public DiskMoment Freeze() => new(this);

    /// <summary>One thing that a loss of power may keep, or not, or in part.</summary>
    /// <param name="Path">Of the folder whose change it is, or of the file's first name.</param>
    /// <param name="Ways">How many ways there are; 0 is always the best one: it is kept.</param>
    internal readonly record struct Choice(string Path, int Ways);

    /// <summary>A moment of a disk with all that was not synced by then, and so every disk that it can become.</summary>
    internal sealed class DiskMoment
    {
        // Of content: all, what was synced, nothing, the first half, all but the last byte, only zeros.
        private const int WaysOfContent = 6;

        private readonly Inode _root;
        private readonly List<Folder> _folders = [];
        private readonly Dictionary<Inode, int> _folderOf = [];
        private readonly Dictionary<Inode, File> _files = [];
        private readonly Dictionary<Change, int> _choiceOf = new(
            ReferenceEqualityComparer.Instance
        );

        public DiskMoment(MemoryDisk disk)
        {
            _root = disk.Root;
            Add(_root, "");
        }

        /// <summary>In the order in which the decisions are given.</summary>
        public List<Choice> Choices { get; } = [];

        /// <summary>
        /// Makes the disk that these decisions leave behind: everything on it is durable, nobody has it open.
        /// </summary>
        public MemoryDisk Thaw(ReadOnlySpan<int> choices, MemoryDisk disk)
        {
            var made = new Dictionary<Inode, Inode>();
            disk._root = Thaw(_root, choices, made);
            disk.Boot++;
            disk._free.Clear();
            disk._nextInode = made.Keys.Max(static i => i.Number) + 1;
            disk._free.UnionWith(
                Enumerable
                    .Range(1, (int)disk._nextInode - 1)
                    .Select(static n => (ulong)n)
                    .Except(made.Keys.Select(static i => i.Number))
            );
            return disk;
        }

        /// <summary>Equal for decisions that leave the same disk behind; hardly ever for others.</summary>
        public ulong Fingerprint(ReadOnlySpan<int> choices)
        {
            var sum = 0UL;
            Fingerprint(_root, choices, ref sum);
            return sum;
        }

        private void Add(Inode inode, string path)
        {
            if (!inode.IsFolder)
            {
                if (!_files.ContainsKey(inode))
                {
                    var isWhole = inode.Stored is { } stored && stored == inode.Content;
                    _files[inode] = new File(
                        inode.Content,
                        inode.Stored,
                        inode.Modified,
                        isWhole ? -1 : Choices.Count
                    );
                    if (!isWhole)
                    {
                        Choices.Add(new Choice(path, WaysOfContent));
                    }
                }

                return;
            }

            if (!_folderOf.TryAdd(inode, _folders.Count))
            {
                return;
            }

            var folder = new Folder(path, [.. inode.StoredEntries], [.. inode.Unsynced]);
            _folders.Add(folder);
            foreach (var change in folder.Unsynced)
            {
                _choiceOf[change] = Choices.Count;
                Choices.Add(new Choice(path + "/", 2));
            }

            foreach (var (name, below) in folder.Stored)
            {
                Add(below, $"{path}/{name}");
            }

            foreach (var change in folder.Unsynced)
            {
                if (change.Inode is { } below)
                {
                    Add(below, $"{path}/{change.Name}");
                }
            }
        }

        private Dictionary<string, Inode> Entries(Inode inode, ReadOnlySpan<int> choices)
        {
            var folder = _folders[_folderOf[inode]];
            var entries = new Dictionary<string, Inode>(folder.Stored, StringComparer.Ordinal);
            foreach (var change in folder.Unsynced)
            {
                // A file that moves to another folder is in one of them, whatever happens.
                var decides =
                    change.OnlyWith is { Change: var other } && _choiceOf.ContainsKey(other)
                        ? other
                        : change;
                if (choices[_choiceOf[decides]] == 0)
                {
                    change.Apply(entries);
                }
            }

            return entries;
        }

        private Inode Thaw(Inode inode, ReadOnlySpan<int> choices, Dictionary<Inode, Inode> made)
        {
            if (made.TryGetValue(inode, out var known))
            {
                known.Links++;
                return known;
            }

            var fresh = made[inode] = new Inode(inode.Number, inode.IsFolder) { Links = 1 };
            if (!inode.IsFolder)
            {
                var file = _files[inode];
                fresh.Content = fresh.Stored = file.Left(choices);
                fresh.Modified = file.Modified;
                return fresh;
            }

            fresh.Modified = inode.Modified;
            foreach (var (name, below) in Entries(inode, choices))
            {
                var entry = Thaw(below, choices, made);
                fresh.Entries[name] = entry;
                fresh.StoredEntries[name] = entry;
            }

            return fresh;
        }

        private void Fingerprint(Inode inode, ReadOnlySpan<int> choices, ref ulong sum)
        {
            foreach (var (name, below) in Entries(inode, choices))
            {
                var way = below.IsFolder ? 0 : _files[below].WayOf(choices);
                unchecked
                {
                    sum += Mix(
                        ((ulong)(uint)string.GetHashCode(name, StringComparison.Ordinal) << 32)
                            ^ (inode.Number << 20)
                            ^ (below.Number << 4)
                            ^ (ulong)way
                    );
                }

                if (below.IsFolder)
                {
                    Fingerprint(below, choices, ref sum);
                }
            }
        }

        private static ulong Mix(ulong x)
        {
            unchecked
            {
                x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
                x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
                return x ^ (x >> 31);
            }
        }

        private sealed record Folder(
            string Path,
            KeyValuePair<string, Inode>[] Stored,
            Change[] Unsynced
        );

        private sealed record File(byte[] Content, byte[]? Stored, long Modified, int Choice)
        {
            private readonly byte[][] _left =
                Choice < 0
                    ? [Content]
                    :
                    [
                        Content,
                        Stored ?? [],
                        [],
                        Content[..(Content.Length / 2)],
                        Content[..Math.Max(0, Content.Length - 1)],
                        new byte[Content.Length],
                    ];

            public int WayOf(ReadOnlySpan<int> choices) => Choice < 0 ? 0 : choices[Choice];

            public byte[] Left(ReadOnlySpan<int> choices) => _left[WayOf(choices)];
        }
    }
}
