using AgentQueue.Server.Mcp;

namespace AgentQueue.Tests.Server;

public sealed class QueuePromptsTests
{
    [Theory]
    [InlineData("claude-code", true)]
    [InlineData("test", true)]
    [InlineData("opencode", false)]
    [InlineData("OpenCode-desktop", false)]
    [InlineData(null, false)]
    public void Who_may_run_what_is_typed_behind_a_prompt_is_offered_none(
        string? client,
        bool isSafe
    ) => Assert.Equal(isSafe, QueuePrompts.AreSafeIn(client));

    [Fact]
    public void Arguments_stand_in_the_text_as_data_and_nothing_else_of_a_task_does()
    {
        var prompt = QueuePrompts.Get("delegate", static a => $"<{a}>")!;

        var text = (
            (ModelContextProtocol.Protocol.TextContentBlock)prompt.Messages[0].Content
        ).Text;
        Assert.Contains("<task>\n<task>\n</task>", text, StringComparison.Ordinal);
        Assert.Contains("'<agent>'", text, StringComparison.Ordinal);
        Assert.Null(QueuePrompts.Get("nosuch", static _ => ""));
        Assert.Throws<QueueException>(() => QueuePrompts.Get("delegate", static _ => null));
    }
}
