using System.Text;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Config;

namespace AgentQueue.Tests.Output;

public sealed class PrettyTextTests
{
    [Fact]
    public void Pieces_are_joined_into_lines()
    {
        Assert.Equal(
            ["one two", "three", "● tool", "four"],
            Show(
                "{\"d\":\"one \"}\n{\"d\":\"two\\nthr\"}\n{\"d\":\"ee\"}\n{\"t\":\"tool\"}\n{\"d\":\"four\"}\n"
            )
        );
    }

    [Fact]
    public void A_line_without_its_end_is_shown_when_there_is_no_more() =>
        Assert.Equal(["one"], Show("{\"d\":\"one\"}"));

    [Fact]
    public void Nothing_of_it_steers_the_terminal() =>
        Assert.Equal(
            [@"\x1b[2Jone", @"● \x1b]0;x\x07", @"\x1b[31mnoise"],
            Show("{\"s\":\"\\u001b[2Jone\"}\n{\"t\":\"\\u001b]0;x\\u0007\"}\n\e[31mnoise\n")
        );

    [Fact]
    public void A_terminal_without_utf8_gets_ascii_icons() =>
        Assert.Equal(["* tool"], Show("{\"t\":\"tool\"}\n", ascii: true));

    [Fact]
    public void However_long_a_piece_is_it_comes_out()
    {
        var text = string.Concat(
            Enumerable.Repeat("{\"d\":\"" + new string('x', 1000) + "\"}\n", 200)
        );

        Assert.Equal(200_000, Show(text).Sum(static l => l.Length));
    }

    [Theory]
    [InlineData(0.0, "$0.00")]
    [InlineData(12.345, "$12.35")]
    [InlineData(0.05, "$0.05")]
    [InlineData(0.0213, "$0.0213")]
    [InlineData(0.0000025, "$0.0000025")]
    public void Small_amounts_can_be_told_from_nothing(double cost, string expected) =>
        Assert.Equal(expected, UsageText.Dollars((decimal)cost));

    [Theory]
    [InlineData(1L, "1 token")]
    [InlineData(999L, "999 tokens")]
    [InlineData(1500L, "1.5k tokens")]
    [InlineData(999_999L, "999.9k tokens")]
    [InlineData(2_000_000L, "2M tokens")]
    [InlineData(0L, "")]
    public void Many_tokens_are_rounded(long tokens, string expected) =>
        Assert.Equal(expected, UsageText.Short(new Usage { Input = tokens }));

    private static List<string> Show(string log, bool ascii = false)
    {
        var format = new StreamFormat
        {
            Rules =
            [
                Rule(StreamFact.Delta, "d"),
                Rule(StreamFact.Text, "s"),
                Rule(StreamFact.Tool, "t"),
            ],
        };
        var lines = new List<string>();
        var text = new PrettyText(format, (line, _) => lines.Add(line), ascii);
        text.Feed(Encoding.UTF8.GetBytes(log));
        text.Finish();
        return lines;
    }

    private static StreamRule Rule(StreamFact fact, string path) =>
        new() { Facts = [(fact, StreamPath.Parse(path))] };
}
