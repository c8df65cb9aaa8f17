using System.Text.Json.Nodes;
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

    [Theory]
    [InlineData("json", "{\n  \"a\": 1\n}\n")]
    [InlineData("json", "{\n  \"servers\": {\n    \"a\": 1\n  }\n}\n")]
    [InlineData("toml", "a = 1\n\n[servers.x]\nb = 1\n")]
    [InlineData("yaml", "a: 1\nservers:\n  x: 1\n")]
    [InlineData("yaml", "a: 1\n")]
    public void Other_line_ends_keep_nobody_from_taking_it_out_to_the_byte(
        string format,
        string text
    )
    {
        var with = EntryFormat.Named(format);
        var windows = text.Replace("\n", "\r\n");
        var plain = with.Insert(text, s_path, Entry, Conf);
        var other = with.Insert(windows, s_path, Entry, Conf);
        Assert.Equal(windows, with.Remove(other.Text, s_path, Entry, plain.Piece, Conf));
        Assert.Equal(text, with.Remove(plain.Text, s_path, Entry, other.Piece, Conf));
    }

    [Theory]
    [InlineData("json", "{\n  \"a\": 1\n}\n", "\"agentq\",", "\"agentq\", // mine\n")]
    [InlineData("json", "{}", "\"agentq\":", "\"agentq\" /* mine */ :")]
    [InlineData("toml", "a = 1\n", "\"agentq\"\n", "\"agentq\" # mine\n")]
    [InlineData("toml", "a = 1\n", "\"agentq\"\n", "\"agentq\"\n# mine\n")]
    [InlineData("toml", "a = 1\n", "\"]\n", "\"] # mine\n")]
    [InlineData("yaml", "a: 1\n", "command: agentq", "command: agentq # mine")]
    [InlineData("yaml", "a: 1\n", "- mcp", "- mcp # mine")]
    [InlineData("yaml", "{a: 1}\n", "[", "[ # mine\n ")]
    public void An_entry_with_a_comment_of_a_person_in_it_stays(
        string format,
        string text,
        string old,
        string changed
    ) => Assert.Null(TakenOut(format, text, s_path, t => t.Replace(old, changed)));

    [Theory]
    [InlineData(
        "json",
        "{\n  // c\n  \"servers\": {\n    \"a\": 1\n  }\n}\n",
        "\"mcp\"",
        " \"mcp\""
    )]
    [InlineData("toml", "# c\n[servers.x] # c\nb = 1\n", "\"mcp\"", " \"mcp\"")]
    [InlineData("yaml", "# c\nservers: # c\n  x: 1 # c\n", "- mcp", "-  mcp")]
    public void Comments_around_an_entry_keep_nobody_from_taking_it_out(
        string format,
        string text,
        string old,
        string changed
    ) => Assert.Equal(text, TakenOut(format, text, s_path, t => t.Replace(old, changed)));

    [Theory]
    [InlineData("{\"servers\" /* é */ : {\"a\": 1}}")]
    [InlineData(
        "{\n  \"a\": 1,\n  \"servers\" // \"\n  : {\n    \"b\" /* { */ : \"/* \\\" //\"\n  }\n}\n"
    )]
    public void A_comment_may_stand_between_a_name_and_its_colon(string text) =>
        GoesInAndOut("json", text, s_path);

    [Theory]
    [InlineData(
        "a = 1979-05-27 07:32:00Z # c\nb = [1979-05-27, 07:32:00.5, 1979-05-27T00:32:00-07:00]\n"
    )]
    [InlineData("a = 0xDEAD_beef\nb = 0o755\nc = 0b1\nd = { e = -inf, f = +nan }\n")]
    [InlineData("[servers.x]\nsince = 2024-01-01 10:00:00\n")]
    public void Any_value_that_others_may_write_in_TOML_stays(string text)
    {
        GoesInAndOut("toml", text, s_path);
        Assert.Equal(
            text + "later = 2024-01-01\n",
            TakenOut("toml", text, s_path, t => t.Replace(text, text + "later = 2024-01-01\n"))
        );
        Assert.Equal(
            text,
            TakenOut("toml", text, s_path, static t => t.Replace("\"mcp\"", "'mcp'"))
        );
    }

    [Theory]
    [InlineData("a = 1979-5-27\n")]
    [InlineData("a = 0xZ\n")]
    [InlineData("a = yes\n")]
    public void What_is_no_value_of_TOML_is_refused(string text) => Refused("toml", text, s_path);

    [Fact]
    public void What_is_nested_too_deep_is_said_to_be_just_that()
    {
        var text = $"{{\"a\": {new string('[', 80)}{new string(']', 80)}}}";
        var refusal = Refused("json", text, s_path);
        Assert.Contains("64 levels", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not JSON", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1\n}\n")]
    [InlineData("{\n  \"a\": 1,\n  \"servers\": {}\n}\n", "{\n  \"a\": 1,\n  \"servers\": {}\n}\n")]
    public void An_object_that_came_with_the_entry_goes_with_it_and_one_of_a_person_stays(
        string text,
        string expected
    ) =>
        Assert.Equal(
            JsonNode.Parse(expected)!.ToJsonString(),
            JsonNode
                .Parse(
                    TakenOut("json", text, s_path, static t => t.Replace("\"mcp\"", "\n\"mcp\""))!
                )!
                .ToJsonString()
        );

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
