using AgentQueue.Cli.Output;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Output;

public class TableTests
{
    [Fact]
    public void Columns_take_what_they_need()
    {
        var table = new Table(new("Agent"), new("Count") { AlignRight = true }, new("Note"));
        table.Add("coder", "7", "");
        table.Add("日本", "12", "last");
        Assert.Equal(
            ["Agent  Count  Note", "coder      7", "日本      12  last"],
            table.ToTerminal(new TextStyle(80))
        );
    }

    [Fact]
    public void Markdown_is_complete_and_escapes_pipes()
    {
        var table = new Table(new("Agent"), new("Count") { AlignRight = true });
        table.Add("a|b", "1");
        table.Add(@"a\|b", "2");
        table.Add(@"C:\dir\", "3");
        table.Add("two\nlines", "4");
        Assert.Equal(
            [
                "| Agent | Count |",
                "| --- | ---: |",
                @"| a\|b | 1 |",
                @"| a\\\|b | 2 |",
                @"| C:\dir\\ | 3 |",
                "| two lines | 4 |",
            ],
            table.ToMarkdown()
        );
    }

    [Fact]
    public void Flexible_columns_shrink_before_a_column_goes()
    {
        var table = new Table(
            new("Id"),
            new("Text") { Flexible = true, Narrowest = 8 },
            new("Extra") { Rank = 1 }
        );
        table.Add("id", "a text of some length", "extra");
        Assert.Equal("id  a text of some length  extra", table.ToTerminal(new(80))[1]);
        Assert.Equal("id  a text…   extra", table.ToTerminal(new(19))[1]);
        Assert.Equal("id  a text of som…", table.ToTerminal(new(18))[1]);
    }

    [Fact]
    public void Colour_is_around_the_text_and_not_its_padding()
    {
        var table = new Table(new("A"), new("B"));
        table.Add(new Cell("x", Tone.Good), "y");
        Assert.Equal("\e[32mx\e[0m  y", table.ToTerminal(new(80, Color: true))[1]);
    }

    [Fact]
    public void Hostile_cells_stay_in_their_row()
    {
        var table = new Table(new("Text") { Widest = 40 }, new("End"));
        foreach (var text in HostileText.Corpus)
        {
            table.Add(text, "|");
        }

        Assert.Equal(51, table.ToTerminal(new(80)).Count);
        Snapshot.Verify(string.Join('\n', table.ToMarkdown()));
    }

    [Fact]
    public void No_line_is_ever_wider_than_the_terminal()
    {
        var table = new Table(
            new("Text") { Flexible = true },
            new("Fixed"),
            new("Low") { Rank = 1 }
        );
        foreach (var text in HostileText.Corpus)
        {
            table.Add(text, text, text);
        }

        for (var width = 0; width < 120; width++)
        {
            Assert.All(
                table.ToTerminal(new(width)),
                line => Assert.InRange(Terminal.Width(line), 0, width)
            );
        }
    }

    [Fact]
    public void Without_rows_there_are_headers()
    {
        var table = new Table(new("A"), new("B"));
        Assert.Equal(["A  B"], table.ToTerminal(new(80)));
        Assert.Equal(["| A | B |", "| --- | --- |"], table.ToMarkdown());
    }
}
