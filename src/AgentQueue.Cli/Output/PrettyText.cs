using System.Text;
using AgentQueue.Agents;
using AgentQueue.Config;

namespace AgentQueue.Cli.Output;

/// <summary>What an agent prints as lines that people read, each made safe.</summary>
internal sealed class PrettyText
{
    private const int LongestPiece = 64 << 10;
    private const int LongestDetail = 300;

    private readonly AgentStream _stream;
    private readonly Action<string, Tone> _line;
    private readonly bool _ascii;
    private readonly StringBuilder _pieces = new();
    private string? _said;

    /// <param name="line">Is given each line, without its end, as soon as it is whole.</param>
    /// <param name="ascii">The terminal shows nothing but ASCII.</param>
    public PrettyText(StreamFormat format, Action<string, Tone> line, bool ascii = false)
    {
        _line = line;
        _ascii = ascii;
        _stream = new AgentStream(format, Tell);
    }

    public void Feed(ReadOnlySpan<byte> piece) => _stream.Feed(piece);

    /// <summary>There will be no more.</summary>
    public void Finish()
    {
        _stream.EndLine();
        EndPieces();
    }

    private void Tell(StreamEvent what)
    {
        if (what is StreamEvent.Piece(var piece))
        {
            Join(piece);
            return;
        }

        EndPieces();
        switch (what)
        {
            case StreamEvent.Begin(var session, var model):
                Put(
                    Icon("▶", ">"),
                    $"session {session}{(model is null ? "" : $", model {model}")}",
                    Tone.Dim
                );
                break;
            case StreamEvent.Say(var text):
                _said = text;
                Lines(text, Tone.Plain);
                break;
            case StreamEvent.Tool(var name, var detail):
                Put(Icon("●", "*"), detail is null ? name : $"{name} {Short(detail)}", Tone.Info);
                break;
            case StreamEvent.Problem(var error, true):
                Put(Icon("↻", "^"), "tries again: " + Describe(error), Tone.Warn);
                break;
            case StreamEvent.Problem({ Message: { } told } error, false) when told == _said:
                Put(Icon("✗", "X"), Describe(error with { Message = "an error" }), Tone.Bad);
                break;
            case StreamEvent.Problem(var error, false):
                Put(Icon("✗", "X"), Describe(error), Tone.Bad);
                break;
            case StreamEvent.Ask(var question):
                Put("?", question, Tone.Warn);
                break;
            case StreamEvent.End(var used):
                Put(Icon("■", "="), "the end" + EndText(used), Tone.Dim);
                break;
            case StreamEvent.Noise(var noise):
                Lines(noise, Tone.Dim);
                break;
        }
    }

    private static string EndText(Usage used) =>
        used.IsEmpty
            ? ""
            : $": {UsageText.Tokens(used) ?? "tokens unknown"}; {(used.Cost is { } cost ? UsageText.Dollars(cost) : "cost unknown")}";

    private static string Describe(StreamError error)
    {
        var text = error.Message ?? error.Type ?? "an error";
        return error.Status is { } status && !text.Contains($"{status}", StringComparison.Ordinal)
            ? $"{text} (HTTP {status})"
            : text;
    }

    private void Join(string piece)
    {
        _pieces.Append(piece);
        if (piece.Contains('\n', StringComparison.Ordinal) || _pieces.Length > LongestPiece)
        {
            var text = _pieces.ToString();
            var end = text.LastIndexOf('\n');
            end = end < 0 ? text.Length - 1 : end;
            _pieces.Clear().Append(text, end + 1, text.Length - end - 1);
            Lines(text[..(end + 1)], Tone.Plain);
        }
    }

    private void EndPieces()
    {
        if (_pieces.Length > 0)
        {
            var text = _pieces.ToString();
            _pieces.Clear();
            Lines(text, Tone.Plain);
        }
    }

    private void Lines(string text, Tone tone)
    {
        if (text.AsSpan().TrimEnd() is { IsEmpty: false } said)
        {
            foreach (var line in Terminal.Clean(said.ToString(), multiline: true).Split('\n'))
            {
                _line(line, tone);
            }
        }
    }

    private void Put(string icon, string text, Tone tone) =>
        _line($"{icon} {Terminal.OneLine(text)}", tone);

    private static string Short(string detail) =>
        Terminal.Truncate(Terminal.OneLine(detail), LongestDetail);

    private string Icon(string unicode, string ascii) => _ascii ? ascii : unicode;
}
