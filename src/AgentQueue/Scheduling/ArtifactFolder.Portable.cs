using System.IO.Enumeration;
using Microsoft.Win32.SafeHandles;

namespace AgentQueue.Scheduling;

/// <summary>
/// As far as .NET goes: links are recognised before they would be followed, but one that is put in a
/// folder's place between the look and the opening is not.
/// </summary>
internal sealed class PortableArtifactFolder(string path, ExcludedFolders excluded)
    : ArtifactFolder(path)
{
    private static readonly EnumerationOptions s_everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        ReturnSpecialDirectories = false,
    };

    public override List<ArtifactEntry> List(int most)
    {
        try
        {
            var names = new FileSystemEnumerable<string>(
                Path,
                static (ref entry) => entry.FileName.ToString(),
                s_everything
            )
                .Take(most)
                .ToList();
            names.Sort(StringComparer.Ordinal);
            return [.. names.Select(Find).OfType<ArtifactEntry>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot read the folder {Path}: {e.Message}", cause: e);
        }
    }

    public override ArtifactEntry? Find(string name)
    {
        FileAttributes attributes;
        try
        {
            attributes = File.GetAttributes(PathOf(name));
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Not there, or no longer.
            return null;
        }

        return new ArtifactEntry(
            name,
            (attributes & FileAttributes.ReparsePoint) != 0 ? EntryKind.Link
                : (attributes & FileAttributes.Directory) != 0
                    ? (excluded.Has(PathOf(name)) ? EntryKind.Other : EntryKind.Folder)
                : FileTimes.Of(PathOf(name)) is null ? EntryKind.Other
                : EntryKind.File
        );
    }

    public override ArtifactFolder Enter(string name) =>
        Find(name) is { Kind: EntryKind.Folder }
            ? new PortableArtifactFolder(PathOf(name), excluded)
            : throw new QueueException($"{PathOf(name)} is not to be looked into");

    public override FileTimes? Times(string name) => FileTimes.Of(PathOf(name));

    public override SafeFileHandle? Open(string name)
    {
        // Or a pipe without a writer would be waited for.
        if (Times(name) is null)
        {
            return null;
        }

        try
        {
            var file = File.OpenHandle(PathOf(name), share: FileShare.ReadWrite | FileShare.Delete);
            if (FileTimes.Of(file, PathOf(name)) is not null)
            {
                return file;
            }

            file.Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot read {PathOf(name)}: {e.Message}", cause: e);
        }
    }
}
