using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace AgentQueue.Config;

/// <summary>
/// Reads YAML 1.2 with the core schema (https://yaml.org/spec/1.2.2/#103-core-schema), of which JSON is a
/// part, into the same values as <see cref="SourceValue.Parse"/>, with lines and columns. Aliases and the
/// merge key <c>&lt;&lt;</c> are followed; tags of other schemas are refused.
/// </summary>
internal static class YamlSource
{
    private const string CoreTag = "tag:yaml.org,2002:";
    private const string MergeKey = "<<";

    /// <param name="problem">The place and the reason, if the text is not one document of YAML.</param>
    public static SourceValue? Parse(
        ReadOnlySpan<byte> yaml,
        out (SourcePlace At, string Reason) problem
    )
    {
        yaml = SourceValue.WithoutMark(yaml);
        problem = default;
        if (!Utf8.IsValid(yaml))
        {
            problem = (default, "it is not UTF-8 text");
            return null;
        }

        try
        {
            return new Reading(Encoding.UTF8.GetString(yaml)).Document();
        }
        catch (YamlException e)
        {
            problem = (PlaceOf(e.Start), e.Message.TrimEnd('.', ' '));
            return null;
        }
    }

    private static SourcePlace PlaceOf(Mark mark) => new((int)mark.Line, (int)mark.Column);

    private sealed class Reading(string text)
    {
        private readonly Parser _parser = new(new StringReader(text));
        private readonly Dictionary<string, SourceValue> _anchors = new(StringComparer.Ordinal);
        private int _depth;

        public SourceValue Document()
        {
            Take<StreamStart>();
            if (Peek() is StreamEnd end)
            {
                return Leaf(JsonValueKind.Null, end, null);
            }

            Take<DocumentStart>();
            var value = Value();
            Take<DocumentEnd>();
            return Peek() is StreamEnd
                ? value
                : throw Refusal(Peek(), "only one document may be in a file");
        }

        private ParsingEvent Peek()
        {
            if (_parser.Current is null && !Move())
            {
                throw new YamlException("it ends too early");
            }

            return _parser.Current!;
        }

        private ParsingEvent Next()
        {
            var current = Peek();
            Move();
            return current;
        }

        private bool Move()
        {
            try
            {
                return _parser.MoveNext();
            }
            catch (InvalidOperationException e)
            {
                // Its scanner says so of some texts that break off or go on where they may not.
                var at = _parser.Current?.End ?? Mark.Empty;
                throw new YamlException(at, at, "it cannot be read from here on", e);
            }
        }

        private T Take<T>()
            where T : ParsingEvent =>
            Next() is T wanted ? wanted : throw new YamlException("it is not a document");

        private SourceValue Value()
        {
            if (++_depth > SourceValue.DeepestNesting)
            {
                throw Refusal(
                    Peek(),
                    $"it is nested more than {SourceValue.DeepestNesting} levels deep"
                );
            }

            var begin = Next();
            var value = begin switch
            {
                Scalar scalar => Read(scalar),
                SequenceStart list => Read(list),
                MappingStart map => Read(map),
                AnchorAlias alias => _anchors.TryGetValue(alias.Value.Value, out var known)
                    ? known
                    : throw Refusal(alias, $"*{alias.Value.Value} names nothing that was read"),
                _ => throw Refusal(begin, "a value is missing"),
            };
            if (begin is NodeEvent { Anchor: { IsEmpty: false } anchor })
            {
                // Known from its end on: a value that holds itself cannot be written down.
                _anchors[anchor.Value] = value;
            }

            _depth--;
            return value;
        }

        private SourceValue Read(SequenceStart list)
        {
            CheckTag(list.Tag, list, "seq");
            var items = ImmutableArray.CreateBuilder<SourceValue>();
            while (Peek() is not SequenceEnd)
            {
                items.Add(Value());
            }

            Next();
            return new SourceValue(
                JsonValueKind.Array,
                PlaceOf(list.Start),
                0,
                0,
                null,
                [],
                items.ToImmutable()
            );
        }

