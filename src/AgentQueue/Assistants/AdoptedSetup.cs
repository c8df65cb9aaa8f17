using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace AgentQueue.Assistants;

/// <summary>
/// What stands there exactly as agentq makes it: without a record, that is all that counts as ours. Folders count
/// if they lead to it; they go only when nothing is left in them.
/// </summary>
internal sealed class AdoptedSetup(SetupPlace place, SetupFiles files)
{
    /// <param name="names">
    /// Assistants that count as set up. So does every other one of which something is there that it alone needs.
    /// </param>
    public SetupManifest For(IReadOnlyCollection<string> names)
    {
        var ours = KnownAssistants
            .All.SelectMany(OurFiles)
            .GroupBy(static f => f.Path)
            .Select(static g => g.First() with { For = [.. g.SelectMany(static f => f.For)] })
            .ToList();
        var entries = KnownAssistants
            .All.SelectMany(OurEntries)
            .GroupBy(static e => (e.Path, At: string.Join('\n', e.At)))
            .Select(static g => g.First() with { For = [.. g.SelectMany(static e => e.For)] })
            .ToList();
        var there = ours.Select(static f => f.For)
            .Concat(entries.Select(static e => e.For))
            .Where(static f => f.Length == 1)
            .SelectMany(static f => f)
            .Concat(names)
            .ToHashSet(StringComparer.Ordinal);
        return new(
            [.. ours.Select(f => f with { For = Those(f.For, there) })],
            [.. entries.Select(e => e with { For = Those(e.For, there) })],
            [
                .. ours.Select(static f => f.Path)
                    .Concat(entries.Where(static e => e.MadeFile).Select(static e => e.Path))
                    .Where(static p => !Path.IsPathRooted(p))
                    .SelectMany(Above)
                    .Distinct(StringComparer.Ordinal),
            ]
        );
    }

    /// <summary>The record of an entry that is as we make it, in a file of which that is all that is known.</summary>
    public static OurEntry Adopt(
        string key,
        EntryWish wanted,
        string text,
        ImmutableArray<string> needs
    )
    {
        var isAll =
            text.ReplaceLineEndings("\n")
            == EntryFormat.Named(wanted.Format).NewFile(wanted.Path, wanted.Entry);
        // Without a piece the entry alone is cut out.
        var piece = isAll ? text : "";
        return new(key, wanted.Format, wanted.Path, wanted.Entry, piece, isAll, needs);
    }

    // What nobody of those that are there needs was left by somebody.
    private static ImmutableArray<string> Those(ImmutableArray<string> names, HashSet<string> there)
    {
        ImmutableArray<string> found = [.. names.Where(there.Contains)];
        return found.IsEmpty ? names : found;
    }

    private IEnumerable<OurFile> OurFiles(Assistant assistant) =>
        from file in SetupPlan.FilesOf(place, files, assistant)
        let hash = SetupFiles.HashOf(file.Content)
        where Found(file.Key) is { } found && SetupFiles.HashOf(found) == hash
        select new OurFile(file.Key, hash, [assistant.Name]);

    private IEnumerable<OurEntry> OurEntries(Assistant assistant) =>
        from wanted in assistant.FilesOf(place.IsUser).Entries
        from key in wanted.Files.Select(p => files.KeyOf(place.KeyOf(p))).Distinct()
        let text = TextWith(key, wanted)
        where text is not null
        select Adopt(key, wanted, text, [assistant.Name]);

    private byte[]? Found(string key)
    {
        try
        {
            return files[key].Found;
        }
        catch (QueueException)
        {
            // What cannot be read is not as we make it.
            return null;
        }
    }

    private string? TextWith(string key, EntryWish wanted)
    {
        if (Found(key) is not { } found)
        {
            return null;
        }

        try
        {
            var shown = place.Shown(key);
            var text = SetupFiles.TextOf(found, shown);
            var value = EntryFormat.Named(wanted.Format).Find(text, wanted.Path, shown);
            return value is not null && JsonNode.DeepEquals(value, wanted.Entry) ? text : null;
        }
        catch (QueueException)
        {
            // As above.
            return null;
        }
    }

    private static IEnumerable<string> Above(string key)
    {
        for (var folder = SetupTurn.Above(key); folder.Length > 0; folder = SetupTurn.Above(folder))
        {
            yield return folder;
        }
    }
}
