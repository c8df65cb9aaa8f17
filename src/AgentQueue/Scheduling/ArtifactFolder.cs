using AgentQueue.Native;
using AgentQueue.Storage;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Scheduling;

/// <summary>
/// A folder that is searched for artifacts. No link is followed in it, whatever it leads to, and nothing but
/// a regular file is opened. Errors are <see cref="QueueException"/>s.
/// </summary>
/// <param name="path">Absolute, and without links.</param>
internal abstract class ArtifactFolder(string path) : IDisposable
{
    public string Path { get; } = path;

    /// <summary>By name, so that the same files always get the same names; at most that many.</summary>
    public abstract List<ArtifactEntry> List(int most);

    /// <summary>Null if there is no such name.</summary>
    public abstract ArtifactEntry? Find(string name);

    public abstract ArtifactFolder Enter(string name);

    /// <summary>Null if it is not regular.</summary>
    public abstract FileTimes? Times(string name);

    /// <summary>Null if it is not regular any more.</summary>
    public abstract SafeFileHandle? Open(string name);

    public string PathOf(string name) => System.IO.Path.Join(Path, name);

    public void Dispose() => Close();

    protected virtual void Close() { }

    /// <param name="path">Absolute, and without links.</param>
    /// <param name="excluded">Also without links.</param>
    public static ArtifactFolder At(string path, ExcludedFolders excluded, bool portable) =>
        OperatingSystem.IsLinux() && !portable
            ? LinuxArtifactFolder.At(path, excluded)
            : new PortableArtifactFolder(path, excluded);
}

internal enum EntryKind
{
    File,
    Folder,
    Link,

    /// <summary>A pipe, a socket, a device, or a folder that is not to be looked into.</summary>
    Other,
}

internal readonly record struct ArtifactEntry(string Name, EntryKind Kind);

/// <summary>What of a regular file changes when somebody writes it.</summary>
/// <param name="ChangedNs">When anything of it changed last; on Windows when it was made or written.</param>
internal readonly record struct FileTimes(long Size, long ModifiedNs, long ChangedNs, bool CanRun)
{
    public static FileTimes? Of(FileStat? stat) =>
        stat is { IsRegular: true } s
            ? new FileTimes(s.Size, s.ModifiedNs, s.ChangedNs, (s.Mode & 0x40) != 0)
            : null;

    /// <exception cref="QueueException">They cannot be had.</exception>
    public static FileTimes? Of(SafeFileHandle file, string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            return FileStat.Of((int)file.DangerousGetHandle()) is { } stat
                ? Of(stat)
                : throw DiskError.Last("look at", path);
        }

        try
        {
            return WindowsOf(
                File.GetAttributes(file),
                RandomAccess.GetLength(file),
                File.GetLastWriteTimeUtc(file),
                File.GetCreationTimeUtc(file)
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot look at {path}: {e.Message}", cause: e);
        }
    }

    public static FileTimes? Of(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            return Of(FileStat.Of(path));
        }

        try
        {
            var file = new FileInfo(path);
            return WindowsOf(
                file.Attributes,
                file.Length,
                file.LastWriteTimeUtc,
                file.CreationTimeUtc
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder, or gone: no regular file.
            return null;
        }
    }

    private static FileTimes? WindowsOf(
        FileAttributes attributes,
        long size,
        DateTime written,
        DateTime made
    ) =>
        (attributes & Irregular) != 0
            ? null
            : new FileTimes(size, Ns(written), Math.Max(Ns(written), Ns(made)), CanRun: false);

    private const FileAttributes Irregular =
        FileAttributes.Directory | FileAttributes.Device | FileAttributes.ReparsePoint;

    private static long Ns(DateTime time) =>
        (time - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}

/// <summary>The folders that are never looked into, by path and, where there is such a thing, by identity.</summary>
internal sealed class ExcludedFolders
{
    private readonly List<string> _paths;
    private readonly HashSet<(ulong Device, ulong Inode)> _identities = [];

    public ExcludedFolders(IEnumerable<string> paths)
    {
        _paths = [.. paths.Select(static p => RealPath(p) ?? Path.GetFullPath(p))];
        if (!OperatingSystem.IsWindows())
        {
            foreach (var path in _paths)
            {
                if (FileStat.Of(path) is { } stat)
                {
                    _identities.Add((stat.Device, stat.Inode));
                }
            }
        }
    }

    public bool Has(string path) => _paths.Exists(p => p.Equals(path, Comparison));

    public bool Has(FileStat stat) => _identities.Contains((stat.Device, stat.Inode));

    /// <summary>True for what lies in one of them, unless all that we look at lies there anyway.</summary>
    public bool Encloses(string path, string workingFolder) =>
        _paths.Exists(p => IsIn(path, p) && !IsIn(workingFolder, p));

    public static bool IsIn(string path, string folder) =>
        path.Equals(folder, Comparison)
        || path.StartsWith(
            Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar,
            Comparison
        )
        || folder == Path.GetPathRoot(path);

    /// <summary>The path without links; null if there is nothing. Windows has no way to ask for it.</summary>
    public static string? RealPath(string path) =>
        !OperatingSystem.IsWindows() ? Libc.RealPath(path)
        : Path.Exists(path) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))
        : null;

    private static StringComparison Comparison =>
        OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
}
