using System.Text;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public class SourceValueTests
{
    private const string Sample = """
        // comment
        {
          "a": [1, "zwölf", true,],
          /* two
             lines */
          "b": { "c": null },
        }
        """;

    private static SourceValue? Parse(string text) =>
        SourceValue.Parse(Encoding.UTF8.GetBytes(text), out _);

    [Fact]
    public void Every_value_knows_its_line_and_its_bytes()
    {
        var bytes = Encoding.UTF8.GetBytes(Sample);
        var root = SourceValue.Parse(bytes, out _)!;

        Assert.Equal(JsonValueKind.Object, root.Kind);
        Assert.Equal(2, root.Line);
        Assert.Equal([3, 6], root.Members.Select(m => m.Line));
        Assert.Equal("null", Slice(root.Members[1].Value.Members[0].Value));
        Assert.Equal("""[1, "zwölf", true,]""", Slice(root.Members[0].Value));
        Assert.Equal(["1", "zwölf", null], root.Members[0].Value.Items.Select(i => i.Text));
        Assert.Equal("\"zwölf\"", Slice(root.Members[0].Value.Items[1]));

        string Slice(SourceValue value) => Encoding.UTF8.GetString(bytes[value.Start..value.End]);
    }

    [Fact]
    public void A_byte_order_mark_is_skipped() => Assert.NotNull(Parse("\uFEFF{}"));

    [Theory]
    [InlineData("", 1)]
    [InlineData("{\n\"a\": tru\n}", 2)]
    [InlineData("{}\n{}", 2)]
    [InlineData("{\n\"a\": \"\\ud800\"}", 2)]
    [InlineData("{\n\n", 3)]
    public void What_is_not_JSON_is_refused_with_the_line(string text, int line)
    {
        Assert.Null(SourceValue.Parse(Encoding.UTF8.GetBytes(text), out var problem));
        Assert.Equal(line, problem.Line);
        Assert.NotEmpty(problem.Reason);
        Assert.DoesNotContain("LineNumber", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_not_UTF_8_is_refused_with_the_line()
    {
        byte[] bytes = [.. "{\n\"a\": \""u8, 0xFF, .. "\"}"u8];
        Assert.Null(SourceValue.Parse(bytes, out var problem));
        Assert.Equal((2, "it is not UTF-8 text"), problem);
    }

    [Fact]
    public void Nesting_is_limited_to_64_levels()
    {
        Assert.NotNull(Parse(new string('[', 64) + new string(']', 64)));
        Assert.Null(Parse(new string('[', 65) + new string(']', 65)));
        Assert.Null(Parse(new string('[', 1_000_000)));
    }

    [Fact]
    public void Cut_off_anywhere_it_is_read_or_refused_and_never_throws()
    {
        var bytes = Encoding.UTF8.GetBytes(Sample);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Null(SourceValue.Parse(bytes.AsSpan(0, length), out _));
        }
    }

    [Fact]
    public void With_any_byte_changed_it_is_read_or_refused_and_never_throws()
    {
        var bytes = Encoding.UTF8.GetBytes(Sample);
        for (var at = 0; at < bytes.Length; at++)
        {
            foreach (var value in (byte[])[0, (byte)'"', (byte)'{', (byte)'\\', 0xC3, 0xFF])
            {
                var changed = bytes.ToArray();
                changed[at] = value;
                SourceValue.Parse(changed, out _);
            }
        }
    }
}
