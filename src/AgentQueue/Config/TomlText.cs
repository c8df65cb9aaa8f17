using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace AgentQueue.Config;

/// <summary>
/// A text of TOML and the place in it that was reached: blanks, comments, keys and everything that fits
/// into one value without others in it. Whatever is not read here is refused with its place.
/// </summary>
internal sealed class TomlText
{
    private const char End = '\0';

    private readonly string _file;
    private readonly string _text;
    private int _next;
    private int _line = 1;
    private int _lineStart;

    /// <param name="file">How messages name the file.</param>
    /// <exception cref="QueueException">It is not UTF-8.</exception>
    public TomlText(string file, ReadOnlySpan<byte> bytes)
    {
        _file = file;
        bytes = SourceValue.WithoutMark(bytes);
        var text = new char[bytes.Length];
        Utf8.ToUtf16(bytes, text, out _, out var length, replaceInvalidSequences: false);
        _text = new string(text, 0, length);
        if (!Utf8.IsValid(bytes))
        {
            var before = _text.LastIndexOf('\n');
            var line = 1 + _text.AsSpan().Count('\n');
            throw Refusal(new(line, length - before), "this is not UTF-8 text");
        }
    }

    /// <summary>The next character; NUL at the end, and for a NUL, which stands nowhere in TOML.</summary>
    public char Next => _next < _text.Length ? _text[_next] : End;

    public bool AtEnd => _next == _text.Length;

    public SourcePlace At => new(_line, _next - _lineStart + 1);

    public bool StartsWith(string word) =>
        _text.AsSpan(_next).StartsWith(word, StringComparison.Ordinal);

    /// <summary>Goes on behind the next <paramref name="count"/> characters, none of which ends a line.</summary>
    public void Skip(int count = 1) => _next += count;

    public bool TrySkip(char character)
    {
        if (AtEnd || Next != character)
        {
            return false;
        }

        _next++;
        return true;
    }

    public void SkipBlanks()
    {
        while (Next is ' ' or '\t')
        {
            _next++;
        }
    }

    /// <summary>Blanks, comments and ends of lines.</summary>
    public void SkipLines()
    {
        do
        {
            SkipBlanks();
            SkipComment();
        } while (TrySkipLineEnd());
    }

    /// <summary>Nothing but a comment may follow in this line.</summary>
    public void EndLine(string behind)
    {
        SkipBlanks();
        SkipComment();
        if (!AtEnd && !TrySkipLineEnd())
        {
            throw Refusal($"a new line must begin behind {behind}, not {Shown()}");
        }
    }

    public QueueException Refusal(string reason) => Refusal(At, reason);

    public QueueException Refusal(SourcePlace at, string reason) =>
        QueueException.Usage(
            string.Create(CultureInfo.InvariantCulture, $"{_file}:{at.Line}:{at.Column}: {reason}"),
            "Of TOML, agentq reads tables, text, whole and decimal numbers, true and false, lists and inline tables; correct the line, then import again"
        );

    /// <summary>The next character as a message names it.</summary>
    public string Shown() =>
        AtEnd ? "the end of the file"
        : Next is '\n' or '\r' ? "the end of the line"
        : char.IsControl(Next)
            ? string.Create(CultureInfo.InvariantCulture, $"the control character U+{(int)Next:X4}")
        : $"'{Rune.GetRuneAt(_text, _next)}'";

    /// <summary>One name of a key: bare, or in quotes.</summary>
    public string ReadName()
    {
        if (Next is '"' or '\'')
        {
            return StartsWith("\"\"\"") || StartsWith("'''")
                ? throw Refusal("a key must stand in one line")
                : ReadString();
        }

        var start = _next;
        while (char.IsAsciiLetterOrDigit(Next) || Next is '_' or '-')
        {
            _next++;
        }

        return _next > start
            ? _text[start.._next]
            : throw Refusal(
                $"a key is expected, not {Shown()}; one with other characters than A-Z a-z 0-9 _ - stands in quotes"
            );
    }

    /// <summary>Text in quotes, of one line or many.</summary>
    public string ReadString() =>
        StartsWith("\"\"\"") || StartsWith("'''") ? ReadLongString() : ReadShortString();

    /// <summary>Characters up to the next one that cannot be in a number or word.</summary>
    public string ReadWord()
    {
        var start = _next;
        while (char.IsAsciiLetterOrDigit(Next) || Next is '_' or '-' or '+' or '.' or ':')
        {
            _next++;
        }

        return _text[start.._next];
    }

