using System.Collections.Immutable;
using AgentQueue.Storage;

namespace AgentQueue.Assistants;

/// <summary>
/// Puts agentq into assistants and takes it out again. The order of writing makes it safe to be killed at any
/// moment: first the manifest with all that is there and all that will be, then the files, then the manifest with
/// what is there. Whoever runs it again finds every file on record and finishes.
/// </summary>
internal sealed class AssistantSetup(SetupPlace place, IDisk disk, DurableFile durable)
{
    // Another program may write its configuration while we look at it; that happens now and then, not on and on.
    private const int MostTurns = 5;

    /// <summary>The assistants that it was done for.</summary>
    public IReadOnlyList<string> Names => ReadManifest().Manifest.Assistants;

    /// <summary>Everything that these assistants need is there afterwards, as far as it can be.</summary>
    public SetupReport Write(IReadOnlyList<Assistant> assistants, bool dryRun) =>
        Do(plan => plan.Want(assistants), dryRun);

    /// <summary>How it stands; nothing is written.</summary>
    public SetupReport Check(IReadOnlyList<Assistant> assistants) =>
        Write(assistants, dryRun: true);

    /// <summary>What was made for these assistants alone is gone afterwards, unless the user has changed it.</summary>
    public SetupReport Remove(IReadOnlyCollection<string> names, bool dryRun) =>
        Do(plan => plan.Remove(names), dryRun);

    private SetupReport Do(Action<SetupPlan> decide, bool dryRun)
    {
        for (var turn = 0; turn < MostTurns; turn++)
        {
            var (old, file) = ReadManifest();
            var files = new SetupFiles(place, disk);
            var plan = new SetupPlan(place, old, files);
            decide(plan);
            if (dryRun || Apply(plan, old, file, files))
            {
                return plan.Report;
            }
        }

        throw new QueueException(
            "Another program keeps changing the files that agentq would change",
            "End it and try again; what was done so far is on record"
        );
    }

    private (SetupManifest Manifest, PlannedFile File) ReadManifest()
    {
        var files = new SetupFiles(place, disk);
        var file = files[place.Manifest];
        var manifest = file.Found is { } bytes
            ? SetupManifest.Read(bytes, place.Shown(place.Manifest), place.IsUser)
            : SetupManifest.Empty;
        return (manifest, file);
    }

    /// <summary>False if a file is no longer as it was when the plan was made.</summary>
    private bool Apply(SetupPlan plan, SetupManifest old, PlannedFile manifest, SetupFiles files)
    {
        SweepLeftovers(old, plan.Next, files);
        var changes = files.Changes.ToList();
        var next = plan.Next;
        var made = old.Folders.ToHashSet(StringComparer.Ordinal);
        foreach (
            var key in changes.Where(static f => f.Wanted is not null).Select(static f => f.Key)
        )
        {
            made.UnionWith(MissingFolders(key));
        }

        if (manifest.Found is null)
        {
            made.UnionWith(FoldersOfManifest());
        }

        // What was and what will be, while the files are on their way from the one to the other.
        if (changes.Count > 0)
        {
            var between = new SetupManifest(
                [.. old.Files.Union(next.Files, SameFile.Instance)],
                [.. old.Entries.Union(next.Entries, SameEntry.Instance)],
                [.. made]
            );
            manifest.Wanted = between.Write();
            if (!Put(manifest))
            {
                return false;
            }

            manifest = new PlannedFile(manifest.Key, manifest.Path, manifest.Wanted);
            if (!changes.TrueForAll(Put))
            {
                return false;
            }
        }

        var kept = made.Where(f => IsNeeded(f, next)).ToImmutableArray();
        RemoveFolders(made.Except(kept).Where(f => !IsAbove(f, place.Manifest)));
        next = next with { Folders = [.. kept] };
        manifest.Wanted = next.Files.IsEmpty && next.Entries.IsEmpty ? null : next.Write();
        if (manifest.Changes && !Put(manifest))
        {
            return false;
        }

        if (manifest.Wanted is null)
        {
            RemoveFolders(made.Where(f => IsAbove(f, place.Manifest)));
        }

        return true;
    }

