using System.Text;
using AgentQueue.Plans;

namespace AgentQueue.Tests.Plans;

public sealed class ReadmeSectionTests
{
    private const string Begin = "<!-- agentq:task a -->";
    private const string End = "<!-- /agentq:task a -->";

    [Fact]
    public void Into_nothing_only_the_section_is_written() =>
        Assert.Equal($"{Begin}\nText\n{End}\n", Write("", "Text\n"));

    [Theory]
    [InlineData("# Us", "# Us\n\n")]
    [InlineData("# Us\n", "# Us\n\n")]
    [InlineData("# Us\n\n", "# Us\n\n")]
    [InlineData("# Us\r\n\r\n", "# Us\r\n\r\n")]
    public void It_is_added_at_the_end_below_an_empty_line(string before, string head) =>
        Assert.StartsWith(head + Begin, Write(before, "Text"), StringComparison.Ordinal);

    [Fact]
    public void It_has_the_line_ends_of_the_file() =>
        Assert.Equal(
            $"# Us\r\n\r\n{Begin}\r\nOne\r\nTwo\r\n{End}\r\n",
            Write("# Us\r\n", "One\nTwo\n")
        );

    [Fact]
    public void Where_it_stands_it_is_replaced_and_its_neighbours_stay() =>
        Assert.Equal(
            $"x\n  {Begin}\nNew\n{End} \r\ny",
            Write($"x\n  {Begin}\nold\n\nolder\n{End} \r\ny", "New")
        );

    [Theory]
    [InlineData("Begin")]
    [InlineData("End")]
    [InlineData("End\nBegin")]
    [InlineData("Begin\nBegin\nEnd")]
    [InlineData("Begin\nEnd\nBegin\nEnd")]
    public void Markers_that_do_not_belong_together_are_refused_with_their_lines(string lines)
    {
        var text =
            "first\n"
            + lines
                .Replace("Begin", Begin, StringComparison.Ordinal)
                .Replace("End", End, StringComparison.Ordinal);

        var e = Assert.Throws<QueueException>(() => Write(text, "x"));

        Assert.Contains("line 2", e.Message, StringComparison.Ordinal);
        Assert.Contains("left as it is", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_only_mentions_a_marker_is_none() =>
        Assert.EndsWith(
            $"\n\n{Begin}\nx\n{End}\n",
            Write($"Type `{Begin}` and `{End}` here\n{Begin}{End}\n{Begin[..^4]}b -->\n", "x"),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_file_in_utf_16_is_refused() =>
        Assert.Throws<QueueException>(() =>
            ReadmeSection.Write(Encoding.Unicode.GetBytes("# Us\n"), "a", "x", "README.md")
        );

    [Fact]
    public void Whatever_surrounds_it_stays_byte_for_byte_and_there_is_never_a_second_one()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            var before = RandomText(random);
            var first = ReadmeSection.Write(before, "a", RandomBody(random), "README.md");

            // Nothing of what was there has changed, and only line ends stand between.
            Assert.True(first.AsSpan().StartsWith(before), $"seed {seed}");
            var place = Place(first);
            Assert.Equal(-1, first[before.Length..place.Start].AsSpan().IndexOfAnyExcept("\r\n"u8));

            // And when text has come behind it, that stays too.
            byte[] longer = [.. first, .. RandomText(random)];
            var second = ReadmeSection.Write(longer, "a", RandomBody(random), "README.md");
            var now = Place(second);
            Assert.Equal(longer[..place.Start], second[..now.Start]);
            Assert.Equal(longer[place.End..], second[now.End..]);
        }
    }

    private static string Write(string readme, string body) =>
        Encoding.UTF8.GetString(
            ReadmeSection.Write(Encoding.UTF8.GetBytes(readme), "a", body, "README.md")
        );

    // Fails unless there is exactly one.
    private static (int Start, int End) Place(byte[] text)
    {
        var (begin, end) = (Encoding.ASCII.GetBytes(Begin), Encoding.ASCII.GetBytes(End));
        var start = text.AsSpan().IndexOf(begin);
        var stop = text.AsSpan().IndexOf(end);
        Assert.True(start >= 0 && stop > start);
        Assert.Equal(start, text.AsSpan().LastIndexOf(begin));
        Assert.Equal(stop, text.AsSpan().LastIndexOf(end));
        return (start, stop + end.Length);
    }

    private static byte[] RandomText(Random random)
    {
        string[] pieces =
        [
            "\n",
            "\r\n",
            "\n\n",
            "\r",
            " ",
            "\t",
            "# Title",
            "ü日本",
            "```",
            "<!-- agentq:task b -->",
            "<!-- /agentq:task b -->",
            "<!-- agentq:task",
            "-->",
            "\uFEFF",
        ];
        var text = new List<byte>();
        for (var i = random.Next(20); i > 0; i--)
        {
            text.AddRange(Encoding.UTF8.GetBytes(pieces[random.Next(pieces.Length)]));
            if (random.Next(5) == 0)
            {
                // No character at all: a README may be in any encoding that has ASCII in it.
                text.Add((byte)random.Next(0x80, 0x100));
            }
        }

        return [.. text];
    }

    private static string RandomBody(Random random) =>
        string.Join('\n', Enumerable.Range(0, random.Next(1, 4)).Select(i => $"line {i}"));
}