    /// <summary>As <see cref="ReadWord"/>; a blank may stand between a date and its time.</summary>
    public string ReadWordOrDate()
    {
        var word = ReadWord();
        if (
            word is [_, _, _, _, '-', _, _, '-', _, _]
            && Next == ' '
            && _next + 3 < _text.Length
            && char.IsAsciiDigit(_text[_next + 1])
            && _text[_next + 3] == ':'
        )
        {
            Skip();
            word += $" {ReadWord()}";
        }

        return word;
    }

    private string ReadShortString()
    {
        var begin = At;
        var quote = Next;
        Skip();
        var read = new StringBuilder();
        while (!TrySkip(quote))
        {
            if (AtEnd || Next == '\n' || IsCarriageReturnOfLineEnd())
            {
                throw Refusal(begin, $"this text has no {quote} at its end in its line");
            }

            if (quote == '"' && Next == '\\')
            {
                ReadEscape(read);
            }
            else
            {
                ReadCharacter(read);
            }
        }

        return read.ToString();
    }

    private string ReadLongString()
    {
        var begin = At;
        var quote = Next;
        var quotes = new string(quote, 3);
        Skip(3);
        TrySkipLineEnd();
        var read = new StringBuilder();
        while (true)
        {
            if (AtEnd)
            {
                throw Refusal(begin, $"this text has no {quotes} at its end");
            }

            if (StartsWith(quotes))
            {
                Skip(3);
                // Up to two quotes of its own may stand before the three that end it.
                for (var own = 0; own < 2 && TrySkip(quote); own++)
                {
                    read.Append(quote);
                }

                return read.ToString();
            }

            if (TrySkipLineEnd())
            {
                read.Append('\n');
            }
            else if (quote == '"' && Next == '\\')
            {
                if (!TrySkipEscapedLineEnd())
                {
                    ReadEscape(read);
                }
            }
            else
            {
                ReadCharacter(read);
            }
        }
    }

    private void ReadCharacter(StringBuilder read)
    {
        if (char.IsControl(Next) && Next != '\t' && Next < '\u0080')
        {
            throw Refusal($"{Shown()} may not stand in a text; write it as an escape");
        }

        read.Append(Next);
        Skip();
    }

    private bool TrySkipEscapedLineEnd()
    {
        var (next, line, lineStart) = (_next, _line, _lineStart);
        Skip();
        SkipBlanks();
        if (!TrySkipLineEnd())
        {
            (_next, _line, _lineStart) = (next, line, lineStart);
            return false;
        }

        do
        {
            SkipBlanks();
        } while (TrySkipLineEnd());

        return true;
    }

    private void ReadEscape(StringBuilder read)
    {
        var begin = At;
        Skip();
        var letter = Next;
        switch (letter)
        {
            case 'b':
                read.Append('\b');
                break;
            case 't':
                read.Append('\t');
                break;
            case 'n':
                read.Append('\n');
                break;
            case 'f':
                read.Append('\f');
                break;
            case 'r':
                read.Append('\r');
                break;
            case '"' or '\\':
                read.Append(letter);
                break;
            case 'u' or 'U':
                ReadCodePoint(read, begin, letter == 'u' ? 4 : 8);
                return;
            default:
                throw Refusal(
                    begin,
                    @"a backslash stands before b t n f r "" \ u or U only; write \\, or use '…', where it is a plain character"
                );
        }

        Skip();
    }

    private void ReadCodePoint(StringBuilder read, SourcePlace begin, int digits)
    {
        Skip();
        var end = Math.Min(_next + digits, _text.Length);
        if (
            end - _next < digits
            || !uint.TryParse(
                _text.AsSpan(_next, digits),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var code
            )
            || !Rune.TryCreate(code, out var rune)
        )
        {
            throw Refusal(
                begin,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"this escape needs {digits} hexadecimal digits that name a character"
                )
            );
        }

        read.Append(rune.ToString());
        Skip(digits);
    }

    private void SkipComment()
    {
        if (!TrySkip('#'))
        {
            return;
        }

        while (!AtEnd && Next != '\n' && !IsCarriageReturnOfLineEnd())
        {
            if (char.IsControl(Next) && Next != '\t' && Next < '\u0080')
            {
                throw Refusal($"{Shown()} may not stand in a comment");
            }

            Skip();
        }
    }

    private bool TrySkipLineEnd()
    {
        if (IsCarriageReturnOfLineEnd())
        {
            Skip();
        }

        if (!TrySkip('\n'))
        {
            return false;
        }

        _line++;
        _lineStart = _next;
        return true;
    }

    // Alone it ends no line.
    private bool IsCarriageReturnOfLineEnd() => StartsWith("\r\n");
}
