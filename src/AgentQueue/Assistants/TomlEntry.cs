using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Config;

namespace AgentQueue.Assistants;

/// <summary>
/// TOML. The entry is a table of its own at the end of the file, where no line that stands there can come to
/// belong to it.
/// </summary>
internal sealed class TomlEntry : EntryFormat
{
    protected override string ObjectInWords => "a table";

    public override string NewFile(IReadOnlyList<string> path, JsonObject entry) =>
        Insert("", path, entry, "").Text;

    protected override SourceValue Read(string text, IReadOnlyList<string> path, string shownAs)
    {
        try
        {
            return Sorted(TomlSource.Read(shownAs, Encoding.UTF8.GetBytes(text), takesAll: true));
        }
        catch (QueueException e)
        {
            throw QueueException.Usage(
                e.Message,
                "Correct the line and run the same command again"
            );
        }
    }

    protected override (int Position, string Piece) Place(EntryPlace place)
    {
        CheckTable(place);
        var text = place.Text;
        var lineEnd = LineEndOf(text);
        var lines = place.Entry.Select(static m => $"{Key(m.Key)} = {Value(m.Value)}");
        var table = string.Join(lineEnd, [$"[{Keys(place.Path)}]", .. lines]);
        if (!EndsInLineEnd(text))
        {
            return (text.Length, lineEnd + lineEnd + table);
        }

        var last = LineStart(text, Math.Max(0, text.Length - lineEnd.Length));
        var blank = text.AsSpan(last).IsWhiteSpace() || text == "\uFEFF" ? "" : lineEnd;
        return (text.Length, blank + table + lineEnd);
    }

    protected override int NamePosition(EntryPlace place)
    {
        var at = place.Found[^1].At;
        return LineStarts(place.Text)[at.Line - 1] + at.Column - 1;
    }

    // A # in the entry's own text would count as one, which leaves too much and never too little.
    protected override bool HoldsComment(EntryPlace place)
    {
        var statements = Statements(place.Text);
        var starts = LineStarts(place.Text);
        for (var i = 0; i < statements.Count; i++)
        {
            if (!statements[i].IsIn(place.Path))
            {
                continue;
            }

            var isFollowed = i + 1 < statements.Count && statements[i + 1].IsIn(place.Path);
            var next = isFollowed ? statements[i + 1].FirstLine - 1 : statements[i].LastLine;
            var end = next < starts.Length ? starts[next] : place.Text.Length;
            if (place.Text.AsSpan(starts[statements[i].FirstLine - 1]..end).Contains('#'))
            {
                return true;
            }
        }

        return false;
    }

    protected override string? Cut(EntryPlace place)
    {
        var statements = Statements(place.Text);
        var starts = LineStarts(place.Text);
        var left = new StringBuilder(place.Text);
        for (var i = statements.Count - 1; i >= 0; i--)
        {
            if (!statements[i].IsIn(place.Path))
            {
                continue;
            }

            // Comments between two lines of the entry go with them.
            var last = i;
            while (i > 0 && statements[i - 1].IsIn(place.Path))
            {
                i--;
            }

            var (first, next) = (statements[i].FirstLine - 1, statements[last].LastLine);
            if (first > 0 && IsBlankLine(first - 1) && (next >= starts.Length || IsBlankLine(next)))
            {
                first--;
            }

            var end = next < starts.Length ? starts[next] : place.Text.Length;
            left.Remove(starts[first], end - starts[first]);
        }

        return left.ToString();

        bool IsBlankLine(int line) =>
            place.Text.AsSpan(starts[line]..LineEnd(place.Text, starts[line])).IsWhiteSpace();
    }

    /// <inheritdoc/>
    public override string ByHand(IReadOnlyList<string> path, JsonObject entry) =>
        $"By hand: write [{Keys(path)}] in a line, and below it, each in its own, {string.Join(" and ", entry.Select(static m => $"{Key(m.Key)} = {Value(m.Value)}"))}";

    protected override string OneLine(IReadOnlyList<string> path, JsonObject entry) =>
        $"{Keys(path)} = {Value(entry)}";

    /// <summary>A table in braces is complete, and one that dotted keys make is so at the end of its section.</summary>
    private void CheckTable(EntryPlace place)
    {
        if (place.Found.IsEmpty)
        {
            return;
        }

        var parent = place.Found[^1];
        var statement = Statements(place.Text)
            .Last(s => s.FirstLine <= parent.Line && parent.Line <= s.LastLine);
        if (statement.IsHeader)
        {
            return;
        }

        var isInline = statement.Path.Length <= place.Found.Length;
        var (how, hint) = isInline
            ? (
                "in braces",
                $"Write between its braces: {OneLine([.. place.Path.Skip(place.Found.Length)], place.Entry)}"
            )
            : (
                "with dotted keys",
                $"Write in a line below: {OneLine([.. place.Path.Skip(Section(place.Text, statement).Length)], place.Entry)}"
            );
        throw Usage(
            parent.At,
            place.ShownAs,
            $"{parent.Name} is written {how}, and TOML allows no table {Keys(place.Path)} beside that",
            hint
        );
    }

