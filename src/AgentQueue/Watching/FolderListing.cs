using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Watching;

/// <summary>
/// The names in one folder as they are now, and the facts of those that are asked for. One is used for many
/// folders, one after another. Names are UTF-8; those that are not are passed over.
/// </summary>
internal abstract class FolderListing : IDisposable
{
    public static FolderListing ForThisSystem() =>
        OperatingSystem.IsLinux() ? new LinuxFolderListing() : new PortableFolderListing();

    public abstract int Count { get; }

    /// <summary>Reads the names of a folder; false if it is none (any more) or must not be read.</summary>
    public abstract bool Open(string path);

    public abstract ReadOnlySpan<byte> NameOf(int index);

    public abstract EntryKind KindOf(int index);

    /// <summary>Null if it has gone meanwhile.</summary>
    public abstract FileFacts? FactsOf(int index);

    /// <summary>What stands at a path, a link as itself; null if nothing does.</summary>
    public static Entry? Look(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return PortableFolderListing.LookAt(path);
        }

        return FileStat.Of(path) is { } stat ? FromStat(stat) : null;
    }

    public virtual void Dispose() { }

    protected static Entry FromStat(in FileStat stat) =>
        new(
            stat.IsFolder ? EntryKind.Folder
                : stat.IsRegular || stat.IsLink ? EntryKind.File
                : EntryKind.Other,
            new FileFacts(stat.Size, stat.ModifiedNs, stat.Inode)
        );
}

/// <summary>By the means of .NET, for systems of which only few look at large trees.</summary>
internal sealed class PortableFolderListing : FolderListing
{
    private readonly List<(byte[] Name, FileSystemInfo Info)> _entries = [];

    public override int Count => _entries.Count;

    public override bool Open(string path)
    {
        _entries.Clear();
        try
        {
            foreach (var info in new DirectoryInfo(path).EnumerateFileSystemInfos())
            {
                _entries.Add((Encoding.UTF8.GetBytes(info.Name), info));
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public override ReadOnlySpan<byte> NameOf(int index) => _entries[index].Name;

    public override EntryKind KindOf(int index) => KindOf(_entries[index].Info);

    public override FileFacts? FactsOf(int index) => Look(_entries[index].Info.FullName)?.Facts;

    public static Entry? LookAt(string path)
    {
        FileSystemInfo info = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
        try
        {
            return !info.Exists
                ? null
                : new Entry(
                    KindOf(info),
                    new FileFacts(
                        info is FileInfo file ? file.Length : 0,
                        (info.LastWriteTimeUtc - DateTime.UnixEpoch).Ticks * 100,
                        0
                    )
                );
        }
        catch (IOException)
        {
            // Gone between the two looks.
            return null;
        }
    }

    private static EntryKind KindOf(FileSystemInfo info) =>
        info.LinkTarget is null && info is DirectoryInfo ? EntryKind.Folder : EntryKind.File;
}
