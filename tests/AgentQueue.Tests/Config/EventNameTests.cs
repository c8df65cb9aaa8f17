using System.Text.RegularExpressions;
using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class EventNameTests
{
    [Fact]
    public void A_star_stands_for_any_run_of_characters_as_a_regular_expression_would_have_it()
    {
        var random = new Random(20265);
        for (var i = 0; i < 20_000; i++)
        {
            var pattern = Text(random, "ab*", 8);
            var name = Text(random, "ab", 10);
            var expected = Regex.IsMatch(
                name,
                $"\\A{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal)}\\z",
                RegexOptions.Singleline
            );

            Assert.True(expected == EventName.IsMatch(pattern, name), $"{pattern} and {name}");
        }
    }

    [Fact]
    public void A_pattern_full_of_stars_is_soon_done_with()
    {
        Assert.False(
            EventName.IsMatch(
                string.Concat(Enumerable.Repeat("a*", 200)) + "b",
                new string('a', 1000)
            )
        );
    }

    [Theory]
    [InlineData("command_success:Initialize Database", "task_success:Initialize Database")]
    [InlineData("command_finished:x", "task_finished:x")]
    [InlineData("command_deploy:x", "command_deploy:x")]
    [InlineData("commands", "commands")]
    public void The_older_words_are_read_as_ours_and_nothing_else_is(string name, string normal)
    {
        Assert.Equal(normal, EventName.Normalize(name));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("saved\n")]
    [InlineData("a\tb")]
    public void What_cannot_be_a_name_is_refused(string name)
    {
        Assert.NotNull(EventName.Problem(name));
        Assert.Throws<QueueException>(() => EventName.Check(name));
    }

    private static string Text(Random random, string letters, int longest) =>
        new([
            .. Enumerable
                .Range(0, random.Next(longest))
                .Select(_ => letters[random.Next(letters.Length)]),
        ]);
}
