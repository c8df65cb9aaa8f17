using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Config;

namespace AgentQueue.Assistants;

/// <summary>
/// How one entry is put into, found in, and taken out of a configuration file that a person keeps. Every other
/// byte stays as it is: what comes out is read again, and nothing is handed out in which more than the entry has
/// changed. Texts may begin with a byte order mark. They are edited as text: whoever reads the file must refuse
/// what is not UTF-8, or its bytes are lost on the way.
/// </summary>
internal abstract class EntryFormat
{
    protected const string DefaultIndent = "  ";

    /// <summary>What a file holds in which nothing stands yet; no value that was read ends before its first byte.</summary>
    protected static readonly SourceValue s_nothing = new(
        JsonValueKind.Object,
        new(1),
        0,
        0,
        null,
        [],
        []
    );

    /// <param name="name"><c>json</c> (JSON with comments and trailing commas), <c>toml</c> or <c>yaml</c>.</param>
    public static EntryFormat Named(string name) =>
        name switch
        {
            "json" => new JsonEntry(),
            "toml" => new TomlEntry(),
            "yaml" => new YamlEntry(),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "json, toml or yaml"),
        };

    /// <summary>The file as it is when nothing stands in it but the entry; it ends in a line end.</summary>
    /// <param name="path">The names from the root down; the last one is the entry's own.</param>
    public abstract string NewFile(IReadOnlyList<string> path, JsonObject entry);

    /// <summary>
    /// Puts the entry in as one piece of text at one place. Objects on the way to it are made if they are missing,
    /// and are part of that piece.
    /// </summary>
    /// <param name="shownAs">How messages name the file.</param>
    /// <exception cref="QueueException">
    /// The text cannot be read, the path leads through something else than an object, an entry of that name is
    /// there, or its place is written in a way that cannot be added to: then the hint may say what to write by hand.
    /// </exception>
    public EntryInsertion Insert(
        string text,
        IReadOnlyList<string> path,
        JsonObject entry,
        string shownAs
    )
    {
        var root = Read(text, path, shownAs);
        var found = Walk(root, path, shownAs);
        if (found.Length == path.Count)
        {
            throw Usage(
                found[^1].At,
                shownAs,
                $"{Dotted(path)} is there already",
                "Take it out or rename it, then run the same command again"
            );
        }

        var (position, piece) = Place(new EntryPlace(text, root, found, path, entry, shownAs));
        var result = text.Insert(position, piece);
        if (
            !TryRead(result, path, shownAs, out var after)
            || Present(after, path) is not { } value
            || !JsonNode.DeepEquals(ToNode(value), entry)
            || !DifferByEntry(after, root, path)
        )
        {
            throw QueueException.Usage(
                $"{shownAs}: {Dotted(path)} cannot be added without a change to something else in this file",
                ByHand(path, entry)
            );
        }

        return new EntryInsertion(result, piece);
    }

    /// <summary>The value that stands there now, without its comments; null if there is none, or if it is null itself.</summary>
    /// <inheritdoc cref="Insert"/>
    public JsonNode? Find(string text, IReadOnlyList<string> path, string shownAs)
    {
        var found = Walk(Read(text, path, shownAs), path, shownAs);
        return found.Length == path.Count ? ToNode(found[^1].Value) : null;
    }

    /// <summary>
    /// Takes away what <see cref="Insert"/> put in. If the piece still stands there, exactly it goes, and the text is
    /// as it was before, whatever has changed elsewhere. If it was laid out anew, or other things were put into the
    /// objects that came with it, the entry alone goes, with its separators.
    /// </summary>
    /// <returns>
    /// Null if the entry is no longer the same or somebody has put a comment into it, and nothing is touched; the
    /// text as it is if the entry is gone.
    /// </returns>
    /// <exception cref="QueueException">The text cannot be read, or the entry cannot be cut out of it.</exception>
    public string? Remove(
        string text,
        IReadOnlyList<string> path,
        JsonObject entry,
        string piece,
        string shownAs
    )
    {
        var root = Read(text, path, shownAs);
        var found = Walk(root, path, shownAs);
        if (found.Length < path.Count)
        {
            return text;
        }

        if (!JsonNode.DeepEquals(ToNode(found[^1].Value), entry))
        {
            return null;
        }

        var place = new EntryPlace(text, root, found, path, entry, shownAs);
        if (WithoutPiece(place, piece) is { } before && IsWhole(before))
        {
            return before;
        }

        if (HoldsComment(place))
        {
            return null;
        }

        // An object that came with the entry and holds nothing else goes with it.
        if (
            path.Count > 1
            && found[^2].Value.Members.Length == 1
            && piece.TrimStart().StartsWith(Quoted(path[^2]) + ":", StringComparison.Ordinal)
            && place with { Found = found[..^1], Path = [.. path.SkipLast(1)] } is var parent
            && !HoldsComment(parent)
            && Cut(parent) is { } without
            && IsWhole(without)
        )
        {
            return without;
        }

        if (Cut(place) is { } left && IsWhole(left))
        {
            return left;
        }

        throw Usage(
            found[^1].At,
            shownAs,
            $"{Dotted(path)} cannot be taken out without a change to something else in this file",
            "Take it out by hand, then run the same command again"
        );

        bool IsWhole(string left) =>
            TryRead(left, path, shownAs, out var after) && DifferByEntry(root, after, path);
    }

    /// <summary>A sentence that tells people what to write, and where.</summary>
    public virtual string ByHand(IReadOnlyList<string> path, JsonObject entry) =>
        $"By hand: in {Quoted(Dotted(path.SkipLast(1)))}, write {Member(path, entry)}";

    /// <summary>The entry alone, as it is written in what holds it.</summary>
    public string Member(IReadOnlyList<string> path, JsonObject entry) =>
        OneLine([path[^1]], entry);

    /// <summary>What an object is called in this format.</summary>
    protected abstract string ObjectInWords { get; }

    /// <summary>The root, or <see cref="s_nothing"/> if the file holds none yet.</summary>
    /// <exception cref="QueueException">The text is not of this format.</exception>
    protected abstract SourceValue Read(string text, IReadOnlyList<string> path, string shownAs);

    /// <summary>Where an entry that is missing goes, and the text of it with everything that leads to it.</summary>
    protected abstract (int Position, string Piece) Place(EntryPlace place);

    /// <summary>The position of the entry's name in the text.</summary>
    protected abstract int NamePosition(EntryPlace place);

    /// <summary>The text without the entry alone; null if it is written in a way that cannot be cut.</summary>
    protected abstract string? Cut(EntryPlace place);

    /// <summary>A comment would go with the entry if it were cut.</summary>
    protected abstract bool HoldsComment(EntryPlace place);

    /// <summary>The entry as a person can write it by hand below the root.</summary>
    protected abstract string OneLine(IReadOnlyList<string> path, JsonObject entry);

    protected static QueueException Usage(
        SourcePlace at,
        string shownAs,
        string reason,
        string hint
    ) =>
        QueueException.Usage(
            string.Create(CultureInfo.InvariantCulture, $"{shownAs}:{at.Line}: {reason}"),
            hint
        );

    protected static QueueException NotReadable(
        SourcePlace at,
        string shownAs,
        string format,
        string reason
    ) =>
        Usage(
            at,
            shownAs,
            $"this is not {format}: {reason}",
            "Correct the line, then run the same command again"
        );

    /// <summary>The entry below those names of the path that are missing, as many objects as it takes.</summary>
    protected static JsonNode Wrapped(EntryPlace place)
    {
        JsonNode value = place.Entry.DeepClone();
        for (var i = place.Path.Count - 1; i > place.Found.Length; i--)
        {
            value = new JsonObject { [place.Path[i]] = value };
        }

        return value;
    }

    /// <summary>Text in quotes with escapes that JSON, TOML and YAML all know.</summary>
    protected static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                _ when char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF' => quoted.Append(
                    CultureInfo.InvariantCulture,
                    $"\\u{(int)c:x4}"
                ),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>The first line end of a text, which is taken for those of all others.</summary>
    protected static string LineEndOf(string text) =>
        text.AsSpan().IndexOfAny('\r', '\n') is var at and >= 0
            ? text[at..NextLine(text, at)]
            : "\n";

    /// <summary>Where the line begins that a position is in, behind a byte order mark.</summary>
    protected static int LineStart(string text, int position) =>
        text.AsSpan(0, position).LastIndexOfAny('\r', '\n') is var end and >= 0 ? end + 1
        : text.StartsWith('\uFEFF') ? 1
        : 0;

    /// <summary>Where the line ends that a position is in, before what ends it.</summary>
    protected static int LineEnd(string text, int position) =>
        text.AsSpan(position).IndexOfAny('\r', '\n') is var end and >= 0
            ? position + end
            : text.Length;

    /// <summary>Where the next line begins; the text's length if there is none.</summary>
    protected static int NextLine(string text, int position)
    {
        var end = LineEnd(text, position);
        return text.AsSpan(end).StartsWith("\r\n") ? end + 2 : Math.Min(end + 1, text.Length);
    }

    /// <summary>The blanks and tabs at the begin of the line that a position is in.</summary>
    protected static string IndentAt(string text, int position)
    {
        var start = LineStart(text, position);
        var line = text.AsSpan(start);
        var length = line.IndexOfAnyExcept(' ', '\t');
        return (length < 0 ? line : line[..length]).ToString();
    }

    /// <summary>Nothing stands in the text, or its last line is complete.</summary>
    protected static bool EndsInLineEnd(string text) =>
        text is "" or "\uFEFF" or [.., '\n' or '\r'];

    private bool TryRead(
        string text,
        IReadOnlyList<string> path,
        string shownAs,
        out SourceValue root
    )
    {
        try
        {
            root = Read(text, path, shownAs);
            return true;
        }
        catch (QueueException)
        {
            // An edit that breaks the file is not handed out; the caller says so in better words.
            root = s_nothing;
            return false;
        }
    }

    /// <summary>The members that the path leads through, as far as they are there.</summary>
    private ImmutableArray<SourceMember> Walk(
        SourceValue root,
        IReadOnlyList<string> path,
        string shownAs
    )
    {
        var found = ImmutableArray.CreateBuilder<SourceMember>();
        var parent = root;
        foreach (var name in path)
        {
            if (parent.Kind != JsonValueKind.Object)
            {
                throw Usage(
                    parent.At,
                    shownAs,
                    $"{(found.Count == 0 ? "the file" : found[^1].Name)} must hold {ObjectInWords}, not {parent.KindInWords}",
                    "Correct the line, then run the same command again"
                );
            }

            var named = parent.Members.Where(m => m.Name == name).ToList();
            if (named.Count == 0)
            {
                break;
            }

            if (named.Count > 1)
            {
                throw Usage(
                    named[1].At,
                    shownAs,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name} stands here twice, first in line {named[0].Line}"
                    ),
                    "Make one of the two, then run the same command again"
                );
            }

            found.Add(named[0]);
            parent = named[0].Value;
        }

        return found.ToImmutable();
    }

    private string? WithoutPiece(EntryPlace place, string piece)
    {
        // Git may have changed the line ends since (core.autocrlf).
        var plain = piece.Replace("\r\n", "\n", StringComparison.Ordinal);
        return Without(place, piece)
            ?? Without(place, plain)
            ?? Without(place, plain.Replace("\n", "\r\n", StringComparison.Ordinal));
    }

    private string? Without(EntryPlace place, string piece)
    {
        // Where the piece stands more than once, as in a comment, only the one around the entry's name is ours.
        var name = NamePosition(place);
        var from = Math.Max(0, name - piece.Length + 1);
        var to = Math.Min(place.Text.Length, name + piece.Length);
        var at =
            piece.Length > 0
                ? place.Text.IndexOf(piece, from, to - from, StringComparison.Ordinal)
                : -1;
        return at < 0 ? null : place.Text.Remove(at, piece.Length);
    }

    private static SourceValue? Present(SourceValue root, IEnumerable<string> path)
    {
        var value = root;
        foreach (var name in path)
        {
            if (value.Members.FirstOrDefault(m => m.Name == name) is not { } member)
            {
                return null;
            }

            value = member.Value;
        }

        return value;
    }

    /// <summary>One is the other with the entry, and with nothing more than the objects that lead to it.</summary>
    private static bool DifferByEntry(
        SourceValue with,
        SourceValue without,
        IReadOnlyList<string> path
    )
    {
        var kept = 0;
        while (kept < path.Count && Present(without, path.Take(kept + 1)) is not null)
        {
            kept++;
        }

        for (var depth = kept + 1; depth < path.Count; depth++)
        {
            if (Present(with, path.Take(depth)) is not { Members.Length: 1 })
            {
                return false;
            }
        }

        return kept < path.Count
            && IsSame(Less(with, path, kept), without, new(ReferenceEqualityComparer.Instance));
    }

    private static SourceValue Less(SourceValue value, IReadOnlyList<string> path, int depth)
    {
        var member = value.Members.First(m => m.Name == path[0]);
        return value with
        {
            Members =
                depth == 0
                    ? value.Members.Remove(member)
                    : value.Members.Replace(
                        member,
                        member with
                        {
                            Value = Less(member.Value, [.. path.Skip(1)], depth - 1),
                        }
                    ),
        };
    }

    /// <param name="known">Composites found to be the same: one that aliases name a million times is compared once.</param>
    private static bool IsSame(SourceValue a, SourceValue b, Dictionary<object, SourceValue> known)
    {
        if (
            a.Kind != b.Kind
            || a.Text != b.Text
            || a.Members.Length != b.Members.Length
            || a.Items.Length != b.Items.Length
        )
        {
            return false;
        }

        if (known.TryGetValue(a, out var other) && ReferenceEquals(other, b))
        {
            return true;
        }

        for (var i = 0; i < a.Members.Length; i++)
        {
            var (left, right) = (a.Members[i], b.Members[i]);
            if (left.Name != right.Name || !IsSame(left.Value, right.Value, known))
            {
                return false;
            }
        }

        for (var i = 0; i < a.Items.Length; i++)
        {
            if (!IsSame(a.Items[i], b.Items[i], known))
            {
                return false;
            }
        }

        if (a.Kind is JsonValueKind.Object or JsonValueKind.Array)
        {
            known[a] = b;
        }

        return true;
    }

    private static JsonNode? ToNode(SourceValue value) =>
        value.Kind switch
        {
            JsonValueKind.Object => ToObject(value),
            JsonValueKind.Array => new JsonArray([.. value.Items.Select(ToNode)]),
            JsonValueKind.String => JsonValue.Create(value.Text),
            JsonValueKind.Number => ToNumber(value.Text!),
            JsonValueKind.True => JsonValue.Create(true),
            JsonValueKind.False => JsonValue.Create(false),
            _ => null,
        };

    private static JsonObject ToObject(SourceValue value)
    {
        var result = new JsonObject();
        foreach (var member in value.Members)
        {
            result[member.Name] = ToNode(member.Value);
        }

        return result;
    }

    private static JsonNode? ToNumber(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // YAML's .inf and 0x1F, which no JSON can hold: their spelling is enough to see a change by.
            return JsonValue.Create(text);
        }
    }

    protected static string Dotted(IEnumerable<string> path) => string.Join('.', path);
}

/// <summary>Text: the whole file now. Piece: exactly what was added to it.</summary>
internal sealed record EntryInsertion(string Text, string Piece);

/// <summary>A file that was read, and how far the path to the entry leads in it.</summary>
/// <param name="Found">The members on the path; the last one is the entry's if there are as many as names.</param>
internal sealed record EntryPlace(
    string Text,
    SourceValue Root,
    ImmutableArray<SourceMember> Found,
    IReadOnlyList<string> Path,
    JsonObject Entry,
    string ShownAs
)
{
    /// <summary>The name of the first thing that is missing.</summary>
    public string MissingName => Path[Found.Length];
}
