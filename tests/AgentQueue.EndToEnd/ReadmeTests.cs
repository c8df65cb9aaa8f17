namespace AgentQueue.EndToEnd;

public sealed class ReadmeTests
{
    [Fact]
    public void Every_example_prints_what_the_readme_shows()
    {
        using var sandbox = new Sandbox();
        foreach (var plan in Directory.EnumerateFiles(Path.Join(Binaries.Repository, "examples")))
        {
            sandbox.Write("examples/" + Path.GetFileName(plan), File.ReadAllText(plan));
        }

        Readme.Check(sandbox, "console");
    }
}
