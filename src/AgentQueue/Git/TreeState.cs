using System.Collections.Immutable;

namespace AgentQueue.Git;

/// <summary>
/// How a work tree stands at a moment: its commit, and every file that differs from it with its size and time. Two
/// of them tell what has changed between them, and nothing is written for it.
/// </summary>
internal sealed class TreeState
{
    private readonly string? _head;
    private readonly Dictionary<string, Entry> _files;

    private readonly string? _without;

    private TreeState(string? head, Dictionary<string, Entry> files, string? without)
    {
        _head = head;
        _files = files;
        _without = without;
    }

    /// <summary>Nothing is left uncommitted; untracked files count, ignored ones do not.</summary>
    public bool IsClean => _files.Count == 0;

    /// <summary>What is left uncommitted, by its path from the top, in order.</summary>
    public IEnumerable<string> Uncommitted => _files.Keys.Order(StringComparer.Ordinal);

    /// <param name="without">A folder that does not count, as its path from the top with <c>/</c>; null for none.</param>
    /// <exception cref="QueueException">git cannot tell.</exception>
    public static TreeState Of(GitRepository repository, string? without = null)
    {
        var head = repository.Head();
        var end = repository.Status();
        var files = new Dictionary<string, Entry>(StringComparer.Ordinal);
        var items = end.Items;
        for (var i = 0; i < items.Length; i++)
        {
            if (items[i].Length < 4)
            {
                continue;
            }

            var (status, path) = (items[i][..2], items[i][3..]);
            Add(path, status);
            if (status[0] is 'R' or 'C' && i + 1 < items.Length)
            {
                // Where it was before follows by itself.
                Add(items[++i], "D ");
            }
        }

        return new TreeState(head, files, without);

        void Add(string path, string status)
        {
            // git ends the names of repositories inside with a slash while they are untracked.
            path = path.TrimEnd('/');
            if (!IsIn(without, path))
            {
                files[path] = EntryOf(Path.Join(repository.Top, path), status);
            }
        }
    }

    private static bool IsIn(string? folder, string path) =>
        folder is not null
        && path.StartsWith(folder, StringComparison.Ordinal)
        && (path.Length == folder.Length || path[folder.Length] == '/');

    private static Entry EntryOf(string path, string status)
    {
        var file = new FileInfo(path);
        if (file.Exists)
        {
            return new Entry(status, file.Length, file.LastWriteTimeUtc.Ticks);
        }

        var folder = new DirectoryInfo(path);
        return
            // A folder in the place of a file that is gone.
            !folder.Exists || status.Contains('D', StringComparison.Ordinal)
                ? new Entry(status, -1, 0)
            : folder.LinkTarget is not null ? new Entry(status, 0, folder.LastWriteTimeUtc.Ticks)
            : new Entry(status, 0, 0, InsideOf(path));
    }

    private static TreeState? InsideOf(string folder)
    {
        try
        {
            // In a submodule that was left empty git finds the repository around it.
            return
                GitRepository.Find(folder) is { } inside && inside.Top == Path.GetFullPath(folder)
                ? Of(inside)
                : null;
        }
        catch (QueueException)
        {
            // It has changed; in what, nobody learns.
            return null;
        }
    }

    /// <summary>What is not as it was, by its path.</summary>
    /// <exception cref="QueueException">git cannot tell.</exception>
    public static ImmutableArray<ChangedFile> Changes(
        GitRepository repository,
        TreeState before,
        TreeState after
    )
    {
        var changed = new SortedDictionary<string, ChangedFile>(StringComparer.Ordinal);
        if (before._head is { } old && after._head is { } now && old != now)
        {
            foreach (var file in repository.Changes(old, now))
            {
                changed[file.Path] = file;
            }
        }
        else if (before._head is null && after._head is { } first)
        {
            foreach (var file in repository.Changes(repository.EmptyTree, first))
            {
                changed[file.Path] = file;
            }
        }

        foreach (var (path, file) in after._files)
        {
            if (!before._files.TryGetValue(path, out var earlier) || !earlier.IsSame(file))
            {
                changed[path] = new ChangedFile(
                    path,
                    file.Size < 0 ? ChangeKind.Deleted
                        : before._files.ContainsKey(path) ? ChangeKind.Modified
                        : file.Status is "??" or "A " or "AM" ? ChangeKind.Added
                        : ChangeKind.Modified
                );
            }
        }

        foreach (var (path, file) in before._files)
        {
            if (!after._files.ContainsKey(path) && !changed.ContainsKey(path))
            {
                // It is as its commit has it again; or it was never in one, and is gone.
                changed[path] = new ChangedFile(
                    path,
                    file.Status == "??" ? ChangeKind.Deleted : ChangeKind.Modified
                );
            }
        }

        return [.. changed.Values.Where(f => !IsIn(after._without, f.Path))];
    }

    private bool IsSame(TreeState other) =>
        _head == other._head
        && _files.Count == other._files.Count
        && _files.All(f => other._files.TryGetValue(f.Key, out var its) && f.Value.IsSame(its));

    /// <summary>A path that differs from the commit.</summary>
    /// <param name="Status">The two letters of <c>status --porcelain</c>.</param>
    /// <param name="Size">In bytes; -1 for what is gone, 0 for a folder.</param>
    /// <param name="Time">In ticks, when it was written; 0 for a folder.</param>
    /// <param name="Inside">Of a submodule, or another repository inside; null for what is none, or cannot be read.</param>
    private sealed record Entry(string Status, long Size, long Time, TreeState? Inside = null)
    {
        public bool IsSame(Entry other) =>
            (Status, Size, Time) == (other.Status, other.Size, other.Time)
            && (
                Inside is null || other.Inside is null
                    ? Inside == other.Inside
                    : Inside.IsSame(other.Inside)
            );
    }
}
