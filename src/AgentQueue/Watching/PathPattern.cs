using System.Text;

namespace AgentQueue.Watching;

/// <summary>
/// One pattern of a .gitignore file, as git defines them; the globs of a watch rule are read alike. Without a
/// slash before its end it is about the last name of a path, else about the whole of it. <c>*</c>, <c>?</c> and
/// <c>[a-z]</c> never take a slash, <c>**</c> as a whole name takes any number of folders, a backslash takes what
/// follows it as it is. Paths are UTF-8 with slashes and do not begin with one.
/// </summary>
/// <remarks>Takes at most as many steps as the path has bytes, squared, times as the pattern has.</remarks>
internal sealed class PathPattern
{
    private readonly Token[] _tokens;
    private readonly byte[]? _plain;
    private readonly byte[]? _ending;
    private readonly bool _byBytes;
    private readonly bool _ignoreCase;

    private PathPattern(Reader reader, bool ignoreCase)
    {
        _byBytes = reader.ByBytes;
        _ignoreCase = ignoreCase;
        IsAboutName = reader.IsAboutName;
        OnlyFolders = reader.OnlyFolders;
        _tokens = reader.Read();
        if (!ignoreCase && _tokens.All(static t => t.Kind == TokenKind.Byte))
        {
            _plain = [.. _tokens.Select(static t => t.Value)];
        }
        else if (
            !ignoreCase
            && IsAboutName
            && _tokens[0].Kind == TokenKind.Star
            && _tokens.Skip(1).All(static t => t.Kind == TokenKind.Byte)
        )
        {
            _ending = [.. _tokens.Skip(1).Select(static t => t.Value)];
        }
    }

    /// <summary>It has no slash but at its end, so it is about a name in any folder.</summary>
    public bool IsAboutName { get; }

    /// <summary>It ended with a slash.</summary>
    public bool OnlyFolders { get; }

    /// <summary>Nothing in it stands for anything but itself.</summary>
    public bool IsPlain => Array.TrueForAll(_tokens, static t => t.Kind == TokenKind.Byte);

    /// <summary>
    /// The folders in which alone a match can lie, with a slash at the end; empty if that may be anywhere.
    /// </summary>
    public ReadOnlySpan<byte> Within => _within ??= FindWithin();

    private byte[]? _within;

    /// <summary>A pattern of git's: <c>?</c> and sets take one byte, as they do there.</summary>
    /// <param name="text">Without a <c>!</c> before it and without blanks that do not count behind it.</param>
    public static PathPattern OfGit(ReadOnlySpan<byte> text, bool ignoreCase) =>
        new(new Reader(text.ToArray(), byBytes: true), ignoreCase);

    /// <summary>A glob that somebody wrote for us: <c>?</c> and sets take one character.</summary>
    public static PathPattern OfGlob(string text, bool ignoreCase) =>
        new(new Reader(Encoding.UTF8.GetBytes(text), byBytes: false), ignoreCase);

    /// <param name="path">From the folder in which the pattern counts.</param>
    public bool Matches(ReadOnlySpan<byte> path) => Matches(path, NameOf(path));

    /// <summary>As above, for who asks many patterns about one path.</summary>
    /// <param name="name">What stands behind the last slash of the path.</param>
    public bool Matches(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        var text = IsAboutName ? name : path;
        return _plain is not null ? text.SequenceEqual(_plain)
            : _ending is not null ? text.EndsWith(_ending)
            : Walk(text);
    }

