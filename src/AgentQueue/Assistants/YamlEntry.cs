using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Config;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace AgentQueue.Assistants;

/// <summary>
/// YAML, of which JSON is a part. The entry becomes the first child of its map; a map that is missing goes to the
/// end of the document.
/// </summary>
internal sealed class YamlEntry : EntryFormat
{
    // Readers of YAML 1.1 take the last six for true and false.
    private static readonly string[] s_otherThanText =
    [
        "null",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
    ];

    protected override string ObjectInWords => "a map";

    public override string NewFile(IReadOnlyList<string> path, JsonObject entry) =>
        Insert("", path, entry, "").Text;

    protected override SourceValue Read(string text, IReadOnlyList<string> path, string shownAs)
    {
        var root = YamlSource.Parse(Encoding.UTF8.GetBytes(text), out var problem);
        return root switch
        {
            null => throw NotReadable(
                problem.At with
                {
                    Line = Math.Max(1, problem.At.Line),
                },
                shownAs,
                "YAML",
                problem.Reason
            ),
            { Kind: JsonValueKind.Null } => s_nothing,
            _ => WithMaps(root, path, 0),
        };
    }

    protected override (int Position, string Piece) Place(EntryPlace place)
    {
        var (text, lineEnd) = (place.Text, LineEndOf(place.Text));
        var document = Document.Read(text);
        var root = document.Root;
        var (key, parent) = root?.Follow(place.Found) ?? (null, null);
        if (parent is { IsFlow: true })
        {
            var member = $"{Quoted(place.MissingName)}: {JsonEntry.Compact(Wrapped(place))}";
            var behindBrace = text.IndexOf('{', parent.Start) + 1;
            return (
                behindBrace,
                parent.Members.Count == 0 ? member
                : text[behindBrace] == ' ' ? $" {member},"
                : $"{member}, "
            );
        }

        var unit = UnitOf(root, text);
        var indent =
            parent is { Members: [var first, ..] } ? IndentAt(text, first.Name.Start)
            : key is not null ? IndentAt(text, key.Start) + unit
            : "";
        var value = new JsonObject { [place.MissingName] = Wrapped(place) };
        var block = string.Join(lineEnd, Lines(value, indent, unit));
        var position = key is null ? document.End : FirstChild(text, key, parent);
        var isBehindLine = position == LineStart(text, position);
        return (position, isBehindLine ? block + lineEnd : lineEnd + block);
    }

    protected override int NamePosition(EntryPlace place) =>
        Document.Read(place.Text).Root?.Follow(place.Found).Key?.Start ?? 0;

    protected override string? Cut(EntryPlace place)
    {
        var text = place.Text;
        var root = Document.Read(text).Root;
        var (parentKey, parent) = root?.Follow(place.Found[..^1]) ?? (null, null);
        var index = parent?.Members.FindIndex(m => m.Name.Text == place.Path[^1]) ?? -1;
        if (index < 0)
        {
            return null;
        }

        var members = parent!.Members;
        var (start, end) = (members[index].Name.Start, members[index].Value.End);
        if (parent.IsFlow)
        {
            return index + 1 < members.Count
                    ? text.Remove(start, members[index + 1].Name.Start - start)
                : index > 0
                    ? text.Remove(members[index - 1].Value.End, end - members[index - 1].Value.End)
                : text.Remove(start, end - start);
        }

        var line = LineStart(text, start);
        if (!text.AsSpan(line, start - line).IsWhiteSpace())
        {
            return null;
        }

        var left = text.Remove(line, NextLine(text, end) - line);
        // A map without children would be null, which its reader may not take.
        return members.Count > 1 || parentKey is null ? left
            : left[parentKey.End] == ':' ? left.Insert(parentKey.End + 1, " {}")
            : null;
    }

    // A # in the entry's own text would count as one, which leaves too much and never too little.
    protected override bool HoldsComment(EntryPlace place)
    {
        var root = Document.Read(place.Text).Root;
        if (root?.Follow(place.Found) is not ({ } key, { } value))
        {
            return false;
        }

        var isFlow = root.Follow(place.Found[..^1]).Value is { IsFlow: true };
        var end = isFlow ? value.End : LineEnd(place.Text, value.End);
        return place.Text.AsSpan(key.Start..end).Contains('#');
    }

    protected override string OneLine(IReadOnlyList<string> path, JsonObject entry)
    {
        JsonNode value = entry.DeepClone();
        for (var i = path.Count - 1; i > 0; i--)
        {
            value = new JsonObject { [path[i]] = value };
        }

        return $"{Scalar(path[0])}: {JsonEntry.Compact(value)}";
    }

    /// <summary>A key without a value, where a map is wanted, is one without children.</summary>
    private static SourceValue WithMaps(SourceValue value, IReadOnlyList<string> path, int depth) =>
        depth == path.Count ? value
        : value.Kind == JsonValueKind.Null ? s_nothing with { At = value.At }
        : value with
        {
            Members =
            [
                .. value.Members.Select(m =>
                    m.Name == path[depth]
                        ? m with
                        {
                            Value = WithMaps(m.Value, path, depth + 1),
                        }
                        : m
                ),
            ],
        };