        private SourceValue Read(MappingStart map)
        {
            CheckTag(map.Tag, map, "map");
            var members = ImmutableArray.CreateBuilder<SourceMember>();
            var merged = new List<SourceValue>();
            while (Peek() is not MappingEnd)
            {
                if (Next() is not Scalar key)
                {
                    throw Refusal(Peek(), "a key must be text");
                }

                var value = Value();
                if (key is { Value: MergeKey, Style: ScalarStyle.Plain })
                {
                    merged.AddRange(value.Kind == JsonValueKind.Array ? value.Items : [value]);
                    continue;
                }

                members.Add(new SourceMember(key.Value, PlaceOf(key.Start), 0, value));
            }

            foreach (var source in merged)
            {
                if (source.Kind != JsonValueKind.Object)
                {
                    throw Refusal(map, "<< merges maps only");
                }

                var named = members.Select(static m => m.Name).ToHashSet(StringComparer.Ordinal);
                members.AddRange(source.Members.Where(m => named.Add(m.Name)));
            }

            Next();
            return new SourceValue(
                JsonValueKind.Object,
                PlaceOf(map.Start),
                0,
                0,
                null,
                members.ToImmutable(),
                []
            );
        }

        private static SourceValue Read(Scalar scalar)
        {
            var tag = scalar.Tag.IsEmpty ? "" : CoreName(scalar.Tag, scalar);
            if (tag == "str" || (tag.Length == 0 && scalar.Style != ScalarStyle.Plain))
            {
                return Leaf(JsonValueKind.String, scalar, scalar.Value);
            }

            return scalar.Value switch
            {
                "" or "~" or "null" or "Null" or "NULL" => Leaf(JsonValueKind.Null, scalar, null),
                "true" or "True" or "TRUE" => Leaf(JsonValueKind.True, scalar, null),
                "false" or "False" or "FALSE" => Leaf(JsonValueKind.False, scalar, null),
                var text when NumberIn(text) is { } number => Leaf(
                    JsonValueKind.Number,
                    scalar,
                    number
                ),
                var text => Leaf(JsonValueKind.String, scalar, text),
            };
        }

        // As a number of JSON would be written; infinities and hexadecimals stay as they are.
        private static string? NumberIn(string text)
        {
            var digits = text.AsSpan().TrimStart("+-");
            if (digits.IsEmpty || text.Length - digits.Length > 1)
            {
                return null;
            }

            if (digits is ".inf" or ".Inf" or ".INF" or ".nan" or ".NaN" or ".NAN")
            {
                return text;
            }

            if (digits.StartsWith("0x") || digits.StartsWith("0o"))
            {
                return digits.Length > 2 && digits[2..].IndexOfAnyExceptInRange('0', 'f') < 0
                    ? text
                    : null;
            }

            // Underscores between digits are of YAML 1.1, which older readers follow.
            var plain = text.Replace("_", "", StringComparison.Ordinal);
            return
                (char.IsAsciiDigit(digits[0]) || (digits[0] == '.' && digits.Length > 1))
                && double.TryParse(
                    plain,
                    NumberStyles.AllowLeadingSign
                        | NumberStyles.AllowDecimalPoint
                        | NumberStyles.AllowExponent,
                    CultureInfo.InvariantCulture,
                    out _
                )
                ? plain.TrimStart('+')
                : null;
        }

        private static void CheckTag(TagName tag, ParsingEvent at, string wanted)
        {
            if (!tag.IsEmpty && CoreName(tag, at) != wanted)
            {
                throw Refusal(at, $"the tag {tag.Value} does not fit here");
            }
        }

        private static string CoreName(TagName tag, ParsingEvent at) =>
            tag is { IsNonSpecific: true } ? "str"
            : tag.Value.StartsWith(CoreTag, StringComparison.Ordinal)
            && tag.Value[CoreTag.Length..]
                is "str"
                    or "int"
                    or "float"
                    or "bool"
                    or "null"
                    or "map"
                    or "seq"
                ? tag.Value[CoreTag.Length..]
            : throw Refusal(at, $"the tag {tag.Value} is not known");

        private static SourceValue Leaf(JsonValueKind kind, ParsingEvent at, string? text) =>
            new(kind, PlaceOf(at.Start), (int)at.Start.Index, (int)at.End.Index, text, [], []);

        private static YamlException Refusal(ParsingEvent at, string reason) =>
            new(at.Start, at.End, reason);
    }
}
