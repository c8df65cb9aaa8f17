using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AgentQueue.Models;

namespace AgentQueue.EndToEnd.RealAgents;

/// <summary>
/// Assistants that people use work with agentq by what <c>agentq setup</c> has put into the project: the skill, the
/// MCP server, the slash commands. Only the model is a stand-in.
/// </summary>
[Collection(RealAgentCollection.Name)]
public sealed partial class AssistantTests
{
    private const string Secret = "secret.txt";

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void An_assistant_that_follows_the_skill_starts_a_task_waits_and_tells_its_result(
        string assistant
    )
    {
        using var box = new AssistantBox(assistant);
        var secret = Hide(box);
        var path = Assert.Single(
            Directory.EnumerateFiles(box.Box.Folder, "SKILL.md", SearchOption.AllDirectories)
        );
        var skill = File.ReadAllText(path);
        var start = StartLine().Match(skill).Value;
        var wait = WaitLine().Match(skill).Value;
        box.Follow(
            _ => Load(assistant, path),
            _ => new Turn.Shell(
                $"{AgentWord().Replace(start, "$1shell")}\ncat {Secret}\nAGENTQ_PROMPT"
            ),
            r => new Turn.Shell(wait.Replace("ID", AssistantBox.IdIn(r))),
            r => new Turn.Shell($"agentq result {AssistantBox.IdIn(r)}"),
            // A shell command has no answer that could be read out of what it printed.
            r => new Turn.Shell($"agentq logs {AssistantBox.IdIn(r)} --tail 50"),
            Tell
        );

        var said = box.Ask("Have the secret read by a task of agentq.");

        Assert.True(said.Code == 0, box.ToString());
        var requests = box.Model.Requests;
        Assert.True(requests[0].Holds(Description().Match(skill).Value), box.ToString());
        // Its commands are the skill's own, and it has read them there.
        Assert.True(requests[1].Holds(start) && requests[1].Holds(wait), box.ToString());
        HasCome(box, said, secret);
    }

    [Theory]
    [RealAgent("claude"), RealAgent("codex"), RealAgent("opencode")]
    [RealAgent("qwen"), RealAgent("gemini"), RealAgent("copilot")]
    public void An_assistant_with_the_mcp_server_starts_a_task_waits_and_tells_its_result(
        string assistant
    )
    {
        using var box = new AssistantBox(assistant);
        var secret = Hide(box);
        Func<IReadOnlyList<string>, Turn>[] steps =
        [
            _ => Call("start", new() { ["agent"] = "shell", ["prompt"] = $"cat {Secret}" }),
            r => Call("wait", new() { ["tasks"] = new JsonArray(AssistantBox.IdIn(r)) }),
            r => Call("result", new() { ["task"] = AssistantBox.IdIn(r) }),
            Tell,
        ];
        // Qwen Code tells the model only the names, and offers what it has asked for.
        box.Follow(assistant == "qwen" ? [_ => Find("start", "wait", "result"), .. steps] : steps);

        var said = box.Ask("Have the secret read by a task of agentq.");

        Assert.True(said.Code == 0, box.ToString());
        HasCome(box, said, secret);
        Eventually.Holds(
            () => box.Box.Mine.Count == 0,
            "the server has ended with its client",
            RealAgentBox.Patience
        );
    }

    [Theory]
    [RealAgent("claude"), RealAgent("opencode"), RealAgent("qwen"), RealAgent("gemini")]
    public void Nothing_in_the_arguments_of_a_slash_command_is_run(string assistant)
    {
        using var box = new AssistantBox(assistant);
        foreach (var hostile in s_hostile)
        {
            var before = box.Model.Requests.Count;

            var said = box.Command("start", hostile);

            Assert.True(said.Code == 0, box.ToString());
            Assert.Equal([], Made(box));
            var request = box.Model.Requests[before];
            Assert.True(request.Holds("Start a task with agentq"), box.ToString());
            // OpenCode would run it, and so it gets a command that takes nothing.
            Assert.Equal(assistant != "opencode", request.Holds("pwned"));
        }
    }

    [Theory]
    [RealAgent("opencode")]
    public void What_else_opencode_has_in_its_menu_runs_nothing_either(string assistant)
    {
        using var box = new AssistantBox(assistant);

        // The skill, and the prompts of the MCP server, which it is not offered.
        box.RunCommand("agentq", s_hostile[0]).Gives(0);
        box.RunCommand("agentq:delegate", s_hostile[0]).Gives(1);
        box.RunCommand("agentq:recover", s_hostile[0]).Gives(1);

        Assert.Equal([], Made(box));
        Assert.False(Assert.Single(box.Model.Requests).Holds("pwned"), box.ToString());
    }

