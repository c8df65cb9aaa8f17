using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Config;

namespace AgentQueue.Assistants;

/// <summary>
/// JSON with comments and trailing commas. The entry goes to the begin of its object, where a comma behind it is
/// right in every dialect; it is laid out as the members around it are.
/// </summary>
internal sealed class JsonEntry : EntryFormat
{
    protected override string ObjectInWords => "an object";

    public override string NewFile(IReadOnlyList<string> path, JsonObject entry) =>
        Insert("", path, entry, "").Text;

    /// <summary>A value in one line.</summary>
    public static string Compact(JsonNode? value) => Written(value, "", null);

    protected override SourceValue Read(string text, IReadOnlyList<string> path, string shownAs)
    {
        if (IsBlank(text))
        {
            return s_nothing;
        }

        // The reader takes no comment between a name and its colon; blanks in its place keep all positions.
        return SourceValue.Parse(Encoding.UTF8.GetBytes(WithoutComments(text)), out var problem)
            ?? throw (
                problem.Reason == SourceValue.TooDeep
                    ? Usage(
                        new(problem.Line),
                        shownAs,
                        problem.Reason,
                        $"See to {Dotted(path)} by hand"
                    )
                    : NotReadable(new(problem.Line), shownAs, "JSON", problem.Reason)
            );
    }

    protected override (int Position, string Piece) Place(EntryPlace place)
    {
        var text = place.Text;
        var lineEnd = LineEndOf(text);
        if (place.Root.End == 0)
        {
            var whole = Written(
                new JsonObject { [place.MissingName] = Wrapped(place) },
                "",
                new Layout(lineEnd, DefaultIndent)
            );
            return (text.Length, EndsInLineEnd(text) ? whole + lineEnd : lineEnd + whole);
        }

        var positions = new Positions(text);
        var parent = place.Found.IsEmpty ? place.Root : place.Found[^1].Value;
        var behindBrace = positions.Of(parent.Start) + 1;
        var unit = UnitAround(place, positions);
        var outer = IndentAt(text, behindBrace);
        var inner = OwnIndentOfMembers(text, parent, positions) ?? outer + unit;
        var comma = parent.Members.IsEmpty ? "" : ",";
        if (HoldsNoMore(text, behindBrace))
        {
            var lines = Member(place, inner, new Layout(lineEnd, unit));
            return (NextLine(text, behindBrace), $"{inner}{lines}{comma}{lineEnd}");
        }

        if (parent.Members.IsEmpty && !IsOneLine(place.Root, positions, text))
        {
            var lines = Member(place, inner, new Layout(lineEnd, unit));
            return (behindBrace, $"{lineEnd}{inner}{lines}{lineEnd}{outer}");
        }

        var member = Member(place, inner, null);
        return (
            behindBrace,
            comma.Length == 0 ? member
            : text[behindBrace] == ' ' ? $" {member},"
            : $"{member}, "
        );
    }

    protected override int NamePosition(EntryPlace place) =>
        new Positions(place.Text).Of(place.Found[^1].Start);

    protected override string Cut(EntryPlace place)
    {
        var text = place.Text;
        var positions = new Positions(text);
        var parent = place.Found.Length == 1 ? place.Root : place.Found[^2].Value;
        var member = place.Found[^1];
        var index = parent.Members.IndexOf(member);
        var start = positions.Of(member.Start);
        var end = positions.Of(member.Value.End);
        if (CommaBehind(text, end) is { } comma)
        {
            // A comment before the comma stays.
            return comma == end
                ? CutLines(text, start, end + 1)
                : CutLines(text.Remove(comma, 1), start, end);
        }

        if (index == 0)
        {
            return CutLines(text, start, end);
        }

        // The last one goes, and with it the comma that led to it; a comment between them stays.
        var before = CommaBehind(text, positions.Of(parent.Members[index - 1].Value.End))!.Value;
        return text.AsSpan(before + 1, start - before - 1).IsWhiteSpace()
            ? text.Remove(before, end - before)
            : CutLines(text.Remove(before, 1), start - 1, end - 1);
    }

    protected override bool HoldsComment(EntryPlace place)
    {
        var positions = new Positions(place.Text);
        var member = place.Found[^1];
        var own = place.Text[positions.Of(member.Start)..positions.Of(member.Value.End)];
        return WithoutComments(own) != own;
    }

    protected override string OneLine(IReadOnlyList<string> path, JsonObject entry)
    {
        JsonNode value = entry.DeepClone();
        for (var i = path.Count - 1; i > 0; i--)
        {
            value = new JsonObject { [path[i]] = value };
        }

        return $"{Quoted(path[0])}: {Compact(value)}";
    }

    private static string Member(EntryPlace place, string indent, Layout? layout) =>
        $"{Quoted(place.MissingName)}: {Written(Wrapped(place), indent, layout)}";

    /// <param name="layout">Null: all in one line, as lists are in any case.</param>
    private static string Written(JsonNode? value, string indent, Layout? layout)
    {
        switch (value)
        {
            case JsonObject { Count: 0 }:
                return "{}";
            case JsonObject members:
                var inner = layout is null ? "" : $"{layout.LineEnd}{indent}{layout.Unit}";
                var written = members.Select(m =>
                    $"{inner}{Quoted(m.Key)}: {Written(m.Value, indent + layout?.Unit, layout)}"
                );
                var outer = layout is null ? "" : $"{layout.LineEnd}{indent}";
                return $"{{{string.Join(layout is null ? ", " : ",", written)}{outer}}}";
            case JsonArray items:
                return $"[{string.Join(", ", items.Select(static i => Written(i, "", null)))}]";
            case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                return Quoted(text.GetValue<string>());
            default:
                return value?.ToJsonString() ?? "null";
        }
    }

