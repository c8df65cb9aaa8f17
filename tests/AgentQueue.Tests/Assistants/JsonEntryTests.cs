using System.Text;
using System.Text.Json.Nodes;
using AgentQueue.Assistants;
using static AgentQueue.Tests.Assistants.EntryTrial;

namespace AgentQueue.Tests.Assistants;

public sealed class JsonEntryTests
{
    private const string Format = "json";

    private static readonly string[] s_path = ["mcpServers", "agentq"];

    public static TheoryData<string> Files =>
        [
            "",
            "\uFEFF",
            " \t",
            "\n\n",
            "// nothing yet",
            "/* nothing */ // yet\r\n",
            "{}",
            "{ }",
            "{}\n",
            "\uFEFF{\r\n}\r\n",
            "{\n}",
            "{\n\n\n}\n",
            "{ // c\n}",
            "{ /* c */ }",
            "{ /* c\n */ /* d */ }",
            "{ /* c */ // d \"mcpServers\": {\n\n  // e\n}",
            "{\"a\":1}",
            "{ \"a\": 1 }",
            "{ \"a\": 1, }\r\n",
            "{/* c */\"a\":1/* d */,/* e */}",
            "{\n\t\"a\": 1\n}\n",
            "{\n    \"a\": 1, // c\n    \"b\": [\"}\", \"{\", \"\\\"//\", \"/*\"]\n}\n",
            "{\n// c\n\"a\":\n1\n,\"b\":2}",
            "{ \"a\": 1,\n  \"b\": 2 }\n",
            "\n\n  {\n    \"a\": 1\n  }\n",
            "{\r  \"a\": 1\r}\r",
            "{\r\n  \"a\": 1, // c\r\n  /* d\r\n */ \"b\": 2,\r\n}",
            "{\n  \"a\": 1,\n  \"a\": 2,\n  \"b\": {\"agentq\": 1, \"agentq\": {}}\n}",
            "{\n  \"ä😀\": \"\\u00e4 ü 😀\", // ß 😀\n  \"mcpServers\": {\"ö\": {}, \"x\": 1}\n}\n",
            "{\n  \"mcpServers\": {}\n}\n",
            "{\"mcpServers\":{}}",
            "{\"a\":{},\"mcpServers\" : { },\"b\":[]}",
            "{\n  \"mcpServers\": {\n  }\n}\n",
            "{\n  \"mcpServers\":\n  {\n  }, // c\n  \"a\": 1\n}\n",
            "{\n\t\"mcpServers\": { // ours\n\t\t// first\n\t\t\"other\": {\n\t\t\t\"command\": \"x\"\n\t\t},\n\t},\n}\n",
            "{\n   \"mcpServers\": {\n      \"other\": {\"args\": [\"mcp\"]}\n   }\n}",
            "{ \"mcpServers\": { \"other\": {} } }",
            "{\"mcpServers\": {/**/\"other\": {},}, // \"agentq\": {}\n}",
            "{\n  // \"mcpServers\": {\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}},\n  \"x\": {\"mcpServers\": {\"agentq\": 1}}\n}\n",
            "{\n    \"projects\": {\"/p\": {\"mcpServers\": {\n        \"agentq\": {}\n    }}},\n    \"mcpServers\":{\"a\":{\"b\":{\"c\":{\"d\":[{},[{}]]}}}}\n}",
        ];

    [Theory]
    [MemberData(nameof(Files))]
    public void It_goes_in_and_out_and_leaves_every_byte(string text)
    {
        GoesInAndOut(Format, text, s_path);
        GoesInAndOut(Format, text, ["amp.mcpServers", "agentq"]);
        GoesInAndOut(Format, text, ["new", "on the", "\"way\"\\\t😀"]);
    }

