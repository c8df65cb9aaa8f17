using System.Text;
using AgentQueue.Agents;
using AgentQueue.Config;

namespace AgentQueue.Tests.Agents;

/// <summary>Output that is made to be read wrongly, or to cost much: what can be read counts, and nothing breaks.</summary>
public sealed class AgentStreamTests
{
    private const int FiveMegabytes = 5 << 20;

    private static readonly StreamFormat s_format = Format(
        """
        { "when": { "type": "begin" }, "take": { "session": "id", "model": "model" } },
        { "when": { "type": "say" }, "take": { "text": "text" } },
        { "when": { "type": "piece" }, "take": { "delta": "text" } },
        { "when": { "type": "use" }, "add": true, "turn": true, "take": { "input": "in", "output": "out", "cost": "usd", "cacheRead": "models.*.cached" } },
        { "when": { "type": "total" }, "take": { "turns": "turns", "input": "in" } },
        { "when": { "type": "part" }, "per": "of", "take": { "input": "in", "cacheRead": "cached" } },
        { "when": { "type": "tools" }, "each": "list", "on": { "kind": "call" }, "take": { "tool": "name", "detail": "args" } },
        { "when": { "type": "oops", "again": true }, "retry": true, "take": { "error": "why" } },
        { "when": { "type": "oops" }, "unless": { "again": true }, "take": { "error": "why", "status": "status" } },
        { "when": { "type": "limit", "text": { "begins": "Stop", "has": "limit" } }, "take": { "resetsIn": "wait" } },
        { "when": { "type": "end" }, "end": true, "take": { "text": "text" } }
        """
    );