    /// <summary>What one level of nesting is indented by, where the entry goes or around it.</summary>
    private static string UnitAround(EntryPlace place, Positions positions)
    {
        var around = place.Found.Reverse().Select(static m => m.Value).Append(place.Root);
        foreach (var value in around)
        {
            var outer = IndentAt(place.Text, positions.Of(value.Start));
            if (
                OwnIndentOfMembers(place.Text, value, positions) is { } inner
                && inner.Length > outer.Length
                && inner.StartsWith(outer, StringComparison.Ordinal)
            )
            {
                return inner[outer.Length..];
            }
        }

        return DefaultIndent;
    }

    /// <summary>How the first member is indented; null if it stands in the line of the brace.</summary>
    private static string? OwnIndentOfMembers(string text, SourceValue value, Positions positions)
    {
        if (value.Members.IsEmpty)
        {
            return null;
        }

        var first = positions.Of(value.Members[0].Start);
        return LineStart(text, first) > positions.Of(value.Start) ? IndentAt(text, first) : null;
    }

    private static bool IsOneLine(SourceValue root, Positions positions, string text)
    {
        var (start, end) = (positions.Of(root.Start), positions.Of(root.End));
        return !root.Members.IsEmpty && LineEnd(text, start) >= end;
    }

    /// <summary>Behind the position, the line holds nothing but blanks and comments that end in it, and another one follows.</summary>
    private static bool HoldsNoMore(string text, int position)
    {
        var end = LineEnd(text, position);
        while (position < end)
        {
            var rest = text.AsSpan(position, end - position);
            if (rest[0] is ' ' or '\t')
            {
                position++;
            }
            else if (rest.StartsWith("/*") && rest[2..].IndexOf("*/") is var length and >= 0)
            {
                position += length + 4;
            }
            else if (rest.StartsWith("//"))
            {
                position = end;
            }
            else
            {
                return false;
            }
        }

        return end < text.Length;
    }

    /// <summary>Cuts a part out, and the rest of its lines if nothing else stands in them.</summary>
    private static string CutLines(string text, int start, int end)
    {
        var (first, last) = (LineStart(text, start), LineEnd(text, end));
        if (!text.AsSpan(end, last - end).IsWhiteSpace())
        {
            while (text[end] is ' ' or '\t')
            {
                end++;
            }
        }
        else if (text.AsSpan(first, start - first).IsWhiteSpace())
        {
            (start, end) = (first, NextLine(text, end));
        }

        return text.Remove(start, end - start);
    }

    /// <summary>The comma that ends a value; null if another token comes first.</summary>
    private static int? CommaBehind(string text, int position)
    {
        var next = BehindComments(text, position);
        return next < text.Length && text[next] == ',' ? next : null;
    }

    /// <summary>Nothing stands in it but blanks and comments.</summary>
    private static bool IsBlank(string text) =>
        BehindComments(text, text.StartsWith('\uFEFF') ? 1 : 0) == text.Length;

    private static int BehindComments(string text, int position)
    {
        while (position < text.Length)
        {
            var rest = text.AsSpan(position);
            if (rest[0] is ' ' or '\t' or '\r' or '\n')
            {
                position++;
            }
            else if (rest.StartsWith("//"))
            {
                position = LineEnd(text, position);
            }
            else if (rest.StartsWith("/*") && rest[2..].IndexOf("*/") is var length and >= 0)
            {
                position += length + 4;
            }
            else
            {
                break;
            }
        }

        return position;
    }

    /// <summary>Every comment as blanks, as many as it has bytes; lines stay.</summary>
    private static string WithoutComments(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length; )
        {
            var rest = text.AsSpan(at);
            var isComment = true;
            int length;
            if (rest.StartsWith("//"))
            {
                length = LineEnd(text, at) - at;
            }
            else if (rest.StartsWith("/*") && rest[2..].IndexOf("*/") is var inner and >= 0)
            {
                length = inner + 4;
            }
            else
            {
                (isComment, length) = (false, rest[0] == '"' ? LengthOfString(rest) : 1);
            }

            if (!isComment)
            {
                result.Append(rest[..length]);
            }
            else
            {
                foreach (var rune in rest[..length].EnumerateRunes())
                {
                    _ = rune.Value is '\r' or '\n'
                        ? result.Append((char)rune.Value)
                        : result.Append(' ', rune.Utf8SequenceLength);
                }
            }

            at += length;
        }

        return result.ToString();
    }

    private static int LengthOfString(ReadOnlySpan<char> text)
    {
        var length = 1;
        while (length < text.Length && text[length] != '"')
        {
            length += text[length] == '\\' ? 2 : 1;
        }

        return Math.Min(length + 1, text.Length);
    }

    private sealed record Layout(string LineEnd, string Unit);

    /// <summary>Positions in a text by those in its bytes, which do not count a byte order mark.</summary>
    private sealed class Positions(string text)
    {
        private readonly int _mark = text.StartsWith('\uFEFF') ? 1 : 0;
        private readonly byte[] _bytes = Encoding.UTF8.GetBytes(text);

        public int Of(int position) =>
            _mark + Encoding.UTF8.GetCharCount(_bytes, 3 * _mark, position);
    }
}
