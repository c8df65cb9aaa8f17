namespace AgentQueue.Assistants;

/// <summary>One look at what stands there, with what follows from it, to be written unless something changes meanwhile.</summary>
internal sealed class SetupTurn
{
    private readonly SetupPlace _place;

    public SetupTurn(
        SetupPlace place,
        SetupManifest old,
        SetupPlan plan,
        PlannedFile manifest,
        SetupFiles files
    )
    {
        (_place, Old, Plan, Manifest, Files) = (place, old, plan, manifest, files);
        Made = old.Folders.ToHashSet(StringComparer.Ordinal);
        foreach (var file in files.Changes.Where(static f => f.Wanted is not null))
        {
            Made.UnionWith(MissingFolders(file.Key));
        }
    }

    public SetupManifest Old { get; }

    public SetupPlan Plan { get; }

    public PlannedFile Manifest { get; }

    public SetupFiles Files { get; }

    /// <summary>The folders that were or will be made.</summary>
    public HashSet<string> Made { get; }

    /// <summary>Folders of ours that are empty and cannot be removed; they stay on record.</summary>
    public HashSet<string> Stuck { get; } = new(StringComparer.Ordinal);

    /// <summary>Folders that can go when the lock is gone.</summary>
    public List<string> Emptied { get; } = [];

    /// <summary>Something would be written.</summary>
    public bool Changes =>
        Files.Changes.Any()
        || (
            Final is { } final
                ? Manifest.Found is not { } found || !SetupFiles.IsSameText(final, found)
                : Manifest.Found is not null
        );

    /// <summary>What was and what will be, for as long as files are on their way from the one to the other.</summary>
    public SetupManifest Between =>
        new(
            [.. Old.Files.UnionBy(Plan.Next.Files, static f => (f.Path, f.Sha256))],
            [
                .. Old.Entries.UnionBy(
                    Plan.Next.Entries,
                    static e => (e.Path, e.Piece, e.MadeFile, string.Join('\n', e.At))
                ),
            ],
            [.. Made]
        );

    /// <summary>The manifest in the end; null if nothing is on record.</summary>
    public byte[]? Final =>
        Plan.Next.IsEmpty && Stuck.Count == 0
            ? null
            : (Plan.Next with { Folders = [.. Made.Except(NotNeeded), .. Stuck] }).Write();

    /// <summary>The manifest if these files are as they were found and all others are done; null if nothing is on record.</summary>
    public byte[]? Reached(HashSet<string> undone)
    {
        var reached = new SetupManifest(
            [
                .. Plan.Next.Files.Where(f => !undone.Contains(f.Path)),
                .. Old.Files.Where(f => undone.Contains(Files.KeyOf(f.Path))),
            ],
            [
                .. Plan.Next.Entries.Where(e => !undone.Contains(e.Path)),
                .. Old.Entries.Where(e => undone.Contains(Files.KeyOf(e.Path))),
            ],
            [.. Made]
        );
        return reached.IsEmpty && Old.IsEmpty ? null : reached.Write();
    }

    /// <summary>Folders of ours in which nothing of ours will be.</summary>
    public IEnumerable<string> NotNeeded => Made.Where(f => !IsNeeded(f));

    public static bool IsAbove(string folder, string key) =>
        key.StartsWith(folder + "/", StringComparison.Ordinal);

    public static string Above(string key) =>
        key.LastIndexOf('/') is var at and > 0 ? key[..at] : "";

    private bool IsNeeded(string folder) =>
        Plan.Next.Files.Any(f => IsAbove(folder, f.Path))
        || Plan.Next.Entries.Any(e => IsAbove(folder, e.Path))
        || (!(Plan.Next.IsEmpty && Stuck.Count == 0) && IsAbove(folder, _place.Manifest));

    private IEnumerable<string> MissingFolders(string key)
    {
        for (var folder = Above(key); folder.Length > 0; folder = Above(folder))
        {
            if (Directory.Exists(_place.PathOf(folder)))
            {
                yield break;
            }

            yield return folder;
        }
    }
}
