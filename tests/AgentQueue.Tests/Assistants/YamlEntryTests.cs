using System.Text.Json.Nodes;
using AgentQueue.Assistants;
using static AgentQueue.Tests.Assistants.EntryTrial;

namespace AgentQueue.Tests.Assistants;

public sealed class YamlEntryTests
{
    private const string Format = "yaml";

    private const string Block = "  agentq:\n    command: agentq\n    args:\n      - mcp\n";

    private static readonly string[] s_path = ["extensions", "agentq"];

    public static TheoryData<string> Files =>
        [
            "",
            "\uFEFF",
            "\n",
            "# nothing yet",
            "# nothing yet\r\n",
            "---\n",
            "---\n...\n",
            "%YAML 1.2\n--- # c\n",
            "GOOSE_MODEL: o3",
            "\uFEFFGOOSE_MODEL: o3\r\nx: |\r\n  extensions:\r\n",
            "a: 1 # c\n...\n# behind\n",
            "extensions:",
            "extensions: # none\n  # yet\nb: 2\n",
            "extensions: {}",
            "a: é😀\nextensions:  {} # none\nb: 2\n",
            "extensions: { developer: {enabled: true}, } # c\n",
            "extensions: {\n  # c }\n  developer: {enabled: true}\n}\n",
            "{}",
            "{ \"extensions\": {\"x\": [1, {}]},\n \"b\": 2 }\n",
            "a:\n- b\n- c: 1\nextensions:\n  developer:\n    enabled: true\n    timeout: 300\n",
            "\"extensions\" :   # c\n\n  # of it\n  \"developer\":\n    args: [a, b]\n  # behind\n\n\n# the end",
            "extensions: &ext\n    developer: &d\n        enabled: true\n    other: *d\nb: {<<: *d}\n",
            "extensions:\n  &ext\n  developer: 1\n",
            "extensions: !!map\n # c\n developer: x\n  multi\n  line\n",
            "extensions:\r\n\r\n    developer:\r\n        enabled: true\r\n",
            "extensions:\n  <<: {a: 1}\n  ? developer\n  : 1\n",
            "a: |+\n  x\n\n\n",
            "a: >-\n  extensions:\n    agentq: 1\n\n\n# c\n",
            "---\na:\n  extensions:\n    agentq: {}\nb: \"\\u00e9 # {\"\n",
            "  a: 1\n  b: 2\n",
        ];

    [Theory]
    [MemberData(nameof(Files))]
    public void It_goes_in_and_out_and_leaves_every_byte(string text)
    {
        GoesInAndOut(Format, text, s_path);
        GoesInAndOut(Format, text, ["a new one"]);
        GoesInAndOut(Format, text, ["yes", "on: the", "\"way\"\\\t😀"]);
    }

    [Theory]
    [InlineData("", "extensions:\n" + Block)]
    [InlineData(
        "a: 1",
        "a: 1\nextensions:\n  agentq:\n    command: agentq\n    args:\n      - mcp"
    )]
    [InlineData("extensions:\n  # of d\n  d: 1\n", "extensions:\n" + Block + "  # of d\n  d: 1\n")]
    [InlineData(
        "extensions:\n    d:\n        e: 1\n",
        "extensions:\n    agentq:\n        command: agentq\n        args:\n            - mcp\n    d:\n        e: 1\n"
    )]
    [InlineData(
        "extensions: {}\n",
        "extensions: {\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}}\n"
    )]
    public void It_looks_like_what_is_around_it(string text, string expected) =>
        Assert.Equal(expected, GoesInAndOut(Format, text, s_path).Text);

    [Fact]
    public void A_new_file_holds_it_and_nothing_more() =>
        Assert.Equal("extensions:\n" + Block, EntryFormat.Named(Format).NewFile(s_path, Entry));

    [Theory]
    [InlineData("extensions:\n  a: 1\n")]
    [InlineData("extensions: {a: 1}")]
    public void Values_of_every_kind_are_written(string text) =>
        GoesInAndOut(
            Format,
            text,
            s_path,
            new JsonObject
            {
                ["text"] = "a \"b\" \\ \n \u0001 😀",
                ["none"] = new JsonObject(),
                ["list"] = new JsonArray(
                    1,
                    -2.5,
                    true,
                    new JsonArray(),
                    new JsonObject { ["x"] = false }
                ),
                ["words"] = new JsonArray(
                    "yes",
                    "No",
                    "null",
                    "~",
                    "",
                    " a",
                    "a ",
                    "1e3",
                    ".inf",
                    "0x1F",
                    "- a",
                    "a: b",
                    "a #b",
                    "&a",
                    "*a",
                    "!a",
                    "%a",
                    "@a",
                    "`a",
                    "|",
                    "a b",
                    "/x/y.z",
                    "<<",
                    "=",
                    "2001-01-01"
                ),
                ["env"] = new JsonObject { ["on"] = "off", ["1"] = "2" },
            }
        );

