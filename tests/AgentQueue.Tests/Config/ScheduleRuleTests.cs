using System.Globalization;
using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class ScheduleRuleTests
{
    private static readonly DateTimeOffset s_since = Time("2026-11-21T10:07Z");

    [Theory]
    [InlineData("2026-11-21T10:07Z", null, "2026-11-21T11:37Z")]
    [InlineData("2026-11-21T11:36Z", null, "2026-11-21T11:37Z")]
    [InlineData("2026-11-21T11:37Z", "2026-11-21T11:37Z", "2026-11-21T13:07Z")]
    [InlineData("2026-11-21T13:06:59Z", "2026-11-21T11:37Z", "2026-11-21T13:07Z")]
    [InlineData("2026-11-20T10:07Z", null, "2026-11-21T11:37Z")]
    public void A_length_of_time_counts_from_when_it_was_installed(
        string now,
        string? last,
        string next
    )
    {
        var rule = Every("90m");
        Assert.Equal(Time(next), rule.Next(Time(now), s_since, TimeZoneInfo.Utc));
        Assert.Equal(
            last is null ? null : Time(last),
            rule.Last(Time(now), s_since, TimeZoneInfo.Utc)
        );
    }

    [Fact]
    public void Nothing_was_due_before_it_was_installed()
    {
        var rule = Cron("0 10 * * *");
        Assert.Null(rule.Last(Time("2026-11-22T09:59Z"), s_since, TimeZoneInfo.Utc));
        Assert.Null(rule.Last(s_since, Time("2026-11-21T10:00Z"), TimeZoneInfo.Utc));
        Assert.Equal(
            Time("2026-11-22T10:00Z"),
            rule.Next(Time("2026-11-01T00:00Z"), s_since, TimeZoneInfo.Utc)
        );
    }

    [Fact]
    public void A_rule_is_known_by_what_it_means_and_not_by_how_it_is_written()
    {
        Assert.Equal(Cron("0 2 * * 1").Key, Cron("0  2 * * MON").Key);
        Assert.Equal(Every("90m").Key, Every("5400").Key);
        Assert.Equal(
            4,
            new[] { Cron("0 2 * * 1"), Cron("0 2 * * 2"), Every("1m"), Every("2m") }
                .Select(static r => r.Key)
                .Distinct()
                .Count()
        );
        Assert.Matches("^[0-9a-f]{12}$", Every("1m").Key);
    }

    [Theory]
    [InlineData("", "0 2 * * *", null, "must name an event")]
    [InlineData("a\nb", "0 2 * * *", null, "must name an event")]
    [InlineData("a", null, null, "either")]
    [InlineData("a", "0 2 * * *", "1h", "either")]
    [InlineData("a", "0 25 * * *", null, "column 3: the hour '25'")]
    [InlineData("a", null, "90s", "whole number of minutes")]
    [InlineData("a", null, "0", "whole number of minutes")]
    [InlineData("a", null, "often", "whole number of minutes")]
    public void What_is_no_rule_is_refused(string name, string? cron, string? every, string problem)
    {
        Assert.False(ScheduleRule.TryMake(name, cron, every, out _, out var found));
        Assert.Contains(problem, found, StringComparison.Ordinal);
    }

    private static ScheduleRule Every(string text) => Make(null, text);

    private static ScheduleRule Cron(string text) => Make(text, null);

    private static ScheduleRule Make(string? cron, string? every)
    {
        Assert.True(ScheduleRule.TryMake("a", cron, every, out var rule, out var problem), problem);
        return rule;
    }

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
