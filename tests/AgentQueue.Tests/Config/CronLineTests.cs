using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Config;

public sealed class CronLineTests
{
    [Theory]
    [InlineData("0 2 * * *", "2026-11-21T01:00+01:00", "2026-11-21T02:00+01:00")]
    [InlineData("0 2 * * *", "2026-11-21T02:00+01:00", "2026-11-22T02:00+01:00")]
    [InlineData("0 2 * * *", "2026-11-21T01:59:59.9+01:00", "2026-11-21T02:00+01:00")]
    [InlineData("*/15 * * * *", "2026-11-21T23:50+01:00", "2026-11-22T00:00+01:00")]
    [InlineData("5,35-37 8-10/2 * * *", "2026-11-21T08:36+01:00", "2026-11-21T08:37+01:00")]
    [InlineData("5,35-37 8-10/2 * * *", "2026-11-21T08:37+01:00", "2026-11-21T10:05+01:00")]
    [InlineData("30 9 * * mon-FRI", "2026-11-20T10:00+01:00", "2026-11-23T09:30+01:00")]
    [InlineData("0 0 * * 7", "2026-11-20T10:00+01:00", "2026-11-22T00:00+01:00")]
    [InlineData("0 0 * * fri-sun", "2026-11-22T10:00+01:00", "2026-11-27T00:00+01:00")]
    [InlineData("0 0 1 jan,jul *", "2026-11-20T10:00+01:00", "2027-01-01T00:00+01:00")]
    [InlineData("0 0 31 * *", "2026-11-20T10:00+01:00", "2026-12-31T00:00+01:00")]
    [InlineData("0 0 29 2 *", "2026-11-20T10:00+01:00", "2028-02-29T00:00+01:00")]
    [InlineData("0 0 29 feb *", "2096-03-01T10:00+01:00", "2104-02-29T00:00+01:00")]
    // Both days restricted: either is enough, but for a star.
    [InlineData("0 0 13 * 5", "2026-11-21T10:00+01:00", "2026-11-27T00:00+01:00")]
    [InlineData("0 0 13 * 5", "2026-12-12T10:00+01:00", "2026-12-13T00:00+01:00")]
    [InlineData("0 0 */2 * 5", "2026-11-21T10:00+01:00", "2026-11-27T00:00+01:00")]
    [InlineData("@hourly", "2026-11-21T10:00+01:00", "2026-11-21T11:00+01:00")]
    [InlineData("@daily", "2026-11-21T10:00+01:00", "2026-11-22T00:00+01:00")]
    [InlineData("@weekly", "2026-11-21T10:00+01:00", "2026-11-22T00:00+01:00")]
    [InlineData("@Monthly", "2026-11-21T10:00+01:00", "2026-12-01T00:00+01:00")]
    public void The_next_due_time_is_the_first_one_after_a_moment(
        string line,
        string after,
        string next
    ) => Assert.Equal(Time(next), Line(line).Next(Time(after), Zones.Berlin));