    [Theory]
    [InlineData("a: [\n", "conf:")]
    [InlineData("- a\n", "conf:1: the file must hold a map, not a list")]
    [InlineData("a: 1\nextensions: x\n", "conf:2: extensions must hold a map, not text")]
    [InlineData("a: 1\nextensions:\n- x\n", "conf:3: extensions must hold a map, not a list")]
    [InlineData("extensions:\n  agentq:\n", "conf:2: extensions.agentq is there already")]
    [InlineData(
        "extensions:\nextensions:\n",
        "conf:2: extensions stands here twice, first in line 1"
    )]
    [InlineData("a: 1\n---\nb: 1\n", "conf:2: this is not YAML: only one document")]
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
    [InlineData("extensions: ~\n")]
    [InlineData("a: &x\n  b: 1\nextensions: *x\n")]
    [InlineData("extensions: &x\n  b: 1\na: *x\n")]
    [InlineData("x: &x\n  extensions:\n    b: 1\n<<: *x\n")]
    [InlineData("a: |\n  no line end")]
    public void What_would_change_with_it_is_refused_with_what_to_write(string text)
    {
        var path = text.Contains("no line end", StringComparison.Ordinal)
            ? ["new", "agentq"]
            : s_path;
        var refusal = Refused(Format, text, path);
        Assert.Contains(
            "cannot be added without a change to something else",
            refusal.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(
            $"By hand: in \"{path[0]}\", write agentq: {{\"command\": \"agentq\", \"args\": [\"mcp\"]}}",
            refusal.Hint
        );
    }

    [Theory]
    [InlineData("a: 1\n", "a: 1", "a: 2 # c\nb: |\n  x", "a: 2 # c\nb: |\n  x\n")]
    [InlineData("a: 1\n", "      - mcp\n", "      - mcp\nb: 1\n", "a: 1\nb: 1\n")]
    [InlineData(
        "extensions:\n  d: 1\n",
        "  d: 1",
        "  c: 1\n  d: {}",
        "extensions:\n  c: 1\n  d: {}\n"
    )]
    public void It_goes_exactly_whatever_changed_elsewhere(
        string text,
        string old,
        string changed,
        string expected
    ) => Assert.Equal(expected, Left(text, old, changed));

    [Theory]
    // A sibling beside ours, in the map that came with ours.
    [InlineData("a: 1\n", "      - mcp\n", "      - mcp\n  x: 1\n", "a: 1\nextensions:\n  x: 1\n")]
    [InlineData("a: 1\n", "extensions:\n", "extensions:\n  x: 1\n", "a: 1\nextensions:\n  x: 1\n")]
    // Laid out anew.
    [InlineData(
        "a: 1\n",
        "    args:\n      - mcp",
        "    args: [\"mcp\"] ",
        "a: 1\nextensions: {}\n"
    )]
    [InlineData(
        "extensions:\n  d: 1\n",
        "    args:\n      - mcp\n",
        "\n    args:\n    - >-\n      mcp\n\n  # of d\n",
        "extensions:\n\n  # of d\n  d: 1\n"
    )]
    [InlineData(
        "extensions: {d: 1}\n",
        "\"args\": [\"mcp\"]}, d: 1",
        "args: [mcp] } , d: 1, e: 2",
        "extensions: {d: 1, e: 2}\n"
    )]
    [InlineData(
        "extensions: {d: 1}\n",
        "\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}, d: 1",
        "d: 1, agentq: { args: [ mcp ], command: agentq }",
        "extensions: {d: 1}\n"
    )]
    [InlineData(
        "extensions: {}\n",
        "{\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}}",
        "{ agentq: { args: [ mcp ], command: agentq } }",
        "extensions: {  }\n"
    )]
    public void It_goes_alone_when_it_was_moved_or_laid_out_anew(
        string text,
        string old,
        string changed,
        string expected
    ) => Assert.Equal(expected, Left(text, old, changed));

    [Theory]
    [InlineData("- mcp", "- mcp\n      - --verbose")]
    [InlineData("command: agentq", "command: /opt/agentq")]
    [InlineData("command: agentq", "command: agentq\n    enabled: false")]
    public void It_stays_when_it_was_changed(string old, string changed) =>
        Assert.Null(Left("a: 1\n", old, changed));

    [Fact]
    public void One_that_others_refer_to_stays_with_a_sentence()
    {
        var refusal = Assert.Throws<QueueException>(() =>
            Left("a: 1\n", "  agentq:\n", "  agentq: &q\n    <<: {}\n", "b: *q\n")
        );
        Assert.StartsWith(
            "conf:3: extensions.agentq cannot be taken out",
            refusal.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Nothing_happens_when_it_is_gone() =>
        Assert.Equal("b: 1\n", TakenOut(Format, "a: 1\n", s_path, static _ => "b: 1\n"));

    [Fact]
    public void Aliases_that_multiply_are_looked_at_once()
    {
        var text = "a0: &a0 [x, x]\n";
        for (var i = 1; i < 60; i++)
        {
            text += string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n"
            );
        }

        var yaml = EntryFormat.Named(Format);
        var added = yaml.Insert(text, s_path, Entry, Conf);
        Assert.Equal(text, yaml.Remove(added.Text, s_path, Entry, added.Piece, Conf));
    }

    private static string? Left(string text, string old, string changed, string behind = "") =>
        TakenOut(
            Format,
            text,
            s_path,
            t =>
            {
                Assert.Contains(old, t, StringComparison.Ordinal);
                return t.Replace(old, changed, StringComparison.Ordinal) + behind;
            }
        );
}
