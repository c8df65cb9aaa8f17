using System.Globalization;
using AgentQueue.Native;
using AgentQueue.Storage;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Scheduling;

/// <summary>
/// A folder that artifacts are copied into. A name leads to a whole copy or to what it led to before: each
/// is written under a temporary name, and what a crash leaves of one is removed by the next run. Nothing is
/// synced; whoever needs that ends with <see cref="IDisk.SyncAll"/>.
/// </summary>
internal abstract class ArtifactStore(string path) : IDisposable
{
    private static int s_counter;

    public string Path { get; } = path;

    /// <param name="storedAs">A path with slashes, from <see cref="ArtifactNames"/>.</param>
    /// <exception cref="QueueException">It was not kept, and nothing of it is left.</exception>
    public void Put(SafeFileHandle source, FileTimes times, string sourcePath, string storedAs)
    {
        if (times.Size > FreeBytes)
        {
            throw new QueueException($"There is no room for {sourcePath} in {Path}")
            {
                IsNoRoom = true,
            };
        }

        Copy(
            source,
            times,
            sourcePath,
            storedAs,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{ArtifactNames.TemporaryPrefix}{Environment.ProcessId:x}-{Environment.TickCount64:x}-{Interlocked.Increment(ref s_counter):x}"
            )
        );
    }

    /// <summary>Copies to the temporary name, which lies in the store's own folder, and moves it.</summary>
    protected abstract void Copy(
        SafeFileHandle source,
        FileTimes times,
        string sourcePath,
        string storedAs,
        string temporary
    );

    public void Dispose() => Close();

    protected virtual void Close() { }

    /// <exception cref="QueueException">The folder cannot be made or is not to be used.</exception>
    public static ArtifactStore At(string path, bool portable) =>
        OperatingSystem.IsLinux() && !portable
            ? new LinuxArtifactStore(path)
            : new PortableArtifactStore(path);

    /// <exception cref="QueueException">Somebody has written to it since.</exception>
    protected static void RequireUnchanged(
        SafeFileHandle source,
        FileTimes times,
        string sourcePath,
        long copied
    )
    {
        if (
            copied != times.Size
            || FileTimes.Of(source, sourcePath) is not { } now
            || now.Size != times.Size
            || now.ModifiedNs != times.ModifiedNs
        )
        {
            throw new QueueException($"{sourcePath} was written to while it was copied");
        }
    }

    // A file with holes may be larger than the disk. None known is for the disk itself to say.
    private long FreeBytes =>
        FileSystemFacts.Of(Path) is { FreeBytes: > 0 } facts ? facts.FreeBytes : long.MaxValue;
}

/// <summary>As far as .NET goes, by path.</summary>
internal sealed class PortableArtifactStore : ArtifactStore
{
    private readonly IDisk _disk = OperatingSystem.IsWindows()
        ? new WindowsDisk(TimeProvider.System)
        : new UnixDisk();

    public PortableArtifactStore(string path)
        : base(path)
    {
        _disk.CreateFolder(path);
        foreach (var name in _disk.List(path))
        {
            if (name.StartsWith(ArtifactNames.TemporaryPrefix, StringComparison.Ordinal))
            {
                _disk.Delete(System.IO.Path.Join(path, name));
            }
        }
    }

    protected override void Copy(
        SafeFileHandle source,
        FileTimes times,
        string sourcePath,
        string storedAs,
        string temporary
    )
    {
        var target = System.IO.Path.Join(Path, storedAs);
        var written = System.IO.Path.Join(Path, temporary);
        try
        {
            MakeFolders(storedAs);
            _disk.WriteNew(written, [], sync: false);
            var buffer = new byte[1 << 20];
            long copied = 0;
            int count;
            while (copied < times.Size && (count = RandomAccess.Read(source, buffer, copied)) > 0)
            {
                _disk.Append(written, buffer.AsSpan(0, count));
                copied += count;
            }

            RequireUnchanged(source, times, sourcePath, copied);
            if (!OperatingSystem.IsWindows() && times.CanRun)
            {
                File.SetUnixFileMode(
                    written,
                    UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                );
            }

            File.SetLastWriteTimeUtc(
                written,
                DateTime.UnixEpoch.AddTicks(times.ModifiedNs / TimeSpan.NanosecondsPerTick)
            );
            _disk.Rename(written, target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _disk.Delete(written);
            throw new QueueException($"Cannot copy {sourcePath}: {e.Message}", cause: e);
        }
        catch (QueueException)
        {
            _disk.Delete(written);
            throw;
        }
    }

    private void MakeFolders(string storedAs)
    {
        for (var at = storedAs.IndexOf('/'); at >= 0; at = storedAs.IndexOf('/', at + 1))
        {
            var folder = System.IO.Path.Join(Path, storedAs[..at]);
            _disk.CreateFolder(folder);
            if (
                (File.GetAttributes(folder) & FileAttributes.ReparsePoint) != 0
                || !Directory.Exists(folder)
            )
            {
                throw new QueueException($"{folder} is no folder of its own");
            }
        }
    }
}
