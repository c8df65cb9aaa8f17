using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace AgentQueue.Assistants;

/// <summary>
/// Compares what stands there with what should, and decides what becomes of each file and entry. Nothing is
/// written here. The rule: ours is what is as we made it, by the manifest; all else stays as it is.
/// </summary>
internal sealed class SetupPlan(SetupPlace place, SetupManifest manifest, SetupFiles files)
{
    // Each file under one of its names, that of the record first.
    private readonly SetupManifest _old = manifest with
    {
        Files = [.. manifest.Files.Select(f => f with { Path = files.KeyOf(f.Path) })],
        Entries = [.. manifest.Entries.Select(e => e with { Path = files.KeyOf(e.Path) })],
    };

    private readonly List<SetupStep> _steps = [];
    private readonly List<OurFile> _files = [];
    private readonly List<OurEntry> _entries = [];

    public SetupReport Report => new([.. _steps]);

    /// <summary>What the manifest is to say in the end.</summary>
    public SetupManifest Next => new([.. _files], [.. _entries], _old.Folders);

    /// <summary>Everything that these assistants need is to be there, and nothing else that was made for them.</summary>
    public void Want(IReadOnlyList<Assistant> assistants)
    {
        var names = assistants.Select(static a => a.Name).ToHashSet(StringComparer.Ordinal);
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (
            var group in assistants
                .SelectMany(a => FilesOf(place, files, a))
                .GroupBy(static f => f.Key)
        )
        {
            wanted.Add(group.Key);
            WantFile(group.Key, group.First().Content, [.. group.Select(static f => f.Name)]);
        }

        var entries =
            from assistant in assistants
            from entry in assistant.FilesOf(place.IsUser).Entries
            let key = KeyOf(entry)
            group (assistant.Name, Entry: entry) by (Key: key, Id: IdOf(key, entry.Path));
        foreach (var group in entries)
        {
            wanted.Add(group.Key.Id);
            WantEntry(
                group.Key.Key,
                group.First().Entry,
                [.. group.Select(static e => e.Name).Distinct(StringComparer.Ordinal)]
            );
        }

        DropAll(names, id => !wanted.Contains(id), tellGone: false);
    }

    /// <summary>Nothing that was made for these assistants alone is to be there.</summary>
    public void Remove(IReadOnlyCollection<string> names) =>
        DropAll(names.ToHashSet(StringComparer.Ordinal), static _ => true, tellGone: true);

    /// <summary>The files of its own that an assistant needs, each with its key.</summary>
    public static IEnumerable<(string Key, byte[] Content, string Name)> FilesOf(
        SetupPlace place,
        SetupFiles files,
        Assistant assistant
    )
    {
        var own = assistant.FilesOf(place.IsUser);
        yield return (
            KeyOf(place, files, own.Skill),
            SetupFiles.BytesOf(SlashCommands.Skill),
            assistant.Name
        );
        if (own.Commands is { } commands && assistant.Style is { } style)
        {
            foreach (var verb in SlashCommands.Verbs)
            {
                yield return (
                    KeyOf(place, files, commands.Replace("{verb}", verb, StringComparison.Ordinal)),
                    SetupFiles.BytesOf(SlashCommands.Render(verb, style)),
                    assistant.Name
                );
            }
        }
    }

    private static string KeyOf(SetupPlace place, SetupFiles files, string path) =>
        files.KeyOf(place.KeyOf(path));

    private string KeyOf(string path) => KeyOf(place, files, path);

    private void WantFile(string key, byte[] content, ImmutableArray<string> names)
    {
        var records = _old.Files.Where(f => f.Path == key).ToList();
        var needs = Union(records.SelectMany(static r => r.For), names);
        var record = new OurFile(key, SetupFiles.HashOf(content), needs);
        try
        {
            var file = files[key];
            var state = StateOf(file, content, records);
            if (state is SetupState.Missing or SetupState.Outdated)
            {
                file.Wanted = content;
            }

            Tell(key, null, names, state);
            _files.AddRange(
                state switch
                {
                    SetupState.Changed => records.Select(r => r with { For = needs }),
                    SetupState.Foreign => [],
                    _ => [record],
                }
            );
        }
        catch (QueueException e)
        {
            Tell(key, null, names, SetupState.Refused, e);
            _files.AddRange(records);
        }
    }

