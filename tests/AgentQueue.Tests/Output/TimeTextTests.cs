using AgentQueue.Cli.Output;

namespace AgentQueue.Tests.Output;

public class TimeTextTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 14, 3, 9, TimeSpan.Zero);

    [Fact]
    public void A_moment_is_shown_in_utc() =>
        Assert.Equal(
            "2026-11-21 14:03:09Z",
            TimeText.At(s_now.ToOffset(TimeSpan.FromHours(5)).AddMilliseconds(900))
        );

    [Fact]
    public void A_moment_is_shown_in_a_zone_with_its_offset()
    {
        var zone = TimeZoneInfo.CreateCustomTimeZone("x", TimeSpan.FromHours(1), "x", "x");
        Assert.Equal("2026-11-21 15:03:09+01:00", TimeText.At(s_now, zone));
        Assert.Equal("2026-11-21 14:03:09Z", TimeText.At(s_now, TimeZoneInfo.Utc));
    }

    [Theory]
    [InlineData(-0.4, "just now")]
    [InlineData(-42, "42s ago")]
    [InlineData(-330, "5m ago")]
    [InlineData(-7500, "2h ago")]
    [InlineData(-300_000, "3d ago")]
    [InlineData(3.2, "in 4s")]
    [InlineData(0.1, "in 1s")]
    [InlineData(90, "in 1m")]
    public void A_distance_in_time_has_one_unit(double seconds, string expected) =>
        Assert.Equal(expected, TimeText.Ago(s_now.AddSeconds(seconds), s_now));
}
