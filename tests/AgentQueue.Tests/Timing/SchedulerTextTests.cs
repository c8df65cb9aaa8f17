using System.Text;
using AgentQueue.Config;
using AgentQueue.Tests.Support;
using AgentQueue.Timing;

namespace AgentQueue.Tests.Timing;

/// <summary>What is written for systemd and for cron.</summary>
public sealed class SchedulerTextTests
{
    private static readonly CrontabText s_text = new("abc123");

    [Theory]
    [InlineData("plain", "\"plain\"")]
    [InlineData("two words", "\"two words\"")]
    [InlineData("100%n $HOME ${X}", "\"100%%n $$HOME $${X}\"")]
    [InlineData("a\\b\"c'd", "\"a\\\\b\\\"c'd\"")]
    [InlineData("; rm -rf / #", "\"; rm -rf / #\"")]
    [InlineData("ends in \\", "\"ends in \\\\\"")]
    public void A_word_for_systemd_is_quoted_and_nothing_in_it_replaced(
        string word,
        string quoted
    ) => Assert.Equal(quoted, SystemdUnits.Argument(word));

    [Fact]
    public void A_unit_calls_the_event_and_does_not_end_what_that_starts()
    {
        var (timer, service) = SystemdUnits.For(
            Call("nightly 100%", "0 2 * * mon"),
            TimeZoneInfo.Utc
        );

        Assert.Equal(
            """
            # Made by agentq schedule install, which also replaces it; agentq schedule remove takes it away.
            [Unit]
            Description=agentq: nightly 100%% (0 2 * * mon)

            [Timer]
            OnCalendar=Mon *-*-* 02:00:00
            AccuracySec=1s
            Persistent=false

            [Install]
            WantedBy=timers.target

            """,
            timer
        );
        Assert.Contains("\nType=oneshot\nKillMode=process\n", service, StringComparison.Ordinal);
        Assert.EndsWith(
            "\nExecStart=\"/opt/a $b/agentq\" \"--root\" \"/home/me/my project\" \"trigger\" \"--scheduled\" \""
                + Call("nightly 100%", "0 2 * * mon").Rule.Key
                + "\" \"--\" \"nightly 100%%\"\n",
            service,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("15m", "7,22,37,52")]
    [InlineData("90m", "7,37")]
    [InlineData("7m", null)]
    [InlineData("6h", "7")]
    [InlineData("2d", "7")]
    public void A_length_of_time_is_called_for_at_each_minute_at_which_it_may_be_over(
        string every,
        string? minutes
    )
    {
        Assert.True(ScheduleRule.TryMake("e", null, every, out var rule, out _));
        var call = Of(rule);
        var expected = minutes ?? string.Join(',', Enumerable.Range(0, 60));
        Assert.Equal(expected, string.Join(',', call.MinutesOfHour(TimeZoneInfo.Utc)));
        Assert.StartsWith(
            expected + " * * * * '",
            CrontabText.Line(call, TimeZoneInfo.Utc),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_line_for_cron_is_quoted_for_the_shell_and_for_cron_itself() =>
        Assert.EndsWith(
            "'--' 'it'\\''s 100\\% $HOME `x` \\\\%'",
            CrontabText.Line(Call("it's 100% $HOME `x` \\%", "0 2 * * *"), TimeZoneInfo.Utc),
            StringComparison.Ordinal
        );

    [Fact]
    public void What_cron_cannot_take_is_refused() =>
        Assert.Throws<QueueException>(() =>
            CrontabText.Line(Call(new string('x', 1000), "0 2 * * *"), TimeZoneInfo.Utc)
        );

    [Fact]
    public void A_folder_with_a_control_character_is_refused() =>
        Assert.Throws<QueueException>(() =>
            ScheduledCall.Of(Call("e", "0 2 * * *").Rule, FakeTime.Start, ["/agentq"], "/a\nb")
        );

    [Theory]
    [InlineData("")]
    [InlineData("# mine\n0 1 * * * true\n")]
    [InlineData("0 1 * * * true")]
    [InlineData("\n\n\xff\r\n\0 odd")]
    [InlineData("# BEGIN agentq abc1234\nother\n# END agentq abc1234\n")]
    public void Everything_else_in_a_crontab_stays_byte_for_byte(string text)
    {
        var mine = Encoding.Latin1.GetBytes(text);
        var with = s_text.With(mine, ["one", "two"]);
        Assert.Equal(["one", "two"], s_text.Lines(with));
        Assert.Equal(with, s_text.With(with, ["one", "two"]));
        var changed = s_text.With(with, ["three"]);
        Assert.Equal(["three"], s_text.Lines(changed));
        Assert.Equal(mine, s_text.With(changed, []));
        Assert.Equal(mine, s_text.With(mine, []));
        byte[] more = [.. with, .. "# later\n"u8];
        Assert.EndsWith(
            "# later\n",
            Encoding.Latin1.GetString(s_text.With(more, ["three"])),
            StringComparison.Ordinal
        );
        Assert.Equal([.. mine, .. "# later\n"u8], s_text.With(more, []));
    }

    [Theory]
    [InlineData("# BEGIN agentq abc123\nx\n")]
    [InlineData("x\n# END agentq abc123\n")]
    [InlineData("# BEGIN agentq abc123\n# BEGIN agentq abc123\n# END agentq abc123\n")]
    [InlineData(
        "# BEGIN agentq abc123\n# END agentq abc123\n# BEGIN agentq abc123\n# END agentq abc123\n"
    )]
    public void Marks_that_do_not_pair_are_refused(string text) =>
        Assert.Throws<QueueException>(() => s_text.With(Encoding.ASCII.GetBytes(text), ["one"]));

    private static ScheduledCall Call(string name, string cron)
    {
        Assert.True(ScheduleRule.TryMake(name, cron, null, out var rule, out var problem), problem);
        return Of(rule);
    }

    private static ScheduledCall Of(ScheduleRule rule) =>
        ScheduledCall.Of(
            rule,
            new DateTimeOffset(2026, 11, 21, 10, 7, 0, TimeSpan.Zero),
            ["/opt/a $b/agentq"],
            "/home/me/my project"
        );
}
