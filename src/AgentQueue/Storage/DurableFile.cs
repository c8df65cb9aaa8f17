using System.Globalization;

namespace AgentQueue.Storage;

/// <summary>
/// The one way in which agentq makes or replaces a file that matters: a new file beside it, its content
/// synced, moved over the name, the folder synced. After a crash at any step the name leads to the old
/// content or to the new, whole either way; once a call has returned it is the new. What a crash leaves
/// behind is a <c>.tmp-*</c> file, which <see cref="IsLeftover"/> recognises.
/// </summary>
internal sealed class DurableFile(IDisk disk, bool sync = true)
{
    private const string Marker = ".tmp-";
    private static int s_counter;

    /// <summary>Replaces or makes <paramref name="path"/>.</summary>
    public void Replace(string path, ReadOnlySpan<byte> content)
    {
        ReplaceUnsynced(path, content);
        SyncFolderOf(path);
    }

    /// <summary>
    /// Replaces a file that a person keeps: the new one has the mode of the old from the moment on at which the
    /// name leads to it, and its owner and group where that is allowed.
    /// </summary>
    public void ReplaceAlike(string path, ReadOnlySpan<byte> content)
    {
        var temporary = TemporaryName(path);
        disk.WriteNew(temporary, content, sync: false);
        try
        {
            disk.TakeRights(temporary, path, sync);
            disk.Rename(temporary, path);
        }
        catch (QueueException)
        {
            Discard(temporary);
            throw;
        }

        SyncFolderOf(path);
    }

    /// <summary>
    /// As <see cref="Replace"/> without the folder's sync, for several files of one folder: the caller
    /// ends with <see cref="SyncFolderOf"/>. Until then a crash may bring back the old content.
    /// </summary>
    public void ReplaceUnsynced(string path, ReadOnlySpan<byte> content)
    {
        var temporary = WriteTemporary(path, content);
        try
        {
            disk.Rename(temporary, path);
        }
        catch (QueueException)
        {
            Discard(temporary);
            throw;
        }
    }

    /// <summary>Makes <paramref name="path"/>; false, and nothing changed, if it exists.</summary>
    public bool TryCreate(string path, ReadOnlySpan<byte> content)
    {
        if (!TryCreateUnsynced(path, content))
        {
            return false;
        }

        SyncFolderOf(path);
        return true;
    }

    /// <summary>As <see cref="TryCreate"/>, with the mode that the user's other files get.</summary>
    public bool TryCreateShared(string path, ReadOnlySpan<byte> content)
    {
        var temporary = TemporaryName(path);
        disk.WriteNewShared(temporary, content, sync);
        if (!TryMove(temporary, path))
        {
            return false;
        }

        SyncFolderOf(path);
        return true;
    }

    /// <summary>As <see cref="TryCreate"/> without the folder's sync.</summary>
    public bool TryCreateUnsynced(string path, ReadOnlySpan<byte> content) =>
        TryMove(WriteTemporary(path, content), path);

    private bool TryMove(string temporary, string path)
    {
        try
        {
            if (disk.RenameNew(temporary, path))
            {
                return true;
            }
        }
        catch (QueueException)
        {
            Discard(temporary);
            throw;
        }

        Discard(temporary);
        return false;
    }

    /// <summary>
    /// Replaces or makes <paramref name="to"/> as a copy of a regular file of any size; nothing is synced,
    /// so the caller ends with <see cref="IDisk.SyncAll"/>.
    /// </summary>
    /// <exception cref="QueueException">The file cannot be read, or the copy not written.</exception>
    public void CopyUnsynced(string from, string to)
    {
        var temporary = TemporaryName(to);
        try
        {
            using var source = new FileStream(
                from,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete
            );
            disk.WriteNew(temporary, [], sync: false);
            var buffer = new byte[1 << 20];
            int count;
            while ((count = source.Read(buffer)) > 0)
            {
                disk.Append(temporary, buffer.AsSpan(0, count));
            }

            disk.Rename(temporary, to);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            throw new QueueException($"Cannot read {from}: {e.Message}", cause: e);
        }
        catch (QueueException)
        {
            Discard(temporary);
            throw;
        }
    }

    /// <summary>
    /// Adds a line, with its end, to a file that only grows. A crash leaves the lines before it as they were,
    /// and of this one at most a beginning, which the next call ends. The caller holds a lock that all who
    /// add share.
    /// </summary>
    public void AppendLine(string path, ReadOnlySpan<byte> line)
    {
        disk.AppendLine(path, line, sync);
        SyncFolderOf(path);
    }

    public void SyncFolderOf(string path)
    {
        if (sync)
        {
            disk.SyncFolder(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>Makes everything that was written on the folder's file system durable, in one step.</summary>
    public void SyncAll(string folder)
    {
        if (sync)
        {
            disk.SyncAll(folder);
        }
    }

    /// <summary>True for the name of a file that an interrupted write left behind.</summary>
    public static bool IsLeftover(string name) =>
        name.StartsWith('.') && name.Contains(Marker, StringComparison.Ordinal);

    /// <summary>True if that write was one of the file with this name.</summary>
    public static bool IsLeftoverOf(string name, string file) =>
        name.StartsWith($".{file}{Marker}", StringComparison.Ordinal);

    private string WriteTemporary(string path, ReadOnlySpan<byte> content)
    {
        var temporary = TemporaryName(path);
        // An empty file has nothing to sync but its name, and that is the folder's.
        disk.WriteNew(temporary, content, sync && !content.IsEmpty);
        return temporary;
    }

    // Unique on this machine by pid and counter, across machines that share the folder by the host's hash
    // and the clock; WriteNew refuses an existing name, so a collision fails instead of mixing files.
    private static string TemporaryName(string path) =>
        Path.Join(
            Path.GetDirectoryName(path),
            string.Create(
                CultureInfo.InvariantCulture,
                $".{Path.GetFileName(path)}{Marker}{Environment.ProcessId:x}-{Environment.TickCount64:x}-{Interlocked.Increment(ref s_counter):x}"
            )
        );

    private void Discard(string temporary)
    {
        try
        {
            disk.Delete(temporary);
        }
        catch (QueueException)
        {
            // The write itself has failed and says so; the leftover is swept by doctor.
        }
    }
}
