using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class WorktreeRuleTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public void What_an_agent_says_wins_and_the_rest_is_the_projects()
    {
        var config = Load(
            """
            {
              "worktrees": { "root": "../trees", "setup": ["npm", "ci"], "setupTimeout": "5m" },
              "agents": {
                "plain": { "command": "x" },
                "always": { "command": "x", "worktree": true },
                "own": { "command": "x", "worktree": { "setup": [["make"], ["make", "db"]], "teardown": [] } },
                "never": { "command": "x", "worktree": false }
              }
            }
            """
        );

        var plain = config.WorktreesOf("plain");
        Assert.False(plain.IsDefault);
        Assert.Equal("../trees", plain.Root);
        Assert.Equal("npm ci", string.Join(' ', Assert.Single(plain.Setup!.Value)));
        Assert.Equal(TimeSpan.FromMinutes(5), plain.SetupTimeout);
        Assert.Null(plain.Teardown);
        Assert.True(config.WorktreesOf("always").IsDefault);
        Assert.False(config.WorktreesOf("never").IsDefault);
        Assert.False(config.WorktreesOf("gone").IsDefault);
        var own = config.WorktreesOf("own");
        Assert.True(own.IsDefault);
        Assert.Equal("../trees", own.Root);
        Assert.Equal(["make", "make db"], own.Setup!.Value.Select(static c => string.Join(' ', c)));
        Assert.Empty(own.Teardown!.Value);
    }

    [Theory]
    [InlineData("\"yes\"", "worktree must be true or false, not text")]
    [InlineData("{\"setup\": \"make\"}", "worktree.setup must be a list of texts, not text")]
    [InlineData("{\"setup\": [\"\"]}", "worktree.setup names no program")]
    [InlineData("{\"setup\": [[\"a\"], \"b\"]}", "worktree.setup[1] must be a list of texts")]
    [InlineData("{\"teardownTimeout\": 0}", "worktree.teardownTimeout must be at least 1s")]
    [InlineData("{\"place\": \"x\"}", "worktree.place")]
    public void What_makes_no_sense_is_refused(string value, string message) =>
        Assert.Contains(
            message,
            Assert
                .Throws<QueueException>(() =>
                    Load($$"""{"agents": {"a": {"command": "x", "worktree": {{value}} } } }""")
                )
                .Message,
            StringComparison.Ordinal
        );

    private AgentConfig Load(string json)
    {
        _project.Write(AgentConfig.FileName, json);
        return AgentConfig.Load(_project.Root);
    }
}
