using System.Text.Json.Nodes;
using AgentQueue.Assistants;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Assistants;

public sealed class KnownAssistantsTests
{
    public static TheoryData<string> Names => [.. KnownAssistants.Names];

    [Fact]
    public void There_are_ten_of_them() =>
        Assert.Equal(
            [
                "amp",
                "claude",
                "codex",
                "copilot",
                "cursor",
                "droid",
                "gemini",
                "goose",
                "opencode",
                "qwen",
            ],
            KnownAssistants.Names
        );

    [Theory]
    [InlineData("cluade", "claude")]
    [InlineData("claude-code", "claude")]
    [InlineData("github-copilot", "copilot")]
    public void A_misspelt_one_is_told_with_the_nearest(string name, string nearest) =>
        Assert.Contains(
            $"did you mean '{nearest}'?",
            Assert.Throws<QueueException>(() => KnownAssistants.Find(name)).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [MemberData(nameof(Names))]
    public void Everything_that_is_made_for_one_has_our_name_in_its_path(string name)
    {
        var assistant = KnownAssistants.Find(name);
        foreach (var files in (AssistantFiles[])[assistant.Project, assistant.User])
        {
            Assert.EndsWith("/skills/agentq/SKILL.md", files.Skill, StringComparison.Ordinal);
            if (files.Commands is { } commands)
            {
                Assert.NotNull(assistant.Style);
                Assert.Matches("/agentq[/-]\\{verb\\}\\.", commands);
            }

            Assert.All(files.Entries, static e => Assert.Equal("agentq", e.Path[^1]));
            Assert.All(files.Entries, static e => Assert.Equal(2, e.Path.Length));
            Assert.All(files.Entries, static e => EntryFormat.Named(e.Format));
            Assert.NotEmpty(files.Signs);
        }

        Assert.NotEmpty(assistant.Programs);
        Assert.NotEmpty(assistant.User.Entries);
    }

    [Fact]
    public void Two_that_share_an_entry_want_the_same()
    {
        foreach (var isUser in (bool[])[false, true])
        {
            var entries = KnownAssistants
                .All.SelectMany(a => a.FilesOf(isUser).Entries)
                .SelectMany(static e =>
                    e.Files.Select(f => (Key: $"{f} {string.Join('/', e.Path)}", e.Entry))
                )
                .GroupBy(static e => e.Key, static e => e.Entry);
            Assert.All(
                entries,
                static g => Assert.All(g, e => Assert.True(JsonNode.DeepEquals(e, g.First())))
            );
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_page_for_users_names_every_place(string name)
    {
        var page = File.ReadAllText(Repository.PathOf("docs/assistants.md"));
        var assistant = KnownAssistants.Find(name);
        var row = page.Split('\n')
            .Single(l => l.StartsWith($"| `{name}` ", StringComparison.Ordinal));
        Assert.Contains(assistant.Title, row, StringComparison.Ordinal);
        Assert.Contains(assistant.Project.Skill.Split("agentq/")[0], row, StringComparison.Ordinal);
        Assert.Equal(assistant.Style is null, row.Contains("| none", StringComparison.Ordinal));
        if (assistant.Project.Commands is { } commands)
        {
            Assert.Contains(
                commands.Split("{verb}")[0].TrimEnd('-'),
                row,
                StringComparison.Ordinal
            );
        }

        Assert.All(
            assistant.Project.Entries.SelectMany(static e => e.Files),
            f => Assert.Contains($"`{f}`", row, StringComparison.Ordinal)
        );
        Assert.All(
            assistant.User.Entries,
            e => Assert.Contains($"`~/{HomePath(e.Files[^1])}`", page, StringComparison.Ordinal)
        );
    }

    private static string HomePath(string path) =>
        SetupPlace.OfUser(static n => n == "HOME" ? "/h" : null).KeyOf(path);

    [Theory]
    [MemberData(nameof(Names))]
    public void Who_keeps_servers_only_for_the_user_says_so(string name)
    {
        var project = KnownAssistants.Find(name).Project;
        Assert.True(
            !project.Entries.IsEmpty
                || project.Note?.Contains($"agentq setup {name} --user", StringComparison.Ordinal)
                    == true
        );
    }
}
