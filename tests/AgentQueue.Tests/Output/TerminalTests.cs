using System.Text;
using AgentQueue.Cli.Output;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Output;

public class TerminalTests
{
    [Fact]
    [Trait("Fault", "S8")]
    public void Hostile_text_is_spelled_out() =>
        Fault.Inject(
            "S8",
            fault =>
            {
                Assert.Equal(50, HostileText.Corpus.Length);
                fault.Injected(HostileText.Corpus.Length);
                Snapshot.Verify(
                    string.Join('\n', HostileText.Corpus.Select(text => Terminal.Clean(text)))
                );
            }
        );

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nothing_unsafe_is_left_of_any_character(bool multiline)
    {
        for (var value = 0; value <= 0x10FFFF; value++)
        {
            var text = value is >= 0xD800 and <= 0xDFFF
                ? ((char)value).ToString()
                : new Rune(value).ToString();

            var clean = Terminal.Clean("a" + text + "b", multiline);

            if (value is '\n' or '\t' && multiline)
            {
                Assert.Equal("a" + text + "b", clean);
                continue;
            }

            Assert.DoesNotContain(
                clean,
                unit =>
                    unit < ' '
                    || unit is >= '\x7f' and < '\xa0'
                    || char.IsSurrogate(unit) && text.Length == 1
            );
            Assert.DoesNotContain(clean.EnumerateRunes(), Terminal.IsUnsafe);
        }
    }

    [Fact]
    public void Cleaning_twice_changes_nothing_more() =>
        Assert.All(
            HostileText.Corpus,
            text => Assert.Equal(Terminal.Clean(text), Terminal.Clean(Terminal.Clean(text)))
        );

    [Theory]
    [InlineData("plain text")]
    [InlineData("Grüße, 日本語, 🎉, e\u0301")]
    [InlineData("")]
    public void Harmless_text_stays_the_same_object(string text) =>
        Assert.Same(text, Terminal.Clean(text));

    [Fact]
    public void Laid_out_text_keeps_its_lines_and_loses_only_returns_before_them() =>
        Assert.Equal("a\n\tb\\rc\n", Terminal.Clean("a\r\n\tb\rc\n", multiline: true));

    [Fact]
    public void A_cell_has_no_line_breaks_and_no_runs_of_blanks() =>
        Assert.Equal("fix the bug", Terminal.OneLine("  fix\r\n\tthe   bug\n"));

    [Fact]
    public void A_huge_cell_is_cut_before_it_is_cleaned() =>
        Assert.Equal(2001, Terminal.OneLine(new string('x', 4 << 20)).Length);

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("äöü", 3)]
    [InlineData("日本語", 6)]
    [InlineData("한국어", 6)]
    [InlineData("\u1112\u1161\u11ab", 2)]
    [InlineData("ｆｕｌｌ", 8)]
    [InlineData("e\u0301", 1)]
    [InlineData("🎉", 2)]
    [InlineData("❤", 1)]
    [InlineData("❤\ufe0f", 2)]
    [InlineData("🎉\ufe0f", 2)]
    [InlineData("🇩🇪", 2)]
    [InlineData("⏸▶⏱✓✗⊗‖⧗↻⚠…", 11)]
    [InlineData("\U00020000", 2)]
    public void Width_counts_columns(string text, int columns) =>
        Assert.Equal(columns, Terminal.Width(text));

    [Theory]
    [InlineData("abcdef", 6, "abcdef")]
    [InlineData("abcdef", 5, "abcd…")]
    [InlineData("abc def", 5, "abc…")]
    [InlineData("日本語", 5, "日本…")]
    [InlineData("日本語", 4, "日…")]
    [InlineData("e\u0301e\u0301e\u0301", 2, "e\u0301…")]
    [InlineData("🎉🎉", 3, "🎉…")]
    [InlineData("abc", 1, "…")]
    [InlineData("abc", 0, "")]
    [InlineData("abc", -1, "")]
    public void Text_is_cut_to_columns(string text, int width, string expected) =>
        Assert.Equal(expected, Terminal.Truncate(text, width));

    [Fact]
    public void Text_is_cut_with_ascii_where_nothing_else_shows()
    {
        Assert.Equal("ab...", Terminal.Truncate("abcdef", 5, "..."));
        Assert.Equal("..", Terminal.Truncate("abcdef", 2, "..."));
    }

    [Fact]
    public void Cut_text_never_takes_more_columns_than_it_may()
    {
        foreach (var text in HostileText.Corpus.Select(text => Terminal.Clean(text)))
        {
            for (var width = 0; width < 30; width++)
            {
                Assert.InRange(Terminal.Width(Terminal.Truncate(text, width)), 0, width);
            }
        }
    }
}