    [Theory]
    [RealAgent("opencode")]
    public void The_skill_runs_nothing_in_opencode_that_was_set_up_for_others(string assistant)
    {
        foreach (
            var setup in (string[][])
                [
                    ["claude"],
                    ["codex"],
                    ["codex", "--user"],
                    ["claude", "--user"],
                ]
        )
        {
            using var box = new AssistantBox(assistant, setup);
            foreach (var hostile in s_hostile)
            {
                var before = box.Model.Requests.Count;

                box.RunCommand("agentq", hostile).Gives(0);

                Assert.Equal([], Made(box));
                var request = box.Model.Requests[before];
                Assert.True(
                    request.Holds("coding agents, and plain shell commands"),
                    box.ToString()
                );
                Assert.False(request.Holds("pwned"), box.ToString());
            }
        }
    }

    [Theory]
    [RealAgent("claude"), RealAgent("qwen"), RealAgent("gemini")]
    public void What_is_typed_behind_the_skill_is_not_run_by_the_others(string assistant)
    {
        using var box = new AssistantBox(assistant);
        foreach (var hostile in s_hostile)
        {
            var before = box.Model.Requests.Count;

            var said = box.Ask($"/agentq {hostile}");

            Assert.True(said.Code == 0, box.ToString());
            Assert.Equal([], Made(box));
            // The skill drops them in OpenCode alone.
            Assert.True(box.Model.Requests[before].Holds("touch pwned"), box.ToString());
        }
    }

    [Theory]
    [RealAgent("opencode")]
    public void A_command_that_takes_arguments_would_run_them_in_opencode(string assistant)
    {
        using var box = new AssistantBox(assistant);
        box.Box.Write(".opencode/commands/unsafe.md", "The user said: $ARGUMENTS\n");

        box.RunCommand("unsafe", s_hostile[0]).Gives(0);

        // When this fails, our commands for OpenCode can take arguments, as those for the others do.
        Assert.NotEmpty(Made(box));
    }

    // Of every form in which one of them runs a shell or reads a file, and of some that come near.
    private static readonly string[] s_hostile =
    [
        "shell !`touch pwned` !{touch pwned} $(touch pwned) `touch pwned` @{pwned} \"q' $1 $ARGUMENTS {{args}}",
        "shell x!`touch pwned`\n```!\ntouch pwned\n```\n!!`touch pwned` '!`touch' 'pwned`' \\!`touch pwned`",
    ];

    private static IEnumerable<string> Made(AssistantBox box) =>
        new[] { box.Box.Folder, box.Box.Home, box.Box.Outside }.SelectMany(static f =>
            Directory.EnumerateFiles(f, "pwned*", SearchOption.AllDirectories)
        );

    // Something that nobody can know who has not read the file.
    private static string Hide(AssistantBox box)
    {
        var secret = $"secret-{Guid.NewGuid():N}";
        box.Box.Write(Secret, secret + "\n");
        return secret;
    }

    private static Turn Load(string assistant, string path) =>
        assistant switch
        {
            "claude" => new Turn.Tool("Skill", new() { ["skill"] = "agentq" }),
            "qwen" or "copilot" => new Turn.Tool("skill", new() { ["skill"] = "agentq" }),
            "gemini" => new Turn.Tool("activate_skill", new() { ["name"] = "agentq" }),
            // Codex has no tool for it; OpenCode's lists the skill's files by a program that it would download.
            _ => new Turn.Shell($"cat '{path}'"),
        };

    private static Turn.Tool Call(string tool, JsonObject arguments) =>
        new($"agentq/{tool}", arguments);

    private static Turn.Tool Find(params string[] tools) =>
        new(
            "tool_search",
            new()
            {
                ["query"] =
                    "select:" + string.Join(',', tools.Select(static t => $"mcp__agentq__{t}")),
            }
        );

    private static Turn.Say Tell(IReadOnlyList<string> results) =>
        new($"The task says: {SecretText().Match(results[^1]).Value}");

    private static void HasCome(AssistantBox box, Outcome said, string secret)
    {
        Assert.True(
            said.Out.Contains($"The task says: {secret}", StringComparison.Ordinal),
            box.ToString()
        );
        var id = Assert.Single(box.Box.Ids);
        Assert.Equal("complete", box.Box.Task(id).Status);
        Assert.Contains(
            ModelServer.Results(box.Model.Requests[^1]),
            r =>
                r.Contains(id, StringComparison.Ordinal)
                && r.Contains("complete", StringComparison.Ordinal)
        );
        Assert.Empty(box.Model.Faults);
    }

    [GeneratedRegex("^agentq start .*$", RegexOptions.Multiline)]
    private static partial Regex StartLine();

    [GeneratedRegex("^agentq wait ID.*$", RegexOptions.Multiline)]
    private static partial Regex WaitLine();

    [GeneratedRegex("(agentq start )[a-z]+")]
    private static partial Regex AgentWord();

    [GeneratedRegex("(?<=^description: \"?)[^\".]+", RegexOptions.Multiline)]
    private static partial Regex Description();

    [GeneratedRegex("secret-[0-9a-f]{32}")]
    private static partial Regex SecretText();
}
