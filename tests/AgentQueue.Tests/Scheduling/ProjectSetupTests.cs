using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tests.Config;

namespace AgentQueue.Tests.Scheduling;

public sealed class ProjectSetupTests : IDisposable
{
    private readonly TempProject _project = new();
    private readonly QueueFolder _queue;

    public ProjectSetupTests() =>
        _queue = new QueueFolder(_project.Root, ProjectQueue.RealDisk, () => false);

    public void Dispose() => _project.Dispose();

    [Fact]
    public void A_new_project_has_a_configuration_without_anything_wrong()
    {
        var result = ProjectSetup.Create(_queue, searchPath: null);

        Assert.Equal(
            [
                ".agents/",
                ".agents/.gitignore",
                ".agents/agent-config.schema.json",
                ".agents/skills/README.md",
                ".agents/prompts/README.md",
                "agent-config.json",
            ],
            result.Items.Select(item => item.Path)
        );
        Assert.All(result.Items, item => Assert.True(item.Made));
        Assert.All(result.Items, item => Assert.True(Path.Exists(At(item.Path)), item.Path));
        Assert.Empty(result.Found);
        Assert.Empty(AgentConfig.Validate(_project.Root, searchPath: null));
        Assert.True(_queue.Exists);
    }

    [Fact]
    public void The_schema_stands_where_the_configuration_points()
    {
        ProjectSetup.Create(_queue, searchPath: null);

        var config = File.ReadAllText(At("agent-config.json"));
        Assert.Contains("\"$schema\": \"./.agents/agent-config.schema.json\"", config);
        Assert.Equal(ConfigSchema.Text, File.ReadAllText(At(".agents/agent-config.schema.json")));
    }

    [Fact]
    public void What_exists_is_kept_as_it_is()
    {
        _project.Write("agent-config.json", "mine");
        _project.Write(".agents/skills/README.md", "mine");

        var result = ProjectSetup.Create(_queue, searchPath: null);

        Assert.Equal("mine", File.ReadAllText(At("agent-config.json")));
        Assert.Equal("mine", File.ReadAllText(At(".agents/skills/README.md")));
        Assert.Equal(
            [".agents/", ".agents/skills/README.md", "agent-config.json"],
            result.Items.Where(i => !i.Made).Select(i => i.Path)
        );
    }

    [Fact]
    public void Doing_it_twice_changes_nothing()
    {
        ProjectSetup.Create(_queue, searchPath: null);

        Assert.All(ProjectSetup.Create(_queue, null).Items, item => Assert.False(item.Made));
    }

    [Fact]
    public void An_agent_on_the_path_gets_an_entry()
    {
        var path = _project.Program("bin/claude");

        var result = ProjectSetup.Create(_queue, path);

        Assert.Equal("claude", Assert.Single(result.Found).Name);
        Assert.Contains("claude", AgentConfig.Load(_project.Root).Configured.Keys);
    }

    private string At(string path) => Path.Join(_project.Root, path);
}
