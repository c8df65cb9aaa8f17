namespace AgentQueue.Watching;

/// <summary>What is kept of a file, to know later whether it is another or has changed.</summary>
/// <param name="ModifiedNs">Nanoseconds since 1970.</param>
/// <param name="Inode">0 where the system has none.</param>
internal readonly record struct FileFacts(long Size, long ModifiedNs, ulong Inode);

internal enum EntryKind
{
    /// <summary>A file or a link, which is never followed.</summary>
    File,
    Folder,

    /// <summary>A pipe, a socket, a device: nobody saves into these.</summary>
    Other,
}

internal readonly record struct Entry(EntryKind Kind, FileFacts Facts);
