namespace AgentQueue.Tests.Support;

/// <summary>Time zones with rules of their own, so that tests do not depend on those of the machine.</summary>
internal static class Zones
{
    /// <summary>As in Berlin: 02:00 becomes 03:00 on the last Sunday of March, 03:00 becomes 02:00 on that of October.</summary>
    public static TimeZoneInfo Berlin { get; } =
        Make("berlin", 1, LastSunday(3, 2), LastSunday(10, 3));

    /// <summary>As in Chile: midnight becomes 01:00 on a Sunday of September, so that day has no midnight.</summary>
    public static TimeZoneInfo NoMidnight { get; } =
        Make(
            "no midnight",
            -4,
            TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1), 9, 6),
            TimeZoneInfo.TransitionTime.CreateFixedDateRule(new DateTime(1, 1, 1), 4, 5)
        );

    private static TimeZoneInfo.TransitionTime LastSunday(int month, int hour) =>
        TimeZoneInfo.TransitionTime.CreateFloatingDateRule(
            new DateTime(1, 1, 1, hour, 0, 0),
            month,
            5,
            DayOfWeek.Sunday
        );

    private static TimeZoneInfo Make(
        string name,
        int hours,
        TimeZoneInfo.TransitionTime forward,
        TimeZoneInfo.TransitionTime back
    ) =>
        TimeZoneInfo.CreateCustomTimeZone(
            name,
            TimeSpan.FromHours(hours),
            name,
            name,
            name,
            [
                TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(
                    DateTime.MinValue.Date,
                    DateTime.MaxValue.Date,
                    TimeSpan.FromHours(1),
                    forward,
                    back
                ),
            ]
        );
}
