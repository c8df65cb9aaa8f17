using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>A prompt reaches its agent byte for byte as one argument, or on its standard input, or not at all.</summary>
public sealed class HostilePromptTests
{
    // $1 is the prompt, if it is one argument.
    private const string Echo = """
        "args": { "command": "/bin/sh", "args": ["-c", "printf %s \"$#\" > $AGENTQ_ROOT/../outside/$AGENTQ_TASK_ID.count; printf %s \"$1\" > $AGENTQ_ROOT/../outside/$AGENTQ_TASK_ID", "sh", "{prompt}"], "promptTemplate": "{userPrompt}" },
        "input": { "command": "/bin/sh", "args": ["-c", "cat > $AGENTQ_ROOT/../outside/$AGENTQ_TASK_ID"], "promptTemplate": "{userPrompt}", "promptVia": "stdin" },
        "file": { "command": "/bin/sh", "args": ["-c", "cp \"$1\" $AGENTQ_ROOT/../outside/$AGENTQ_TASK_ID", "sh", "{promptFile}"], "promptTemplate": "{userPrompt}", "promptVia": "file" }
        """;

    [Theory]
    [InlineData("args")]
    [InlineData("input")]
    [InlineData("file")]
    [Trait("Fault", "S3")]
    public void Two_hundred_prompts_arrive_byte_for_byte(string agent) =>
        Fault.Inject(
            "S3",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                box.Configure(Echo);
                Assert.True(HostilePrompts.Corpus.Distinct().Count() >= 200);
                var ids = new string[HostilePrompts.Corpus.Count];
                Parallel.For(
                    0,
                    ids.Length,
                    new ParallelOptions { MaxDegreeOfParallelism = 3 },
                    i => ids[i] = (
                            agent == "args"
                                ? box.Run(
                                    "start",
                                    agent,
                                    "--quiet",
                                    "--",
                                    // A lone dash asks for standard input; there it is itself.
                                    HostilePrompts.Corpus[i]
                                )
                                : box.RunWith(
                                    Encoding.UTF8.GetBytes(HostilePrompts.Corpus[i]),
                                    "start",
                                    agent,
                                    "-",
                                    "--quiet"
                                )
                        ).Gives(0).Text
                );

                box.Sh("agentq run --drain --parallel 4 --wait", seconds: 120).Gives(0);

                for (var i = 0; i < ids.Length; i++)
                {
                    fault.Injected();
                    var got = Path.Join(box.Outside, ids[i]);
                    Assert.Equal(
                        Encoding.UTF8.GetBytes(HostilePrompts.Corpus[i]),
                        File.ReadAllBytes(got)
                    );
                    if (agent == "args")
                    {
                        Assert.Equal("1", File.ReadAllText(got + ".count"));
                    }
                }

                Assert.Empty(Directory.GetFiles(box.Folder, "pwned*"));
            }
        );

    /// <summary>Each as it arrives by standard input; null where it is refused.</summary>
    private static readonly (string What, byte[] Bytes, byte[]? Arrives)[] s_bytes =
    [
        Whole("CRLF", "a\r\nb\r\n"),
        Whole("CR alone", "a\rb"),
        Whole("line ends alone and a letter", "\n\n\na\n\n\n"),
        Whole("a mark inside", "a\uFEFFb"),
        Whole("two codings of one letter", "e\u0301\u00e9"),
        Whole("beyond the first plane", "\U0001F642\U0010FFFF"),
        Whole("honest replacement", "\uFFFD"),
        Whole("C1", "\u0080\u009b\u009f"),
        Whole("what is no character", "\uFFFE\uFFFF\uFDD0"),
        Whole("1 MiB", new string('x', 1 << 20)),
        Whole("1 MiB of two bytes", new string('é', 1 << 19)),
        Whole("4 MiB", new string('x', 4 << 20)),
        ("a mark in front", [0xEF, 0xBB, 0xBF, (byte)'a'], "a"u8.ToArray()),
        ("NUL", "a\0b"u8.ToArray(), null),
        ("NUL alone", "\0"u8.ToArray(), null),
        ("NUL at the end", "a\0"u8.ToArray(), null),
        ("half a pair", [(byte)'a', 0xED, 0xA0, 0x80], null),
        ("both halves, coded apart", [0xED, 0xA0, 0xBD, 0xED, 0xB9, 0x82], null),
        ("a byte that never is", [(byte)'a', 0xFF], null),
        ("cut in a letter", [(byte)'a', 0xC3], null),
        ("too long a coding", [0xC0, 0x80], null),
        ("beyond Unicode", [0xF4, 0x90, 0x80, 0x80], null),
        (
            "UTF-16",
            Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("abc")).ToArray(),
            null
        ),
        ("5 MiB", Encoding.ASCII.GetBytes(new string('x', 5 << 20)), null),
        ("a byte more than 4 MiB", Encoding.ASCII.GetBytes(new string('x', (4 << 20) + 1)), null),
        ("nothing", [], null),
        ("a mark alone", [0xEF, 0xBB, 0xBF], null),
        ("blanks", " \n\t "u8.ToArray(), null),
    ];

    [Fact]
    [Trait("Fault", "S5")]
    public void Bytes_arrive_as_they_are_or_are_refused_with_a_reason() =>
        Fault.Inject(
            "S5",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                box.Configure(Echo);
                foreach (var (what, bytes, arrives) in s_bytes)
                {
                    fault.Injected();
                    var before = box.Ids.Count;
                    var start = box.RunWith(bytes, "start", "input", "-", "--quiet");
                    File.WriteAllBytes(Path.Join(box.Outside, "p"), bytes);
                    var byFile = box.Run(
                        "start",
                        "file",
                        "--prompt-file",
                        "../outside/p",
                        "--quiet"
                    );
                    if (arrives is null)
                    {
                        foreach (var refused in new[] { start, byFile })
                        {
                            Assert.True(refused.Code == 2, $"{what}: {refused}");
                            BadInputTests.SaysOneSentence(refused);
                        }

                        Assert.Equal(before, box.Ids.Count);
                        continue;
                    }

                    Assert.True(start.Code == 0 && byFile.Code == 0, $"{what}: {start} {byFile}");
                    box.Run("run", "--drain", "--parallel", "2", "--wait").Gives(0);
                    Assert.Equal(arrives, File.ReadAllBytes(Path.Join(box.Outside, start.Text)));
                    Assert.Equal(arrives, File.ReadAllBytes(Path.Join(box.Outside, byFile.Text)));
                }
            }
        );

    /// <summary>What a shell makes of it is one argument that is no text, or too long for one.</summary>
    private static readonly string[] s_arguments =
    [
        @"agentq start shell ""$(printf 'x\355\240\200y')""",
        @"agentq start shell ""$(printf '\377')""",
        @"agentq start shell ""$(printf 'a\303')""",
        @"agentq start shell x --name ""$(printf '\377')""",
        @"agentq start shell x --label ""a=$(printf '\377')""",
        @"agentq start shell x --env ""A=$(printf '\377')""",
        @"agentq start shell ""$(head -c 122880 /dev/zero | tr '\0' x)""",
        @"head -c 204800 /dev/zero | tr '\0' x | agentq start shell -",
        @"printf '{""agent"":""shell"",""prompt"":""\\ud800""}' | agentq start --batch -",
        @"printf '{""agent"":""shell"",""prompt"":""a\\u0000b""}' | agentq start --batch -",
        @"printf '{""agent"":""shell"",""prompt"":""a\377""}' | agentq start --batch -",
        @"printf '{""agent"":""shell"",""prompt"":""a"",""name"":""\\udc00""}' | agentq start --batch -",
        @"{ printf '{""agent"":""shell"",""prompt"":""a"",""name"":""'; head -c 200000 /dev/zero | tr '\0' x; printf '""}'; } | agentq start --batch -",
    ];

    [Fact]
    [Trait("Fault", "S5")]
    public void What_cannot_arrive_as_it_is_written_is_refused() =>
        Fault.Inject(
            "S5",
            fault =>
            {
                using var box = new Sandbox();
                box.Enqueue("true");
                var before = box.Picture();
                foreach (var script in s_arguments)
                {
                    fault.Injected();
                    BadInputTests.SaysOneSentence(box.Sh(script).Gives(2));
                    Assert.Equal(before, box.Picture());
                }
            }
        );

    /// <summary>What response files would be, as words of a command line.</summary>
    private static readonly string[] s_files =
    [
        "@/etc/hostname",
        "@../outside/words",
        "@words",
        "@",
        "@@words",
        "@alice please look",
        "@nosuch",
        "@.",
        "@/dev/zero",
        "@-",
    ];

    [Fact]
    [Trait("Fault", "S6")]
    public void A_file_named_with_an_at_sign_is_never_read() =>
        Fault.Inject(
            "S6",
            fault =>
            {
                using var box = new Sandbox();
                File.WriteAllText(Path.Join(box.Outside, "words"), "--hold\nsecret\n");
                box.Write("words", "--hold secret");
                foreach (var word in s_files)
                {
                    fault.Injected(4);
                    var id = box.Enqueue(word, "--name", word, "--label", "k=" + word);
                    var task = box.Task(id);
                    Assert.Equal(word, task.Text("prompt"));
                    Assert.Equal(word, task.Text("name"));
                    foreach (
                        var outcome in new[]
                        {
                            box.Run("show", word),
                            box.Run(word),
                            box.Run("start", word, "x"),
                            box.Run("status", "--label", word),
                        }
                    )
                    {
                        Assert.NotEqual(0, outcome.Code);
                        Assert.DoesNotContain("secret", outcome.Err, StringComparison.Ordinal);
                        Assert.DoesNotContain(
                            "esponse file",
                            outcome.Err,
                            StringComparison.Ordinal
                        );
                    }
                }

                Assert.All(box.Tasks, static t => Assert.Equal("pending", t.Status));
                Assert.Equal(s_files.Length, box.Ids.Count);
            }
        );

    /// <summary>What the console library would take for colours and links.</summary>
    private static readonly string[] s_markup =
    [
        "[red]",
        "[/]",
        "[red]x[/]",
        "[link=http://evil.example]y[/]",
        "[[x]]",
        "[",
        "]",
        "[bold",
        "[/red]",
        "[blink rapidblink]z[/]",
        "[#ff0000 on blue]q[/]",
        "{0}",
        "%s%n",
        "<b>x</b>",
    ];

    [Fact]
    [Trait("Fault", "S9")]
    public void Markup_comes_out_as_it_was_written() =>
        Fault.Inject(
            "S9",
            fault =>
            {
                using var box = new Sandbox();
                box.Environment["COLUMNS"] = "300";
                foreach (var text in s_markup)
                {
                    fault.Injected();
                    var prompt = $"echo '{text} out'; echo '{text}' >&2; exit 1";
                    var id = box.Enqueue(prompt, "--name", text, "--label", "k=" + text);
                    Assert.Contains(text, box.Run("status").Gives(0).Out, StringComparison.Ordinal);
                    box.Run("run", id, "--wait").Gives(3);
                    foreach (var verb in new[] { "show", "logs", "deps show" })
                    {
                        var outcome = box.Run([.. verb.Split(' '), id]).Gives(0);
                        if (verb != "deps show")
                        {
                            Assert.Contains(text, outcome.Out, StringComparison.Ordinal);
                        }
                    }

                    using var json = JsonDocument.Parse(box.Run("show", id, "--json").Gives(0).Out);
                    Assert.Contains(prompt, Texts(json.RootElement));
                    Assert.Contains(
                        text,
                        box.Run("start", text, "x").Err,
                        StringComparison.Ordinal
                    );
                }
            }
        );

    private static IEnumerable<string?> Texts(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject().SelectMany(static m => Texts(m.Value)),
            JsonValueKind.Array => json.EnumerateArray().SelectMany(Texts),
            JsonValueKind.String => [json.GetString()],
            _ => [],
        };

    private static (string, byte[], byte[]?) Whole(string what, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return (what, bytes, bytes);
    }
}
