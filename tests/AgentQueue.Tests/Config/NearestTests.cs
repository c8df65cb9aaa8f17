using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public class NearestTests
{
    private static readonly string[] s_verbs = ["start", "status", "stop", "cancel", "archive"];

    [Theory]
    [InlineData("statsu", "status")]
    [InlineData("strat", "start")]
    [InlineData("cancle", "cancel")]
    [InlineData("STATUS", "status")]
    [InlineData("arch", "archive")]
    [InlineData("stat", "status")]
    [InlineData("stp", "stop")]
    public void A_slip_is_led_back_to_the_word_that_was_meant(string typed, string meant) =>
        Assert.Equal(meant, Nearest.To(typed, s_verbs));

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("")]
    [InlineData("x")]
    public void A_word_that_is_near_none_gets_no_guess(string typed)
    {
        Assert.Null(Nearest.To(typed, s_verbs));
        Assert.Equal("", Nearest.Suggestion(typed, s_verbs));
    }

    [Fact]
    public void A_word_of_any_length_is_answered_at_once() =>
        Assert.Null(Nearest.To(new string('a', 1_000_000), s_verbs));

    [Theory]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "acb", 1)]
    [InlineData("abc", "ab", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "xyz", 3)]
    public void Distance_counts_single_slips(string left, string right, int distance)
    {
        Assert.Equal(distance, Nearest.Distance(left, right));
        Assert.Equal(distance, Nearest.Distance(right, left));
    }
}
