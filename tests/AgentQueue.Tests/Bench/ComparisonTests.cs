using AgentQueue.Bench;

namespace AgentQueue.Tests.Bench;

public sealed class ComparisonTests
{
    [Theory]
    [InlineData(2.0, true)]
    [InlineData(2.2, true)]
    [InlineData(2.21, false)]
    [InlineData(1.0, true)]
    public void A_ratio_may_be_a_tenth_worse_where_nothing_is_noisy(double now, bool holds)
    {
        var comparison = Compare(new("status", 2, 0.01), new("status", now, 0.01));

        Assert.Equal(holds, comparison.Holds);
    }

    [Theory]
    [InlineData(0.2, 0)]
    [InlineData(0, 0.2)]
    public void Three_times_the_noise_of_either_run_is_allowed(double committed, double now)
    {
        Assert.True(Compare(new("status", 2, committed), new("status", 3.19, now)).Holds);
        Assert.False(Compare(new("status", 2, committed), new("status", 3.21, now)).Holds);
    }

    [Fact]
    public void One_worse_ratio_among_good_ones_fails()
    {
        var committed = new Baseline([new("start", 2, 0), new("status", 2, 0)]);
        var now = new Baseline([new("start", 1, 0), new("status", 3, 0)]);

        Assert.False(new Comparison(committed, now).Holds);
    }

    [Fact]
    public void What_only_one_of_the_two_measured_is_told_and_fails_nothing()
    {
        var committed = new Baseline([new("start", 2, 0), new("100,000 tasks", 9, 0)]);
        var now = new Baseline([new("start", 2, 0), new("a new figure", 9, 0)]);

        var comparison = new Comparison(committed, now);

        Assert.True(comparison.Holds);
        Assert.Contains(
            "Not measured in this run: 100,000 tasks.",
            comparison.Markdown(),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Not in the baseline yet: a new figure.",
            comparison.Markdown(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Nothing_to_compare_is_no_success() =>
        Assert.False(Compare(new("start", 2, 0), new("status", 2, 0)).Holds);

    [Fact]
    public void A_baseline_is_read_as_it_was_written()
    {
        var baseline = new Baseline([new("`start`, 10 tasks", 2.1234, 0.0312), new("×", 1, 0)]);

        Assert.Equal(baseline.Ratios, Baseline.Parse(baseline.ToString()).Ratios);
    }

    [Fact]
    public void Only_ratios_are_committed_with_their_own_noise()
    {
        var samples = new Samples([100, 200, 300]);
        var baseline = Baseline.Of([
            new Figure("", "bare", "ms", samples),
            new Figure("", "relative", "ms", samples, null, new Samples([1, 2, 3])),
        ]);

        Assert.Equal([new BaselineRatio("relative", 2, 0.25)], baseline.Ratios);
    }

    private static Comparison Compare(BaselineRatio committed, BaselineRatio now) =>
        new(new Baseline([committed]), new Baseline([now]));
}