    /// <summary>The header that a pair stands below.</summary>
    private static ImmutableArray<string> Section(string text, Statement pair) =>
        Statements(text).LastOrDefault(s => s.IsHeader && s.FirstLine < pair.FirstLine)?.Path ?? [];

    /// <summary>Headers and pairs of a text that was read before, in its order.</summary>
    private static List<Statement> Statements(string text)
    {
        var statements = new List<Statement>();
        var toml = new TomlText("", Encoding.UTF8.GetBytes(text));
        ImmutableArray<string> section = [];
        for (toml.SkipLines(); !toml.AtEnd; toml.SkipLines())
        {
            var first = toml.At.Line;
            var isHeader = toml.TrySkip('[');
            toml.TrySkip('[');
            var path = ReadPath(toml);
            if (isHeader)
            {
                section = path;
                toml.TrySkip(']');
                toml.TrySkip(']');
            }
            else
            {
                path = section.AddRange(path);
                toml.TrySkip('=');
                SkipValue(toml);
            }

            statements.Add(new Statement(isHeader, path, first, toml.At.Line));
            toml.EndLine("a statement");
        }

        return statements;
    }

    private static ImmutableArray<string> ReadPath(TomlText toml)
    {
        var path = ImmutableArray.CreateBuilder<string>();
        do
        {
            toml.SkipBlanks();
            path.Add(toml.ReadName());
            toml.SkipBlanks();
        } while (toml.TrySkip('.'));

        return path.ToImmutable();
    }

    private static void SkipValue(TomlText toml)
    {
        var depth = 0;
        toml.SkipBlanks();
        do
        {
            switch (toml.Next)
            {
                case '"' or '\'':
                    toml.ReadString();
                    break;
                case '[' or '{':
                    depth++;
                    toml.Skip();
                    break;
                case ']' or '}':
                    depth--;
                    toml.Skip();
                    break;
                case ',' or '=':
                    toml.Skip();
                    break;
                default:
                    toml.ReadWordOrDate();
                    break;
            }

            if (depth > 0)
            {
                toml.SkipLines();
            }
        } while (depth > 0);
    }

    private static int[] LineStarts(string text)
    {
        var starts = new List<int> { text.StartsWith('\uFEFF') ? 1 : 0 };
        for (var at = 0; text.IndexOf('\n', at) is var end and >= 0; at = end + 1)
        {
            starts.Add(end + 1);
        }

        if (starts[^1] == text.Length && starts.Count > 1)
        {
            starts.RemoveAt(starts.Count - 1);
        }

        return [.. starts];
    }

    // A table's members come in the order in which the file names them first, which changes as the entry goes.
    private static SourceValue Sorted(SourceValue value) =>
        value with
        {
            Members =
            [
                .. value
                    .Members.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name))
                    .Select(static m => m with { Value = Sorted(m.Value) }),
            ],
            Items = [.. value.Items.Select(Sorted)],
        };

    private static string Keys(IEnumerable<string> path) => string.Join('.', path.Select(Key));

    private static string Key(string name) =>
        name.Length > 0 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            ? name
            : Quoted(name);

    private static string Value(JsonNode? value) =>
        value switch
        {
            null => throw new ArgumentException("TOML has no null", nameof(value)),
            JsonObject { Count: 0 } => "{}",
            JsonObject members =>
                $"{{ {string.Join(", ", members.Select(static m => $"{Key(m.Key)} = {Value(m.Value)}"))} }}",
            JsonArray items => $"[{string.Join(", ", items.Select(Value))}]",
            _ when value.GetValueKind() == JsonValueKind.String => Quoted(value.GetValue<string>()),
            _ => value.ToJsonString(),
        };

    /// <summary>A header, or a key and its value. It has its lines, counted from 1, for itself.</summary>
    /// <param name="Path">From the root down.</param>
    private sealed record Statement(
        bool IsHeader,
        ImmutableArray<string> Path,
        int FirstLine,
        int LastLine
    )
    {
        public bool IsIn(IReadOnlyList<string> path) =>
            Path.Length >= path.Count && path.SequenceEqual(Path.Take(path.Count));
    }
}
