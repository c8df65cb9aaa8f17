using System.Globalization;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Output;

/// <summary>Moments as people read them.</summary>
internal static class TimeText
{
    /// <summary><c>2026-11-21 14:03:09Z</c>, or with the offset of <paramref name="zone"/>: <c>2026-11-21 15:03:09+01:00</c>.</summary>
    public static string At(DateTimeOffset time, TimeZoneInfo? zone = null)
    {
        var shown = zone is null ? time.ToUniversalTime() : TimeZoneInfo.ConvertTime(time, zone);
        var format =
            shown.Offset == TimeSpan.Zero ? "yyyy-MM-dd HH:mm:ss'Z'" : "yyyy-MM-dd HH:mm:sszzz";
        return shown.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>For programs: <c>2026-11-21T14:03:09.125Z</c>.</summary>
    public static string Exact(DateTimeOffset time) =>
        time.ToUniversalTime()
            .ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>In one unit: <c>just now</c>, <c>42s ago</c>, <c>5m ago</c>, <c>3d ago</c>, <c>in 4s</c>.</summary>
    public static string Ago(DateTimeOffset time, DateTimeOffset now)
    {
        // A countdown says "in 1s" until it is over, so it rounds up where the past rounds down.
        var seconds = (long)Math.Floor((now - time).TotalSeconds);
        return seconds switch
        {
            0 => "just now",
            > 0 => $"{LargestUnit(TimeSpan.FromSeconds(seconds))} ago",
            _ => $"in {LargestUnit(TimeSpan.FromSeconds(-seconds))}",
        };
    }

    private static string LargestUnit(TimeSpan span) => Duration.Format(span).Split(' ')[0];
}
