namespace AgentQueue.EndToEnd;

/// <summary>What an agent is told around its prompt.</summary>
public sealed class PromptTests
{
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
    public void An_option_behind_the_two_dashes_is_said_to_be_text()
    {
        using var box = new Sandbox();
        Assert.Contains(
            "'--run' stands behind --",
            box.Run("start", "shell", "--", "true", "--run").Gives(2).Err,
            StringComparison.Ordinal
        );
        Assert.Empty(box.Ids);
    }

    [Fact]
    public void The_shell_takes_a_prompt_that_begins_with_a_dash_for_a_command()
    {
        using var box = new Sandbox();
        box.Run("start", "shell", "--wait", "--", "-n; echo went on").Gives(0);
        Assert.Contains(
            "went on",
            box.Run("logs", box.Ids[0]).Gives(0).Out,
            StringComparison.Ordinal
        );
    }
}