    [Fact]
    public void A_line_of_five_megabytes_is_read_and_its_text_is_cut()
    {
        var text = new string('x', FiveMegabytes);
        var stream = Read(
            $$"""{"type":"say","text":"{{text}}"}""",
            """{"type":"begin","id":"s"}"""
        );
        Assert.Equal("s", stream.Facts.Session);
        Assert.Equal(StreamText.Longest + 1, stream.Facts.Text!.Length);
        Assert.EndsWith("x…", stream.Facts.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_that_is_too_long_is_passed_over_and_the_next_one_counts()
    {
        var stream = new AgentStream(s_format);
        stream.Feed("{\"type\":\"say\",\"text\":\""u8);
        var piece = new byte[1 << 20];
        Array.Fill(piece, (byte)'x');
        for (var length = 0; length <= AgentStream.LongestLine; length += piece.Length)
        {
            stream.Feed(piece);
        }

        stream.Feed("\"}\n{\"type\":\"begin\",\"id\":\"s\"}\n"u8);
        Assert.Null(stream.Facts.Text);
        Assert.Equal("s", stream.Facts.Session);
        Assert.Equal(1, stream.Facts.Lines);
    }

    [Fact]
    public void What_no_rule_is_about_is_not_even_taken_apart()
    {
        var line = """{"type":"answer","list":[""" + string.Join(',', new int[1 << 20]) + "]}";
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        var stream = new AgentStream(s_format);
        stream.Feed(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            stream.Feed(bytes);
        }

        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / 10;
        Assert.InRange(each, 0, 3 * bytes.Length);
        Assert.Equal(11, stream.Facts.Lines);
    }

    [Fact]
    public void Pieces_of_a_text_are_joined_until_something_else_is_said_or_done()
    {
        Assert.Equal(
            "ab",
            Read("""{"type":"piece","text":"a"}""", """{"type":"piece","text":"b"}""").Facts.Text
        );
        Assert.Equal(
            "c",
            Read(
                """{"type":"piece","text":"a"}""",
                """{"type":"tools","list":[{"kind":"call","name":"t"}]}""",
                """{"type":"piece","text":"c"}"""
            ).Facts.Text
        );
        Assert.Equal(
            "c",
            Read("""{"type":"say","text":"a"}""", """{"type":"piece","text":"c"}""").Facts.Text
        );
    }

    [Fact]
    public void Many_pieces_cost_no_more_than_they_are_long()
    {
        var stream = new AgentStream(s_format);
        var piece = "{\"type\":\"piece\",\"text\":\"0123456789\"}\n"u8;
        for (var i = 0; i < 200_000; i++)
        {
            stream.Feed(piece);
        }

        Assert.InRange(stream.Facts.Text!.Length, StreamText.Longest, StreamText.Longest + 10);
    }

    [Theory]
    [InlineData("""{"type":"use","in":1e400,"out":-5,"usd":"much"}""", null, null, null)]
    [InlineData("""{"type":"use","in":999999999999999999999999}""", null, null, null)]
    [InlineData("""{"type":"use","in":12.9,"out":0}""", 12L, 0L, null)]
    [InlineData("""{"type":"use","in":null,"out":[7],"usd":0}""", null, null, 0.0)]
    [InlineData("""{"type":"use","usd":1e-30}""", null, null, 0.0)]
    public void Numbers_that_cannot_be_are_unknown(
        string line,
        long? input,
        long? output,
        double? usd
    )
    {
        var used = Read(line).Used;
        Assert.Equal((input, output), (used.Input, used.Output));
        Assert.Equal(usd, (double?)used.Cost);
    }

    [Fact]
    public void Sums_never_overflow()
    {
        const string Line =
            """{"type":"use","in":999999999999999,"usd":999999999999999,"models":{"a":{"cached":999999999999999},"b":{"cached":999999999999999}}}""";
        var stream = new AgentStream(s_format);
        for (var i = 0; i < 20_000; i++)
        {
            stream.Feed(Encoding.UTF8.GetBytes(Line + "\n"));
        }

        for (var call = 0; call < 3000; call++)
        {
            stream.Feed("{\"type\":\"total\",\"turns\":99999999999,\"in\":999999999999999}\n"u8);
            stream.BeginCall();
        }

        Assert.True(stream.Used.Input > 0);
        Assert.True(stream.Facts.TurnsInAll > 0);
    }

    [Fact]
    public void What_is_told_in_parts_counts_once_until_a_total_takes_its_place()
    {
        var parts = Read(
            """{"type":"part","of":"a","in":5,"cached":1}""",
            """{"type":"part","of":"b","in":7}""",
            """{"type":"part","of":"a","in":6,"cached":2}"""
        );
        Assert.Equal(new Usage { Input = 13, CacheRead = 2 }, parts.Used);
        parts.Feed("""{"type":"total","turns":2,"in":14}"""u8);
        parts.EndLine();
        Assert.Equal(14, parts.Used.Input);
    }

    [Fact]
    public void Parts_are_added_to_a_session_that_reports_its_whole()
    {
        var stream = new AgentStream(s_format with { ResumedIsTotal = true })
        {
            SessionBefore = new Usage { Input = 100, Output = 4 },
        };
        Assert.True(stream.Used.IsEmpty);
        stream.Feed("""{"type":"part","of":"a","in":5}"""u8);
        stream.EndLine();
        Assert.Equal(new Usage { Input = 105, Output = 4 }, stream.Used);
    }

    [Fact]
    public void Of_a_member_that_is_there_twice_one_counts()
    {
        var stream = Read(
            """{"type":"say","text":"a","text":"b"}""",
            """{"type":"begin","type":"end","text":"c"}"""
        );
        Assert.Equal("b", stream.Facts.Text);
        Assert.False(stream.Facts.HasEnded);
    }

    [Fact]
    public void The_type_may_stand_anywhere_in_a_line() =>
        Assert.Equal("s", Read("""{"id":"s","x":{"type":"say"},"type":"begin"}""").Facts.Session);

    [Fact]
    public void Bytes_that_are_no_utf8_and_halves_of_characters_take_nothing_with_them()
    {
        var stream = new AgentStream(s_format);
        stream.Feed([.. "{\"type\":\"end\",\"text\":\"a"u8, 0xff, .. "b\"}\n"u8]);
        Assert.True(stream.Facts.HasEnded);
        Assert.Equal("a\ufffdb", stream.Facts.Text);
        Assert.Equal(
            "\ud83dz\n\"é",
            Read("""{"type":"end","text":"\ud83dz\n\"\u00e9"}""").Facts.Text
        );
        Assert.Equal("😀", Read("""{"type":"end","text":"\ud83d\ude00"}""").Facts.Text);
    }

    [Theory]
    [InlineData("""{"type":"begin","id":"s"}Warning: late""", "Warning: late")]
    [InlineData("""Warning: early{"type":"begin","id":"s"}""", "Warning: early")]
    [InlineData("""{"type":"say","text":"a"}{"type":"begin","id":"s"}""", "")]
    [InlineData("""{"type":"say","te{"type":"begin","id":"s"}""", "{\"type\":\"say\",\"te")]
    [InlineData("""{"type":"say","text":"a }{\"type\": b"}""", "")]
    [InlineData("""{"type":"begin","id":"s"}   """, "")]
    public void Noise_may_stand_in_the_same_line(string line, string noise) =>
        Assert.Equal(noise, Read(line).NoiseTail);

    [Fact]
    public void Nothing_is_too_deep()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 100_000));
        var stream = Read(
            $$"""{"type":"say","text":"a","x":{{deep}}""",
            $$$"""{"type":"say","text":{{{new string('[', 100_000)}}}{{{new string(']', 100_000)}}}}""",
            """{"type":"say","text":"b"}"""
        );
        Assert.Equal("b", stream.Facts.Text);
    }

    [Fact]
    public void Only_the_last_lines_of_noise_are_kept_and_only_their_beginnings()
    {
        var stream = new AgentStream(s_format);
        for (var i = 0; i < 1000; i++)
        {
            stream.Feed(Encoding.UTF8.GetBytes($"{i} {new string('é', 5000)}\n"));
        }

        Assert.StartsWith("980 é", stream.NoiseTail, StringComparison.Ordinal);
        Assert.InRange(stream.NoiseTail.Length, 1000, 20 * 501);
    }

    [Fact]
    public void What_it_got_over_is_no_error()
    {
        var stream = Read("""{"type":"oops","again":true,"why":"busy"}""");
        Assert.Equal("busy", stream.Facts.Retried?.Message);
        stream.Feed("{\"type\":\"say\",\"text\":\"a\"}\n"u8);
        Assert.Null(stream.Facts.Retried);
        stream.Feed("{\"type\":\"oops\",\"why\":\"busy\"}\n{\"type\":\"end\"}\n"u8);
        Assert.Null(stream.Facts.Error);
    }

    [Fact]
    public void A_condition_may_look_into_a_text()
    {
        Assert.Equal(
            TimeSpan.FromSeconds(90),
            Read("""{"type":"limit","text":"Stop: the limit","wait":"90"}""").Facts.ResetsIn
        );
        Assert.Null(Read("""{"type":"limit","text":"The limit","wait":90}""").Facts.ResetsIn);
        Assert.Null(Read("""{"type":"limit","text":"Stop","wait":90}""").Facts.ResetsIn);
        Assert.Null(Read("""{"type":"limit","text":["Stop limit"],"wait":90}""").Facts.ResetsIn);
    }

    [Fact]
    public void What_was_used_in_an_earlier_call_is_added()
    {
        var stream = Read("""{"type":"use","in":5,"out":1}""");
        stream.BeginCall();
        stream.Feed("{\"type\":\"use\",\"in\":7}\n"u8);
        Assert.Equal((12L, 1L), (stream.Used.Input, stream.Used.Output));
        Assert.Equal(2, stream.Facts.TurnsInAll);
    }

    private static AgentStream Read(params string[] lines)
    {
        var stream = new AgentStream(s_format);
        foreach (var line in lines)
        {
            stream.Feed(Encoding.UTF8.GetBytes(line + "\n"));
        }

        return stream;
    }

    private static StreamFormat Format(string rules)
    {
        var reader = new AdapterReader("test.json");
        var adapter = reader.Read(
            "test",
            Encoding.UTF8.GetBytes(
                $$"""{ "command": "x", "promptVia": "stdin", "stream": { "rules": [{{rules}}] } }"""
            )
        );
        Assert.Empty(reader.Problems);
        return adapter!.Stream!;
    }
}