    public static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> path) =>
        path[(path.LastIndexOf((byte)'/') + 1)..];

    // What stands before a ** decides alone where it can begin, and before a later star the same within a
    // name: so only the last of each is ever tried again.
    private bool Walk(ReadOnlySpan<byte> text)
    {
        var at = 0;
        var token = 0;
        var star = (Token: -1, At: 0);
        var folders = (Token: -1, At: 0);
        while (true)
        {
            if (token == _tokens.Length)
            {
                if (at == text.Length)
                {
                    return true;
                }
            }
            else if (_tokens[token].Kind == TokenKind.Rest)
            {
                return true;
            }
            else if (_tokens[token].Kind == TokenKind.Star)
            {
                star = (token++, at);
                continue;
            }
            else if (_tokens[token].Kind == TokenKind.Folders)
            {
                folders = (token++, at);
                star.Token = -1;
                continue;
            }
            else if (at < text.Length && LengthTaken(_tokens[token], text[at..]) is > 0 and var n)
            {
                token++;
                at += n;
                continue;
            }

            if (star.Token >= 0 && star.At < text.Length && text[star.At] != '/')
            {
                star.At += UnitAt(text[star.At..], out _);
                (token, at) = (star.Token + 1, star.At);
            }
            else if (folders.Token >= 0 && text[folders.At..].IndexOf((byte)'/') is >= 0 and var n)
            {
                folders.At += n + 1;
                (token, at) = (folders.Token + 1, folders.At);
                star.Token = -1;
            }
            else
            {
                return false;
            }
        }
    }

    private int LengthTaken(Token token, ReadOnlySpan<byte> text)
    {
        if (token.Kind == TokenKind.Byte)
        {
            return Same(text[0], token.Value) ? 1 : 0;
        }

        var length = UnitAt(text, out var unit);
        return
            unit != '/'
            && (
                token.Kind == TokenKind.Any
                || (token.Kind == TokenKind.Set && token.Set!.Has(unit, _ignoreCase))
            )
            ? length
            : 0;
    }

    private bool Same(byte a, byte b) => a == b || (_ignoreCase && Lower(a) == Lower(b));

    private static int Lower(int c) => c is >= 'A' and <= 'Z' ? c | 0x20 : c;

    private int UnitAt(ReadOnlySpan<byte> text, out int unit)
    {
        if (_byBytes || text[0] < 0x80)
        {
            unit = text[0];
            return 1;
        }

        Rune.DecodeFromUtf8(text, out var rune, out var length);
        unit = rune.Value;
        return length;
    }

    private byte[] FindWithin()
    {
        if (IsAboutName)
        {
            return [];
        }

        var plain = _tokens
            .TakeWhile(static t => t.Kind == TokenKind.Byte)
            .Select(static t => t.Value)
            .ToArray();
        return plain[..(Array.LastIndexOf(plain, (byte)'/') + 1)];
    }

    private enum TokenKind
    {
        Byte,
        Any,
        Set,
        Star,

        /// <summary><c>**/</c>: nothing, or folders with their slash.</summary>
        Folders,

        /// <summary><c>**</c> at the end: whatever is left.</summary>
        Rest,

        /// <summary>What git never matches: a set that is not closed, a backslash at the end.</summary>
        Never,
    }

    private readonly record struct Token(TokenKind Kind, byte Value = 0, CharacterSet? Set = null);

    private sealed record CharacterSet(List<(int From, int To)> Ranges, bool IsNegated)
    {
        public bool Has(int unit, bool ignoreCase)
        {
            var has = Contains(unit);
            if (!has && ignoreCase && unit < 0x80 && char.IsAsciiLetter((char)unit))
            {
                has = Contains(unit ^ 0x20);
            }

            return has != IsNegated;
        }

        private bool Contains(int unit)
        {
            foreach (var (from, to) in Ranges)
            {
                if (unit >= from && unit <= to)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Takes the text of a pattern apart.</summary>
    private sealed class Reader
    {
        private readonly byte[] _text;
        private readonly List<Token> _tokens = [];
        private readonly int _begin;
        private int _at;

        public Reader(byte[] text, bool byBytes)
        {
            ByBytes = byBytes;
            OnlyFolders = text is [.., (byte)'/'];
            _text = OnlyFolders ? text[..^1] : text;
            IsAboutName = !_text.AsSpan().Contains((byte)'/');
            _begin = _text is [(byte)'/', ..] ? 1 : 0;
        }

        public bool ByBytes { get; }
        public bool IsAboutName { get; }
        public bool OnlyFolders { get; }

        public Token[] Read()
        {
            if (_text.Length == _begin)
            {
                return [new(TokenKind.Never)];
            }

            for (_at = _begin; _at < _text.Length; )
            {
                _tokens.Add(Next());
            }

            return [.. _tokens];
        }

        private Token Next()
        {
            var c = _text[_at++];
            switch (c)
            {
                case (byte)'*':
                    return Stars();
                case (byte)'?':
                    return new(TokenKind.Any);
                case (byte)'[':
                    return Set();
                case (byte)'\\':
                    return _at < _text.Length
                        ? new(TokenKind.Byte, _text[_at++])
                        : new(TokenKind.Never);
                default:
                    return new(TokenKind.Byte, c);
            }
        }

        private Token Stars()
        {
            var first = _at - 1;
            while (_at < _text.Length && _text[_at] == '*')
            {
                _at++;
            }

            // git looks at what stands before only from the first character on that is not plain.
            var begins =
                first == _begin
                || _text[first - 1] == '/'
                || _tokens.TrueForAll(static t => t.Kind == TokenKind.Byte)
                    && !_text.AsSpan(0, first).Contains((byte)'\\');
            if (_at - first == 1 || IsAboutName || !begins)
            {
                return new(TokenKind.Star);
            }

            if (_at == _text.Length)
            {
                return new(TokenKind.Rest);
            }

            if (_text[_at] == '/')
            {
                _at++;
                return new(TokenKind.Folders);
            }

            return new(TokenKind.Star);
        }

        private Token Set()
        {
            var negated = _at < _text.Length && _text[_at] is (byte)'!' or (byte)'^';
            _at += negated ? 1 : 0;
            var ranges = new List<(int, int)>();
            // Of a range's begin; null behind a range and a class.
            int? before = null;
            for (var isFirst = true; ; isFirst = false)
            {
                if (_at >= _text.Length)
                {
                    return Broken();
                }

                if (_text[_at] == ']' && !isFirst)
                {
                    _at++;
                    return new(TokenKind.Set, Set: new CharacterSet(ranges, negated));
                }

                if (
                    _text[_at] == '-'
                    && before is { } from
                    && _at + 1 < _text.Length
                    && _text[_at + 1] != ']'
                )
                {
                    _at++;
                    if (Unit() is not { } to)
                    {
                        return Broken();
                    }

                    ranges.Add((from, to));
                    before = null;
                }
                else if (_text.AsSpan(_at).StartsWith("[:"u8) && ClassEnd() is { } end)
                {
                    if (end < 0 || !AddClass(_text.AsSpan((_at + 2)..end), ranges))
                    {
                        return Broken();
                    }

                    _at = end + 2;
                    before = null;
                }
                else if (Unit() is { } one)
                {
                    ranges.Add((one, one));
                    before = one;
                }
                else
                {
                    return Broken();
                }
            }
        }

        private Token Broken()
        {
            _at = _text.Length;
            return new(TokenKind.Never);
        }

        // One character of a set, perhaps behind a backslash; null if there is none.
        private int? Unit()
        {
            if (_text[_at] == '\\')
            {
                _at++;
            }

            if (_at >= _text.Length)
            {
                return null;
            }

            if (ByBytes)
            {
                return _text[_at++];
            }

            Rune.DecodeFromUtf8(_text.AsSpan(_at), out var rune, out var length);
            _at += length;
            return rune.Value;
        }

        // Where the ":]" of a class begins; −1 if no bracket follows at all; null if what follows is no class.
        private int? ClassEnd()
        {
            var bracket = _text.AsSpan(_at + 2).IndexOf((byte)']');
            if (bracket < 0)
            {
                return -1;
            }

            var end = _at + 2 + bracket - 1;
            return bracket > 0 && _text[end] == ':' ? end : null;
        }

        private static bool AddClass(ReadOnlySpan<byte> name, List<(int, int)> ranges)
        {
            (int, int)[]? found = Encoding.ASCII.GetString(name) switch
            {
                "alnum" => [('0', '9'), ('A', 'Z'), ('a', 'z')],
                "alpha" => [('A', 'Z'), ('a', 'z')],
                "blank" => [(' ', ' '), ('\t', '\t')],
                "cntrl" => [(0, 31), (127, 127)],
                "digit" => [('0', '9')],
                "graph" => [('!', '~')],
                "lower" => [('a', 'z')],
                "print" => [(' ', '~')],
                "punct" => [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
                "space" => [(' ', ' '), ('\t', '\r')],
                "upper" => [('A', 'Z')],
                "xdigit" => [('0', '9'), ('A', 'F'), ('a', 'f')],
                _ => null,
            };
            ranges.AddRange(found ?? []);
            return found is not null;
        }
    }
}
