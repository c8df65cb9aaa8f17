using System.Globalization;

namespace AgentQueue.Tasks;

/// <summary>Lengths of time as people type and read them: <c>300</c>, <c>90s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>.</summary>
internal static class Duration
{
    /// <summary>Ten years; longer is a slip of the keyboard.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(3650);

    /// <summary>Reads whole seconds, or a whole number with <c>s m h d</c> behind it; 0 to <see cref="Longest"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        text = text.Trim();
        if (text.IsEmpty)
        {
            return false;
        }

        var unit = char.ToLowerInvariant(text[^1]) switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => 0,
        };
        var number = unit == 0 ? text : text[..^1];
        if (
            !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count > (long)Longest.TotalSeconds
        )
        {
            return false;
        }

        var seconds = count * Math.Max(unit, 1);
        if (seconds > (long)Longest.TotalSeconds)
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>As <see cref="Format"/>, with a tenth of a second below ten: <c>0.3s</c>.</summary>
    public static string FormatShort(TimeSpan duration) =>
        duration < TimeSpan.FromSeconds(9.95) && duration > TimeSpan.Zero
            ? duration.TotalSeconds.ToString("0.0's'", CultureInfo.InvariantCulture)
            : Format(duration);

    /// <summary>Two units at most: <c>42s</c>, <c>5m 30s</c>, <c>5m</c>, <c>2h 5m</c>, <c>3d 4h</c>. Negative is shown as <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        var s = Math.Max(0, (long)duration.TotalSeconds);
        return s switch
        {
            < 60 => Invariant($"{s}s"),
            < 3600 => Pair(s / 60, "m", s % 60, "s"),
            < 86400 => Pair(s / 3600, "h", s % 3600 / 60, "m"),
            _ => Pair(s / 86400, "d", s % 86400 / 3600, "h"),
        };

        static string Pair(long large, string largeUnit, long small, string smallUnit) =>
            small == 0
                ? Invariant($"{large}{largeUnit}")
                : Invariant($"{large}{largeUnit} {small}{smallUnit}");

        static string Invariant(FormattableString text) =>
            text.ToString(CultureInfo.InvariantCulture);
    }
}
