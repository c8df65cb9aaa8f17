using AgentQueue.Config;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Puts the log of an agent out as lines that people read: of what is there at first the last ones, then each as it
/// comes.
/// </summary>
internal sealed class StreamPrinter : ILogSink
{
    private readonly Screen _screen;
    private readonly PrettyText _text;
    private readonly int _tail;
    private Queue<(string Text, Tone Tone)>? _held;

    /// <param name="tail">How many lines at first; 0 for all.</param>
    public StreamPrinter(Screen screen, StreamFormat format, int tail)
    {
        _screen = screen;
        _tail = tail;
        _held = tail == 0 ? null : new();
        _text = new PrettyText(format, Take, screen.Style.Ascii);
    }

    public bool IsClosed => _screen.ReaderGone;

    public void Take(ReadOnlySpan<byte> piece) => _text.Feed(piece);

    public void Pause()
    {
        Release();
        _screen.Flush();
        if (!_screen.ReaderGone)
        {
            _screen.CheckReader();
        }
    }

    /// <summary>After the last piece.</summary>
    public void Finish()
    {
        _text.Finish();
        Release();
    }

    private void Take(string line, Tone tone)
    {
        if (_held is null)
        {
            Put(line, tone);
            return;
        }

        if (_held.Count == _tail)
        {
            _held.Dequeue();
        }

        _held.Enqueue((line, tone));
    }

    private void Release()
    {
        foreach (var (line, tone) in _held ?? [])
        {
            Put(line, tone);
        }

        _held = null;
    }

    private void Put(string line, Tone tone) => _screen.Out(_screen.Style.Paint(tone, line) + "\n");
}
