using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

/// <summary>Adapters in the folders of the project and the user.</summary>
public sealed class AdapterFilesTests : IDisposable
{
    private const string Good = """{ "command": "mine", "promptVia": "stdin" }""";
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public void Every_adapter_of_the_project_is_checked_with_file_and_line()
    {
        _project.Write(".agents/adapters/newcli.json", "{ broken");
        _project.Write(
            ".agents/adapters/other.json",
            "{ \"promptVia\": \"stdin\",\n\"comand\": \"x\",\n\"args\": 1 }"
        );
        _project.Write(".agents/adapters/fine.json", Good);
        var problems = AgentConfig
            .Validate(_project.Root, searchPath: null)
            .Select(static p => $"{p.Severity} {p}")
            .ToList();
        Assert.StartsWith(
            "Error .agents/adapters/newcli.json:1: this is not JSON",
            problems[0],
            StringComparison.Ordinal
        );
        Assert.Equal(
            [
                "Error .agents/adapters/other.json:2: comand is not a known key; did you mean 'command'?",
                "Error .agents/adapters/other.json:3: args must be a list of texts, not a number",
                "Error .agents/adapters/other.json:1: command is missing: the program to start",
            ],
            problems[1..]
        );
    }

    [Fact]
    public void Adapters_are_checked_beside_a_configuration_that_cannot_be_read()
    {
        Directory.CreateDirectory(Path.Join(_project.Root, AgentConfig.FileName));
        _project.Write(".agents/adapters/newcli.json", "[]");
        Assert.Equal(
            [AgentConfig.FileName, ".agents/adapters/newcli.json"],
            AgentConfig.Validate(_project.Root, searchPath: null).Select(static p => p.File)
        );
    }

    [Fact]
    public void A_broken_one_names_the_command_that_tells_all()
    {
        var file = _project.Write(".agents/adapters/newcli.json", "{ broken");
        var refused = Assert.Throws<QueueException>(() =>
            new Adapters(_project.Root, null).Find("newcli")
        );
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains($"agentq agents check {file}", refused.Hint, StringComparison.Ordinal);
    }

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