    [Theory]
    [InlineData(
        "",
        "{\n  \"mcpServers\": {\n    \"agentq\": {\n      \"command\": \"agentq\",\n      \"args\": [\"mcp\"]\n    }\n  }\n}\n"
    )]
    [InlineData(
        "{\n\t\"a\": 1\n}\n",
        "{\n\t\"mcpServers\": {\n\t\t\"agentq\": {\n\t\t\t\"command\": \"agentq\",\n\t\t\t\"args\": [\"mcp\"]\n\t\t}\n\t},\n\t\"a\": 1\n}\n"
    )]
    [InlineData(
        "{\r\n    \"mcpServers\": {}\r\n}",
        "{\r\n    \"mcpServers\": {\r\n        \"agentq\": {\r\n            \"command\": \"agentq\",\r\n            \"args\": [\"mcp\"]\r\n        }\r\n    }\r\n}"
    )]
    [InlineData(
        "{\"mcpServers\":{\"x\":{}}}",
        "{\"mcpServers\":{\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}, \"x\":{}}}"
    )]
    [InlineData(
        "{ \"a\": 1 }",
        "{ \"mcpServers\": {\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}}, \"a\": 1 }"
    )]
    public void It_looks_like_what_is_around_it(string text, string expected) =>
        Assert.Equal(expected, GoesInAndOut(Format, text, s_path).Text);

    [Fact]
    public void A_new_file_holds_it_and_nothing_more()
    {
        var json = EntryFormat.Named(Format);
        var text = json.NewFile(s_path, Entry);
        Assert.Equal(Entry.ToJsonString(), json.Find(text, s_path, Conf)!.ToJsonString());
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
        Assert.Equal(text, json.Insert("", s_path, Entry, Conf).Piece);
    }

    [Fact]
    public void Values_of_every_kind_are_written()
    {
        var entry = new JsonObject
        {
            ["text"] = "a \"b\" \\ \n \u0001 😀",
            ["none"] = new JsonObject(),
            ["list"] = new JsonArray(1, 2.5, true, null, new JsonObject { ["x"] = false }),
            ["env"] = new JsonObject { ["A"] = "1" },
        };
        GoesInAndOut(Format, "{\n  \"a\": 1\n}", s_path, entry);
        GoesInAndOut(Format, "{\"a\": 1}", s_path, entry);
    }

    [Fact]
    public void A_file_of_many_thousand_lines_takes_no_longer_than_it_must()
    {
        var text = new StringBuilder("{\n");
        for (var i = 0; i < 50_000; i++)
        {
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"  \"k{i}\": {{\"é\": [{i}, \"{{\"]}},\n"
            );
        }

