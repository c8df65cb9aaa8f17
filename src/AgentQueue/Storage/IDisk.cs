using System.Text;
using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>
/// The file operations that agentq needs, so that the whole protocol can also run over a disk in memory
/// that loses power at any moment. Each call is one step as far as a crash is concerned. Failures other
/// than the ones a method names are <see cref="QueueException"/>s that name the path and the reason.
/// </summary>
internal interface IDisk
{
    /// <summary>Reads a whole regular file of at most <paramref name="limit"/> bytes; never follows a
    /// link, never blocks on a fifo.</summary>
    DiskRead Read(string path, int limit);

    /// <summary>Makes a link, or leads one elsewhere; nothing where links need a privilege. It is no part of the truth.</summary>
    void PointTo(string path, string target) { }

    /// <summary>As <see cref="Read"/>, but of a longer file the last <paramref name="limit"/> bytes.</summary>
    DiskRead ReadEnd(string path, int limit)
    {
        var read = Read(path, int.MaxValue);
        return read.Status == ReadStatus.Ok && read.Content.Length > limit
            ? new DiskRead(ReadStatus.Ok, read.Content[^limit..], read.Facts)
            : read;
    }

    /// <summary>What stands under a name, without following a link; null if nothing does.</summary>
    FileFacts? Facts(string path);

    /// <summary>Makes a new file, mode 0600, which must not exist, and syncs its content if asked.</summary>
    void WriteNew(string path, ReadOnlySpan<byte> content, bool sync);

    /// <summary>As <see cref="WriteNew"/>, with the mode that the user's other files get: 0666 less the umask.</summary>
    void WriteNewShared(string path, ReadOnlySpan<byte> content, bool sync) =>
        WriteNew(path, content, sync);

    /// <summary>
    /// Gives a file that we have just made the mode of another, and its owner and group where that is allowed;
    /// syncs it if asked. Nothing where files have no modes.
    /// </summary>
    void TakeRights(string path, string from, bool sync) { }

    /// <summary>Adds to a file, made if needed, in one write without sync: for what may be lost.</summary>
    void Append(string path, ReadOnlySpan<byte> content);

    /// <summary>
    /// Adds a line, with its end, to a file, made if needed, in one write, and syncs the file if asked. A line
    /// that a crash left without an end is ended first. The caller keeps all others from adding meanwhile.
    /// </summary>
    void AppendLine(string path, ReadOnlySpan<byte> line, bool sync);

    /// <summary>Replaces <paramref name="to"/> at once.</summary>
    void Rename(string from, string to);

    /// <summary>Renames unless <paramref name="to"/> exists; then false, and nothing has changed.</summary>
    bool RenameNew(string from, string to);

    /// <summary>Removes a name that is not a folder; false if there is none.</summary>
    bool Delete(string path);

    /// <summary>Makes the entries of a folder durable.</summary>
    void SyncFolder(string path);

    /// <summary>Makes everything written so far on the folder's file system durable, in one step.</summary>
    void SyncAll(string folder);

    /// <summary>Makes a folder (0700) and what is missing above it.</summary>
    void CreateFolder(string path);

    /// <summary>As <see cref="CreateFolder"/>, with the mode that the user's other folders get: 0777 less the umask.</summary>
    void CreateFolderShared(string path) => CreateFolder(path);

    /// <summary>Removes a folder with all that is in it; links in it go, what they lead to stays.</summary>
    void DeleteFolder(string path)
    {
        if (Facts(path) is not { IsFolder: true })
        {
            return;
        }

        try
        {
            // The framework's own does not follow links either.
#pragma warning disable RS0030 // this is the Storage that the others use
            Directory.Delete(path, recursive: true);
#pragma warning restore RS0030
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot remove {path}: {e.Message}", cause: e);
        }
    }

    /// <summary>Removes a folder that nothing is in; false if something is, or there is none.</summary>
    bool DeleteEmptyFolder(string path)
    {
        if (Facts(path) is not { IsFolder: true } || List(path).Any())
        {
            return false;
        }

        try
        {
#pragma warning disable RS0030 // this is the Storage that the others use
            Directory.Delete(path);
#pragma warning restore RS0030
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody has put something in meanwhile, or the folder above may not be changed: it stays.
            return false;
        }
    }

    /// <summary>The names in a folder; none if it does not exist.</summary>
    IEnumerable<string> List(string folder);

    /// <summary>Opens a folder, which need not exist, for looking at many of its files in a row.</summary>
    IFolderLook LookInto(string folder) => new PlainFolderLook(this, folder);

    /// <summary>
    /// Takes an exclusive lock that lives as long as any process holds its descriptor. Null if another
    /// holds it, or if <paramref name="create"/> is false and the file does not exist.
    /// </summary>
    HeldLock? TryLock(string path, bool create);

