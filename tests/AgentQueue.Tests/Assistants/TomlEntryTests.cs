using System.Text.Json.Nodes;
using AgentQueue.Assistants;
using static AgentQueue.Tests.Assistants.EntryTrial;

namespace AgentQueue.Tests.Assistants;

public sealed class TomlEntryTests
{
    private const string Format = "toml";

    private static readonly string[] s_path = ["mcp_servers", "agentq"];

    public static TheoryData<string> Files =>
        [
            "",
            "\uFEFF",
            "  ",
            "\n\n",
            "# nothing yet",
            "# nothing yet\r\n",
            "model = \"o3\"",
            "\uFEFFmodel = \"o3\"\r\n\r\n",
            "model = \"o3\" # c\n   \n",
            "[mcp_servers]\n",
            "[mcp_servers]\nother.command = \"x\"\nother.args = []",
            "[mcp_servers.other]\ncommand = \"x\"\n\n[mcp_servers.other.env]\nA = \"1\"\n",
            "[ \"mcp_servers\" . 'other' ] # c\ncommand = 'C:\\x'\n[tui]\nnotifications = true\n",
            "[mcp_servers.\"agentq2\"]\n[x.mcp_servers.agentq]\na = 1\n[[y]]\n[[y.mcp_servers]]\n",
            "text = \"\"\"\n[mcp_servers.agentq]\ncommand = \"agentq\"\n\"\"\"\n",
            "list = [\n  \"[mcp_servers]\", # c ]\n  '''\n}''',\n]\ninline = { a = [{}], b.c = \"}\" }",
            "\t[a]\t\n\tb = 1\t# é😀\n\t\"😀\" = '😀'\n\n\n",
            "[projects.\"/home/é 😀\"]\ntrust_level = \"trusted\"\n# the end",
        ];

    [Theory]
    [MemberData(nameof(Files))]
    public void It_goes_in_and_out_and_leaves_every_byte(string text)
    {
        GoesInAndOut(Format, text, s_path);
        GoesInAndOut(Format, text, ["a new one"]);
        GoesInAndOut(Format, text, ["new", "on the", "\"way\"\\\t😀"]);
    }

    [Theory]
    [InlineData("", "[mcp_servers.agentq]\ncommand = \"agentq\"\nargs = [\"mcp\"]\n")]
    [InlineData("a = 1", "a = 1\n\n[mcp_servers.agentq]\ncommand = \"agentq\"\nargs = [\"mcp\"]")]
    [InlineData(
        "a = 1\r\n",
        "a = 1\r\n\r\n[mcp_servers.agentq]\r\ncommand = \"agentq\"\r\nargs = [\"mcp\"]\r\n"
    )]
    [InlineData(
        "a = 1\n\n",
        "a = 1\n\n[mcp_servers.agentq]\ncommand = \"agentq\"\nargs = [\"mcp\"]\n"
    )]
    public void It_is_a_table_at_the_end(string text, string expected) =>
        Assert.Equal(expected, GoesInAndOut(Format, text, s_path).Text);

    [Fact]
    public void A_new_file_holds_it_and_nothing_more() =>
        Assert.Equal(
            "[mcp_servers.agentq]\ncommand = \"agentq\"\nargs = [\"mcp\"]\n",
            EntryFormat.Named(Format).NewFile(s_path, Entry)
        );

    [Fact]
    public void Values_of_every_kind_are_written() =>
        GoesInAndOut(
            Format,
            "a = 1\n",
            s_path,
            new JsonObject
            {
                ["text"] = "a \"b\" \\ \n \u0001 😀",
                ["none"] = new JsonObject(),
                ["list"] = new JsonArray(
                    1,
                    2.5,
                    true,
                    new JsonArray(),
                    new JsonObject { ["x y"] = false }
                ),
                ["env"] = new JsonObject
                {
                    ["A"] = "1",
                    ["B"] = new JsonObject { ["c"] = 2 },
                },
            }
        );

    [Theory]
    [InlineData("a = \n", "conf:1:")]
    [InlineData("a = 1\nmcp_servers = 1\n", "conf:2: mcp_servers must hold a table, not a number")]
    [InlineData("\n[[mcp_servers]]\n", "conf:2: mcp_servers must hold a table, not a list")]
    [InlineData("[mcp_servers]\nagentq = {}\n", "conf:2: mcp_servers.agentq is there already")]
    [InlineData(
        "[mcp_servers.agentq.env]\nA = \"1\"\n",
        "conf:1: mcp_servers.agentq is there already"
    )]
    public void What_cannot_be_read_or_added_to_is_refused_with_its_line(
        string text,
        string expected
    ) =>
        Assert.StartsWith(
            expected,
            Refused(Format, text, s_path).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(
        "\nmcp_servers = { }\n[a]\n",
        "conf:2: mcp_servers is written in braces, and TOML allows no table mcp_servers.agentq beside that",
        "Write between its braces: agentq = { command = \"agentq\", args = [\"mcp\"] }"
    )]
    [InlineData(
        "mcp_servers.a.command = \"x\"\nb = 1\n",
        "conf:1: mcp_servers is written with dotted keys, and TOML allows no table mcp_servers.agentq beside that",
        "Write in a line below: mcp_servers.agentq = { command = \"agentq\", args = [\"mcp\"] }"
    )]
    public void A_table_that_is_complete_is_refused_with_what_to_write(
        string text,
        string message,
        string hint
    )
    {
        var refusal = Refused(Format, text, s_path);
        Assert.Equal(message, refusal.Message);
        Assert.Equal(hint, refusal.Hint);
    }

