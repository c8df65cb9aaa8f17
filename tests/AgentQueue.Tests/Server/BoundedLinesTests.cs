using System.Text;
using System.Text.Unicode;
using AgentQueue.Server.Mcp;

namespace AgentQueue.Tests.Server;

public sealed class BoundedLinesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1 << 20)]
    public async Task Lines_of_ordinary_length_pass_as_they_are_and_the_last_one_is_ended(int piece)
    {
        const string Text = "{\"a\":1}\n\n{\"b\":\"é\"}\r\nlast without an end";

        Assert.Equal((Text + "\n", 3), await ReadAsync(Encoding.UTF8.GetBytes(Text), piece));
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

    public static TheoryData<byte[], string> Broken =>
        new()
        {
            { [(byte)'a', 0xFF, (byte)'b'], "a\0b" },
            { [0xC3, (byte)'"', 0xC3, 0xA9], "\uFFFD\0é" },
            { [0xE0, 0x80, 0x80], "\uFFFD\0\0" },
            { [0xED, 0xA0, 0x80], "\uFFFD\0\0" },
            { [0xF4, 0x90, 0x80, 0x80, (byte)'\n', (byte)'x'], "\uFFFD\0\0\0\nx" },
            { [0xC0, 0x80], "\0\0" },
            { [0xF0, 0x9F, 0x99, 0x82, 0xEF, 0xBF, 0xBD], "\U0001F642\uFFFD" },
        };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_byte_that_is_no_UTF_8_becomes_one_that_JSON_has_nowhere(
        byte[] bytes,
        string expected
    )
    {
        foreach (var piece in (int[])[1, 2, 3, 100])
        {
            Assert.Equal(
                (expected + "\n", 1 + expected.Count('\n')),
                await ReadAsync(bytes, piece)
            );
        }
    }

    [Fact]
    public async Task Of_a_line_that_is_no_UTF_8_no_decoder_makes_a_message()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(1, 8)];
            random.NextBytes(bytes);
            for (var at = 0; at < bytes.Length; at++)
            {
                // Mostly what begins or goes on with a character.
                bytes[at] |= (byte)(random.Next(4) > 0 ? 0x80 : 0);
                bytes[at] = bytes[at] is 0 or (byte)'\n' ? (byte)'a' : bytes[at];
            }

            // A line ends with a brace, which no character is cut by.
            var (text, _) = await ReadAsync([.. bytes, (byte)'}'], random.Next(1, 9));

            Assert.Equal(Utf8.IsValid(bytes), !text.Contains('\0'));
        }
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
