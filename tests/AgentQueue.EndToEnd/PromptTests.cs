using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>A prompt reaches its agent byte for byte, or is refused with the reason.</summary>
public sealed class PromptTests
{
    /// <summary>Everything that some layer between a keyboard and an agent has ever taken for its own.</summary>
    public static TheoryData<string> Hostile =>
        [
            "@/etc/hostname",
            "@alice please look",
            "-",
            "--",
            "-rf",
            "--help",
            "--prompt=x",
            "--dangerously-skip-permissions -o/tmp/x",
            "it's \"quoted\" and `ticked` $(touch pwned) ${HOME} $HOME",
            "a\nb\r\nc\td",
            "trailing newline\n",
            "  leading and trailing blanks  ",
            "; rm -rf / & echo | < > * ? [x] {a,b} ~ # !",
            "{prompt} {taskId} {userPrompt} {{ }} {nosuch} {\"json\": {\"deep\": 1}}",
            "%s %d %n %PATH% %%",
            "\\ \\\\ \\n \\0 \\\"",
            "[red]x[/] [link=http://a]b[/]",
            "ünïcödé 日本語 🙂👨‍👩‍👧 \u202Ereversed\u202C \u200B\uFEFF",
            "\u001b[31mred\u001b]0;title\u0007\u009b1m\u007f\b",
            "\uFFFD replacement, honestly typed",
            "e\u0301 and \u00e9",
        ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void As_an_argument(string prompt)
    {
        using var box = new Sandbox();
        var told = Teller(box, "arg");

        var start =
            prompt == "-"
                ? box.RunWith("-"u8.ToArray(), "start", "teller", "-", "--wait")
                : box.Run("start", "teller", "--wait", "--", prompt);
        start.Gives(0);

        Assert.Equal(prompt, Told(told).GetProperty("args")[0].GetString());
        Assert.Equal("", Stdin(told));
        Assert.False(File.Exists(Path.Join(box.Folder, "pwned")));
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void By_standard_input(string prompt)
    {
        using var box = new Sandbox();
        var told = Teller(box, "stdin");

        box.RunWith(Encoding.UTF8.GetBytes(prompt), "start", "teller", "-", "--wait").Gives(0);

        Assert.Equal(prompt, Stdin(told));
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void By_a_file(string prompt)
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "copier": { "command": "cp", "args": ["{promptFile}", "got"], "promptTemplate": "{userPrompt}", "promptVia": "file" }
            """
        );
        File.WriteAllBytes(Path.Join(box.Outside, "prompt"), Encoding.UTF8.GetBytes(prompt));

        box.Run("start", "copier", "--prompt-file", Path.Join(box.Outside, "prompt"), "--wait")
            .Gives(0);

        Assert.Equal(
            Encoding.UTF8.GetBytes(prompt),
            File.ReadAllBytes(Path.Join(box.Folder, "got"))
        );
    }

    [Fact]
    public void Four_mebibytes_by_standard_input_arrive_whole()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "copier": { "command": "sh", "args": ["-c", "cat > got"], "promptTemplate": "{userPrompt}", "promptVia": "stdin" }
            """
        );
        var prompt = new byte[4 << 20];
        new Random(7).NextBytes(prompt);
        for (var i = 0; i < prompt.Length; i++)
        {
            prompt[i] = (byte)(prompt[i] % 95 + 32);
        }

        box.RunWith(prompt, "start", "copier", "-", "--wait").Gives(0);

        Assert.Equal(prompt, File.ReadAllBytes(Path.Join(box.Folder, "got")));
    }

    [Fact]
    public void More_than_that_is_refused_with_the_limit()
    {
        using var box = new Sandbox();
        box.Configure(
            """
            "copier": { "command": "cat", "args": [], "promptTemplate": "{userPrompt}", "promptVia": "stdin" }
            """
        );
        var before = box.Picture();
        var prompt = Encoding.ASCII.GetBytes(new string('x', (4 << 20) + 1));

        var start = box.RunWith(prompt, "start", "copier", "-").Gives(2);

        Assert.Contains("4 MiB", start.Err, StringComparison.Ordinal);
        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void The_shell_gets_its_prompt_as_it_is_and_other_agents_the_protocol_with_it()
    {
        using var box = new Sandbox();
        box.Configure(
            "\"reader\": { \"command\": \"sh\", \"args\": [\"-c\", \"cat > got\"], \"promptVia\": \"stdin\" }"
        );
        box.Run("start", "reader", "do the work", "--wait").Gives(0);

        var got = File.ReadAllText(Path.Join(box.Folder, "got"));
        Assert.StartsWith("do the work\n", got, StringComparison.Ordinal);
        Assert.Contains(box.PathOf("tasks", box.Ids[0], ".done"), got, StringComparison.Ordinal);
        Assert.Contains(box.PathOf("tasks", box.Ids[0], ".error"), got, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_terminal_could_obey_never_reaches_it()
    {
        using var box = new Sandbox();
        var evil = "evil \u001b]0;owned\u0007 \u009b31m \u202Etxt \r over";
        var id = box.Run("start", "shell", "--quiet", "--", "echo '" + evil + "' >&2; exit 1")
            .Gives(0)
            .Text;
        box.Run("run", "--wait").Gives(3);
        foreach (
            var outcome in new[]
            {
                box.Run("status"),
                box.Run("show", id),
                box.Run("logs", id),
                box.Run("status", "--json"),
                box.Run("cancel", evil),
                box.Run("run", id),
                box.Run("start", evil, "x"),
            }
        )
        {
            Assert.DoesNotContain(
                outcome.Out + outcome.Err,
                static c => char.IsControl(c) && c is not ('\n' or '\t') || c is '\u202E'
            );
        }
    }

    private static string Teller(Sandbox box, string via)
    {
        var told = Path.Join(box.Outside, "told");
        var prompt = via == "arg" ? ", \"{prompt}\"" : "";
        box.Configure(
            $$"""
            "teller": { "command": "{{Binaries.FakeAgent}}", "args": ["tell", "{{told}}"{{prompt}}], "promptTemplate": "{userPrompt}", "promptVia": "{{via}}" }
            """
        );
        return told;
    }

    private static JsonElement Told(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.Clone();
    }

    private static string Stdin(string file) =>
        Encoding.UTF8.GetString(Told(file).GetProperty("stdin").GetBytesFromBase64());
}