    [Fact]
    public void What_to_write_below_a_header_leaves_its_names_out()
    {
        var refusal = Refused(Format, "[a]\nb.c = 1\n", ["a", "b", "agentq"]);
        Assert.Equal(
            "Write in a line below: b.agentq = { command = \"agentq\", args = [\"mcp\"] }",
            refusal.Hint
        );
    }

    [Theory]
    [InlineData("a = 1\n", "a = 1", "a = 2 # c\nb = '''\n'''", "a = 2 # c\nb = '''\n'''\n")]
    [InlineData("a = 1", "[\"mcp\"]", "[\"mcp\"]\n\n[other]\n", "a = 1\n\n[other]\n")]
    [InlineData("", "[\"mcp\"]\n", "[\"mcp\"]\n\n[mcp_servers.x]\n", "\n[mcp_servers.x]\n")]
    public void It_goes_exactly_whatever_changed_elsewhere(
        string text,
        string old,
        string changed,
        string expected
    ) => Assert.Equal(expected, Left(text, old, changed));

    [Theory]
    // Laid out anew.
    [InlineData("a = 1\n", "args = [\"mcp\"]", "\nargs = [\n  'mcp',\n]", "a = 1\n")]
    [InlineData("a = 1\n", "args", "\n  args", "a = 1\n")]
    [InlineData(
        "a = 1\n",
        "[mcp_servers.agentq]\ncommand",
        "[mcp_servers]\nx = {}\nagentq.command",
        null
    )]
    [InlineData(
        "a = 1\n",
        "[mcp_servers.agentq]\ncommand = \"agentq\"\nargs",
        "[mcp_servers]\nx = {}\nagentq.command = \"agentq\"\ny = {}\nagentq.args",
        "a = 1\n\n[mcp_servers]\nx = {}\ny = {}\n"
    )]
    [InlineData(
        "a = 1\n",
        "\n[mcp_servers.agentq]\ncommand = \"agentq\"\nargs = [\"mcp\"]\n",
        "mcp_servers.agentq = { args = ['mcp'], command = 'agentq' }",
        "a = 1\n"
    )]
    [InlineData(
        "a = 1\n\n",
        "[\"mcp\"]\n",
        "['mcp']\n\n# of b\n[b]\nc = 1",
        "a = 1\n\n# of b\n[b]\nc = 1"
    )]
    public void It_goes_alone_when_it_was_moved_or_laid_out_anew(
        string text,
        string old,
        string changed,
        string? expected
    ) => Assert.Equal(expected, Left(text, old, changed));

    [Fact]
    public void In_braces_with_others_it_stays_with_a_sentence()
    {
        var refusal = Assert.Throws<QueueException>(() =>
            TakenOut(
                Format,
                "",
                s_path,
                static _ =>
                    "\nmcp_servers = { agentq = { command = \"agentq\", args = [\"mcp\"] }, x = {} }"
            )
        );
        Assert.StartsWith(
            "conf:2: mcp_servers.agentq cannot be taken out",
            refusal.Message,
            StringComparison.Ordinal
        );
        Assert.StartsWith("Take it out by hand", refusal.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"mcp\"", "\"mcp\", \"--verbose\"")]
    [InlineData("command = \"agentq\"", "command = \"/opt/agentq\"")]
    [InlineData("[\"mcp\"]\n", "[\"mcp\"]\n[mcp_servers.agentq.env]\nA = \"1\"\n")]
    [InlineData("[\"mcp\"]\n", "[\"mcp\"]\nstartup_timeout_sec = 20\n")]
    public void It_stays_when_it_was_changed(string old, string changed) =>
        Assert.Null(Left("a = 1\n", old, changed));

    [Fact]
    public void Nothing_happens_when_it_is_gone() =>
        Assert.Equal("b = 1\n", TakenOut(Format, "a = 1\n", s_path, static _ => "b = 1\n"));

    private static string? Left(string text, string old, string changed) =>
        TakenOut(
            Format,
            text,
            s_path,
            t =>
            {
                Assert.Contains(old, t, StringComparison.Ordinal);
                return t.Replace(old, changed, StringComparison.Ordinal);
            }
        );
}
