using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

/// <summary>Adapters in the folders of the project and the user.</summary>
public sealed class AdapterFilesTests : IDisposable
{
    private const string Good = """{ "command": "mine", "promptVia": "stdin" }""";
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public void An_empty_file_counts_as_none()
    {
        _project.Write("user/claude.json", Good);
        _project.Write(".agents/adapters/claude.json", "");
        _project.Write(".agents/adapters/new.json", "");
        var adapters = new Adapters(_project.Root, Path.Join(_project.Root, "user"));
        Assert.Equal("mine", adapters.Find("claude").Command);
        Assert.False(adapters.IsOfProject("claude"));
        Assert.False(adapters.Has("new"));
        Assert.DoesNotContain("new", adapters.Names.Select(static n => n.Name));
        Assert.Contains(("claude", AdapterSource.User), adapters.Names);
        File.WriteAllText(Path.Join(_project.Root, "user", "claude.json"), "");
        Assert.Equal(
            "claude",
            new Adapters(_project.Root, Path.Join(_project.Root, "user")).Find("claude").Command
        );
    }
}
