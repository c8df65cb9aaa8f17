using System.Globalization;

namespace AgentQueue.Tasks;

/// <summary>
/// When a task may start, as people type and read it: <c>22:00</c>, <c>2026-11-22T08:00</c>,
/// <c>2026-11-22T08:00+01:00</c>, with seconds if wanted. Without an offset a time is that of the clock on
/// the wall; how days on which clocks are set are read stands at <see cref="LocalTime"/>.
/// </summary>
internal static class StartTime
{
    private static readonly string[] s_times = ["H:mm", "H:mm:ss"];

    private static readonly string[] s_dates =
    [
        "yyyy-MM-dd'T'H:mm",
        "yyyy-MM-dd'T'H:mm:ss",
        "yyyy-MM-dd H:mm",
        "yyyy-MM-dd H:mm:ss",
    ];

    /// <summary>
    /// Reads a moment that lies ahead. A time of day without a date is the next such one: today's if that is
    /// still to come, else tomorrow's. Of a time that comes twice, the first that is still to come.
    /// </summary>
    /// <param name="now">Decides what is past.</param>
    /// <param name="zone">Of the clock on the wall.</param>
    /// <exception cref="QueueException">It is no such time, or has a date and is past.</exception>
    public static DateTimeOffset Parse(
        string text,
        string what,
        DateTimeOffset now,
        TimeZoneInfo zone
    )
    {
        var trimmed = text.Trim();
        var wall = trimmed;
        if (SplitOffset(ref wall, out var offset) && offset is { } fixedOffset)
        {
            zone = TimeZoneInfo.CreateCustomTimeZone("offset", fixedOffset, null, null);
        }

        try
        {
            if (TryRead(wall, s_times, out var time))
            {
                return NextAt(time.TimeOfDay, now, zone);
            }

            if (TryRead(wall, s_dates, out var date))
            {
                return FirstAfter(date, now, zone)
                    ?? throw QueueException.Usage(
                        $"{what} {trimmed} is past",
                        "Give a time that is still to come, or leave it out to start at once"
                    );
            }
        }
        catch (ArgumentOutOfRangeException)
        {
            // At the very ends of the calendar an offset leads out of it.
        }

        throw QueueException.Usage(
            $"{what} wants a time such as 22:00, 2026-11-22T08:00 or 2026-11-22T08:00+01:00, not '{trimmed}'",
            "For a length of time from now use --in 2h"
        );
    }

    /// <summary>In words, by the clock on the wall: <c>22:00 (in 2h)</c>, or with the date if that is another day.</summary>
    public static string Describe(DateTimeOffset at, DateTimeOffset now, TimeZoneInfo zone)
    {
        var wall = LocalTime.Wall(at, zone);
        var date = wall.Date == LocalTime.Wall(now, zone).Date ? "" : "yyyy-MM-dd ";
        var seconds = wall.Second == 0 ? "" : ":ss";
        // Rounded up, so that it says 1s until it is time.
        var left = TimeSpan.FromSeconds(Math.Ceiling((at - now).TotalSeconds));
        return $"{wall.ToString(date + "HH:mm" + seconds, CultureInfo.InvariantCulture)} (in {Duration.Format(left)})";
    }

    private static bool TryRead(string text, string[] formats, out DateTime wall) =>
        DateTime.TryParseExact(
            text,
            formats,
            CultureInfo.InvariantCulture,
            DateTimeStyles.NoCurrentDateDefault,
            out wall
        );

    private static DateTimeOffset NextAt(TimeSpan time, DateTimeOffset now, TimeZoneInfo zone)
    {
        var today = LocalTime.Wall(now, zone).Date;
        return FirstAfter(today + time, now, zone) ?? LocalTime.At(today.AddDays(1) + time, zone);
    }

    private static DateTimeOffset? FirstAfter(
        DateTime wall,
        DateTimeOffset now,
        TimeZoneInfo zone
    ) =>
        LocalTime.At(wall, zone) is var first && first >= now ? first
        : LocalTime.LastAt(wall, zone) is var last && last >= now ? last
        : null;

    /// <summary>Takes <c>Z</c> or <c>+01:00</c> off the end.</summary>
    private static bool SplitOffset(ref string text, out TimeSpan? offset)
    {
        offset = null;
        if (text.EndsWith('Z') || text.EndsWith('z'))
        {
            text = text[..^1];
            offset = TimeSpan.Zero;
            return true;
        }

        if (
            text.Length > 6
            && text[^6] is '+' or '-'
            && TimeSpan.TryParseExact(
                text.AsSpan(text.Length - 5),
                "hh\\:mm",
                CultureInfo.InvariantCulture,
                out var size
            )
            && size <= TimeSpan.FromHours(14)
        )
        {
            offset = text[^6] == '-' ? -size : size;
            text = text[..^6];
            return true;
        }

        return false;
    }
}
