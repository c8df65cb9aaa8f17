using System.Text;
using AgentQueue.Config;
using AgentQueue.Tests.Support;
using AgentQueue.Timing;

namespace AgentQueue.Tests.Timing;

public sealed class ScheduleLogTests
{
    private readonly World _world = new();

    [Fact]
    public void What_it_fired_for_is_remembered_by_whoever_looks_next()
    {
        var rule = Rule("hourly", "0 * * * *");
        var now = FakeTime.Start;
        Assert.IsType<FireDecision.Fire>(Log().Fire(rule, now, TimeZoneInfo.Utc));
        Assert.IsType<FireDecision.Pass>(Log().Fire(rule, now.AddMinutes(9), TimeZoneInfo.Utc));
        Assert.IsType<FireDecision.Fire>(Log().Fire(rule, now.AddHours(1), TimeZoneInfo.Utc));
        var memory = Assert.Single(Log().Read());
        Assert.Equal((rule.Key, "hourly"), (memory.Key, memory.Event));
        Assert.Equal(now.AddHours(1), memory.FiredAt);
    }

    [Fact]
    public void Of_many_timers_at_once_one_fires()
    {
        using var temp = new TempQueue();
        temp.Queue.Create();
        var rule = Rule("hourly", "0 * * * *");
        var fired = 0;

        Parallel.For(
            0,
            8,
            _ =>
            {
                if (
                    new ScheduleLog(temp.Queue).Fire(rule, FakeTime.Start, TimeZoneInfo.Utc)
                    is FireDecision.Fire
                )
                {
                    Interlocked.Increment(ref fired);
                }
            }
        );

        Assert.Equal(1, fired);
    }

    [Fact]
    public void Rules_that_stay_keep_what_is_known_of_them_and_others_go()
    {
        var (a, b, c) = (Rule("a", "0 * * * *"), Rule("b", "0 * * * *"), Rule("c", "0 * * * *"));
        Keep(FakeTime.Start, a, b);
        Log().Fire(a, FakeTime.Start.AddHours(1), TimeZoneInfo.Utc);
        Keep(FakeTime.Start.AddHours(2), c, a);

        var all = Log().Read();

        Assert.Equal(["c", "a"], all.Select(static m => m.Event));
        Assert.Equal(FireDecision.Minute(FakeTime.Start.AddHours(2)), all[0].Since);
        Assert.Equal(FireDecision.Minute(FakeTime.Start), all[1].Since);
        Assert.NotNull(all[1].Due);
        Keep(FakeTime.Start);
        Assert.Null(_world.Open().Queue.Disk.Facts(Log().FilePath));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"version\": 2, \"rules\": []}")]
    [InlineData("{\"version\": 1, \"rules\": [{}]}")]
    [InlineData("{\"version\": 1, \"rules\": [{\"rule\": 1}]}")]
    [InlineData(
        "{\"version\": 1, \"rules\": [{\"rule\": \"r\", \"event\": \"e\", \"when\": \"w\", \"since\": \"soon\"}]}"
    )]
    public void A_damaged_file_fires_nothing_and_says_what_to_do(string text)
    {
        var log = Log();
        using (log.Lock()) { }
        _world.Disk.Drop(_world.Disk.Process("user"), log.FilePath, text);

        var e = Assert.Throws<QueueException>(() =>
            log.Fire(Rule("a", "0 * * * *"), FakeTime.Start, TimeZoneInfo.Utc)
        );

        Assert.Contains(log.FilePath, e.Message, StringComparison.Ordinal);
        Assert.NotNull(e.Hint);
        Assert.Equal(
            text,
            Encoding.UTF8.GetString(_world.Open().Queue.Disk.Read(log.FilePath, 1000).Content)
        );
    }

    [Fact]
    public void A_second_one_waits_for_its_turn_and_does_not_fire_for_ever()
    {
        var log = Log();
        using var held = log.Lock();
        Assert.Contains(
            "at work on the schedule",
            Assert
                .Throws<QueueException>(() =>
                    Log().Fire(Rule("a", "0 * * * *"), FakeTime.Start, TimeZoneInfo.Utc)
                )
                .Message,
            StringComparison.Ordinal
        );
    }

    private ScheduleLog Log() => new(_world.Open().Queue);

    private void Keep(DateTimeOffset now, params ScheduleRule[] rules)
    {
        var log = Log();
        using var turn = log.Lock();
        log.Keep(log.Know(rules, now));
    }

    private static ScheduleRule Rule(string name, string cron)
    {
        Assert.True(ScheduleRule.TryMake(name, cron, null, out var rule, out var problem), problem);
        return rule;
    }
}
