using System.Text.Json;
using AgentQueue.Cli.Commands;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Tests.Config;
using AgentQueue.Tests.Output;

namespace AgentQueue.Tests.Commands;

public sealed class AgentDetailsTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public void What_an_agent_says_of_its_worktrees_is_shown()
    {
        var view = Agent(
            """{ "root": "~/trees", "setup": [["npm", "ci"], ["sh", "-c", "make db"]], "setupTimeout": "2m", "teardown": [] }"""
        );

        var text = Text(view);
        Assert.Contains(
            """
              worktree        one for each of its tasks
              root            ~/trees
              setup           npm ci
              setup           sh -c 'make db'
              setupTimeout    2m
              teardown        none

            """,
            text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("teardownTimeout", text, StringComparison.Ordinal);
        Assert.Equal(
            """{"root":"~/trees","setup":[["npm","ci"],["sh","-c","make db"]],"setupTimeout":120,"teardown":[],"teardownTimeout":null}""",
            Json(view)
        );
    }

    [Fact]
    public void An_agent_that_only_wants_one_leaves_the_rest_open()
    {
        var view = Agent("true");

        Assert.Contains("worktree        one for", Text(view), StringComparison.Ordinal);
        Assert.Equal(
            """{"root":null,"setup":null,"setupTimeout":null,"teardown":null,"teardownTimeout":null}""",
            Json(view)
        );
    }

    [Fact]
    public void An_agent_without_worktrees_has_none()
    {
        var view = Agent("false");

        Assert.DoesNotContain("worktree", Text(view), StringComparison.Ordinal);
        Assert.Equal("null", Json(view));
    }

    private AgentView Agent(string worktree)
    {
        _project.Write(
            AgentConfig.FileName,
            $$"""{ "agents": { "a": { "command": "x", "worktree": {{worktree}} } } }"""
        );
        return AgentView.Broken(AgentConfig.Load(_project.Root).Find("a"), "it is not looked for");
    }

    private static string Text(AgentView view)
    {
        var output = new MemoryStandardStream();
        var screen = new Screen(output, new MemoryStandardStream(), static _ => null);
        AgentDetails.Print(screen, view);
        screen.Flush();
        return output.Text;
    }

    private static string Json(AgentView view)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            AgentReply.Write(writer, "agent"u8, view);
            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.GetProperty("agent").GetProperty("worktree").GetRawText();
    }
}
