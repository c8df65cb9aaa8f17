using System.Text;
using AgentQueue.Cli.Output;

namespace AgentQueue.Tests.Output;

public class LogPrinterTests
{
    private readonly MemoryStandardStream _output = new();

    [Fact]
    public void Text_is_made_safe_and_its_last_line_ended()
    {
        Print(raw: false, "plain\n\ttab \e[31mred\u202e"u8.ToArray());
        Assert.Equal("plain\n\ttab \\x1b[31mred\\u202e\n", _output.Text);
    }

    [Fact]
    public void Raw_bytes_stay_as_they_are()
    {
        byte[] bytes = [1, 0xff, 27, (byte)'x'];
        Print(raw: true, bytes);
        Assert.Equal(bytes, _output.Bytes);
    }

    [Fact]
    public void Where_a_log_is_cut_into_pieces_makes_no_difference()
    {
        var log = Encoding.UTF8.GetBytes("ä日本\r\n😀 done\r\nagain\rover");
        for (var cut = 0; cut <= log.Length; cut++)
        {
            var output = new MemoryStandardStream();
            Print(output, raw: false, log[..cut], log[cut..]);
            Assert.Equal("ä日本\n😀 done\nagain\\rover\n", output.Text);
        }
    }

    [Fact]
    public void Half_a_character_at_the_end_is_replaced()
    {
        Print(raw: false, [(byte)'a', 0xe6, 0x97]);
        Assert.Equal("a\uFFFD\n", _output.Text);
    }

    [Fact]
    public void An_empty_log_prints_nothing()
    {
        Print(raw: false);
        Assert.Equal("", _output.Text);
    }

    private void Print(bool raw, params byte[][] pieces) => Print(_output, raw, pieces);

    private static void Print(MemoryStandardStream output, bool raw, params byte[][] pieces)
    {
        var screen = new Screen(output, new MemoryStandardStream(), static _ => null);
        var printer = new LogPrinter(screen, raw);
        foreach (var piece in pieces)
        {
            printer.Take(piece);
        }

        printer.Finish();
        screen.Flush();
    }
}
