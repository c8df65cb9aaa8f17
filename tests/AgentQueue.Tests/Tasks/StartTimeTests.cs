using System.Globalization;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Tasks;

public sealed class StartTimeTests
{
    [Theory]
    [InlineData("22:00", "2026-11-21T12:00+01:00", "2026-11-21T22:00+01:00")]
    [InlineData(" 9:05 ", "2026-11-21T08:00+01:00", "2026-11-21T09:05+01:00")]
    [InlineData("22:00:30", "2026-11-21T12:00+01:00", "2026-11-21T22:00:30+01:00")]
    [InlineData("12:00", "2026-11-21T12:00+01:00", "2026-11-21T12:00+01:00")]
    public void A_time_of_day_is_todays_if_that_is_to_come(string text, string now, string at) =>
        Assert.Equal(Time(at), Parse(text, now));

    [Theory]
    [InlineData("08:00", "2026-11-21T12:00+01:00", "2026-11-22T08:00+01:00")]
    [InlineData("12:00", "2026-11-21T12:00:01+01:00", "2026-11-22T12:00+01:00")]
    [InlineData("08:00", "2026-12-31T12:00+01:00", "2027-01-01T08:00+01:00")]
    [InlineData("08:00", "2028-02-28T12:00+01:00", "2028-02-29T08:00+01:00")]
    // The clocks are set back in the night between.
    [InlineData("08:00", "2026-10-24T12:00+02:00", "2026-10-25T08:00+01:00")]
    public void One_that_is_past_is_tomorrows(string text, string now, string at) =>
        Assert.Equal(Time(at), Parse(text, now));

    [Theory]
    [InlineData("2026-11-22T08:00", "2026-11-22T08:00+01:00")]
    [InlineData("2026-11-22 8:00", "2026-11-22T08:00+01:00")]
    [InlineData("2027-07-01T08:00:05", "2027-07-01T08:00:05+02:00")]
    [InlineData("2026-11-22T08:00Z", "2026-11-22T08:00+00:00")]
    [InlineData("2026-11-22T08:00-05:30", "2026-11-22T08:00-05:30")]
    [InlineData("22:00Z", "2026-11-21T22:00+00:00")]
    // 12:00 here is 17:00 there, so the next 16:00 of that place is a day away.
    [InlineData("16:00+06:00", "2026-11-22T16:00+06:00")]
    public void A_date_and_an_offset_are_taken_as_they_are(string text, string at) =>
        Assert.Equal(Time(at), Parse(text, "2026-11-21T12:00+01:00"));

    [Theory]
    // On that day 02:00 to 03:00 does not exist.
    [InlineData("02:30", "2027-03-28T01:00+01:00", "2027-03-28T03:00+02:00")]
    [InlineData("2027-03-28T02:00", "2027-03-27T12:00+01:00", "2027-03-28T03:00+02:00")]
    [InlineData("02:30", "2027-03-28T03:15+02:00", "2027-03-29T02:30+02:00")]
    // And on this one it comes twice.
    [InlineData("02:30", "2026-10-25T01:00+02:00", "2026-10-25T02:30+02:00")]
    [InlineData("02:30", "2026-10-25T02:45+02:00", "2026-10-25T02:30+01:00")]
    [InlineData("02:30", "2026-10-25T02:45+01:00", "2026-10-26T02:30+01:00")]
    public void A_time_that_is_left_out_is_the_end_of_the_gap_and_one_that_comes_twice_the_next(
        string text,
        string now,
        string at
    ) => Assert.Equal(Time(at), Parse(text, now));

    [Fact]
    public void A_day_that_has_no_midnight_begins_an_hour_later() =>
        Assert.Equal(
            Time("2026-09-06T01:00-03:00"),
            StartTime.Parse("00:00", "--at", Time("2026-09-05T12:00-04:00"), Zones.NoMidnight)
        );

    [Theory]
    [InlineData("2026-11-21T11:59")]
    [InlineData("2025-11-22T08:00")]
    [InlineData("2026-11-21T12:00+02:00")]
    [InlineData("0001-01-01T08:00")]
    public void A_date_that_is_past_is_refused(string text)
    {
        var e = Assert.Throws<QueueException>(() => Parse(text, "2026-11-21T12:00+01:00"));
        Assert.Equal(ExitCode.Usage, e.ExitCode);
        Assert.Equal($"--at {text} is past", e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("noon")]
    [InlineData("24:00")]
    [InlineData("8")]
    [InlineData("08:60")]
    [InlineData("2026-11-22")]
    [InlineData("2026-02-29T08:00")]
    [InlineData("2026-11-22T08:00+99:00")]
    [InlineData("2026-11-22T08:00+15:00")]
    [InlineData("22:00 tomorrow")]
    [InlineData("+01:00")]
    [InlineData("9999-12-31T23:59-10:00")]
    public void What_is_no_time_is_refused_with_an_example(string text)
    {
        var e = Assert.Throws<QueueException>(() => Parse(text, "2026-11-21T12:00+01:00"));
        Assert.Equal(ExitCode.Usage, e.ExitCode);
        Assert.Contains("22:00", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-11-21T22:00+01:00", "22:00 (in 10h)")]
    [InlineData("2026-11-21T22:00:30+01:00", "22:00:30 (in 10h)")]
    [InlineData("2026-11-22T08:00Z", "2026-11-22 09:00 (in 21h)")]
    [InlineData("2027-07-01T08:00+02:00", "2027-07-01 08:00 (in 221d 19h)")]
    public void It_is_told_by_the_clock_on_the_wall(string at, string text) =>
        Assert.Equal(
            text,
            StartTime.Describe(Time(at), Time("2026-11-21T12:00+01:00"), Zones.Berlin)
        );

    private static DateTimeOffset Parse(string text, string now) =>
        StartTime.Parse(text, "--at", Time(now), Zones.Berlin);

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