    // Of one that was killed while it wrote one of these files. The folders are the user's: nothing else in them is ours.
    private void SweepLeftovers(SetupManifest old, SetupManifest next, SetupFiles files)
    {
        var keys = ((SetupManifest[])[old, next])
            .SelectMany(static m =>
                m.Files.Select(static f => f.Path).Concat(m.Entries.Select(static e => e.Path))
            )
            .Append(place.Manifest);
        foreach (
            var folder in keys.Distinct()
                .Select(files.PathOf)
                .OfType<string>()
                .GroupBy(Path.GetDirectoryName)
        )
        {
            var names = folder.Select(Path.GetFileName).ToList();
            foreach (var name in disk.List(folder.Key!).Where(DurableFile.IsLeftover))
            {
                if (names.Exists(n => DurableFile.IsLeftoverOf(name, n!)))
                {
                    disk.Delete(Path.Join(folder.Key, name));
                }
            }
        }
    }

    // People's files keep the permissions that they have; what is new is its owner's alone.
    private bool Put(PlannedFile file)
    {
        var now = new SetupFiles(place, disk).Read(file.Path, place.Shown(file.Key));
        if (
            now is null != file.Found is null
            || (now is not null && !now.AsSpan().SequenceEqual(file.Found))
        )
        {
            return false;
        }

        if (file.Wanted is not { } wanted)
        {
            disk.Delete(file.Path);
            durable.SyncFolderOf(file.Path);
            return true;
        }

        if (file.Found is null)
        {
            disk.CreateFolder(Path.GetDirectoryName(file.Path)!);
            return durable.TryCreate(file.Path, wanted);
        }

        UnixFileMode? mode = OperatingSystem.IsWindows() ? null : File.GetUnixFileMode(file.Path);
        durable.Replace(file.Path, wanted);
        if (!OperatingSystem.IsWindows() && mode is { } kept)
        {
            File.SetUnixFileMode(file.Path, kept);
        }

        return true;
    }

    private IEnumerable<string> MissingFolders(string key)
    {
        for (var folder = Above(key); folder.Length > 0; folder = Above(folder))
        {
            if (Directory.Exists(place.PathOf(folder)))
            {
                yield break;
            }

            yield return folder;
        }
    }

    // Nothing is on record before the manifest is, so a folder of its own in which nothing stands counts as made
    // by one of us that was killed.
    private IEnumerable<string> FoldersOfManifest()
    {
        var below = "";
        for (var folder = Above(place.Manifest); folder.Length > 0; folder = Above(folder))
        {
            if (disk.List(place.PathOf(folder)).Any(n => n != below))
            {
                yield break;
            }

            yield return folder;
            below = Path.GetFileName(folder);
        }
    }

    private void RemoveFolders(IEnumerable<string> folders)
    {
        foreach (var folder in folders.OrderByDescending(static f => f.Length))
        {
            disk.DeleteEmptyFolder(place.PathOf(folder));
        }
    }

    private bool IsNeeded(string folder, SetupManifest next) =>
        next.Files.Any(f => IsAbove(folder, f.Path))
        || next.Entries.Any(e => IsAbove(folder, e.Path))
        || (!(next.Files.IsEmpty && next.Entries.IsEmpty) && IsAbove(folder, place.Manifest));

    private static bool IsAbove(string folder, string key) =>
        key.StartsWith(folder + "/", StringComparison.Ordinal);

    private static string Above(string key) =>
        key.LastIndexOf('/') is var at and > 0 ? key[..at] : "";

    private sealed class SameFile : IEqualityComparer<OurFile>
    {
        public static readonly SameFile Instance = new();

        public bool Equals(OurFile? x, OurFile? y) => (x?.Path, x?.Sha256) == (y?.Path, y?.Sha256);

        public int GetHashCode(OurFile file) => HashCode.Combine(file.Path, file.Sha256);
    }

    private sealed class SameEntry : IEqualityComparer<OurEntry>
    {
        public static readonly SameEntry Instance = new();

        public bool Equals(OurEntry? x, OurEntry? y) =>
            x is not null
            && y is not null
            && (x.Path, x.Piece, x.MadeFile) == (y.Path, y.Piece, y.MadeFile)
            && x.At.SequenceEqual(y.At);

        public int GetHashCode(OurEntry entry) => HashCode.Combine(entry.Path, entry.Piece);
    }
}
