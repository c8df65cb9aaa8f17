using System.Globalization;
using System.Text;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Everything agentq says: stdout is data, held back until <see cref="Flush"/>; stderr is talk, written at
/// once and always after the data that came before it. UTF-8 without a byte order mark.
/// A reader who goes away ends nothing: later output is dropped and the exit code stays the verb's own
/// (<see cref="ReaderGone"/> tells loops to stop). Output that cannot be written is an error.
/// Safe to use from several threads.
/// </summary>
internal sealed class Screen(
    StandardStream output,
    StandardStream error,
    Func<string, string?> environment,
    bool noColor = false
)
{
    public const int DefaultWidth = 100;
    public const int DefaultHeight = 24;
    private const int FlushAt = 64 * 1024;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Lock _lock = new();
    private byte[] _held = new byte[1024];
    private int _count;
    private bool _isClosed;

    public bool OutIsTerminal => output.IsTerminal;

    public bool ErrorIsTerminal => error.IsTerminal;

    /// <summary>True if a frame can be drawn over the one before.</summary>
    public bool CanRedraw => output.IsTerminal && output.TakesEscapes;

    /// <summary>True once nobody reads stdout any more.</summary>
    public bool ReaderGone { get; private set; }

    /// <summary>The descriptor of stdout, for a wait that its reader's going away ends; −1 if there is none.</summary>
    public int OutputDescriptor => output.Descriptor;

    /// <summary>Finds out without writing whether anybody still reads stdout: <see cref="ReaderGone"/>.</summary>
    public void CheckReader()
    {
        lock (_lock)
        {
            if (output.IsAbandoned)
            {
                _isClosed = ReaderGone = true;
            }
        }
    }

    /// <summary>Columns of stdout as they are now.</summary>
    public int Width => PositiveNumber("COLUMNS") ?? output.Size?.Columns ?? DefaultWidth;

    public int Height => PositiveNumber("LINES") ?? output.Size?.Rows ?? DefaultHeight;

    /// <summary>How to lay out for stdout.</summary>
    public TextStyle Style =>
        OutStyle with
        {
            Width = Width,
            Ascii = output.IsTerminal && !LocaleIsUtf8(),
        };

    /// <summary>The process's own stdout and stderr.</summary>
    public static Screen Open(bool noColor = false) =>
        new(
            StandardStream.OpenOutput(),
            StandardStream.OpenError(),
            Environment.GetEnvironmentVariable,
            noColor
        );

    /// <summary>Text for stdout that is laid out and clean already.</summary>
    public void Out(string text)
    {
        lock (_lock)
        {
            var room = Reserve(s_utf8.GetMaxByteCount(text.Length));
            _count += s_utf8.GetBytes(text, room);
            FlushIfLarge();
        }
    }

    /// <summary>Bytes for stdout as they are: JSON, a raw log.</summary>
    public void Out(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            bytes.CopyTo(Reserve(bytes.Length));
            _count += bytes.Length;
            FlushIfLarge();
        }
    }

    /// <summary>One line of stdout, made safe.</summary>
    public void Line(string text = "", Tone tone = Tone.Plain) => Out(Paint(tone, text) + "\n");

    /// <summary>Laid-out lines for stdout, as a table gives them.</summary>
    public void Lines(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            Out(line + "\n");
        }
    }

    /// <summary>Data made safe and coloured for stdout, to be put together with more and given to <see cref="Out(string)"/>.</summary>
    public string Paint(Tone tone, string text) => OutStyle.Paint(tone, Terminal.Clean(text));

    /// <summary>One line of stderr, made safe.</summary>
    public void Talk(string text, Tone tone = Tone.Plain) =>
        Say(ErrorStyle.Paint(tone, Terminal.Clean(text)) + "\n");

    /// <summary>Text for stderr that is laid out and clean already.</summary>
    public void Err(string text) => Say(text);

    /// <summary>A question on stderr; the answer is typed behind it.</summary>
    public void Ask(string text) => Say(Terminal.Clean(text));

    /// <summary>
    /// Tells of an error: <c>agentq: message.</c> and <c>  hint: …</c>. Further lines are indented, so that
    /// data cannot pass for a message of its own.
    /// </summary>
    public void Error(QueueException problem)
    {
        var style = ErrorStyle;
        var text = new StringBuilder();
        text.Append(style.Paint(Tone.Bad, "agentq: " + Block(WithStop(problem.Message), 2)));
        text.Append('\n');
        if (problem.Hint is { } hint)
        {
            text.Append("  hint: ").Append(Block(hint, 8)).Append('\n');
        }

        try
        {
            Say(text.ToString());
        }
        catch (QueueException) when (_isClosed)
        {
            // stdout failed while its data was put out first. Its error is kept for nobody: this one is
            // being told already, and both end in a failure.
            Say(text.ToString());
        }
    }

    /// <summary>Writes what is held back.</summary>
    /// <exception cref="QueueException">stdout cannot be written.</exception>
    public void Flush()
    {
        lock (_lock)
        {
            var count = _count;
            _count = 0;
            if (count == 0 || _isClosed)
            {
                return;
            }

            try
            {
                output.Write(_held.AsSpan(0, count));
            }
            catch (ReaderGoneException)
            {
                _isClosed = ReaderGone = true;
            }
            catch (IOException problem)
            {
                _isClosed = true;
                throw new QueueException(
                    $"The output could not be written: {problem.Message}",
                    cause: problem
                );
            }
        }
    }

    /// <summary>The last call: writes what is held back. The exit code, or that of the failure to write, which it tells.</summary>
    public ExitCode Finish(ExitCode code)
    {
        try
        {
            Flush();
            return code;
        }
        catch (QueueException problem)
        {
            Error(problem);
            return problem.ExitCode;
        }
    }

    private TextStyle OutStyle => new(DefaultWidth, ColorAllowed(output));

    private TextStyle ErrorStyle => new(DefaultWidth, ColorAllowed(error));

    private void Say(string text)
    {
        lock (_lock)
        {
            Flush();
            try
            {
                error.Write(s_utf8.GetBytes(text));
            }
            catch (IOException)
            {
                // There is nowhere left to say that stderr does not work.
            }
        }
    }

    private Span<byte> Reserve(int size)
    {
        if (_isClosed)
        {
            _count = 0;
        }

        if (_held.Length - _count < size)
        {
            Array.Resize(ref _held, Math.Max(_count + size, _held.Length * 2));
        }

        return _held.AsSpan(_count);
    }

    private void FlushIfLarge()
    {
        if (_count >= FlushAt)
        {
            Flush();
        }
    }

    private bool ColorAllowed(StandardStream stream) =>
        !noColor
        && stream.IsTerminal
        && string.IsNullOrEmpty(environment("NO_COLOR"))
        && environment("TERM") != "dumb"
        && stream.TakesEscapes;

    private bool LocaleIsUtf8()
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        string[] names = ["LC_ALL", "LC_CTYPE", "LANG"];
        var locale = names
            .Select(environment)
            .FirstOrDefault(value => !string.IsNullOrEmpty(value));
        return locale is not null
            && (
                locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase)
                || locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase)
            );
    }

    private int? PositiveNumber(string variable) =>
        int.TryParse(
            environment(variable),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var number
        )
        && number > 0
            ? number
            : null;

    private static string WithStop(string sentence) =>
        sentence.Length > 0 && sentence[^1] is '.' or '!' or '?' ? sentence : sentence + ".";

    private static string Block(string text, int indent) =>
        Terminal
            .Clean(text.TrimEnd(), multiline: true)
            .Replace("\n", "\n" + new string(' ', indent), StringComparison.Ordinal);
}