    [Theory]
    // 02:00 to 03:00 is left out on that day: what falls into it is due at its end.
    [InlineData("30 2 * * *", "2027-03-28T01:59+01:00", "2027-03-28T03:00+02:00")]
    [InlineData("30 2 * * *", "2027-03-28T03:00+02:00", "2027-03-29T02:30+02:00")]
    [InlineData("*/20 * * * *", "2027-03-28T01:40+01:00", "2027-03-28T03:00+02:00")]
    [InlineData("*/20 * * * *", "2027-03-28T03:00+02:00", "2027-03-28T03:20+02:00")]
    // It comes twice on this one: due the first time only.
    [InlineData("30 2 * * *", "2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00")]
    [InlineData("30 2 * * *", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00")]
    [InlineData("30 2 * * *", "2026-10-25T02:00+01:00", "2026-10-26T02:30+01:00")]
    [InlineData("*/20 * * * *", "2026-10-25T02:40+02:00", "2026-10-25T03:00+01:00")]
    [InlineData("*/20 * * * *", "2026-10-25T02:05+01:00", "2026-10-25T03:00+01:00")]
    public void When_clocks_are_set_each_time_is_due_once(string line, string after, string next)
    {
        Assert.Equal(Time(next), Line(line).Next(Time(after), Zones.Berlin));
        Assert.Equal(Time(next), Line(line).Last(Time(next), Zones.Berlin));
    }

    [Theory]
    [InlineData("0 2 * * *", "2026-11-21T02:00+01:00", "2026-11-21T02:00+01:00")]
    [InlineData("0 2 * * *", "2026-11-21T01:59:59+01:00", "2026-11-20T02:00+01:00")]
    [InlineData("5,35 8,10 * * *", "2026-11-21T10:34+01:00", "2026-11-21T10:05+01:00")]
    [InlineData("5,35 8,10 * * *", "2026-11-21T10:04+01:00", "2026-11-21T08:35+01:00")]
    [InlineData("0 0 29 2 *", "2026-11-20T10:00+01:00", "2024-02-29T00:00+01:00")]
    [InlineData("0 0 1 1 *", "2026-11-20T10:00+01:00", "2026-01-01T00:00+01:00")]
    [InlineData("30 2 * * *", "2026-10-25T02:05+01:00", "2026-10-25T02:30+02:00")]
    public void The_last_due_time_has_come_by_then(string line, string by, string last) =>
        Assert.Equal(Time(last), Line(line).Last(Time(by), Zones.Berlin));

    [Fact]
    public void A_day_without_a_midnight_is_begun_an_hour_later() =>
        Assert.Equal(
            Time("2026-09-06T01:00-03:00"),
            Line("@daily").Next(Time("2026-09-05T12:00-04:00"), Zones.NoMidnight)
        );

    [Fact]
    public void Going_forward_and_back_are_the_same_over_two_years_of_hours()
    {
        foreach (var text in (string[])["17 */5 * * *", "30 2 * * 0", "0 0 1,31 * *"])
        {
            var line = Line(text);
            DateTimeOffset? before = null;
            var due = Time("2026-01-01T00:00+01:00");
            for (var i = 0; i < 700; i++)
            {
                due = line.Next(due, Zones.Berlin)!.Value;
                Assert.Equal(due, line.Last(due, Zones.Berlin));
                Assert.True(
                    before is null || line.Last(due.AddTicks(-1), Zones.Berlin) == before,
                    $"{text} before {due}"
                );
                before = due;
            }
        }
    }

    [Theory]
    [InlineData("61 * * * *", "column 1: the minute '61'")]
    [InlineData("0 24 * * *", "column 3: the hour '24'")]
    [InlineData("0  2 32 * *", "column 6: the day of the month '32'")]
    [InlineData("0 2 0 * *", "column 5: the day of the month '0'")]
    [InlineData("0 2 * 13 *", "column 7: the month '13'")]
    [InlineData("0 2 * * 8", "column 9: the day of the week '8'")]
    [InlineData("0 2 * * mon,tues", "column 13: the day of the week 'tues'")]
    [InlineData("0 2 * * friday", "column 9: the day of the week 'friday'")]
    [InlineData("0 1,2,,3 * * *", "column 7: the hour ''")]
    [InlineData("0 5-3 * * *", "column 3: the hour '5-3' runs backwards")]
    [InlineData("5/10 * * * *", "column 1: the minute '5/10' has a step, which needs a range")]
    [InlineData("*/0 * * * *", "column 1: the step of the minute '*/0'")]
    [InlineData("*/90 * * * *", "column 1: the step of the minute '*/90'")]
    [InlineData("*/5/2 * * * *", "column 1: the step")]
    [InlineData("0 0 L * *", "column 5: the day of the month 'L'")]
    [InlineData("0 0 ? * *", "column 5: the day of the month '?'")]
    [InlineData("-1 * * * *", "column 1: the minute '-1'")]
    [InlineData("0 2 * *", "column 8: there are 4 fields and not five")]
    [InlineData("0 2 * * * 2026", "column 11: there are 6 fields and not five")]
    [InlineData("", "column 1: there are 0 fields and not five")]
    [InlineData("@reboot", "column 1: '@reboot' is none of @hourly @daily")]
    [InlineData(" @yearly", "column 2: '@yearly'")]
    [InlineData("0 0 30 2 *", "column 5: none of the months has a day 30")]
    [InlineData("0 0 31 4,6 *", "column 5: none of the months has a day 31")]
    public void What_is_not_understood_is_refused_with_its_place(string line, string problem)
    {
        Assert.False(CronLine.TryParse(line, out _, out var found));
        Assert.StartsWith(problem, found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0 2 * * MON,wed-fri", "0 2 * * 1,3-5")]
    [InlineData("*/5 8-10 1 jan *", "*/5 8-10 1 1 *")]
    [InlineData("0-30/10 * */2 * 7", "0,10,20,30 * */2 * 0")]
    [InlineData("@weekly", "0 0 * * 0")]
    public void Cron_daemons_get_it_in_numbers(string line, string plain)
    {
        Assert.Equal(plain, Line(line).Plain);
        Assert.Equal(Line(plain), Line(line));
    }

    [Theory]
    [InlineData("0 2 * * *", "*-*-* 02:00:00")]
    [InlineData("*/15 * * * *", "*-*-* *:00,15,30,45:00")]
    [InlineData("30 9 * 1-3 1-5", "Mon,Tue,Wed,Thu,Fri *-01,02,03-* 09:30:00")]
    [InlineData("0 0 13 * 5", "*-*-13 00:00:00|Fri *-*-* 00:00:00")]
    [InlineData("0 0 29 2 *", "*-02-29 00:00:00")]
    [InlineData("@hourly", "*-*-* *:00:00")]
    public void Systemd_gets_it_as_calendar_expressions(string line, string calendar) =>
        Assert.Equal(calendar, string.Join('|', Line(line).ToCalendar()));

    private static CronLine Line(string text)
    {
        Assert.True(CronLine.TryParse(text, out var line, out var problem), problem);
        return line;
    }

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
