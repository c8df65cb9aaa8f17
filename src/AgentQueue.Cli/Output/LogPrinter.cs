using System.Text;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Puts a log out as it comes, in pieces: byte for byte, or as text that is made safe, with the memory of
/// one piece however long its lines are.
/// </summary>
/// <param name="toError">To stderr, which is written at once.</param>
internal sealed class LogPrinter(Screen screen, bool raw, bool toError = false) : ILogSink
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _chars = [];
    private bool _inLine;
    private bool _heldReturn;

    public bool IsClosed => screen.ReaderGone;

    public void Take(ReadOnlySpan<byte> piece)
    {
        if (raw)
        {
            screen.Out(piece);
        }
        else
        {
            Print(piece, isLast: false);
        }
    }

    /// <summary>Shows what came so far.</summary>
    public void Pause()
    {
        screen.Flush();
        if (!screen.ReaderGone)
        {
            screen.CheckReader();
        }
    }

    /// <summary>After the last piece: ends a line that the log did not end.</summary>
    public void Finish()
    {
        if (raw)
        {
            return;
        }

        Print([], isLast: true);
        if (_inLine)
        {
            Put("\n");
        }
    }

    private void Print(ReadOnlySpan<byte> piece, bool isLast)
    {
        var most = Encoding.UTF8.GetMaxCharCount(piece.Length) + 1;
        if (_chars.Length < most)
        {
            _chars = new char[most];
        }

        // A return may be the first half of a line break whose second half comes with the next piece.
        var count = 0;
        if (_heldReturn)
        {
            _chars[count++] = '\r';
        }

        count += _decoder.GetChars(piece, _chars.AsSpan(count), isLast);
        _heldReturn = !isLast && count > 0 && _chars[count - 1] == '\r';
        var text = new string(_chars, 0, _heldReturn ? count - 1 : count);
        if (text.Length > 0)
        {
            Put(Terminal.Clean(text, multiline: true));
            _inLine = text[^1] != '\n';
        }
    }

    private void Put(string text)
    {
        if (toError)
        {
            screen.Err(text);
        }
        else
        {
            screen.Out(text);
        }
    }
}
