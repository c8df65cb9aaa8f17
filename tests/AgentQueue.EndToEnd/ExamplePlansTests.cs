using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>Each plan of <c>examples/</c> does what its first line says.</summary>
public sealed class ExamplePlansTests
{
    private static readonly string s_folder = Path.Join(Binaries.Repository, "examples");

    [Theory]
    [InlineData("basic.yaml", 0, "write complete, read complete")]
    [InlineData(
        "parallel.yaml",
        0,
        "prepare complete, measure-one complete, measure-two complete, measure-three complete, compare complete"
    )]
    [InlineData(
        "release.yaml",
        0,
        "lint complete, build-linux complete, build-mac complete, test complete, pack complete, report skipped"
    )]
    [InlineData(
        "retry.yaml",
        3,
        "flaky complete, broken failed, pack skipped, tidy complete, explain complete"
    )]
    public void It_ends_as_it_says(string name, int exit, string states)
    {
        using var box = new Sandbox();
        Copy(box, name);

        box.Run("plan", "run", name).Gives(exit);

        Assert.Equal(states, States(box));
    }

    [Fact]
    public void What_asks_waits_for_the_answer()
    {
        using var box = new Sandbox();
        Copy(box, "approval.yaml");

        box.Run("plan", "run", "approval.yaml", "--detach", "--set", "version=2").Gives(0);
        Eventually.Holds(() => States(box) == "check complete, publish approval", "publish asks");
        Assert.False(File.Exists(Path.Join(box.Folder, "published.txt")));
        box.Run("plan", "approve", "last", "publish").Gives(0);
        box.Run("plan", "status", "last", "--watch").Gives(0);

        Assert.Equal("published 2\n", File.ReadAllText(Path.Join(box.Folder, "published.txt")));
    }

    [Fact]
    public void None_is_left_out_here()
    {
        var names = Directory.EnumerateFiles(s_folder, "*.yaml").Select(Path.GetFileName).Order();

        Assert.Equal(
            ["approval.yaml", "basic.yaml", "parallel.yaml", "release.yaml", "retry.yaml"],
            names
        );
    }

    [Fact]
    public void The_picture_in_the_readme_is_what_plan_graph_draws()
    {
        using var box = new Sandbox();
        Copy(box, "release.yaml");
        var drawn = box.Run("plan", "graph", "release.yaml", "--format", "svg").Gives(0).Out;

        Assert.Equal(File.ReadAllText(Path.Join(Binaries.Repository, "docs/release.svg")), drawn);
    }

    [Fact]
    public void The_readme_shows_the_plan_as_it_is() =>
        Assert.Contains(
            $"```yaml\n{File.ReadAllText(Path.Join(s_folder, "release.yaml"))}```\n",
            File.ReadAllText(Path.Join(Binaries.Repository, "README.md")),
            StringComparison.Ordinal
        );

    private static void Copy(Sandbox box, string name) =>
        box.Write(name, File.ReadAllText(Path.Join(s_folder, name)));

    private static string States(Sandbox box)
    {
        using var json = JsonDocument.Parse(box.Run("plan", "status", "--json").Gives(0).Out);
        return string.Join(
            ", ",
            json.RootElement.GetProperty("tasks")
                .EnumerateArray()
                .Select(static t =>
                    $"{t.GetProperty("id").GetString()} {t.GetProperty("state").GetString()}"
                )
        );
    }
}
