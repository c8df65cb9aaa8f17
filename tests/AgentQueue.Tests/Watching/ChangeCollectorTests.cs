using AgentQueue.Config;
using AgentQueue.Tests.Support;
using AgentQueue.Watching;
using static AgentQueue.Watching.ChangeKind;

namespace AgentQueue.Tests.Watching;

public sealed class ChangeCollectorTests
{
    private static readonly TimeSpan s_ms = TimeSpan.FromMilliseconds(1);

    private readonly FakeTime _clock = new();
    private readonly ChangeCollector _collector;

    public ChangeCollectorTests() =>
        _collector = new ChangeCollector(
            new WatchRules([
                new WatchRule(["**"], [], "all", 100 * s_ms),
                new WatchRule(["*.md"], [], "docs", 30 * s_ms),
                new WatchRule(["now/*"], [], "at once", TimeSpan.Zero),
                new WatchRule(["slow/*"], [], "slow", 700 * s_ms),
            ]),
            _clock
        );

    [Fact]
    public void Nothing_held_needs_no_waking()
    {
        Assert.Null(_collector.UntilNext);
        Assert.Empty(_collector.Due());
    }

    [Fact]
    public void An_event_comes_when_it_has_been_quiet_for_the_debounce_time()
    {
        Change("a", Modified);
        Assert.Equal(100 * s_ms, _collector.UntilNext);
        _clock.Advance(99 * s_ms);
        Assert.Empty(_collector.Due());
        Assert.Equal(s_ms, _collector.UntilNext);
        _clock.Advance(s_ms);

        var happened = Assert.Single(_collector.Due());

        Assert.Equal("all", happened.Rule.Event);
        Assert.Equal(new FileChange("a", Modified), Assert.Single(happened.Changes));
        Assert.Null(_collector.UntilNext);
        Assert.Empty(_collector.Due());
    }

    [Fact]
    public void A_thousand_saves_in_a_burst_are_one()
    {
        for (var i = 0; i < 1000; i++)
        {
            Change("a", Modified);
            _clock.Advance(0.5 * s_ms);
            Assert.Empty(_collector.Due());
        }

        _clock.Advance(100 * s_ms);
        Assert.Single(Assert.Single(_collector.Due()).Changes);
    }

    [Theory]
    [InlineData("a", 5000)]
    [InlineData("slow/a", 7000)]
    public void Changes_without_end_are_told_after_ten_times_the_debounce_time_or_five_seconds(
        string file,
        int ms
    )
    {
        var told = new List<TimeSpan>();
        while (_clock.Elapsed < 2.5 * ms * s_ms)
        {
            Change(file, Modified);
            _clock.Advance(50 * s_ms);
            told.AddRange(
                _collector
                    .Due()
                    .Where(e => e.Rule.Event == (ms == 5000 ? "all" : "slow"))
                    .Select(_ => _clock.Elapsed)
            );
        }

        Assert.Equal([ms * s_ms, 2 * ms * s_ms], told);
    }

    [Fact]
    public void Without_a_debounce_time_it_comes_at_once()
    {
        Change("now/a", Created);

        Assert.Equal(TimeSpan.Zero, _collector.UntilNext);
        Assert.Equal("at once", Assert.Single(_collector.Due()).Rule.Event);
    }

    [Fact]
    public void Each_rule_has_its_own_time()
    {
        Change("a.md", Modified);
        Assert.Equal(30 * s_ms, _collector.UntilNext);
        _clock.Advance(30 * s_ms);
        Assert.Equal("docs", Assert.Single(_collector.Due()).Rule.Event);
        Assert.Equal(70 * s_ms, _collector.UntilNext);
        _clock.Advance(70 * s_ms);
        Assert.Equal("all", Assert.Single(_collector.Due()).Rule.Event);
    }

    [Fact]
    public void What_is_held_can_be_had_before_its_time()
    {
        Change("a.md", Modified);

        Assert.Equal(["all", "docs"], _collector.Flush().Select(e => e.Rule.Event));
        Assert.Null(_collector.UntilNext);
    }

    [Fact]
    public void A_file_that_came_and_went_is_nothing()
    {
        Change("a.tmp", Created);
        Change("a.tmp", Modified);
        Change("a.tmp", Deleted);
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Empty(_collector.Due());
        Assert.Null(_collector.UntilNext);
    }

    [Theory]
    [InlineData(new[] { Deleted, Created }, Modified)]
    [InlineData(new[] { Deleted, Created, Deleted }, Deleted)]
    [InlineData(new[] { Modified, Deleted }, Deleted)]
    [InlineData(new[] { Created, Modified }, Created)]
    [InlineData(new[] { Created, Deleted, Created }, Created)]
    [InlineData(new[] { Modified, Modified }, Modified)]
    internal void Several_changes_of_a_file_are_one(ChangeKind[] kinds, ChangeKind one)
    {
        foreach (var kind in kinds)
        {
            Change("a", kind);
        }

        Assert.Equal(
            new FileChange("a", one),
            Assert.Single(Assert.Single(_collector.Flush()).Changes)
        );
    }

    [Fact]
    public void A_save_by_a_temporary_file_counts_for_the_name_that_it_gets()
    {
        Change("a.py.tmp.7", Created);
        Change("a.py.tmp.7", Modified);
        Change("a.py.tmp.7", Deleted);
        Change("a.py", Modified);

        var happened = Assert.Single(_collector.Flush());

        Assert.Equal(new FileChange("a.py", Modified), Assert.Single(happened.Changes));
    }

    [Fact]
    public void An_event_carries_its_files_from_the_last_on()
    {
        Change("b", Deleted);
        Change("a", Modified);
        Change("c d", Created);
        Change("a", Modified);

        var carried = Assert.Single(_collector.Flush()).Variables;

        Assert.Equal("a", carried["file"]);
        Assert.Equal("modified", carried["change"]);
        Assert.Equal("a\nc d\nb", carried["files"]);
    }

    [Fact]
    public void It_carries_a_hundred_files_at_most_and_none_that_would_look_like_two()
    {
        for (var i = 0; i < 150; i++)
        {
            Change($"f{i}", Created);
        }

        Change("x\ny", Created);

        var happened = Assert.Single(_collector.Flush());
        var files = happened.Variables["files"].Split('\n');

        Assert.Equal(151, happened.Changes.Length);
        Assert.Equal("x\ny", happened.Variables["file"]);
        Assert.Equal(Enumerable.Range(50, 100).Reverse().Select(i => $"f{i}"), files);
    }

    private void Change(string path, ChangeKind kind) => _collector.Take(new(path, kind));
}
