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

        LosePower(Root, fate, []);
    }

    private static void LosePower(Inode inode, Random fate, HashSet<Inode> seen)
    {
        if (!seen.Add(inode))
        {
            return;
        }

        if (!inode.IsFolder)
        {
            if (inode.Stored is not { } stored || stored != inode.Content)
            {
                inode.Content = fate.Next(5) switch
                {
                    0 => inode.Content,
                    1 => inode.Stored ?? [],
                    2 => inode.Content[..(inode.Content.Length / 2)],
                    3 => inode.Content[..Math.Max(0, inode.Content.Length - 1)],
                    _ => new byte[inode.Content.Length],
                };
            }

            inode.Stored = inode.Content;
            return;
        }

        var entries = inode.StoredEntries;
        foreach (var change in inode.Unsynced)
        {
            if (fate.Next(2) == 0)
            {
                continue;
            }

            // A move is one change: the old name goes with it, unless it has become something else.
            if (
                change.MovedFrom is { } from
                && entries.TryGetValue(from, out var old)
                && old == change.Inode
            )
            {
                entries.Remove(from);
            }

            if (change.Inode is { } target)
            {
                entries[change.Name] = target;
            }
            else
            {
                entries.Remove(change.Name);
            }
        }

        inode.Unsynced.Clear();
        inode.Entries = new(entries, StringComparer.Ordinal);
        inode.StoredEntries = new(entries, StringComparer.Ordinal);
        foreach (var below in inode.Entries.Values)
        {
            below.Links = Math.Max(below.Links, 1);
            LosePower(below, fate, seen);
        }
    }
}
