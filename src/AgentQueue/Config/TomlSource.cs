using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>
/// Reads TOML 1.0 (https://toml.io/en/v1.0.0) into the same values as <see cref="SourceValue.Parse"/>, with
/// lines and columns: tables, lists of them, text, decimal numbers, true and false, lists and inline tables.
/// Dates, times, numbers of other bases, infinity and NaN are refused, or come as they are spelt.
/// </summary>
internal sealed class TomlSource
{
    private readonly TomlText _text;
    private readonly Table _root = new(new(1, 1), depth: 1) { Made = Made.ByHeader };

    // The table that the lines go into, and how many headers came before them.
    private Table _table;
    private int _section;

    private readonly bool _takesAll;

    private TomlSource(TomlText text, bool takesAll) =>
        (_text, _table, _takesAll) = (text, _root, takesAll);

    /// <param name="file">How messages name the file.</param>
    /// <param name="takesAll">What is not read counts as a number, with its spelling: for files of others.</param>
    /// <returns>An object.</returns>
    /// <exception cref="QueueException">It is not TOML, or of the kinds that are not read; the place is named.</exception>
    public static SourceValue Read(string file, ReadOnlySpan<byte> toml, bool takesAll = false)
    {
        var source = new TomlSource(new TomlText(file, toml), takesAll);
        source.ReadDocument();
        return source._root.ToValue();
    }

    private void ReadDocument()
    {
        for (_text.SkipLines(); !_text.AtEnd; _text.SkipLines())
        {
            if (_text.Next == '[')
            {
                ReadHeader();
            }
            else
            {
                ReadPair(_table, _section);
                _text.EndLine("a value");
            }
        }
    }

