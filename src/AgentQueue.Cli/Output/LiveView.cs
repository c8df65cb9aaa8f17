using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace AgentQueue.Cli.Output;

/// <summary>
/// Frames drawn over one another in place, below what the terminal already shows and without flicker: each
/// is one write that overwrites line by line. The cursor is hidden meanwhile and comes back on
/// <see cref="Dispose"/> and on the signals that end a program. Use only where <see cref="Screen.CanRedraw"/>.
/// </summary>
internal sealed class LiveView : IDisposable
{
    private const string BeginFrame = "\e[?2026h";
    private const string EndFrame = "\e[?2026l";
    private const string HideCursor = "\e[?25l";
    private const string ShowCursor = "\e[?25h";

    // Without wrapping a line that is too long is clipped and the count of lines stays true.
    private const string WrapOff = "\e[?7l";
    private const string WrapOn = "\e[?7h";
    private const string EraseToEndOfLine = "\e[K";
    private const string EraseBelow = "\e[J";
    private const string ClearAll = "\e[H\e[J";

    private readonly Screen _screen;
    private readonly PosixSignalRegistration[] _signals;
    private readonly Lock _lock = new();
    private int _height;
    private int _width;
    private bool _isEnded;

    public LiveView(Screen screen)
    {
        _screen = screen;
        PosixSignal[] ends = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        _signals = [.. ends.Select(signal => PosixSignalRegistration.Create(signal, _ => End()))];
    }

    /// <summary>Shows laid-out, clean lines in place of the last frame; those that do not fit are counted.</summary>
    public void Draw(IReadOnlyList<string> lines)
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return;
            }

            var shown = Cut(lines, Math.Max(_screen.Height - 1, 1));
            var width = _screen.Width;
            var frame = new StringBuilder(BeginFrame).Append(HideCursor).Append(WrapOff);
            frame.Append(ToTop(width));
            foreach (var line in shown)
            {
                // After a full line the cursor stands on its last character, which would be erased.
                var erase = VisibleWidth(line) < width ? EraseToEndOfLine : "";
                frame.Append(line).Append(erase).Append('\n');
            }

            frame.Append(EraseBelow).Append(WrapOn).Append(EndFrame);
            _height = shown.Count;
            _screen.Out(frame.ToString());
            _screen.Flush();
        }
    }

    public void Dispose()
    {
        End();
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }
    }

    // A narrower terminal has wrapped the old lines, nobody knows how: begin with an empty one.
    private string ToTop(int width)
    {
        var resized = _width != 0 && _width != width;
        _width = width;
        return resized ? ClearAll
            : _height == 0 ? "\r"
            : string.Create(CultureInfo.InvariantCulture, $"\r\e[{_height}A");
    }

    private List<string> Cut(IReadOnlyList<string> lines, int room)
    {
        if (lines.Count <= room)
        {
            return [.. lines];
        }

        var hidden = lines.Count - room + 1;
        return
        [
            .. lines.Take(room - 1),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{_screen.Style.Ellipsis} {hidden} more lines; the terminal is too small"
            ),
        ];
    }

    private static int VisibleWidth(string line)
    {
        var text = new StringBuilder();
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] != '\e')
            {
                text.Append(line[i]);
                continue;
            }

            var end = line.IndexOf('m', i);
            i = end < 0 ? line.Length : end;
        }

        return Terminal.Width(text.ToString());
    }

    private void End()
    {
        lock (_lock)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;
            _screen.Out(WrapOn + ShowCursor);
            _screen.Flush();
        }
    }
}
