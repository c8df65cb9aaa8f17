using System.Globalization;
using AgentQueue.Assistants;
using AgentQueue.Storage;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Architecture;

public sealed class RepositoryTests
{
    private const int MostLines = 600;
    private const int LongestAgentsFile = 8 << 10;

    // Grown past the limit before there was one, each with the reason why it stays whole.
    private static readonly string[] s_root =
    [
        // Ours.
        "AgentQueue.sln",
        "README.md",
        "AGENTS.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "agent-config.json",
        "build.ps1",
        "build.sh",
        ".agents",
        ".claude",
        ".codex",
        ".mcp.json",
        "adapters",
        "assistants",
        "bench",
        "docs",
        "examples",
        "src",
        "tests",
        // What tools insist on.
        ".ci",
        ".config",
        ".csharpierrc.json",
        ".csharpierignore",
        ".editorconfig",
        ".git",
        ".gitattributes",
        ".gitignore",
        ".github",
        "Directory.Build.props",
        "Directory.Packages.props",
        "global.json",
        "nuget.config",
        // Made, and ignored by git.
        "artifacts",
    ];

    [Fact]
    public void Nothing_stands_at_the_root_without_a_reason()
    {
        var names = Directory
            .EnumerateFileSystemEntries(Repository.Root)
            .Select(static p => Path.GetFileName(p))
            .Where(static n => n is not (".vs" or ".idea" or ".vscode"));
        Assert.Empty(names.Except(s_root));
    }

    [Fact]
    public void No_source_file_is_longer_than_people_read()
    {
        var tooLong =
            from folder in (string[])["src", "tests", "bench"]
            where Directory.Exists(Repository.PathOf(folder))
            from file in Directory.EnumerateFiles(
                Repository.PathOf(folder),
                "*.cs",
                SearchOption.AllDirectories
            )
            let lines = File.ReadLines(file).Count()
            where lines > MostLines
            select $"{Path.GetRelativePath(Repository.Root, file)}: {lines} lines";
        Assert.Empty(tooLong);
    }

    [Fact]
    public void The_readme_shows_every_fault_with_injections_and_no_violation()
    {
        var shown = File.ReadLines(Repository.PathOf("README.md"))
            .Select(static l => l.Split('|', StringSplitOptions.TrimEntries))
            .Where(static c => c.Length == 7)
            .ToDictionary(static c => (c[1], c[2]), static c => (c[3], c[4]));
        foreach (var line in File.ReadLines(Repository.PathOf("tests/Shared/faults.tsv")))
        {
            var fault = line.Split('\t');
            var (injections, violations) = shown[(fault[0], fault[1])];
            Assert.InRange(int.Parse(injections, CultureInfo.InvariantCulture), 1, int.MaxValue);
            Assert.Equal("0", violations);
        }
    }

    [Fact]
    public void What_assistants_read_here_is_what_setup_writes()
    {
        var disk = new UnixDisk();
        var setup = new AssistantSetup(
            SetupPlace.OfProject(Repository.Root),
            disk,
            new DurableFile(disk)
        );
        Assert.Equal(["claude", "codex"], setup.Names);
        var report = setup.Check([.. setup.Names.Select(KnownAssistants.Find)]);
        Assert.Empty(report.Steps.Where(static s => s.State != SetupState.UpToDate));
    }

    [Fact]
    public void What_agents_read_first_stays_short()
    {
        var file = new FileInfo(Repository.PathOf("AGENTS.md"));
        Assert.InRange(file.Exists ? file.Length : 0, 0, LongestAgentsFile);
    }
}