    private static SetupState StateOf(PlannedFile file, byte[] content, List<OurFile> records) =>
        file.Found is not { } found ? SetupState.Missing
        : SetupFiles.IsSameText(found, content) ? SetupState.UpToDate
        : IsOurs(found, records) ? SetupState.Outdated
        : records.Count > 0 ? SetupState.Changed
        : SetupState.Foreign;

    private static bool IsOurs(byte[] found, List<OurFile> records) =>
        records.Count > 0
        && SetupFiles.HashOf(found) is var hash
        && records.Exists(r => r.Sha256 == hash);

    private void WantEntry(string key, EntryWish wanted, ImmutableArray<string> names)
    {
        var records = _old
            .Entries.Where(e => e.Path == key && e.At.SequenceEqual(wanted.Path))
            .ToList();
        var needs = Union(records.SelectMany(static r => r.For), names);
        var shown = place.Shown(key);
        var format = EntryFormat.Named(wanted.Format);
        try
        {
            var file = files[key];
            var text = file.Wanted is { } bytes ? SetupFiles.TextOf(bytes, shown) : null;
            var value = text is null ? null : format.Find(text, wanted.Path, shown);
            var match = value is null
                ? null
                : records.Find(r => JsonNode.DeepEquals(r.Entry, value));
            var state =
                value is null ? SetupState.Missing
                : JsonNode.DeepEquals(value, wanted.Entry) ? SetupState.UpToDate
                : match is not null ? SetupState.Outdated
                : records.Count > 0 ? SetupState.Changed
                : SetupState.Foreign;
            if (state is SetupState.Missing or SetupState.Outdated)
            {
                files.CheckMayChange(file);
            }

            if (state == SetupState.Outdated)
            {
                text = format.Remove(text!, match!.At, match.Entry, match.Piece, shown);
                state = text is null ? SetupState.Changed : state;
            }

            if (state is SetupState.Missing or SetupState.Outdated)
            {
                var made = text is null || records.Exists(static r => r.MadeFile);
                var inserted = text is null
                    ? NewFile(format, wanted)
                    : format.Insert(text, wanted.Path, wanted.Entry, shown);
                file.Wanted = SetupFiles.BytesOf(inserted.Text);
                _entries.Add(RecordOf(key, wanted, inserted.Piece, made, needs));
            }
            else if (state == SetupState.UpToDate)
            {
                _entries.Add(
                    match is null
                        ? AdoptedSetup.Adopt(key, wanted, text!, needs)
                        : match with
                        {
                            For = needs,
                        }
                );
            }
            else
            {
                _entries.AddRange(records.Select(r => r with { For = needs }));
            }

            Tell(
                key,
                wanted.Path,
                names,
                state,
                state == SetupState.Foreign
                    ? new QueueException(
                        "an entry of that name stands there that is not as agentq makes it, so it stays",
                        format.ByHand(wanted.Path, wanted.Entry)
                    )
                    : null
            );
        }
        catch (QueueException e)
        {
            Tell(key, wanted.Path, names, SetupState.Refused, WithByHand(e, format, wanted));
            _entries.AddRange(records);
        }
    }

    /// <summary>Whatever keeps us from it, people learn what to write.</summary>
    private static QueueException WithByHand(
        QueueException problem,
        EntryFormat format,
        EntryWish wanted
    )
    {
        var byHand = format.ByHand(wanted.Path, wanted.Entry);
        return
            problem.Hint?.Contains(
                format.Member(wanted.Path, wanted.Entry),
                StringComparison.Ordinal
            ) == true
            ? problem
            : new QueueException(
                problem.Message,
                problem.Hint is { } hint ? $"{hint}. {byHand}" : byHand,
                cause: problem
            );
    }

    private static EntryInsertion NewFile(EntryFormat format, EntryWish wanted) =>
        format.NewFile(wanted.Path, wanted.Entry) is var text
            ? new EntryInsertion(text, text)
            : null!;

    private static OurEntry RecordOf(
        string key,
        EntryWish wanted,
        string piece,
        bool madeFile,
        ImmutableArray<string> needs
    ) => new(key, wanted.Format, wanted.Path, wanted.Entry, piece, madeFile, needs);

    // The one that has our entry already, else the first that exists, else the last.
    private string KeyOf(EntryWish entry)
    {
        var keys = entry.Files.Select(KeyOf).ToList();
        return keys.Find(k => _old.Entries.Any(e => e.Path == k && e.At.SequenceEqual(entry.Path)))
            ?? keys.Find(place.Has)
            ?? keys[^1];
    }

