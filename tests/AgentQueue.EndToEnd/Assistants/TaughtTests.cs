using System.Text.RegularExpressions;

namespace AgentQueue.EndToEnd.Assistants;

/// <summary>An assistant does what the skill and the commands tell it to.</summary>
public sealed partial class TaughtTests
{
    private const string Skill = ".claude/skills/agentq/SKILL.md";

    [Fact]
    public void No_command_line_that_is_taught_is_misunderstood()
    {
        using var box = new Sandbox();
        box.Run("setup", "claude").Gives(0);
        var texts = Directory
            .EnumerateFiles(Path.Join(box.Folder, ".claude"), "*.md", SearchOption.AllDirectories)
            .Select(File.ReadAllText);
        var lines = texts
            .SelectMany(static t => InText().Matches(t))
            .Select(static m => m.Groups[1].Value.ReplaceLineEndings(" "))
            .Distinct()
            .ToList();
        Assert.InRange(lines.Count, 30, 100);

        box.Run("plan", "new", "NAME").Gives(0);
        foreach (
            var line in lines.Where(static l => l is not ("agentq mcp" or "agentq plan new NAME"))
        )
        {
            var id = box.Enqueue("exit 1");
            // Those that read the standard input take no empty text from it.
            var reads = $"{line} ".Contains(" - ", StringComparison.Ordinal);
            var ended = box.Sh($"{(reads ? "echo more" : ":")} | {Filled(line, id)}");
            Assert.False(ended.Code is 2 or 70 or 127, ended.ToString());
        }
    }

    [Theory]
    [InlineData(Skill, "claude")]
    [InlineData(".claude/commands/agentq/start.md", "AGENT")]
    public void A_prompt_in_the_taught_document_arrives_word_for_word(string file, string agent)
    {
        using var box = new Sandbox();
        box.Run("setup", "claude").Gives(0);
        var text = File.ReadAllText(Path.Join(box.Folder, file));
        var script = Script().Match(text).Groups[1].Value.Replace($" {agent} ", " shell ");
        var prompt =
            $"echo '$(touch {box.Outside}/pwned)' `touch {box.Outside}/pwned` \"$HOME\" \\\\ !x";
        var lines = script.Split('\n');
        box.Sh(string.Join('\n', [lines[0].Replace(" --run", ""), prompt, lines[^1]])).Gives(0);

        Assert.Equal(prompt, box.Task(Assert.Single(box.Ids)).Text("prompt")!.TrimEnd('\n'));
        Assert.False(File.Exists(Path.Join(box.Outside, "pwned")));
    }

    [Fact]
    public void Following_the_skill_a_task_is_started_waited_for_and_read()
    {
        using var box = new Sandbox();
        var id = box.Sh(
                "agentq start shell - --run --quiet <<'AGENTQ_PROMPT'\necho the answer is 42\nAGENTQ_PROMPT"
            )
            .Gives(0)
            .Text;
        box.Run("wait", id, "--timeout", "45s").Gives(0);
        Assert.Contains(
            "the answer is 42",
            box.Run("logs", id, "--tail", "50").Gives(0).Out,
            StringComparison.Ordinal
        );

        var slow = box.Enqueue("sleep 60", "--run");
        box.Run("wait", slow, "--timeout", "1s").Gives(5);
        box.Run("timeout", "extend", slow, "10m").Gives(0, 1);
        box.Run("cancel", slow).Gives(0);
        box.Run("wait", slow, "--timeout", "45s").Gives(4);
    }

    private static string Filled(string line, string id) =>
        Placeholder()
            .Replace(
                line.Replace("45s", "1s").Replace("ID,ID", id).Replace("ID…", id),
                m =>
                    m.Value switch
                    {
                        "ID" => id,
                        "N" => "2",
                        "TIME" => "5m",
                        "WHAT" => "cancelled",
                        "VERB" => "status",
                        "FILE" => "plans/NAME.yaml",
                        "EVENT" => "saved",
                        _ => m.Value,
                    }
            );

    [GeneratedRegex("`(agentq [^`]+)`")]
    private static partial Regex InText();

    [GeneratedRegex("```sh\n(agentq start .*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex(@"\b[A-Z]+\b")]
    private static partial Regex Placeholder();
}
