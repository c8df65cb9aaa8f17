using System.Buffers;
using System.Diagnostics;
using System.Text;

namespace AgentQueue.Config;

/// <summary>
/// A script of a POSIX shell (sh, bash, dash, zsh, ksh). Follows its quotes, comments and substitutions
/// (XCU 2.2, 2.3, 2.6), so that a value comes out of the shell as the same bytes wherever it stands, and
/// refuses the places for which that cannot be promised. Where shells differ, or the text is too intricate to be
/// followed without being a shell, every later place is refused: a refusal costs a rewrite, an error a command
/// that somebody else chose.
/// </summary>
internal sealed class PosixScript : ScriptText
{
    private const string HereDocument = "a here-document";
    private const string PlainCharacters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -_./:@%+,=";

    private static readonly SearchValues<char> s_plain = SearchValues.Create(PlainCharacters);

    private enum Place
    {
        /// <summary>Where commands stand: the script itself, and what is in <c>$(…)</c>.</summary>
        Command,
        Single,
        Double,

        /// <summary><c>$'…'</c></summary>
        Ansi,
        Backquote,

        /// <summary><c>${…}</c></summary>
        Braces,

        /// <summary><c>$((…))</c> and <c>((…))</c></summary>
        Arithmetic,
        Comment,
    }

    /// <summary>Something that has begun and has not ended.</summary>
    private sealed class Frame(Place place)
    {
        public Place Place { get; set; } = place;

        /// <summary>Open parentheses: of <c>$(</c> and of arithmetic.</summary>
        public int Depth { get; set; }

        /// <summary>Double quotes in which a parameter has been named.</summary>
        public bool HasDollar { get; set; }
    }

    private readonly Stack<Frame> _frames = new([new Frame(Place.Command)]);

    // The unquoted word that is being read. What is quoted in it stands as a NUL, and what ends in a
    // parenthesis, behind which a # is a comment for some and not for others, as this.
    private const char Parenthesis = '\u0001';
    private readonly StringBuilder _word = new();
    private string? _lost;
    private bool _afterBackslash;
    private bool _afterDollar;
    private bool _afterMark;
    private bool _afterPid;
    private bool _inParameter;
    private bool _inSubscript;
    private bool _afterParenthesis;
    private int _less;

    private Frame Top => _frames.Peek();

    public override void Literal(string text)
    {
        foreach (var c in text)
        {
            if (_lost is not null)
            {
                return;
            }

            Read(c);
        }
    }

    public override string? Quote(string value, out string? problem)
    {
        problem = WhyNot();
        if (problem is not null)
        {
            return null;
        }

        Settle();
        switch (Top.Place)
        {
            case Place.Command:
                _word.Append('\0');
                return $"'{InSingle(value)}'";
            case Place.Single:
                return InSingle(value);
            case Place.Double:
                // Behind "$x even letters would be read as part of a name; nothing is special in single quotes.
                return !Top.HasDollar && !value.AsSpan().ContainsAnyExcept(s_plain)
                    ? value
                    : $"\"'{InSingle(value)}'\"";
            default:
                throw new UnreachableException();
        }
    }

    private static string InSingle(string value) =>
        value.Replace("'", "'\\''", StringComparison.Ordinal);

    private string? WhyNot() =>
        _lost is not null ? $"stands behind {_lost}, where agentq cannot tell what is quoted"
        : _afterBackslash ? "stands right behind a backslash"
        : _afterDollar || _afterMark || _afterPid
            ? "stands right behind a $, where it would be read as part of an expansion"
        : _less > 1 ? "stands right behind <<"
        : _inSubscript ? "stands in a subscript, which the shell would calculate"
        : Top.Place switch
        {
            Place.Command or Place.Single or Place.Double => null,
            Place.Ansi => "stands in $'…'",
            Place.Backquote => "stands in backquotes, where quotes have other rules: use $(…)",
            Place.Braces => "stands in ${…}, where quotes have other rules",
            Place.Arithmetic => "stands in arithmetic, which would calculate what it says",
            Place.Comment => "stands in a comment, which a new line in it would end",
            _ => throw new UnreachableException(),
        };

