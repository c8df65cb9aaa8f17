using System.Globalization;
using AgentQueue.Agents;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Agents;

public sealed class ResetTimeTests
{
    // A Saturday in winter; 14:30 in Berlin.
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 13, 30, 20, TimeSpan.Zero);

    [Theory]
    [InlineData("usage limit reached|1795271400", "2026-11-21T14:30:00Z")]
    [InlineData("resets_at: 1795271400000,", "2026-11-21T14:30:00Z")]
    [InlineData("Try again at 2026-11-21T15:00:00+01:00.", "2026-11-21T14:00:00Z")]
    [InlineData("2026-11-21T13:00:00Z ERROR: come back in 2 hours", "2026-11-21T15:30:20Z")]
    [InlineData("Please retry in 294s.", "2026-11-21T13:35:14Z")]
    [InlineData("Your quota will reset after 3h22m5s.", "2026-11-21T16:52:25Z")]
    [InlineData("try again in 1 day, 2 hours and 5 minutes", "2026-11-22T15:35:20Z")]
    [InlineData("Please try again in 500ms", "2026-11-21T13:30:20.5Z")]
    [InlineData("retry-after: 120", "2026-11-21T13:32:20Z")]
    [InlineData("{'retry-after': '120'}", "2026-11-21T13:32:20Z")]
    [InlineData("\"retryDelay\": \"90s\"", "2026-11-21T13:31:50Z")]
    [InlineData("retryDelayMs: 5000", "2026-11-21T13:30:25Z")]
    // Times on a clock, in Berlin; a minute may be at its end.
    [InlineData("try again at 10:16 PM.", "2026-11-21T21:17:00Z")]
    [InlineData("try again at 2:15 PM", "2026-11-22T13:16:00Z")]
    [InlineData("try again at 14:30", "2026-11-21T13:31:00Z")]
    [InlineData("limit · resets 3am", "2026-11-22T02:00:00Z")]
    [InlineData("limit · resets 12am", "2026-11-21T23:00:00Z")]
    [InlineData("limit · resets 12:30pm", "2026-11-22T11:31:00Z")]
    [InlineData("limit · resets 10:36pm (UTC)", "2026-11-21T22:37:00Z")]
    [InlineData("try again at Nov 25th, 2026 6:05 AM.", "2026-11-25T05:06:00Z")]
    [InlineData("resets Dec 1 at 4pm", "2026-12-01T15:00:00Z")]
    [InlineData("resets Dec 1, 4pm (UTC)", "2026-12-01T16:00:00Z")]
    public void A_time_is_found_in_a_sentence(string text, string at) =>
        Assert.Equal(
            DateTimeOffset.Parse(at, CultureInfo.InvariantCulture),
            ResetTime.Find(text, s_now, Zones.Berlin)
        );

    [Theory]
    [InlineData("")]
    [InlineData("Please try again later.")]
    [InlineData("retried 5 times (total retry wait time: 5.32 seconds)")]
    [InlineData("resets 99:99")]
    [InlineData("resets Feb 31, 4pm")]
    [InlineData("until 5 attempts")]
    [InlineData("try again in 400 days")]
    [InlineData("retry-after: 99999999999999999999999999999")]
    [InlineData("in 99999999999999999999999999999999999999 days")]
    [InlineData("at 2020-01-01T00:00:00Z")]
    [InlineData("at 2099-01-01T00:00:00Z")]
    [InlineData("request 17952714001234")]
    public void What_cannot_be_is_no_time(string text) =>
        Assert.Null(ResetTime.Find(text, s_now, Zones.Berlin));

    [Fact]
    public void What_the_stream_says_goes_before_its_words_and_these_before_the_noise()
    {
        const string Noise = "retry in 10s\nretry in 20s\nno";
        var facts = new StreamFacts();
        Assert.Equal(20, Seconds(facts, Noise));
        facts.Error = new StreamError("again in 30s", null, null);
        Assert.Equal(30, Seconds(facts, Noise));
        facts.ResetsIn = TimeSpan.FromSeconds(40);
        Assert.Equal(40, Seconds(facts, Noise));
        facts.ResetsAt = s_now.AddSeconds(50);
        Assert.Equal(50, Seconds(facts, Noise));
        facts.ResetsAt = s_now.AddYears(50);
        Assert.Equal(40, Seconds(facts, Noise));
        Assert.Null(ResetTime.Of(new StreamFacts(), "", s_now, TimeZoneInfo.Utc));
    }

    private static double? Seconds(StreamFacts facts, string noise) =>
        (ResetTime.Of(facts, noise, s_now, TimeZoneInfo.Utc) - s_now)?.TotalSeconds;
}