    private void DropAll(HashSet<string> names, Predicate<string> isNotWanted, bool tellGone)
    {
        foreach (var group in _old.Files.GroupBy(static f => f.Path))
        {
            if (isNotWanted(group.Key))
            {
                DropFile(group.Key, [.. group], names, tellGone);
            }
        }

        foreach (var group in _old.Entries.GroupBy(static e => IdOf(e.Path, e.At)))
        {
            if (isNotWanted(group.Key))
            {
                DropEntry([.. group], names, tellGone);
            }
        }
    }

    private void DropFile(string key, List<OurFile> records, HashSet<string> names, bool tellGone)
    {
        var left = records
            .Select(r => r with { For = [.. r.For.Where(n => !names.Contains(n))] })
            .ToList();
        if (left.Exists(static r => !r.For.IsEmpty))
        {
            _files.AddRange(left);
            if (tellGone && records.Exists(r => r.For.Any(names.Contains)))
            {
                var others = Union(left.SelectMany(static r => r.For), []);
                Tell(key, null, others, SetupState.Needed);
            }

            return;
        }

        var needed = Union(records.SelectMany(static r => r.For), []);
        try
        {
            var file = files[key];
            var state =
                file.Found is not { } found ? SetupState.Gone
                : IsOurs(found, records) ? SetupState.Obsolete
                : SetupState.Changed;
            if (state == SetupState.Obsolete)
            {
                file.Wanted = null;
            }

            if (state != SetupState.Gone || tellGone)
            {
                Tell(key, null, needed, state);
            }
        }
        catch (QueueException e)
        {
            Tell(key, null, needed, SetupState.Refused, e);
            _files.AddRange(records);
        }
    }

    private void DropEntry(List<OurEntry> records, HashSet<string> names, bool tellGone)
    {
        var (key, at) = (records[0].Path, records[0].At);
        var left = records
            .Select(r => r with { For = [.. r.For.Where(n => !names.Contains(n))] })
            .ToList();
        if (left.Exists(static r => !r.For.IsEmpty))
        {
            _entries.AddRange(left);
            if (tellGone && records.Exists(r => r.For.Any(names.Contains)))
            {
                var others = Union(left.SelectMany(static r => r.For), []);
                Tell(key, at, others, SetupState.Needed);
            }

            return;
        }

        var needed = Union(records.SelectMany(static r => r.For), []);
        try
        {
            var file = files[key];
            var state = Drop(file, records);
            if (state != SetupState.Gone || tellGone)
            {
                Tell(key, at, needed, state);
            }
        }
        catch (QueueException e)
        {
            Tell(key, at, needed, SetupState.Refused, e);
            _entries.AddRange(records);
        }
    }

    private SetupState Drop(PlannedFile file, List<OurEntry> records)
    {
        var shown = place.Shown(file.Key);
        if (file.Wanted is not { } bytes)
        {
            return SetupState.Gone;
        }

        var text = SetupFiles.TextOf(bytes, shown);
        var format = EntryFormat.Named(records[0].Format);
        if (format.Find(text, records[0].At, shown) is not { } value)
        {
            return SetupState.Gone;
        }

        if (
            records.Find(r => JsonNode.DeepEquals(r.Entry, value)) is not { } record
            || format.Remove(text, record.At, record.Entry, record.Piece, shown) is not { } rest
        )
        {
            return SetupState.Changed;
        }

        files.CheckMayChange(file);
        var isEmpty = string.IsNullOrWhiteSpace(rest.TrimStart('\uFEFF'));
        file.Wanted =
            isEmpty && records.Exists(static r => r.MadeFile) ? null : SetupFiles.BytesOf(rest);
        return SetupState.Obsolete;
    }

    private void Tell(
        string key,
        IEnumerable<string>? at,
        ImmutableArray<string> names,
        SetupState state,
        QueueException? problem = null
    ) =>
        _steps.Add(
            new SetupStep(
                place.Shown(key),
                at is null ? null : string.Join('.', at),
                names,
                state,
                problem
            )
        );

    private static string IdOf(string key, IEnumerable<string> at) =>
        $"{key}\n{string.Join('\n', at)}";

    private static ImmutableArray<string> Union(
        IEnumerable<string> some,
        IEnumerable<string> more
    ) => [.. some.Union(more, StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
