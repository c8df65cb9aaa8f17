using System.Globalization;

namespace AgentQueue.Tasks;

/// <summary>
/// Since when, as people type it: a length of time before now (<c>2h</c>, <c>7d</c>), a day (<c>2026-11-21</c>), a moment
/// (<c>2026-11-21T08:00</c>, with an offset or <c>Z</c> if wanted). Without an offset it is the clock on the wall.
/// </summary>
internal static class PastTime
{
    private static readonly string[] s_wall =
    [
        "yyyy-MM-dd",
        "yyyy-MM-dd'T'H:mm",
        "yyyy-MM-dd'T'H:mm:ss",
        "yyyy-MM-dd H:mm",
        "yyyy-MM-dd H:mm:ss",
    ];

    private static readonly string[] s_exact =
    [
        "yyyy-MM-dd'T'H:mmK",
        "yyyy-MM-dd'T'H:mm:ssK",
        "yyyy-MM-dd'T'H:mm:ss.FFFFFFFK",
    ];

    /// <param name="zone">Of the clock on the wall.</param>
    /// <exception cref="QueueException">It is nothing of that.</exception>
    public static DateTimeOffset Parse(
        string text,
        string what,
        DateTimeOffset now,
        TimeZoneInfo zone
    )
    {
        text = text.Trim();
        if (Duration.TryParse(text, out var length))
        {
            return now - length;
        }

        try
        {
            if (
                DateTime.TryParseExact(
                    text,
                    s_wall,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.None,
                    out var wall
                )
            )
            {
                return LocalTime.At(wall, zone);
            }
        }
        catch (ArgumentOutOfRangeException)
        {
            // At the very ends of the calendar an offset leads out of it.
        }

        return DateTimeOffset.TryParseExact(
            text,
            s_exact,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var moment
        )
            ? moment
            : throw QueueException.Usage(
                $"{what} wants a length of time such as 24h or 7d, a day such as 2026-11-21, or a moment such as 2026-11-21T08:00, not '{text}'"
            );
    }
}
