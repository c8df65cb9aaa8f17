using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;

namespace AgentQueue.Config;

/// <summary>
/// A JSON value that remembers where it stands, so that a complaint about it can name the line and an
/// edit can leave everything around it as it was. Members keep their order and their duplicates.
/// </summary>
/// <param name="Start">The first byte of the value in the text, after a byte order mark.</param>
/// <param name="End">The byte behind it.</param>
/// <param name="Text">What a string says, or a number as it is written; null for all else.</param>
internal sealed record SourceValue(
    JsonValueKind Kind,
    SourcePlace At,
    int Start,
    int End,
    string? Text,
    ImmutableArray<SourceMember> Members,
    ImmutableArray<SourceValue> Items
)
{
    public const int DeepestNesting = 64;

    /// <summary>The reason that <see cref="Parse"/> gives for JSON that is only nested too deep.</summary>
    public const string TooDeep =
        "more than 64 levels are nested, which is deeper than agentq reads";

    private const string TooDeepToTheReader = "The maximum configured depth";

    /// <summary>Counted from 1.</summary>
    public int Line => At.Line;

    /// <summary>The kind as a message names it: <c>a list</c>, <c>true or false</c>.</summary>
    public string KindInWords =>
        Kind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => "text",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "true or false",
            _ => "null",
        };

    /// <summary>The byte order mark that some editors put in front; positions do not count it.</summary>
    public static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> json) =>
        json.StartsWith("\uFEFF"u8) ? json[3..] : json;

    /// <summary>Reads JSON with comments and trailing commas.</summary>
    /// <param name="problem">The line and the reason, if the text is not JSON.</param>
    public static SourceValue? Parse(ReadOnlySpan<byte> json, out (int Line, string Reason) problem)
    {
        json = WithoutMark(json);
        problem = default;
        if (!Utf8.IsValid(json))
        {
            problem = (LineOfInvalidByte(json), "it is not UTF-8 text");
            return null;
        }

        var parser = new Parser(json);
        try
        {
            return parser.ReadDocument();
        }
        catch (JsonException e)
        {
            problem = ((int)(e.LineNumber ?? 0) + 1, ReasonOf(e));
            return null;
        }
        catch (InvalidOperationException)
        {
            // The only way a valid token cannot be turned into text: an escape such as \ud800 on its own.
            problem = (parser.Line, "a \\u escape names half a character");
            return null;
        }
    }

    private static int LineOfInvalidByte(ReadOnlySpan<byte> json)
    {
        var line = 1;
        while (json.IndexOf((byte)'\n') is var end and >= 0 && Utf8.IsValid(json[..end]))
        {
            line++;
            json = json[(end + 1)..];
        }

        return line;
    }

    // The message ends in positions of its own and, from some callers, a path; the line is named already.
    private static string ReasonOf(JsonException e)
    {
        var message = e.Message;
        if (message.StartsWith(TooDeepToTheReader, StringComparison.Ordinal))
        {
            return TooDeep;
        }

        foreach (var tail in (ReadOnlySpan<string>)[" Path:", " LineNumber:"])
        {
            if (message.IndexOf(tail, StringComparison.Ordinal) is var at and > 0)
            {
                message = message[..at];
            }
        }

        return message.TrimEnd('.', ' ');
    }

    private ref struct Parser(ReadOnlySpan<byte> json)
    {
        private readonly ReadOnlySpan<byte> _json = json;
        private Utf8JsonReader _reader = new(
            json,
            new JsonReaderOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                MaxDepth = DeepestNesting,
            }
        );
        private int _counted;

        public int Line { get; private set; } = 1;

        public SourceValue ReadDocument()
        {
            Next();
            var value = ReadValue();
            // Only the end may follow; anything else throws.
            Next();
            return value;
        }

        private bool Next()
        {
            if (!_reader.Read())
            {
                return false;
            }

            var start = (int)_reader.TokenStartIndex;
            Line += _json[_counted..start].Count((byte)'\n');
            _counted = start;
            return true;
        }

        private SourceValue ReadValue()
        {
            var line = Line;
            var start = (int)_reader.TokenStartIndex;
            var kind = KindOf(_reader.TokenType);
            return kind switch
            {
                JsonValueKind.Object => Composite(kind, line, start, ReadMembers(), []),
                JsonValueKind.Array => Composite(kind, line, start, [], ReadItems()),
                JsonValueKind.String => Leaf(kind, line, start, _reader.GetString()),
                JsonValueKind.Number => Leaf(
                    kind,
                    line,
                    start,
                    System.Text.Encoding.UTF8.GetString(_reader.ValueSpan)
                ),
                _ => Leaf(kind, line, start, null),
            };
        }

        private readonly SourceValue Composite(
            JsonValueKind kind,
            int line,
            int start,
            ImmutableArray<SourceMember> members,
            ImmutableArray<SourceValue> items
        ) => new(kind, new(line), start, (int)_reader.BytesConsumed, null, members, items);

        private readonly SourceValue Leaf(JsonValueKind kind, int line, int start, string? text) =>
            new(kind, new(line), start, (int)_reader.BytesConsumed, text, [], []);

        private ImmutableArray<SourceMember> ReadMembers()
        {
            var members = ImmutableArray.CreateBuilder<SourceMember>();
            while (Next() && _reader.TokenType != JsonTokenType.EndObject)
            {
                var name = _reader.GetString()!;
                var line = Line;
                var start = (int)_reader.TokenStartIndex;
                Next();
                members.Add(new SourceMember(name, new(line), start, ReadValue()));
            }

            return members.ToImmutable();
        }

        private ImmutableArray<SourceValue> ReadItems()
        {
            var items = ImmutableArray.CreateBuilder<SourceValue>();
            while (Next() && _reader.TokenType != JsonTokenType.EndArray)
            {
                items.Add(ReadValue());
            }

            return items.ToImmutable();
        }

        private static JsonValueKind KindOf(JsonTokenType token) =>
            token switch
            {
                JsonTokenType.StartObject => JsonValueKind.Object,
                JsonTokenType.StartArray => JsonValueKind.Array,
                JsonTokenType.String => JsonValueKind.String,
                JsonTokenType.Number => JsonValueKind.Number,
                JsonTokenType.True => JsonValueKind.True,
                JsonTokenType.False => JsonValueKind.False,
                _ => JsonValueKind.Null,
            };
    }
}

/// <summary>A member of an object, with the place of its name.</summary>
internal sealed record SourceMember(string Name, SourcePlace At, int Start, SourceValue Value)
{
    public int Line => At.Line;
}

/// <summary>Where something stands in a text. Both counted from 1; a column of 0 is not known.</summary>
internal readonly record struct SourcePlace(int Line, int Column = 0);
