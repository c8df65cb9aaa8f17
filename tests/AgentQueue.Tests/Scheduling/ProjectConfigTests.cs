using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tests.Config;

namespace AgentQueue.Tests.Scheduling;

public sealed class ProjectConfigTests : IDisposable
{
    private readonly TempProject _project = new();
    private readonly QueueFolder _queue;

    public ProjectConfigTests() =>
        _queue = new QueueFolder(_project.Root, ProjectQueue.RealDisk, () => false);

    public void Dispose() => _project.Dispose();

    [Fact]
    public void A_setting_is_stored_and_counts_from_then_on()
    {
        var line = ProjectConfig.Set(_queue, "parallel", "7");

        Assert.Equal(("7", false), (line.Value, line.IsDefault));
        Assert.Equal(7, Settings.Load(_queue.Folder).Parallel);
    }

    [Theory]
    [InlineData("paralel", "7")]
    [InlineData("parallel", "none")]
    [InlineData("parallel", "0")]
    public void What_is_refused_makes_no_file(string key, string value)
    {
        var problem = Assert.Throws<QueueException>(() => ProjectConfig.Set(_queue, key, value));

        Assert.Equal(ExitCode.Usage, problem.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(_project.Root));
    }

    [Fact]
    public void A_file_with_an_error_in_one_key_is_mended_by_setting_it()
    {
        _project.Write(".agents/settings.json", "{\n  // why\n  \"fsync\": \"banana\"\n}\n");

        ProjectConfig.Set(_queue, "fsync", "false");

        Assert.Equal(
            "{\n  // why\n  \"fsync\": false\n}\n",
            File.ReadAllText(ProjectConfig.SettingsFile(_queue))
        );
        Assert.Empty(Settings.Validate(_queue.Folder));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_left_alone()
    {
        byte[] bytes = [.. "{ \"x\": \""u8, 0xff, .. "\" }"u8];
        _project.Write(".agents/settings.json", "");
        File.WriteAllBytes(ProjectConfig.SettingsFile(_queue), bytes);

        Assert.Throws<QueueException>(() => ProjectConfig.Set(_queue, "parallel", "7"));

        Assert.Equal(bytes, File.ReadAllBytes(ProjectConfig.SettingsFile(_queue)));
    }

    [Theory]
    [InlineData(true, true, "agent-config.json and .agents/settings.json")]
    [InlineData(true, false, "agent-config.json (no .agents/settings.json)")]
    [InlineData(false, true, ".agents/settings.json (no agent-config.json)")]
    [InlineData(false, false, "neither agent-config.json nor .agents/settings.json exists")]
    public void The_files_that_there_are_are_named(bool agents, bool settings, string expected)
    {
        if (agents)
        {
            _project.Write("agent-config.json", "{}");
        }

        if (settings)
        {
            _project.Write(".agents/settings.json", "{}");
        }

        Assert.Equal(expected, ProjectConfig.Describe(_queue));
    }

    [Fact]
    public async Task Two_at_once_do_not_undo_one_another()
    {
        await Task.WhenAll(
            Enumerable
                .Range(1, 12)
                .Select(i =>
                    Task.Run(() =>
                        i % 2 == 0
                            ? ProjectConfig.Set(_queue, "parallel", "7")
                            : ProjectConfig.Set(_queue, "maxRetries", "9")
                    )
                )
        );

        var settings = Settings.Load(_queue.Folder);
        Assert.Equal((7, 9), (settings.Parallel, settings.MaxRetries));
    }
}