    /// <summary>Removes the lock's file if the name still leads to it: it may be somebody else's by now.</summary>
    void RemoveLock(HeldLock held, string path);

    /// <summary>
    /// As <see cref="TryLock"/>, but others may hold it in the same way: it only keeps out exclusive holders.
    /// </summary>
    HeldLock? TryLockShared(string path, bool create);

    /// <summary>
    /// Sets a file's times, to now if none is given: the knock that wakes a supervisor. Nothing if it is gone.
    /// </summary>
    void Touch(string path, DateTimeOffset? time = null);

    /// <summary>
    /// Begins to watch folders for changes. Watch first, look, then wait: so nothing falls between.
    /// </summary>
    IFolderWatch Watch(params ReadOnlySpan<string> folders);

    /// <summary>Now, by the clock that stamps files; nanoseconds since 1970.</summary>
    long NowNs { get; }

    /// <summary>
    /// Another number after each start of the machine, when what was not synced may have gone; 0 where it
    /// cannot be told.
    /// </summary>
    ulong Boot => 0;

    /// <summary>
    /// A short wait, about that long, between two tries of something that has no event to wait for.
    /// </summary>
    void Pause(TimeSpan time);
}

/// <summary>
/// Waiting for something to change in folders. It is a hint: whoever waits looks again afterwards, and at
/// the latest after the limit.
/// </summary>
internal interface IFolderWatch : IDisposable
{
    /// <summary>Returns at the next change, or after the limit.</summary>
    void Wait(TimeSpan limit);
}

/// <summary>Is told a name in UTF-8, whose bytes are there only during the call.</summary>
/// <param name="inode">The file's inode; 0 where the system does not tell it with the name.</param>
internal delegate void NameVisitor(ReadOnlySpan<byte> name, ulong inode);

/// <summary>One folder, looked at as a whole: thousands of names and facts without a text for each.</summary>
internal interface IFolderLook : IDisposable
{
    /// <summary>Tells every name in the folder; none if it does not exist.</summary>
    void Visit(NameVisitor visitor);

    /// <summary>As <see cref="IDisk.Facts"/>, for a name in the folder.</summary>
    FileFacts? Facts(ReadOnlySpan<byte> name);

    /// <summary>Of the folder itself; it changes with every name that comes, goes or leads elsewhere.</summary>
    FileFacts? Own { get; }
}

/// <summary>For a disk that has no quicker way.</summary>
internal sealed class PlainFolderLook(IDisk disk, string folder) : IFolderLook
{
    public void Visit(NameVisitor visitor)
    {
        foreach (var name in disk.List(folder))
        {
            visitor(Encoding.UTF8.GetBytes(name), 0);
        }
    }

    public FileFacts? Facts(ReadOnlySpan<byte> name) =>
        disk.Facts(Path.Join(folder, Encoding.UTF8.GetString(name)));

    public FileFacts? Own => disk.Facts(folder);

    public void Dispose() { }
}

/// <summary>What identifies a version of a file; two equal values mean that it has not been replaced.</summary>
/// <param name="ChangedNs">
/// When anything about it was changed last, which no program can set; where the system does not tell it,
/// when its content was.
/// </param>
internal readonly record struct FileFacts(
    ulong Inode,
    long Size,
    long ModifiedNs,
    long ChangedNs,
    bool IsRegular
)
{
    /// <summary>What <see cref="IDisk.Delete"/> does not remove, and no file replaces.</summary>
    public bool IsFolder { get; init; }

    public static FileFacts Of(FileStat stat) =>
        new(stat.Inode, stat.Size, stat.ModifiedNs, stat.ChangedNs, stat.IsRegular)
        {
            IsFolder = stat.IsFolder,
        };
}

internal enum ReadStatus
{
    Ok,
    Missing,

    /// <summary>A folder, link, fifo or device stands there.</summary>
    NotAFile,
    TooLarge,

    /// <summary>The system refused; <see cref="DiskRead.Problem"/> says how.</summary>
    Refused,
}

internal readonly record struct DiskRead(
    ReadStatus Status,
    byte[] Content,
    FileFacts Facts,
    string? Problem = null
)
{
    public static DiskRead Failed(ReadStatus status, string? problem = null) =>
        new(status, [], default, problem);
}

/// <summary>A lock that is held; disposing gives it up, unless a child inherited it.</summary>
internal abstract class HeldLock : IDisposable
{
    /// <summary>The descriptor (on Windows the handle) that a child may inherit.</summary>
    public abstract nint Descriptor { get; }

    public abstract void Dispose();
}
