using System.Collections.Immutable;
using System.Text;

namespace AgentQueue.Scheduling;

/// <summary>
/// One of a plan's <c>outputs</c>, taken apart: <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!a-z]</c>, and
/// <c>**</c> for any number of folders. Without any of these it is a plain path, and if that is a folder
/// everything in it is meant. A name that begins with a dot matches only what is written with that dot.
/// </summary>
/// <param name="Root">Where an absolute one begins, <c>/</c> or a drive; null for a relative one.</param>
/// <param name="Up">How many <c>..</c> a relative one begins with.</param>
internal sealed record ArtifactGlob(
    string Text,
    string? Root,
    int Up,
    ImmutableArray<GlobSegment> Segments
)
{
    public bool IsPlain { get; } = Segments.All(static s => s is GlobSegment.Name);

    /// <summary>Null, and a sentence, for one that cannot be meant.</summary>
    public static ArtifactGlob? Parse(string text, out string? problem)
    {
        problem = null;
        if (text.Length == 0 || text.Contains('\0'))
        {
            problem = "An empty glob, or one with a NUL in it, matches nothing";
            return null;
        }

        var root = Path.IsPathRooted(text) ? Path.GetPathRoot(text) : null;
        var up = 0;
        var segments = new List<GlobSegment>();
        foreach (var part in PartsOf(text[(root?.Length ?? 0)..]))
        {
            if (part != "..")
            {
                // ** after ** says nothing new, and costs.
                if (part != "**" || segments is not [.., GlobSegment.AnyFolders])
                {
                    segments.Add(GlobSegment.Parse(part));
                }
            }
            else if (segments is [.., GlobSegment.Name])
            {
                segments.RemoveAt(segments.Count - 1);
            }
            else if (segments.Count > 0)
            {
                problem = $"The glob {text} has .. behind a folder that it does not name";
                return null;
            }
            else
            {
                // Above the root is the root.
                up += root is null ? 1 : 0;
            }
        }

        // Of the folders that match, as of a plain one, what is in them is meant.
        var glob = new ArtifactGlob(text, root, up, [.. segments]);
        return
            IsSeparator(text[^1]) && !glob.IsPlain && segments is not [.., GlobSegment.AnyFolders]
            ? glob with
            {
                Segments = [.. segments, new GlobSegment.AnyFolders()],
            }
            : glob;
    }

    private static IEnumerable<string> PartsOf(string text) =>
        text.Split(['/', Path.DirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries)
            .Where(static p => p != ".");

    private static bool IsSeparator(char c) => c == '/' || c == Path.DirectorySeparatorChar;
}

/// <summary>What stands between two slashes of a glob.</summary>
internal abstract record GlobSegment
{
    private GlobSegment() { }

    public static GlobSegment Parse(string text) =>
        text == "**" ? new AnyFolders()
        : text.AsSpan().ContainsAny("*?[") ? new Pattern(text)
        : new Name(text);

    /// <summary>True for the name of a file or folder that this segment means.</summary>
    public abstract bool Matches(string name);

    public static bool IsHidden(string name) => name.StartsWith('.');

    /// <summary>A name as it is.</summary>
    internal sealed record Name(string Text) : GlobSegment
    {
        public override bool Matches(string name) => name == Text;
    }

    /// <summary>Any number of folders, none of them hidden; at the end, every file in them.</summary>
    internal sealed record AnyFolders : GlobSegment
    {
        public override bool Matches(string name) => !IsHidden(name);
    }

    /// <summary>
    /// Takes at most as many steps as the name has characters times as the pattern has: of several stars
    /// only the last one is ever tried again.
    /// </summary>
    internal sealed record Pattern : GlobSegment
    {
        private readonly List<Token> _tokens = [];
        private readonly bool _isHidden;

        public Pattern(string text)
        {
            _isHidden = IsHidden(text);
            var runes = RunesOf(text);
            for (var at = 0; at < runes.Count; at++)
            {
                if (runes[at] == '[' && SetAt(runes, at) is { } set)
                {
                    _tokens.Add(set.Token);
                    at = set.End;
                    continue;
                }

                _tokens.Add(
                    runes[at] switch
                    {
                        '*' => new Token(TokenKind.Star),
                        '?' => new Token(TokenKind.Any),
                        var rune => new Token(TokenKind.One, rune),
                    }
                );
            }
        }

        public override bool Matches(string name)
        {
            if (IsHidden(name) && !_isHidden)
            {
                return false;
            }

            var runes = RunesOf(name);
            var at = 0;
            var token = 0;
            var star = -1;
            var from = 0;
            while (at < runes.Count)
            {
                if (token < _tokens.Count && _tokens[token].Kind == TokenKind.Star)
                {
                    star = token++;
                    from = at;
                }
                else if (token < _tokens.Count && _tokens[token].Has(runes[at]))
                {
                    token++;
                    at++;
                }
                else if (star >= 0)
                {
                    token = star + 1;
                    at = ++from;
                }
                else
                {
                    return false;
                }
            }

            return _tokens.Skip(token).All(static t => t.Kind == TokenKind.Star);
        }

        // Null where no bracket closes the set: then it is an ordinary character.
        private static (Token Token, int End)? SetAt(List<int> runes, int at)
        {
            var first = at + 1;
            var negated = first < runes.Count && runes[first] == '!';
            first += negated ? 1 : 0;
            // A bracket that comes first belongs to the set.
            var end = first < runes.Count ? runes.IndexOf(']', first + 1) : -1;
            if (end < 0)
            {
                return null;
            }

            var ranges = new List<(int First, int Last)>();
            for (var i = first; i < end; i++)
            {
                var isRange = i + 2 < end && runes[i + 1] == '-';
                ranges.Add((runes[i], runes[isRange ? i + 2 : i]));
                i += isRange ? 2 : 0;
            }

            return (new Token(TokenKind.Set, 0, ranges, negated), end);
        }

        // A half of a surrogate pair stands for a byte that is no text (see LinuxArtifactFolder).
        private static List<int> RunesOf(string text)
        {
            var runes = new List<int>(text.Length);
            for (var at = 0; at < text.Length; )
            {
                var isRune = Rune.TryGetRuneAt(text, at, out var rune);
                runes.Add(isRune ? rune.Value : text[at]);
                at += isRune ? rune.Utf16SequenceLength : 1;
            }

            return runes;
        }
    }

    private enum TokenKind
    {
        One,
        Any,
        Star,
        Set,
    }

    private sealed record Token(
        TokenKind Kind,
        int Rune = 0,
        List<(int First, int Last)>? Ranges = null,
        bool IsNegated = false
    )
    {
        public bool Has(int rune) =>
            Kind switch
            {
                TokenKind.One => rune == Rune,
                TokenKind.Any => true,
                TokenKind.Star => false,
                TokenKind.Set => Ranges!.Exists(r => rune >= r.First && rune <= r.Last)
                    != IsNegated,
            };
    }
}