        GoesInAndOut(Format, text.Append("  \"mcpServers\": {}\n}\n").ToString(), s_path);
    }

    [Fact]
    public void A_file_nested_as_deep_as_is_read_keeps_its_depth()
    {
        var text = string.Concat(Enumerable.Repeat("{\"a\":", 62)) + "{}" + new string('}', 62);
        GoesInAndOut(Format, text, s_path);
        var deeper = "{\"b\":[[[[" + text + "]]]]}";
        Assert.Contains(
            "64 levels",
            Refused(Format, deeper, s_path).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("{\n  \"a\": }", "conf:2: this is not JSON")]
    [InlineData("/* no end", "conf:1: this is not JSON")]
    [InlineData("\n[]", "conf:2: the file must hold an object, not a list")]
    [InlineData("{\n\"mcpServers\": null}", "conf:2: mcpServers must hold an object, not null")]
    [InlineData("{\n\"mcpServers\": [\n{}]}", "conf:2: mcpServers must hold an object, not a list")]
    [InlineData(
        "{\"mcpServers\": {},\n\"mcpServers\": {}}",
        "conf:2: mcpServers stands here twice, first in line 1"
    )]
    [InlineData(
        "{\"mcpServers\": {\n\"agentq\": null}}",
        "conf:2: mcpServers.agentq is there already"
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
    [InlineData("{\n  \"a\": 1\n}\n", "\"a\": 1", "\"a\": 2, // new\n  \"b\": [\n  ]")]
    [InlineData("{}", "{\n", "// a comment in front\n{\n")]
    [InlineData(
        "{\n  \"mcpServers\": {\n    \"a\": {}\n  }\n}",
        "\"a\": {}",
        "\"c\": {}, \"a\": {}"
    )]
    [InlineData("// nothing yet", "// nothing yet", "// nothing yet, really")]
    public void It_goes_exactly_whatever_changed_elsewhere(string text, string old, string changed)
    {
        var left = TakenOut(Format, text, s_path, t => Replaced(t, old, changed));
        // What was there before stands around the piece, so that the same change fits the old text.
        Assert.Equal(
            text is "{}" ? "// a comment in front\n{}" : Replaced(text, old, changed),
            left
        );
    }

    [Fact]
    public void A_copy_of_it_in_a_comment_stays()
    {
        var piece = EntryFormat.Named(Format).Insert("{\"a\": 1}", s_path, Entry, Conf).Piece;
        Assert.Equal(
            $"{{/*{piece}*/\"a\": 1 /*{piece}*/}}",
            TakenOut(
                Format,
                "{\"a\": 1}",
                s_path,
                t =>
                    Replaced(
                        Replaced(t, "{" + piece, "{/*" + piece + "*/" + piece),
                        "}",
                        $" /*{piece}*/}}",
                        last: true
                    )
            )
        );
    }

    [Theory]
    // A server beside ours, in the object that came with ours.
    [InlineData(
        "{\n  \"a\": 1\n}",
        "\n    }\n  },",
        "\n    },\n    \"x\": {}\n  },",
        "{\n  \"mcpServers\": {\n    \"x\": {}\n  },\n  \"a\": 1\n}"
    )]
    [InlineData(
        "{\n  \"a\": 1\n}",
        "{\n    \"agentq\"",
        "{\n    \"x\": {}, // mine\n    \"agentq\"",
        "{\n  \"mcpServers\": {\n    \"x\": {} // mine\n  },\n  \"a\": 1\n}"
    )]
    [InlineData(
        "{\n  \"a\": 1\n}",
        "{\n    \"agentq\"",
        "{\n    \"x\": {},\n    \"agentq\"",
        "{\n  \"mcpServers\": {\n    \"x\": {}\n  },\n  \"a\": 1\n}"
    )]
    // Laid out anew.
    [InlineData(
        "{\"mcpServers\": {\"x\": 1}}",
        "\"command\": \"agentq\", \"args\": [\"mcp\"]",
        "\"args\":[\n\"mcp\" ,],\n\"command\":\"\\u0061gentq\"",
        "{\"mcpServers\": {\"x\": 1}}"
    )]
    [InlineData(
        "{\"mcpServers\": {\"x\": 1}}",
        "}, \"x\"",
        "} /* of it */ , /* of x */ \"x\"",
        "{\"mcpServers\": {/* of it */  /* of x */ \"x\": 1}}"
    )]
    [InlineData("{}", "\"args\": [\"mcp\"]", "\"args\" : [ \"mcp\" ]", "{\n}")]
    [InlineData(
        "{\n  \"mcpServers\": {\"x\": 1}\n}",
        "\"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}, \"x\": 1",
        "\"x\": 1, \"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}",
        "{\n  \"mcpServers\": {\"x\": 1}\n}"
    )]
    // The comma went with the member behind it.
    [InlineData("{\"a\": 1}", "}}, \"a\": 1", "}}", "{}")]
    public void It_goes_alone_when_it_was_moved_or_laid_out_anew(
        string text,
        string old,
        string changed,
        string expected
    ) => Assert.Equal(expected, TakenOut(Format, text, s_path, t => Replaced(t, old, changed)));

    [Theory]
    [InlineData("\"mcp\"", "\"mcp\", \"--verbose\"")]
    [InlineData("\"command\": \"agentq\"", "\"command\": \"/opt/agentq\"")]
    [InlineData("\"command\": \"agentq\"", "\"command\": \"agentq\", \"env\": {}")]
    [InlineData("{\"command\": \"agentq\", \"args\": [\"mcp\"]}", "null")]
    public void It_stays_when_it_was_changed(string old, string changed) =>
        Assert.Null(TakenOut(Format, "{\"a\": 1}", s_path, t => Replaced(t, old, changed)));

    [Theory]
    [InlineData("{\"a\": 1}")]
    [InlineData("{\"mcpServers\": {}}")]
    [InlineData("")]
    public void Nothing_happens_when_it_is_gone(string text) =>
        Assert.Equal(text, TakenOut(Format, "{\"b\": 1}", s_path, _ => text));

    [Fact]
    public void It_goes_in_and_out_of_documents_that_nobody_would_write()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var text = new JsonScribble(seed).Document();
            try
            {
                var added = GoesInAndOut(Format, text, s_path);
                // Also without knowing the piece, what is left is valid and has all but the entry.
                var left = EntryFormat.Named(Format).Remove(added.Text, s_path, Entry, "", Conf)!;
                Assert.Null(EntryFormat.Named(Format).Find(left, s_path, Conf));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                throw new InvalidOperationException($"seed {seed}: {text}", e);
            }
        }
    }

    private static string Replaced(string text, string old, string changed, bool last = false)
    {
        var at = last
            ? text.LastIndexOf(old, StringComparison.Ordinal)
            : text.IndexOf(old, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{old} is not in {text}");
        return text.Remove(at, old.Length).Insert(at, changed);
    }

    /// <summary>Random documents: comments and blanks wherever they may be, every kind of line end.</summary>
    private sealed class JsonScribble(int seed)
    {
        private static readonly string[] s_blanks =
        [
            "",
            "",
            "",
            " ",
            "  ",
            "\t",
            "\n",
            "\r\n",
            "\n\n  ",
            "\r",
            "\n    ",
            "/* } */",
            "/*\n{ \"a\": */",
            "// \", {\n",
            "// é😀\r\n",
            "/***/ // x\n",
        ];

        // The reader of .NET takes no comment between a name and its colon.
        private const int BlankOnly = 11;

        private readonly Random _random = new(seed);

        public string Document()
        {
            var depth = _random.Next(4);
            return (_random.Next(5) == 0 ? "\uFEFF" : "") + Blank() + Object(depth, 0) + Blank();
        }

        private string Object(int depth, int level)
        {
            var names = Enumerable
                .Range(0, _random.Next(4))
                .Select(static i => $"k{i} é\\\"")
                .ToList();
            if (level == 0 && _random.Next(2) == 0)
            {
                names.Insert(_random.Next(names.Count + 1), "mcpServers");
            }

            var members = names
                .Select(n =>
                    $"{Blank()}\"{n}\"{s_blanks[_random.Next(BlankOnly)]}:{Blank()}{(n == "mcpServers" ? Object(depth, level + 1) : Value(depth, level))}{Blank()}"
                )
                .ToList();
            return $"{{{string.Join(',', members)}{(members.Count > 0 ? Trailing() : Blank())}}}";
        }

        private string Value(int depth, int level) =>
            (depth - level) switch
            {
                > 0 when _random.Next(2) == 0 => Object(depth, level + 1),
                > 0 =>
                    $"[{Blank()}{Value(depth, level + 1)}{Blank()},{Blank()}{Value(depth, level + 1)}{Trailing()}]",
                _ => _random.Next(3) switch
                {
                    0 => "-1.5e+3",
                    1 => "\"// {\\\"} 😀 /* \\u00e9\"",
                    _ => "null",
                },
            };

        private string Trailing() => _random.Next(3) == 0 ? $"{Blank()},{Blank()}" : "";

        private string Blank() =>
            s_blanks[_random.Next(s_blanks.Length)] + s_blanks[_random.Next(s_blanks.Length)];
    }
}
