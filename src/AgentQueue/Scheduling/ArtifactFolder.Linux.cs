using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using AgentQueue.Native;
using AgentQueue.Storage;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Scheduling;

/// <summary>
/// Everything is opened by its name in a folder that is open, and never through a link, so it does not
/// matter what is moved or swapped on the way meanwhile.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class LinuxArtifactFolder : ArtifactFolder
{
    private readonly int _fd;
    private readonly ExcludedFolders _excluded;

    private LinuxArtifactFolder(string path, int fd, ExcludedFolders excluded)
        : base(path)
    {
        _fd = fd;
        _excluded = excluded;
    }

    public static LinuxArtifactFolder At(string path, ExcludedFolders excluded)
    {
        var fd = Libc.Open("/", Libc.O_RDONLY | Libc.O_DIRECTORY);
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (fd >= 0)
            {
                var next = OpenFolder(fd, LinuxName.Of(name));
                var errno = Marshal.GetLastPInvokeError();
                _ = Libc.Close(fd);
                Marshal.SetLastPInvokeError(errno);
                fd = next;
            }
        }

        return fd >= 0
            ? new LinuxArtifactFolder(path, fd, excluded)
            : throw DiskError.Last("look into", LinuxName.Shown(path));
    }

    public override List<ArtifactEntry> List(int most)
    {
        var entries = new List<ArtifactEntry>();
        if (
            !Linux.VisitFolder(
                _fd,
                (name, type) =>
                {
                    entries.Add(new ArtifactEntry(LinuxName.TextOf(name), KindOf(name, type)));
                    return entries.Count < most;
                }
            )
        )
        {
            // What was opened only to pass through cannot be listed at all.
            var errno = Marshal.GetLastPInvokeError();
            throw DiskError.From(
                errno == Libc.EBADF ? Libc.EACCES : errno,
                "read the folder",
                LinuxName.Shown(Path)
            );
        }

        entries.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return entries;
    }

    public override ArtifactEntry? Find(string name) =>
        FileStat.In(_fd, LinuxName.Of(name)) is { } stat
            ? new ArtifactEntry(name, KindOf(stat))
            : null;

    public override ArtifactFolder Enter(string name)
    {
        var fd = OpenFolder(_fd, LinuxName.Of(name));
        if (fd < 0)
        {
            throw DiskError.Last("look into", LinuxName.Shown(PathOf(name)));
        }

        if (FileStat.Of(fd) is { } stat && !_excluded.Has(stat))
        {
            return new LinuxArtifactFolder(PathOf(name), fd, _excluded);
        }

        _ = Libc.Close(fd);
        throw new QueueException($"{LinuxName.Shown(PathOf(name))} is not to be looked into");
    }

    public override FileTimes? Times(string name) =>
        FileTimes.Of(FileStat.In(_fd, LinuxName.Of(name)));

    public override SafeFileHandle? Open(string name)
    {
        // A pipe that has taken the file's place since is opened without waiting for a writer, and closed.
        var fd = Linux.OpenIn(
            _fd,
            LinuxName.Of(name),
            Libc.O_RDONLY | Libc.O_NOFOLLOW | Libc.O_NONBLOCK
        );
        if (fd < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Libc.ELOOP
                ? null
                : throw DiskError.From(errno, "read", LinuxName.Shown(PathOf(name)));
        }

        if (FileStat.Of(fd) is { IsRegular: true })
        {
            return new SafeFileHandle(fd, ownsHandle: true);
        }

        _ = Libc.Close(fd);
        return null;
    }

    protected override void Close() => _ = Libc.Close(_fd);

    // A folder that may not be listed may still be passed through.
    private static int OpenFolder(int folder, ReadOnlySpan<byte> name)
    {
        var how = Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW;
        var fd = Linux.OpenIn(folder, name, how);
        return fd < 0 && Marshal.GetLastPInvokeError() == Libc.EACCES
            ? Linux.OpenIn(folder, name, how | Linux.O_PATH)
            : fd;
    }

    private EntryKind KindOf(ReadOnlySpan<byte> name, byte type) =>
        type switch
        {
            Linux.DT_REG => EntryKind.File,
            Linux.DT_LNK => EntryKind.Link,
            // Only its identity tells whether it is excluded; and some file systems do not tell the type.
            Linux.DT_DIR or 0 => FileStat.In(_fd, [.. name, 0]) is { } stat
                ? KindOf(stat)
                : EntryKind.Other,
            _ => EntryKind.Other,
        };

    private EntryKind KindOf(FileStat stat) =>
        stat.IsRegular ? EntryKind.File
        : stat.IsLink ? EntryKind.Link
        : stat.IsFolder && !_excluded.Has(stat) ? EntryKind.Folder
        : EntryKind.Other;
}

/// <summary>
/// A file's name as text and back without a loss: a byte that is no UTF-8 becomes the half of a surrogate
/// pair that no text has.
/// </summary>
internal static class LinuxName
{
    private const int Escape = 0xDC00;

    public static string TextOf(ReadOnlySpan<byte> name)
    {
        if (System.Text.Unicode.Utf8.IsValid(name))
        {
            return Encoding.UTF8.GetString(name);
        }

        var text = new StringBuilder(name.Length);
        while (!name.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(name, out var rune, out var length) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
                name = name[length..];
            }
            else
            {
                text.Append((char)(Escape + name[0]));
                name = name[1..];
            }
        }

        return text.ToString();
    }

    /// <summary>With its terminating zero.</summary>
    public static byte[] Of(string text)
    {
        var name = new byte[(text.Length * 3) + 1];
        var length = 0;
        for (var at = 0; at < text.Length; )
        {
            if (Rune.TryGetRuneAt(text, at, out var rune))
            {
                length += rune.EncodeToUtf8(name.AsSpan(length));
                at += rune.Utf16SequenceLength;
            }
            else
            {
                name[length++] = unchecked((byte)text[at++]);
            }
        }

        return name[..(length + 1)];
    }

    /// <summary>For people and files: what is no text is the replacement character.</summary>
    public static string Shown(string text) =>
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