    /// <summary>Behind the line of the key; at the first child if an anchor or a tag comes between.</summary>
    private static int FirstChild(string text, Node key, Node? parent)
    {
        var next = NextLine(text, key.Start);
        if (parent is not { Members: [var first, ..] })
        {
            return next;
        }

        var line = LineStart(text, first.Name.Start);
        for (var at = next; at < line; at = NextLine(text, at))
        {
            if (text.AsSpan(at, LineEnd(text, at) - at).TrimStart() is not ([] or ['#', ..]))
            {
                return line;
            }
        }

        return next;
    }

    /// <summary>What the children of the first map below the root are indented by.</summary>
    private static string UnitOf(Node? root, string text)
    {
        foreach (var (name, value) in root?.Members ?? [])
        {
            if (value is { IsFlow: false, Members: [var first, ..] })
            {
                var (outer, inner) = (IndentAt(text, name.Start), IndentAt(text, first.Name.Start));
                if (inner.Length > outer.Length)
                {
                    return inner[outer.Length..];
                }
            }
        }

        return DefaultIndent;
    }

    private static IEnumerable<string> Lines(JsonObject map, string indent, string unit)
    {
        foreach (var (name, value) in map)
        {
            var key = $"{indent}{Scalar(name)}:";
            switch (value)
            {
                case JsonObject { Count: > 0 } children:
                    yield return key;
                    foreach (var line in Lines(children, indent + unit, unit))
                    {
                        yield return line;
                    }

                    break;
                case JsonArray { Count: > 0 } items when items.All(static i => i is JsonValue):
                    yield return key;
                    foreach (var item in items)
                    {
                        yield return $"{indent}{unit}- {InLine(item)}";
                    }

                    break;
                default:
                    yield return $"{key} {InLine(value)}";
                    break;
            }
        }
    }

    private static string InLine(JsonNode? value) =>
        value?.GetValueKind() == JsonValueKind.String
            ? Scalar(value.GetValue<string>())
            : JsonEntry.Compact(value);

    /// <summary>Text without quotes only where no reader could take it for something else.</summary>
    private static string Scalar(string text) =>
        text is [var first, ..]
        && (char.IsAsciiLetter(first) || first == '/')
        && text[^1] != ' '
        && text.All(static c =>
            char.IsAsciiLetterOrDigit(c) || c is ' ' or '_' or '-' or '.' or '/'
        )
        && !s_otherThanText.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? text
            : Quoted(text);

    /// <summary>A node and where it stands; positions are those of the text.</summary>
    /// <param name="Text">What a scalar says; null for all else.</param>
    /// <param name="End">Behind the last character that is its own.</param>
    private sealed record Node(
        string? Text,
        bool IsFlow,
        int Start,
        int End,
        List<(Node Name, Node Value)> Members
    )
    {
        /// <summary>The last key and value that the names lead to from here; no key if there are no names.</summary>
        public (Node? Key, Node? Value) Follow(ImmutableArray<SourceMember> names)
        {
            (Node?, Node?) reached = (null, this);
            foreach (var name in names)
            {
                reached = reached.Item2!.Members.FirstOrDefault(m => m.Name.Text == name.Name);
                if (reached.Item2 is null)
                {
                    return (null, null);
                }
            }

            return reached;
        }
    }

    /// <param name="Root">Null if there is none.</param>
    /// <param name="End">Where a further line of the document can go.</param>
    private sealed record Document(Node? Root, int End)
    {
        /// <summary>Reads a text that <see cref="YamlSource"/> has read before.</summary>
        public static Document Read(string text)
        {
            var mark = text.StartsWith('\uFEFF') ? 1 : 0;
            var parser = new Parser(new StringReader(text[mark..]));
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
            {
                return new Document(null, text.Length);
            }

            var root = ReadNode();
            var end = parser.Consume<DocumentEnd>();
            return new Document(root, end.IsImplicit ? text.Length : At(end.Start));

            int At(Mark place) => Math.Min(mark + (int)place.Index, text.Length);

            Node ReadNode()
            {
                var begin = parser.Consume<ParsingEvent>();
                var members = new List<(Node Name, Node Value)>();
                var (end, isFlow) = (At(begin.End), false);
                if (begin is MappingStart map)
                {
                    isFlow = map.Style == MappingStyle.Flow;
                    while (!parser.Accept<MappingEnd>(out _))
                    {
                        var name = ReadNode();
                        members.Add((name, ReadNode()));
                        end = members[^1].Value.End;
                    }

                    end = EndOf(parser.Consume<MappingEnd>(), isFlow ? '}' : null, end);
                }
                else if (begin is SequenceStart list)
                {
                    while (!parser.Accept<SequenceEnd>(out _))
                    {
                        end = ReadNode().End;
                    }

                    var bracket = list.Style == SequenceStyle.Flow ? ']' : (char?)null;
                    end = EndOf(parser.Consume<SequenceEnd>(), bracket, end);
                }

                while (end > At(begin.Start) && char.IsWhiteSpace(text[end - 1]))
                {
                    end--;
                }

                return new Node((begin as Scalar)?.Value, isFlow, At(begin.Start), end, members);
            }

            // A block ends with the last thing in it: the event comes only at the next thing, behind comments.
            int EndOf(ParsingEvent last, char? bracket, int inner) =>
                bracket is { } found ? text.IndexOf(found, At(last.Start)) + 1 : inner;
        }
    }
}
