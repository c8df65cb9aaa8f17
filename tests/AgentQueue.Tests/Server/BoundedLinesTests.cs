using System.Text;
using AgentQueue.Server.Mcp;

namespace AgentQueue.Tests.Server;

public sealed class BoundedLinesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1 << 20)]
    public async Task Lines_of_ordinary_length_pass_as_they_are(int piece)
    {
        const string Text = "{\"a\":1}\n\n{\"b\":\"é\"}\r\nlast without an end";

        Assert.Equal((Text, 2), await ReadAsync(Encoding.UTF8.GetBytes(Text), piece));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(1 << 24)]
    public async Task A_line_without_end_is_cut_and_the_next_one_is_whole(int piece)
    {
        var text = new string('x', BoundedLines.LongestLine + 100_000) + "\nnext\n";

        var (read, lines) = await ReadAsync(Encoding.UTF8.GetBytes(text), piece);

        Assert.Equal(BoundedLines.LongestLine, read.IndexOf('\n', StringComparison.Ordinal));
        Assert.EndsWith("x\nnext\n", read, StringComparison.Ordinal);
        Assert.Equal(2, lines);
    }

    [Fact]
    public async Task A_line_of_the_greatest_length_is_not_cut()
    {
        var text = new string('x', BoundedLines.LongestLine) + "\n";

        Assert.Equal((text, 1), await ReadAsync(Encoding.UTF8.GetBytes(text), 65536));
    }

    private static async Task<(string Text, int Lines)> ReadAsync(byte[] bytes, int piece)
    {
        var told = -1;
        using var result = new MemoryStream();
        await using var lines = new BoundedLines(
            new MemoryStream(bytes),
            count =>
            {
                told = count;
                return Task.CompletedTask;
            }
        );
        var buffer = new byte[piece];
        int read;
        while ((read = await lines.ReadAsync(buffer)) > 0)
        {
            result.Write(buffer, 0, read);
        }

        return (Encoding.UTF8.GetString(result.ToArray()), told);
    }
}
