using System.Text;
using System.Text.Json.Nodes;
using AgentQueue.Assistants;

namespace AgentQueue.Tests.Assistants;

public sealed class SetupManifestTests
{
    private static readonly SetupManifest s_some = new(
        [new OurFile(".claude/skills/agentq/SKILL.md", "00ff", ["claude"])],
        [
            new OurEntry(
                "opencode.json",
                "json",
                ["mcp", "agentq"],
                new JsonObject { ["type"] = "local" },
                "\n  \"mcp\": {},",
                true,
                ["opencode"]
            ),
        ],
        [".claude", ".claude/skills"]
    );

    [Fact]
    public void What_was_written_is_read()
    {
        var read = SetupManifest.Read(s_some.Write(), "x", mayBeElsewhere: false);
        Assert.Equal(s_some.Write(), read.Write());
        Assert.Equal(["claude", "opencode"], read.Assistants);
        Assert.False(read.IsEmpty);
    }

    [Fact]
    public void Cut_anywhere_it_is_refused_with_a_sentence()
    {
        var whole = s_some.Write();
        for (var length = 0; length < whole.Length - 1; length++)
        {
            var cut = whole[..length];
            Assert.Contains(
                "cannot be used",
                Assert.Throws<QueueException>(() => SetupManifest.Read(cut, "x", false)).Message,
                StringComparison.Ordinal
            );
        }
    }

    [Theory]
    [InlineData("src/main.c")]
    [InlineData("/etc/agentq/x")]
    [InlineData("../agentq/x")]
    [InlineData("a/../../agentq/x")]
    [InlineData("agentq//x")]
    [InlineData("a\\agentq")]
    [InlineData("")]
    public void A_file_that_agentq_never_makes_is_refused(string path)
    {
        var text = Encoding
            .UTF8.GetString(s_some.Write())
            .Replace(".claude/skills/agentq/SKILL.md", path.Replace("\\", "\\\\"));
        Assert.Throws<QueueException>(() =>
            SetupManifest.Read(Encoding.UTF8.GetBytes(text), "x", mayBeElsewhere: false)
        );
    }

    [Theory]
    [InlineData("\"agentq\"\n", "\"other\"\n")]
    [InlineData("\"format\": \"json\"", "\"format\": \"xml\"")]
    [InlineData("\"version\": 1", "\"version\": 2")]
    [InlineData("\"folders\"", "\"fodlers\"")]
    [InlineData("\"path\": \"opencode.json\"", "\"path\": \"../opencode.json\"")]
    public void Anything_else_that_it_never_says_is_refused(string from, string to)
    {
        var text = Encoding.UTF8.GetString(s_some.Write());
        Assert.Contains(from, text, StringComparison.Ordinal);
        Assert.Throws<QueueException>(() =>
            SetupManifest.Read(Encoding.UTF8.GetBytes(text.Replace(from, to)), "x", false)
        );
    }

    [Fact]
    public void That_of_a_user_may_name_the_folder_of_a_variable()
    {
        var elsewhere = s_some with
        {
            Files = [new OurFile("/opt/claude/skills/agentq/SKILL.md", "00", ["claude"])],
        };
        Assert.Single(SetupManifest.Read(elsewhere.Write(), "x", mayBeElsewhere: true).Files);
        Assert.Throws<QueueException>(() => SetupManifest.Read(elsewhere.Write(), "x", false));
    }
}
