using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class AdapterVersionTests
{
    [Theory]
    [InlineData("2.1.197 (Claude Code)\n", "2.1.197")]
    [InlineData("codex-cli 0.169.0", "0.169.0")]
    [InlineData("GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check.", "1.0.102")]
    [InlineData("v0.5.0-beta.2+abc is not it: 1.2.3-rc.1", "1.2.3-rc.1")]
    [InlineData("2026.08.01-abc1234", "2026.08.01-abc1234")]
    [InlineData("warning: node 22\n\u001b[1mtool\u001b[0m 1.10", "1.10")]
    [InlineData("unknown option --version", null)]
    [InlineData("7", null)]
    [InlineData("", null)]
    public void The_version_is_found_in_an_answer(string answer, string? version) =>
        Assert.Equal(version, AdapterVersion.Find(answer));

    [Theory]
    [InlineData("2.1.197", "Tested", "as tested")]
    [InlineData("2.1.197-rc1", "Tested", "as tested")]
    [InlineData("2.1.198", "Newer", "newer than tested (2.1.197)")]
    [InlineData("2.10.0", "Newer", "newer than tested (2.1.197)")]
    [InlineData("2.1", "Older", "older than tested (2.1.197)")]
    [InlineData("2.0.0", "Older", "older than tested (2.1.197)")]
    [InlineData("1.99.99", "Unsupported", "older than 2.0.0: not supported")]
    [InlineData("99999999999999999999.1", "Unsupported", "older than 2.0.0: not supported")]
    [InlineData(null, "Unknown", "-")]
    public void It_is_compared_by_its_numbers(string? version, string standing, string text)
    {
        var known = new AdapterVersion(["--version"], "2.1.197", "2.0.0");
        Assert.Equal(standing, known.Judge(version).ToString());
        Assert.Equal(text, known.Describe(known.Judge(version)));
    }

    [Fact]
    public void An_adapter_that_was_never_tried_says_so()
    {
        var known = new AdapterVersion(["--version"], null, null);
        Assert.Equal("never tried", known.Describe(known.Judge("1.0")));
        Assert.Equal("-", known.Describe(known.Judge(null)));
    }
}