    private void Read(char c)
    {
        if (_afterBackslash)
        {
            ReadEscaped(c);
            return;
        }

        if (c == '\\' && Top.Place is Place.Command or Place.Double)
        {
            _afterBackslash = true;
            return;
        }

        // For some shells the second of two $ begins an expansion, for others the two are one.
        var isQuoted = Top.Place == Place.Double;
        if (_afterPid && (c is '(' or '{' or '[' || (!isQuoted && c is '\'' or '"')))
        {
            _lost = "$$ with something that could belong to it";
            return;
        }

        _afterPid = false;
        switch (Top.Place)
        {
            case Place.Command:
                ReadCommand(c);
                break;
            case Place.Double:
                ReadDouble(c);
                break;
            case Place.Single:
                LeaveAt(c, '\'');
                break;
            case Place.Comment:
                if (c == '\n')
                {
                    _frames.Pop();
                    ReadCommand(c);
                }

                break;
            case Place.Ansi:
                LoseAt(c, "\\", "a $'…' with a backslash in it");
                LeaveAt(c, '\'');
                break;
            case Place.Backquote:
                LoseAt(c, "'\"\\", "backquotes with quotes in them");
                LeaveAt(c, '`');
                break;
            case Place.Braces:
                LoseAt(c, "'\"\\`${(", "a ${…} with more than a name in it");
                LeaveAt(c, '}');
                break;
            case Place.Arithmetic:
                ReadArithmetic(c);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private void ReadEscaped(char c)
    {
        _afterBackslash = false;
        if (c == '\n')
        {
            // It stands for nothing at all, except that shells differ about what it parts.
            if (
                _afterDollar
                || _afterMark
                || _afterPid
                || _inParameter
                || _afterParenthesis
                || _less > 0
            )
            {
                _lost = "a line that goes on in the middle of an operator";
            }

            return;
        }

        if (_less > 1)
        {
            _lost = HereDocument;
        }

        Settle();
        _word.Append('\0');
    }

    // What the next character could still have been a part of is over.
    private void Settle()
    {
        _afterDollar = _afterMark = _afterPid = _inParameter = _afterParenthesis = false;
        _less = 0;
    }

    private void LoseAt(char c, string characters, string what)
    {
        if (characters.Contains(c, StringComparison.Ordinal))
        {
            _lost = what;
        }
    }

    private void LeaveAt(char c, char end)
    {
        if (c == end)
        {
            _frames.Pop();
        }
    }

    private void Enter(Place place, int depth = 0)
    {
        _frames.Push(new Frame(place) { Depth = depth });
        _inParameter = _afterDollar = _afterMark = _afterPid = false;
    }

    private void ReadArithmetic(char c)
    {
        LoseAt(c, "'\"\\`{#[", "arithmetic with more than names and numbers in it");
        if (_afterDollar && c == '(')
        {
            _lost = "arithmetic with a command in it";
        }

        _afterDollar = c == '$';
        Top.Depth += c switch
        {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if (Top.Depth == 0)
        {
            _frames.Pop();
            _word.Append(Parenthesis);
        }
    }

    private void ReadDouble(char c)
    {
        if (_afterDollar && ReadBehindDollar(c))
        {
            return;
        }

        FollowParameter(c);
        switch (c)
        {
            case '"':
                _frames.Pop();
                _inSubscript = _inParameter = false;
                break;
            case '`':
                Enter(Place.Backquote);
                break;
            case '$':
                _afterDollar = Top.HasDollar = true;
                break;
        }
    }

    private void ReadCommand(char c)
    {
        var isArithmetic = _afterParenthesis && c == '(';
        _afterParenthesis = false;
        if (_afterDollar && ReadBehindDollar(c))
        {
            return;
        }

        if (_less > 1 && c != '<')
        {
            _lost = HereDocument;
            return;
        }

        _less = c == '<' ? (_less + 1) % 3 : 0;
        FollowParameter(c);
        if (isArithmetic)
        {
            // The first of the two was counted as one that opens a list of commands.
            if (Top.Depth > 1)
            {
                Top.Depth--;
                Enter(Place.Arithmetic, 2);
            }
            else if (Top.Depth == 1)
            {
                Top.Place = Place.Arithmetic;
                Top.Depth = 2;
            }
            else
            {
                Enter(Place.Arithmetic, 2);
            }

            return;
        }

        switch (c)
        {
            case '#' when _word.Length > 0 && _word[^1] == Parenthesis:
                _lost = "a # right behind a parenthesis";
                break;
            case '#' when _word.Length == 0:
                if (_frames.Count > 1)
                {
                    _lost = "a comment within $(…)";
                }

                Enter(Place.Comment);
                break;
            case ' ' or '\t' or '\n' or ';' or '&' or '|' or '<' or '>':
                EndWord();
                break;
            case '(':
                EndWord();
                _afterParenthesis = true;
                Top.Depth += _frames.Count > 1 ? 1 : 0;
                break;
            case ')':
                EndWord();
                _word.Append(Parenthesis);
                if (_frames.Count > 1 && --Top.Depth == 0)
                {
                    _frames.Pop();
                }

                break;
            case '$':
                _word.Append('\0');
                _afterDollar = true;
                break;
            case '\'':
                _word.Append('\0');
                Enter(Place.Single);
                break;
            case '"':
                _word.Append('\0');
                Enter(Place.Double);
                break;
            case '`':
                _word.Append('\0');
                Enter(Place.Backquote);
                break;
            case '[' when IsName(_word):
                _inSubscript = true;
                _word.Append(c);
                break;
            default:
                _word.Append(c);
                break;
        }
    }

    // True if the character belongs to what the dollar begins.
    private bool ReadBehindDollar(char c)
    {
        var isQuoted = Top.Place == Place.Double;
        switch (c)
        {
            case '(':
                Enter(Place.Command, 1);
                _word.Clear();
                _afterParenthesis = true;
                return true;
            case '{':
                Enter(Place.Braces);
                return true;
            case '[':
                _lost = "$[";
                return true;
            case '\'' when !isQuoted:
                Enter(Place.Ansi);
                return true;
            case '"' when !isQuoted:
                Enter(Place.Double);
                return true;
            default:
                _afterDollar = false;
                // In zsh a name may follow these.
                _afterMark = c is '^' or '=' or '~' or '+';
                _afterPid = c == '$';
                _inParameter =
                    char.IsAsciiLetterOrDigit(c)
                    || c is '_' or '@' or '*' or '#' or '?' or '-' or '$' or '!';
                return _inParameter;
        }
    }

    // $name[ is a subscript in zsh, quoted or not.
    private void FollowParameter(char c)
    {
        if (c == ']')
        {
            _inSubscript = false;
        }
        else if (_inParameter && c == '[')
        {
            _inSubscript = true;
        }

        _inParameter = _inParameter && (char.IsAsciiLetterOrDigit(c) || c == '_');
        _afterMark = _afterMark && c is '^' or '=' or '~' or '+';
    }

    private void EndWord()
    {
        // The parentheses of its patterns need not be in pairs, so the end of $( cannot be found.
        if (_frames.Count > 1 && _word.Equals("case"))
        {
            _lost = "a case within $(…)";
        }

        _word.Clear();
        _inSubscript = false;
    }

    private static bool IsName(StringBuilder word)
    {
        for (var i = 0; i < word.Length; i++)
        {
            if (word[i] != '_' && !char.IsAsciiLetterOrDigit(word[i]))
            {
                return false;
            }
        }

        return word.Length > 0;
    }
}
