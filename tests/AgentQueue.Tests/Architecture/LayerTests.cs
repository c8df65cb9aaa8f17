using System.Text.RegularExpressions;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Architecture;

/// <summary>Who may know whom, by the folders of the library (docs/design.md).</summary>
public sealed partial class LayerTests
{
    private const string Library = "src/AgentQueue";

    private static readonly Dictionary<string, string[]> s_mayUse = new(StringComparer.Ordinal)
    {
        ["Tasks"] = [],
        ["Native"] = [],
        ["Storage"] = ["Tasks", "Native"],
        ["Processes"] = ["Tasks", "Native"],
        ["Config"] = ["Tasks", "Native"],
        ["Agents"] = ["Tasks", "Native", "Storage", "Config"],
        ["Assistants"] = ["Tasks", "Native", "Storage", "Config", "Keeping"],
        ["Git"] = ["Tasks", "Native", "Storage", "Processes", "Config"],
        ["Scheduling"] = ["Tasks", "Native", "Storage", "Processes", "Config", "Agents", "Git"],
        ["Plans"] =
        [
            "Tasks",
            "Native",
            "Storage",
            "Processes",
            "Config",
            "Agents",
            "Git",
            "Scheduling",
        ],
        ["Events"] =
        [
            "Tasks",
            "Native",
            "Storage",
            "Processes",
            "Config",
            "Agents",
            "Git",
            "Scheduling",
            "Keeping",
        ],
        ["Timing"] =
        [
            "Tasks",
            "Native",
            "Storage",
            "Processes",
            "Config",
            "Agents",
            "Git",
            "Scheduling",
        ],
        ["Watching"] =
        [
            "Tasks",
            "Native",
            "Storage",
            "Processes",
            "Config",
            "Agents",
            "Git",
            "Scheduling",
        ],
        ["Keeping"] =
        [
            "Tasks",
            "Native",
            "Storage",
            "Processes",
            "Config",
            "Agents",
            "Git",
            "Scheduling",
        ],
    };

    [Fact]
    public void Every_folder_of_the_library_has_its_place()
    {
        var folders = Directory
            .GetDirectories(Repository.PathOf(Library))
            .Select(static d => Path.GetFileName(d))
            .Where(static d => d is not ("bin" or "obj"));
        Assert.Subset(s_mayUse.Keys.ToHashSet(), folders.ToHashSet());
    }

    [Fact]
    public void No_folder_knows_one_that_it_may_not_know()
    {
        var wrong = new List<string>();
        foreach (var (folder, allowed) in s_mayUse)
        {
            foreach (var file in Sources($"{Library}/{folder}"))
            {
                foreach (Match use in Namespace().Matches(File.ReadAllText(file)))
                {
                    var used = use.Groups[1].Value;
                    if (used != folder && Array.IndexOf(allowed, used) < 0)
                    {
                        wrong.Add($"{Path.GetRelativePath(Repository.Root, file)} uses {used}");
                    }
                }
            }
        }

        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void Nothing_in_the_library_knows_the_command_line()
    {
        var wrong = Sources(Library).Where(static f => CommandLine().IsMatch(File.ReadAllText(f)));
        Assert.Empty(wrong);
    }

    [Fact]
    public void A_namespace_is_its_folder()
    {
        foreach (var folder in s_mayUse.Keys)
        {
            Assert.All(
                Sources($"{Library}/{folder}"),
                f =>
                    Assert.Contains(
                        $"namespace AgentQueue.{folder};",
                        File.ReadAllText(f),
                        StringComparison.Ordinal
                    )
            );
        }
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.Exists(Repository.PathOf(folder))
            ? Directory.EnumerateFiles(
                Repository.PathOf(folder),
                "*.cs",
                SearchOption.AllDirectories
            )
            : [];

    [GeneratedRegex(@"(?:using(?: static)?\s+|[\s(<,=])AgentQueue\.([A-Z]\w+)")]
    private static partial Regex Namespace();

    [GeneratedRegex(@"AgentQueue\.Cli|System\.CommandLine|\bConsole\.")]
    private static partial Regex CommandLine();
}
