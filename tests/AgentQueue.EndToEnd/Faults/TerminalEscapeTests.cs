using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Fifty texts that would steer a terminal, as prompts, names, labels, output, errors and misspelt input:
/// nothing of any verb reaches a terminal or a pipe that could.
/// </summary>
public sealed class TerminalEscapeTests
{
    [Fact]
    [Trait("Fault", "S8")]
    public void Through_a_pipe() =>
        Fault.Inject("S8", fault => Show(fault, throughTerminal: false));

    [Needs(Machine.Script)]
    [Trait("Fault", "S8")]
    public void On_a_terminal() => Fault.Inject("S8", fault => Show(fault, throughTerminal: true));

    private static void Show(Fault fault, bool throughTerminal)
    {
        using var box = new Sandbox();
        box.Settings("\"fsync\": false");
        // Colours of its own could not be told from those of data.
        box.Environment["NO_COLOR"] = "1";
        box.Environment["TERM"] = "xterm";
        var texts = HostileText.Corpus.Where(IsText).ToList();
        var ids = Queue(box, texts);
        var first = ids[0];
        string[][] whole =
        [
            ["status", "--all"],
            ["status", "--all", "--json"],
            ["status", "--all", "--format", "csv"],
            ["deps", "show", ids[^1]],
            ["run", "--dry-run"],
            ["doctor"],
            ["config", "show"],
            ["agents"],
            ["wait", .. ids],
            ["__complete", "=", "show"],
            ["__complete", "=", "logs"],
        ];
        foreach (var line in whole)
        {
            IsHarmless(box, line, throughTerminal);
        }

        var each = texts
            .Select((text, i) => (Text: text, Id: i < ids.Count ? ids[i] : first))
            .ToList();
        Parallel.ForEach(
            each,
            new ParallelOptions { MaxDegreeOfParallelism = 3 },
            item =>
            {
                fault.Injected();
                IsHarmless(box, ["show", item.Id], throughTerminal);
                IsHarmless(box, ["show", item.Id, "--json"], throughTerminal);
                IsHarmless(box, ["logs", item.Id], throughTerminal);
                if (item.Text.Contains('\0', StringComparison.Ordinal))
                {
                    return;
                }

                var turn = 0;
                foreach (
                    var line in new string[][]
                    {
                        [item.Text],
                        [item.Text, "--help"],
                        ["show", "--", item.Text],
                        ["start", "--", item.Text, "x"],
                        ["start", "shell", "x", "--" + item.Text],
                        ["start", "shell", "x", "--priority", item.Text],
                        ["start", "shell", "x", "--cwd", item.Text],
                        ["start", "shell", "--prompt-file", item.Text],
                        ["status", "--label", item.Text],
                        ["status", "--root", item.Text],
                        ["config", "set", item.Text, item.Text],
                        ["completion", item.Text],
                        ["import", item.Text],
                        ["__complete", "=" + item.Text, "show"],
                    }
                )
                {
                    // On a terminal, which costs three processes, each text by some of them.
                    if (!throughTerminal || Fault.IsLong || turn++ % 4 == item.Text.Length % 4)
                    {
                        IsHarmless(box, line, throughTerminal);
                    }
                }
            }
        );
    }

    // Tasks with each text as prompt, name and label, run by an agent that prints and reports it.
    private static List<string> Queue(Sandbox box, List<string> texts)
    {
        box.Configure(
            """
            "echo": { "command": "sh", "args": ["-c", "cat; cat >&2 < .agents/run/$AGENTQ_TASK_ID.prompt; cp .agents/run/$AGENTQ_TASK_ID.prompt .agents/tasks/$AGENTQ_TASK_ID.error"], "promptTemplate": "{userPrompt}", "promptVia": "stdin", "exitGrace": "1s" }
            """
        );
        var lines = new StringBuilder();
        foreach (var text in texts)
        {
            // A prompt may hold all but a NUL.
            var prompt = "p" + text.Replace("\0", "", StringComparison.Ordinal);
            lines.Append(
                JsonSerializer.Serialize(
                    new Dictionary<string, object>
                    {
                        ["agent"] = "echo",
                        ["prompt"] = prompt,
                        ["name"] = prompt,
                        ["labels"] = new Dictionary<string, string> { ["k"] = prompt },
                    }
                )
            );
            lines.Append('\n');
        }

        box.RunWith(Encoding.UTF8.GetBytes(lines.ToString()), "start", "--batch", "-").Gives(0);
        var ids = box.Ids;
        box.Sh("agentq run --drain --parallel 4 --wait", seconds: 60).Gives(3);
        Assert.Equal(texts.Count, ids.Count);
        Assert.All(box.Tasks, static t => Assert.Equal("error", t.Reason));
        return [.. ids];
    }

    private static void IsHarmless(Sandbox box, string[] line, bool throughTerminal)
    {
        var outcome = throughTerminal ? OnTerminal(box, line) : box.Run(line);
        var shown = outcome.Out + outcome.Err;
        if (throughTerminal)
        {
            // The terminal's own line ends.
            shown = shown.Replace("\r\n", "\n", StringComparison.Ordinal);
        }

        foreach (var rune in shown.EnumerateRunes())
        {
            Assert.False(
                rune.Value
                    is < 0x20
                        and not ('\n' or '\t')
                        or >= 0x7F
                        and < 0xA0
                        or 0x2028
                        or 0x2029
                    || (!rune.IsAscii && Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format),
                $"U+{rune.Value:X4} was shown by {outcome}"
            );
        }

        Assert.NotEqual(70, outcome.Code);
    }

    // By way of a script, whose words need no quoting that could change them.
    private static Outcome OnTerminal(Sandbox box, string[] line)
    {
        var words = string.Join(
            ' ',
            line.Select(static w => "'" + w.Replace("'", "'\\''", StringComparison.Ordinal) + "'")
        );
        var file = Path.Join(box.Outside, Path.GetRandomFileName());
        File.WriteAllText(file, "agentq " + words + "\n");
        using var run = box.Program("/usr/bin/script", null, "-qec", "sh " + file, "/dev/null");
        return run.End();
    }

    private static bool IsText(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !char.IsSurrogatePair(text, i++))
            {
                return false;
            }
        }

        return true;
    }
}
