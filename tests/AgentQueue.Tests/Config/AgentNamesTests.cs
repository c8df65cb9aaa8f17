using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

/// <summary>Where a configuration names agents, and what those can be held to.</summary>
public sealed class AgentNamesTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    [Theory]
    [InlineData(
        "\"budgets\": [{ \"usd\": 1, \"agent\": \"revewer\" }]",
        "agent-config.json:3: budgets[0].agent names 'revewer', and there is no such agent; did you mean 'reviewer'?"
    )]
    [InlineData(
        "\"agents\": { \"a\": { \"adapter\": \"claude\", \"fallback\": [\"codx\"] } }",
        "agent-config.json:3: agents.a.fallback names 'codx', and there is no such agent; did you mean 'codex'?"
    )]
    [InlineData(
        "\"agents\": { \"a\": { \"adapter\": \"claude\", \"onLimit\": \"fallback:codx\" } }",
        "agent-config.json:3: agents.a.onLimit names 'codx', and there is no such agent; did you mean 'codex'?"
    )]
    [InlineData(
        "\"agents\": { \"a\": { \"adapter\": \"claude\", \"fallback\": [\"codex\", \"a\"] } }",
        "agent-config.json:3: agents.a.fallback names the agent itself"
    )]
    [InlineData(
        "\"agents\": { \"a\": { \"adapter\": \"claude\", \"onLimit\": \"fallback:a\" } }",
        "agent-config.json:3: agents.a.onLimit names the agent itself"
    )]
    [InlineData(
        "\"agents\": { \"a\": { \"adapter\": \"codex\", \"maxUsd\": 1 } }",
        "agent-config.json:3: agents.a.maxUsd cannot be held: Codex tells no dollars; use maxTokens"
    )]
    [InlineData(
        "\"agents\": { \"a\": { \"command\": \"sh\", \"promptVia\": \"stdin\", \"maxUsd\": 1 } }",
        "agent-config.json:3: agents.a.maxUsd cannot be held: it has no adapter that tells dollars"
    )]
    public void What_nobody_can_do_is_an_error(string part, string problem) =>
        Assert.Contains(problem, Errors(part));

    [Theory]
    [InlineData(
        "\"budgets\": [{ \"usd\": 1, \"agent\": \"claude\" }, { \"turns\": 1, \"agent\": \"shell\" }]"
    )]
    [InlineData("\"budgets\": [{ \"usd\": 1, \"agent\": \"own\" }]")]
    [InlineData(
        "\"agents\": { \"a\": { \"adapter\": \"claude\", \"fallback\": [\"reviewer\", \"codex\"] } }"
    )]
    [InlineData("\"agents\": { \"a\": { \"adapter\": \"claude\", \"maxUsd\": 1 } }")]
    [InlineData("\"agents\": { \"a\": { \"adapter\": \"opencode\", \"maxUsd\": 1 } }")]
    public void Agents_and_adapters_may_be_named(string part)
    {
        _project.Write(
            ".agents/adapters/own.json",
            """{ "command": "sh", "promptVia": "stdin" }"""
        );
        Assert.Empty(Errors(part));
    }

    [Fact]
    public void With_opencode_any_name_is_an_agent()
    {
        var path = _project.Program("bin/opencode");
        Assert.Empty(Errors("\"budgets\": [{ \"usd\": 1, \"agent\": \"build\" }]", path));
    }

    // In a file of its own, so that its agents stand beside those of the part.
    private IEnumerable<string> Errors(string part, string searchPath = "/nowhere")
    {
        _project.Write("more.json", """{ "agents": { "reviewer": { "adapter": "claude" } } }""");
        _project.Write(
            AgentConfig.FileName,
            $$"""
            {
            "include": ["more.json"],
            {{part}}
            }
            """
        );
        return AgentConfig
            .Validate(_project.Root, searchPath)
            .Where(static p => p.IsError)
            .Select(static p => p.ToString());
    }
}
