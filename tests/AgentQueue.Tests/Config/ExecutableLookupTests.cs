using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public sealed class ExecutableLookupTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    private string? Find(string command, params string[] path) =>
        ExecutableLookup.Find(command, string.Join(Path.PathSeparator, path), _project.Root);

    [Fact]
    public void The_first_folder_of_PATH_that_has_the_command_wins()
    {
        var first = _project.Program("one/tool");
        var second = _project.Program("two/tool");
        Assert.Equal(Path.Join(first, "tool"), Find("tool", "/nowhere", first, second));
    }

    [Fact]
    public void A_file_without_the_execute_bit_and_a_folder_are_passed_over()
    {
        var plain = Path.GetDirectoryName(_project.Write("plain/tool", ""))!;
        var folder = Path.Join(_project.Root, "folder");
        Directory.CreateDirectory(Path.Join(folder, "tool"));
        var real = _project.Program("real/tool");
        Assert.Equal(Path.Join(real, "tool"), Find("tool", plain, folder, real));
        Assert.Null(Find("tool", plain, folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("bin")]
    public void Relative_entries_of_PATH_are_not_searched(string entry)
    {
        var script = Path.Join(Environment.CurrentDirectory, $"agentq-{Guid.NewGuid():N}");
        File.Copy(Path.Join(_project.Program("bin/tool"), "tool"), script);
        try
        {
            Assert.Null(Find(Path.GetFileName(script), entry));
        }
        finally
        {
            File.Delete(script);
        }
    }

    [Fact]
    public void A_command_with_a_slash_is_relative_to_the_project_root()
    {
        var folder = _project.Program("tools/agent");
        Assert.Equal(Path.Join(folder, "agent"), Find("tools/agent"));
        Assert.Equal(Path.Join(folder, "agent"), Find("./tools/agent"));
        Assert.Equal(Path.Join(folder, "agent"), Find(Path.Join(folder, "agent")));
        Assert.Null(Find("tools/other", folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a\0b")]
    [InlineData("./")]
    public void What_names_no_file_is_not_found(string command) =>
        Assert.Null(Find(command, "/bin", _project.Root));

    [Fact]
    public void Without_a_PATH_nothing_is_found() =>
        Assert.Null(ExecutableLookup.Find("sh", null, _project.Root));

    [Fact]
    public void A_link_to_a_program_is_found_under_its_own_name()
    {
        var folder = _project.Program("real/tool");
        var link = Path.Join(_project.Root, "link");
        File.CreateSymbolicLink(link, Path.Join(folder, "tool"));
        Assert.Equal(link, Find("./link"));
        File.Delete(Path.Join(folder, "tool"));
        Assert.Null(Find("./link"));
    }
}
