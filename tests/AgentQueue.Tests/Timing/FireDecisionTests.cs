using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tests.Support;
using AgentQueue.Timing;

namespace AgentQueue.Tests.Timing;

public sealed class FireDecisionTests
{
    private static readonly ScheduleRule s_nightly = Rule("30 2 * * *", null);
    private ScheduleMemory? _memory;
    private ScheduleRule _rule = s_nightly;

    [Fact]
    public void It_fires_once_for_a_due_time_however_often_it_is_called()
    {
        Install("2026-11-20T12:00+01:00");

        var fire = Fires("2026-11-21T02:30:01+01:00");

        Assert.Equal((0, false, ""), (fire.Missed, fire.IsLate, fire.Text));
        Assert.Equal(
            "it has fired for 2026-11-21 01:30Z already",
            Passes("2026-11-21T02:30:01+01:00")
        );
        Passes("2026-11-21T14:00+01:00");
        Passes("2026-11-22T02:29:59+01:00");
        Fires("2026-11-22T02:30+01:00");
    }

    [Fact]
    public void In_the_hour_that_comes_twice_it_fires_the_first_time()
    {
        Install("2026-10-24T12:00+02:00");
        Fires("2026-10-25T02:30:02+02:00");
        Passes("2026-10-25T02:30:02+01:00");
        Assert.Equal(0, Fires("2026-10-26T02:30:02+01:00").Missed);
    }

    [Fact]
    public void In_the_night_without_that_hour_it_fires_at_its_end()
    {
        Install("2027-03-27T12:00+01:00");
        Assert.False(Fires("2027-03-28T03:00:02+02:00").IsLate);
        Passes("2027-03-28T03:30:02+02:00");
        Assert.Equal(0, Fires("2027-03-29T02:30:02+02:00").Missed);
    }

    [Fact]
    public void What_was_missed_is_told_by_the_next_one_and_not_caught_up()
    {
        Install("2026-11-10T12:00+01:00");
        Fires("2026-11-11T02:30+01:00");

        var fire = Fires("2026-11-15T02:30:01+01:00");

        Assert.Equal(3, fire.Missed);
        Assert.Contains("3 missed since 2026-11-11 01:30Z", fire.Text, StringComparison.Ordinal);
        Assert.Equal(3, _memory!.Missed);
        Passes("2026-11-15T02:30:05+01:00");
        Assert.Equal(0, Fires("2026-11-16T02:30:01+01:00").Missed);
        Assert.Equal(3, _memory!.Missed);
    }

    [Fact]
    public void What_was_missed_right_after_the_installation_counts_from_there()
    {
        Install("2026-11-10T12:00+01:00");
        Assert.Equal(2, Fires("2026-11-13T02:30+01:00").Missed);
    }

    [Fact]
    public void One_that_comes_late_fires_and_says_so()
    {
        Install("2026-11-20T12:00+01:00");
        var fire = Fires("2026-11-21T08:30+01:00");
        Assert.Equal((0, "6h late"), (fire.Missed, fire.Text));
        Passes("2026-11-21T08:31+01:00");
    }

    [Fact]
    public void Before_anything_was_due_it_does_not_fire()
    {
        Install("2026-11-20T12:00+01:00");
        Assert.Contains(
            "nothing is due yet",
            Passes("2026-11-21T02:29:59+01:00"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_length_of_time_fires_when_it_is_over_and_only_then()
    {
        _rule = Rule(null, "90m");
        Install("2026-11-21T10:07Z");
        // The scheduler calls each half hour.
        Passes("2026-11-21T10:37:01Z");
        Passes("2026-11-21T11:07:01Z");
        Fires("2026-11-21T11:37:01Z");
        Passes("2026-11-21T12:07:01Z");
        Passes("2026-11-21T12:37:01Z");
        Assert.Equal(0, Fires("2026-11-21T13:07:01Z").Missed);
        Assert.Equal(2, Fires("2026-11-21T17:37:01Z").Missed);
    }

    [Fact]
    public void Without_memory_it_fires_once_and_tells_of_nothing_missed()
    {
        Assert.Equal(0, Fires("2026-11-21T02:30:01+01:00").Missed);
        Passes("2026-11-21T02:30:02+01:00");
        _memory = null;
        _rule = Rule(null, "15m");
        Assert.Equal("", Fires("2026-11-21T02:30:01+01:00").Text);
        Passes("2026-11-21T02:30:59+01:00");
        Fires("2026-11-21T02:45:01+01:00");
    }

    [Fact]
    public void A_clock_that_was_far_ahead_does_not_silence_it_for_years()
    {
        Install("2026-11-20T12:00+01:00");
        Fires("2031-11-21T02:30+01:00");
        Fires("2026-11-22T02:30+01:00");
        Passes("2026-11-22T02:31+01:00");
    }

    [Fact]
    public void A_clock_that_was_set_back_by_an_hour_fires_nothing_twice()
    {
        Install("2026-11-20T12:00+01:00");
        Fires("2026-11-21T02:30:10+01:00");
        Passes("2026-11-21T01:30:10+01:00");
        Passes("2026-11-21T02:30:01+01:00");
    }

    [Fact]
    public void Years_of_a_rule_for_every_minute_are_not_counted_one_by_one()
    {
        _rule = Rule("* * * * *", null);
        Install("2016-11-20T12:00+01:00");
        var fire = Fires("2026-11-21T02:30+01:00");
        Assert.Equal(FireDecision.MostCounted, fire.Missed);
        Assert.Contains("at least 1000 missed", fire.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_looks_sees_what_is_missed_already_but_gives_a_timer_some_seconds()
    {
        Install("2026-11-20T12:00+01:00");
        Assert.Equal(0, Missed("2026-11-21T02:30:30+01:00"));
        Assert.Equal(1, Missed("2026-11-21T02:33+01:00"));
        Assert.Equal(2, Missed("2026-11-22T12:00+01:00"));
        Fires("2026-11-22T12:00+01:00");
        Assert.Equal(0, Missed("2026-11-22T12:00+01:00"));
    }

    private int Missed(string now) =>
        FireDecision.MissedBy(_rule, _memory!, Time(now), Zones.Berlin);

    private void Install(string since) => _memory = ScheduleMemory.Of(_rule, Time(since));

    private FireDecision.Fire Fires(string now)
    {
        var fire = Assert.IsType<FireDecision.Fire>(Decide(now));
        _memory = fire.Memory;
        return fire;
    }

    private string Passes(string now) => Assert.IsType<FireDecision.Pass>(Decide(now)).Why;

    private FireDecision Decide(string now) =>
        FireDecision.Decide(_rule, _memory, Time(now), Zones.Berlin);

    private static ScheduleRule Rule(string? cron, string? every)
    {
        Assert.True(
            ScheduleRule.TryMake("nightly", cron, every, out var rule, out var problem),
            problem
        );
        return rule;
    }

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
