using System.Globalization;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Tasks;

public sealed class PastTimeTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 14, 0, 0, TimeSpan.Zero);

    private static readonly TimeZoneInfo s_zone = TimeZoneInfo.CreateCustomTimeZone(
        "two hours east",
        TimeSpan.FromHours(2),
        null,
        null
    );

    [Theory]
    [InlineData("2h", "2026-11-21T12:00:00Z")]
    [InlineData("7d", "2026-11-14T14:00:00Z")]
    [InlineData("2026-11-21", "2026-11-20T22:00:00Z")]
    [InlineData("2026-11-21T08:30", "2026-11-21T06:30:00Z")]
    [InlineData("2026-11-21 08:30:05", "2026-11-21T06:30:05Z")]
    [InlineData("2026-11-21T08:30Z", "2026-11-21T08:30:00Z")]
    [InlineData("2026-11-21T08:30:05.250+01:00", "2026-11-21T07:30:05.250Z")]
    public void A_length_of_time_a_day_and_a_moment_are_read(string text, string expected) =>
        Assert.Equal(
            DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture),
            PastTime.Parse(text, "--since", s_now, s_zone)
        );

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2026-13-01")]
    [InlineData("-2h")]
    [InlineData("0001-01-01")]
    public void Anything_else_is_refused_with_what_would_do(string text)
    {
        var problem = Assert.Throws<QueueException>(() =>
            PastTime.Parse(text, "--since", s_now, s_zone)
        );
        Assert.StartsWith("--since wants", problem.Message, StringComparison.Ordinal);
    }
}