    private void ReadHeader()
    {
        var begin = _text.At;
        _text.Skip();
        var isList = _text.TrySkip('[');
        var path = ReadPath();
        if (!_text.TrySkip(']') || (isList && !_text.TrySkip(']')))
        {
            throw _text.Refusal(
                $"this header must end in {(isList ? "]]" : "]")}, not {_text.Shown()}"
            );
        }

        _text.EndLine("a header");
        _section++;
        var parent = _root;
        foreach (var key in path[..^1])
        {
            parent = Step(parent, key);
        }

        _table = isList ? AddToList(parent, path[^1], begin) : Open(parent, path[^1]);
    }

    private Table Step(Table parent, Key key)
    {
        if (!parent.TryFind(key.Name, out var there))
        {
            return parent.Add(key, new Table(key.At, Deeper(parent, key.At)));
        }

        return there.Content switch
        {
            Table { Made: not Made.Inline } table => table,
            List<Table> list => list[^1],
            _ => throw _text.Refusal(
                key.At,
                $"{key.Name} is no table to add to: it has its value from line {Line(there)}"
            ),
        };
    }

    private Table Open(Table parent, Key key)
    {
        if (!parent.TryFind(key.Name, out var there))
        {
            return parent.Add(
                key,
                new Table(key.At, Deeper(parent, key.At)) { Made = Made.ByHeader }
            );
        }

        if (there.Content is not Table { Made: Made.OnTheWay } table)
        {
            throw Twice(key, there);
        }

        table.Made = Made.ByHeader;
        return table;
    }

    private Table AddToList(Table parent, Key key, SourcePlace begin)
    {
        var table = new Table(begin, Deeper(parent, key.At) + 1) { Made = Made.ByHeader };
        if (!parent.TryFind(key.Name, out var there))
        {
            parent.Add(key, new List<Table> { table });
        }
        else if (there.Content is List<Table> list)
        {
            list.Add(table);
        }
        else
        {
            throw Twice(key, there);
        }

        return table;
    }

    /// <param name="section">Tables that dotted keys make can be added to in the same one only.</param>
    private void ReadPair(Table table, int section)
    {
        var path = ReadPath();
        if (!_text.TrySkip('='))
        {
            throw _text.Refusal($"'=' and a value must follow the key, not {_text.Shown()}");
        }

        foreach (var key in path[..^1])
        {
            table = StepDotted(table, key, section);
        }

        if (table.TryFind(path[^1].Name, out var there))
        {
            throw Twice(path[^1], there);
        }

        _text.SkipBlanks();
        table.Add(path[^1], ReadValue(table.Depth + 1));
    }

    private Table StepDotted(Table parent, Key key, int section)
    {
        if (!parent.TryFind(key.Name, out var there))
        {
            return parent.Add(
                key,
                new Table(key.At, Deeper(parent, key.At))
                {
                    Made = Made.ByDottedKey,
                    Section = section,
                }
            );
        }

        switch (there.Content)
        {
            case Table { Made: Made.ByDottedKey } dotted when dotted.Section == section:
                return dotted;
            case Table { Made: Made.OnTheWay } table:
                table.Made = Made.ByDottedKey;
                table.Section = section;
                return table;
            default:
                throw _text.Refusal(
                    key.At,
                    $"{key.Name} cannot be added to with dots: it is complete since line {Line(there)}"
                );
        }
    }

    private ImmutableArray<Key> ReadPath()
    {
        var path = ImmutableArray.CreateBuilder<Key>();
        do
        {
            _text.SkipBlanks();
            var at = _text.At;
            path.Add(new Key(_text.ReadName(), at));
            _text.SkipBlanks();
        } while (_text.TrySkip('.'));

        return path.ToImmutable();
    }

    private object ReadValue(int depth)
    {
        var at = _text.At;
        if (depth > SourceValue.DeepestNesting)
        {
            throw TooDeep(at);
        }

        return _text.Next switch
        {
            '"' or '\'' => Leaf(JsonValueKind.String, at, _text.ReadString()),
            '[' => ReadList(depth),
            '{' => ReadInlineTable(depth),
            _ => ReadWord(),
        };
    }

    private SourceValue ReadList(int depth)
    {
        var at = _text.At;
        _text.Skip();
        var items = ImmutableArray.CreateBuilder<SourceValue>();
        for (_text.SkipLines(); !_text.TrySkip(']'); _text.SkipLines())
        {
            items.Add(ToValue(ReadValue(depth + 1)));
            _text.SkipLines();
            if (!_text.TrySkip(',') && _text.Next != ']')
            {
                throw _text.AtEnd
                    ? _text.Refusal(at, "this list has no ] at its end")
                    : _text.Refusal($"a comma or ] must follow in this list, not {_text.Shown()}");
            }
        }

        return new SourceValue(JsonValueKind.Array, at, 0, 0, null, [], items.ToImmutable());
    }

    private Table ReadInlineTable(int depth)
    {
        // It is complete in its line: nothing is ever added to it, and so it may count as a section.
        var table = new Table(_text.At, depth) { Made = Made.Inline };
        _text.Skip();
        _text.SkipBlanks();
        if (_text.TrySkip('}'))
        {
            return table;
        }

        var section = ++_section;
        do
        {
            ReadPair(table, section);
            _text.SkipBlanks();
        } while (_text.TrySkip(','));

        return _text.TrySkip('}')
            ? table
            : throw _text.Refusal(
                $"a comma or }} must follow in the same line of this inline table, not {_text.Shown()}"
            );
    }

    private SourceValue ReadWord()
    {
        var at = _text.At;
        var word = _takesAll ? _text.ReadWordOrDate() : _text.ReadWord();
        if (word is "true" or "false")
        {
            return Leaf(word == "true" ? JsonValueKind.True : JsonValueKind.False, at, null);
        }

        if (_takesAll && TomlNumber.IsOther(word))
        {
            return Leaf(JsonValueKind.Number, at, word);
        }

        return TomlNumber.TryRead(word, out var number, out var refusal)
            ? Leaf(JsonValueKind.Number, at, number)
            : throw _text.Refusal(
                at,
                word.Length > 0 ? refusal : $"a value is expected, not {_text.Shown()}"
            );
    }

    private int Deeper(Table parent, SourcePlace at) =>
        parent.Depth < SourceValue.DeepestNesting ? parent.Depth + 1 : throw TooDeep(at);

    private QueueException TooDeep(SourcePlace at) =>
        _text.Refusal(
            at,
            string.Create(
                CultureInfo.InvariantCulture,
                $"this is nested more than {SourceValue.DeepestNesting} levels deep"
            )
        );

    private QueueException Twice(Key key, Entry there) =>
        _text.Refusal(key.At, $"{key.Name} stands here twice, first in line {Line(there)}");

    private static string Line(Entry entry) => entry.At.Line.ToString(CultureInfo.InvariantCulture);

    private static SourceValue Leaf(JsonValueKind kind, SourcePlace at, string? text) =>
        new(kind, at, 0, 0, text, [], []);

    private static SourceValue ToValue(object content) =>
        content switch
        {
            SourceValue value => value,
            Table table => table.ToValue(),
            List<Table> list => new SourceValue(
                JsonValueKind.Array,
                list[0].At,
                0,
                0,
                null,
                [],
                [.. list.Select(static t => t.ToValue())]
            ),
            _ => throw new UnreachableException(),
        };

    private readonly record struct Key(string Name, SourcePlace At);

    /// <summary>How a table came to be, which decides who may add to it.</summary>
    private enum Made
    {
        /// <summary>By a header of a table in it; one header of its own may follow.</summary>
        OnTheWay,
        ByHeader,
        ByDottedKey,
        Inline,
    }

    /// <param name="Content">A <see cref="SourceValue"/>, a <see cref="Table"/>, or a list of tables by <c>[[headers]]</c>.</param>
    private sealed record Entry(string Name, SourcePlace At, object Content);

    private sealed class Table(SourcePlace at, int depth)
    {
        private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
        private readonly List<Entry> _inOrder = [];

        public SourcePlace At => at;
        public int Depth => depth;
        public Made Made { get; set; }
        public int Section { get; set; }

        public bool TryFind(string name, [NotNullWhen(true)] out Entry? entry) =>
            _entries.TryGetValue(name, out entry);

        public T Add<T>(Key key, T content)
            where T : class
        {
            var entry = new Entry(key.Name, key.At, content);
            _entries.Add(key.Name, entry);
            _inOrder.Add(entry);
            return content;
        }

        public SourceValue ToValue() =>
            new(
                JsonValueKind.Object,
                at,
                0,
                0,
                null,
                [
                    .. _inOrder.Select(static e => new SourceMember(
                        e.Name,
                        e.At,
                        0,
                        TomlSource.ToValue(e.Content)
                    )),
                ],
                []
            );
    }
}
