namespace AgentQueue.Tasks;

/// <summary>
/// The clock on the wall and the moments that it means. Where clocks are set forward, a time that is left
/// out means the end of the gap: 02:30 is 03:00 then. Where they are set back, a time that comes twice
/// means the first of the two.
/// </summary>
internal static class LocalTime
{
    /// <summary>The moment that a clock in <paramref name="zone"/> calls <paramref name="wall"/>.</summary>
    public static DateTimeOffset At(DateTime wall, TimeZoneInfo zone)
    {
        wall = DateTime.SpecifyKind(wall, DateTimeKind.Unspecified);
        if (zone.IsInvalidTime(wall))
        {
            return EndOfGap(wall, zone);
        }

        // The first of two has the larger offset: the clock was not set back yet.
        var offset = zone.IsAmbiguousTime(wall)
            ? zone.GetAmbiguousTimeOffsets(wall).Max()
            : zone.GetUtcOffset(wall);
        return new DateTimeOffset(wall, offset);
    }

    /// <summary>As <see cref="At"/>; of a time that comes twice the second one.</summary>
    public static DateTimeOffset LastAt(DateTime wall, TimeZoneInfo zone)
    {
        wall = DateTime.SpecifyKind(wall, DateTimeKind.Unspecified);
        return zone.IsAmbiguousTime(wall)
            ? new DateTimeOffset(wall, zone.GetAmbiguousTimeOffsets(wall).Min())
            : At(wall, zone);
    }

    /// <summary>What a clock in <paramref name="zone"/> shows at a moment.</summary>
    public static DateTime Wall(DateTimeOffset moment, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(moment, zone).DateTime;

    // No gap is longer than a day (a place that changed sides of the date line), and each ends at a full minute.
    private static DateTimeOffset EndOfGap(DateTime wall, TimeZoneInfo zone)
    {
        var minute = wall.AddTicks(-(wall.Ticks % TimeSpan.TicksPerMinute));
        do
        {
            minute = minute.AddMinutes(1);
        } while (zone.IsInvalidTime(minute));

        return new DateTimeOffset(minute, zone.GetUtcOffset(minute));
    }
}
