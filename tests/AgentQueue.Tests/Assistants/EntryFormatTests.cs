using AgentQueue.Assistants;
using static AgentQueue.Tests.Assistants.EntryTrial;

namespace AgentQueue.Tests.Assistants;

public sealed class EntryFormatTests
{
    private static readonly string[] s_path = ["servers", "agentq"];

    private static readonly string[] s_snippets =
    [
        "\n",
        "\r\n",
        " ",
        "  ",
        "\t",
        "#",
        "//",
        "/* */",
        ",",
        ":",
        "=",
        "{",
        "}",
        "[",
        "]",
        "{}",
        "\"",
        "'",
        "- ",
        "? ",
        "&a ",
        "*a",
        "---\n",
        "...\n",
        "servers",
        "agentq",
        "x: 1\n",
        "x = 1\n",
        "\"x\": 1,",
        "é😀",
        "\uFEFF",
    ];

    [Theory]
    [InlineData(
        "json",
        "{\n  // c\n  \"a\": [1, \"}\"],\n  \"servers\": {\n    \"x\": {} // d\n  }\n}\n"
    )]
    [InlineData("json", "{\"a\": {}, \"b\": 1}")]
    [InlineData("json", "// c\r\n")]
    [InlineData("toml", "a = [ # c\n  \"]\",\n]\n\n[servers.x]\nb = { c = 1 }\n# end\n")]
    [InlineData("toml", "a = '''\n[servers]\n'''")]
    [InlineData(
        "yaml",
        "---\na: |\n  x\nservers: # c\n  x: &x\n    b: [1, {c: d}]\n  y: *x\n...\n"
    )]
    [InlineData("yaml", "a: 1\nservers: {x: {y: 1}, z: 2} # c\n")]
    [InlineData("yaml", "a: 1\n")]
    public void Whatever_was_done_to_a_file_it_is_edited_to_the_byte_or_refused(
        string format,
        string text
    )
    {
        var with = EntryFormat.Named(format);
        var (inserted, removed) = (0, 0);
        for (var seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            var edited = Edited(text, random);
            try
            {
                var added = with.Insert(edited, s_path, Entry, Conf);
                Assert.Equal(edited, with.Remove(added.Text, s_path, Entry, added.Piece, Conf));
                inserted++;
                var left = with.Remove(
                    Edited(added.Text, random),
                    s_path,
                    Entry,
                    added.Piece,
                    Conf
                );
                Assert.Null(left is null ? null : with.Find(left, s_path, Conf));
                removed++;
            }
            catch (QueueException)
            {
                // Refused: the file is no longer of its format, or the entry has no place in it.
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {edited}", e);
            }
        }

        Assert.InRange(inserted, 100, 1500);
        Assert.InRange(removed, 15, inserted);
    }

    [Fact]
    public void A_format_that_nobody_knows_is_a_bug() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => EntryFormat.Named("ini"));

    private static string Edited(string text, Random random)
    {
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var at = random.Next(text.Length + 1);
            text = random.Next(3) switch
            {
                0 => text.Remove(at, Math.Min(random.Next(1, 9), text.Length - at)),
                1 => text.Insert(at, s_snippets[random.Next(s_snippets.Length)]),
                _ => text.Insert(at, text[random.Next(at + 1)..at]),
            };
        }

        return text;
    }
}
