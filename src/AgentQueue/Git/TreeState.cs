using System.Collections.Immutable;

namespace AgentQueue.Git;

/// <summary>
/// How a work tree stands at a moment: its commit, and every file that differs from it with its size and time. Two
/// of them tell what has changed between them, and nothing is written for it.
/// </summary>
internal sealed class TreeState
{
    private readonly string? _head;
    private readonly Dictionary<string, (string Status, long Size, long Time)> _files;

    private TreeState(string? head, Dictionary<string, (string Status, long Size, long Time)> files)
    {
        _head = head;
        _files = files;
    }

    /// <summary>Nothing is left uncommitted; untracked files count, ignored ones do not.</summary>
    public bool IsClean => _files.Count == 0;

    /// <exception cref="QueueException">git cannot tell.</exception>
    public static TreeState Of(GitRepository repository)
    {
        var head = repository.Head();
        var end = repository.Status();
        var files = new Dictionary<string, (string, long, long)>(StringComparer.Ordinal);
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

        return new TreeState(head, files);

        void Add(string path, string status)
        {
            var info = new FileInfo(Path.Join(repository.Top, path));
            files[path] = info.Exists
                ? (status, info.Length, info.LastWriteTimeUtc.Ticks)
                : (status, -1, 0);
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
            if (!before._files.TryGetValue(path, out var earlier) || earlier != file)
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

        return [.. changed.Values];
    }
}
