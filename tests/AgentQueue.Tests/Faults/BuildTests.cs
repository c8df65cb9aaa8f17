using System.Diagnostics;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// What a build downloads and runs: nothing but the packages whose hashes are committed, and the same
/// sources make the same program wherever they stand.
/// </summary>
public sealed partial class BuildTests
{
    private static IEnumerable<string> Projects =>
        new[] { "src", "tests", "bench" }.SelectMany(static folder =>
            Directory.EnumerateFiles(
                Repository.PathOf(folder),
                "*.csproj",
                SearchOption.AllDirectories
            )
        );

    [Fact]
    [Trait("Fault", "S20")]
    public void Every_project_has_its_packages_locked_by_hash() =>
        Fault.Inject(
            "S20",
            fault =>
            {
                foreach (var project in Projects)
                {
                    fault.Injected();
                    var file = Path.Join(Path.GetDirectoryName(project), "packages.lock.json");
                    Assert.True(File.Exists(file), $"{file} is not there");
                    var text = File.ReadAllText(file);
                    foreach (
                        var package in PackageEntry()
                            .Matches(text)
                            .Where(static m => !m.Value.Contains("\"Project\""))
                    )
                    {
                        Assert.Contains("\"contentHash\"", package.Value, StringComparison.Ordinal);
                    }
                }

                Assert.Equal("true", Property("RestorePackagesWithLockFile"));
                Assert.Contains(
                    "RestoreLockedMode=true",
                    File.ReadAllText(Repository.PathOf("build.sh")),
                    StringComparison.Ordinal
                );
            }
        );

    [Fact]
    [Trait("Fault", "S20")]
    public void Known_holes_in_packages_stop_the_build() =>
        Fault.Inject(
            "S20",
            fault =>
            {
                fault.Injected();
                Assert.Equal("true", Property("NuGetAudit"));
                Assert.Equal("all", Property("NuGetAuditMode"));
                Assert.Equal("true", Property("TreatWarningsAsErrors"));
                // That the list of holes cannot be fetched is no hole.
                Assert.Equal("NU1900;NU1905", Property("WarningsNotAsErrors"));
            }
        );

    [Fact]
    [Trait("Fault", "S20")]
    public void Nothing_is_downloaded_or_run_by_the_build_but_packages() =>
        Fault.Inject(
            "S20",
            fault =>
            {
                IEnumerable<string> files =
                [
                    .. Projects,
                    Repository.PathOf("Directory.Build.props"),
                    Repository.PathOf("Directory.Packages.props"),
                    Repository.PathOf("src/Directory.Build.props"),
                    Repository.PathOf("src/Publish.props"),
                    Repository.PathOf("tests/Directory.Build.props"),
                    Repository.PathOf("bench/Directory.Build.props"),
                ];
                foreach (var file in files)
                {
                    fault.Injected();
                    var document = XDocument.Load(file);
                    Assert.DoesNotContain(
                        document.Descendants(),
                        static e =>
                            e.Name.LocalName
                                is "Exec"
                                    or "DownloadFile"
                                    or "UsingTask"
                                    or "Target"
                                    or "RestoreSources"
                                    or "RestoreAdditionalProjectSources"
                    );
                    // Of one version: a range would be whatever is newest on the day.
                    Assert.All(
                        document.Descendants("PackageVersion"),
                        static v => Assert.Matches(@"^[0-9.]+$", v.Attribute("Version")!.Value)
                    );
                }

                foreach (var script in new[] { "build.sh", "build.ps1", ".ci/run" })
                {
                    fault.Injected();
                    var text = File.ReadAllText(Repository.PathOf(script));
                    Assert.DoesNotMatch(Download(), text);
                }

                // Tools are restored by version too.
                Assert.DoesNotContain(
                    "*",
                    File.ReadAllText(Repository.PathOf(".config/dotnet-tools.json")),
                    StringComparison.Ordinal
                );
                Assert.False(File.Exists(Repository.PathOf("nuget.config")));
            }
        );

    [Theory]
    [Trait("Fault", "S20")]
    [InlineData("AgentQueue.dll")]
    [InlineData("agentq.dll")]
    public void An_assembly_tells_nothing_of_where_and_when_it_was_built(string name) =>
        Fault.Inject(
            "S20",
            fault =>
            {
                fault.Injected();
                var bytes = File.ReadAllBytes(Path.Join(AppContext.BaseDirectory, name));
                using var reader = new PEReader(new MemoryStream(bytes));
                Assert.Contains(
                    reader.ReadDebugDirectory(),
                    static e => e.Type == DebugDirectoryEntryType.Reproducible
                );
                foreach (var encoding in new[] { Encoding.UTF8, Encoding.Unicode })
                {
                    Assert.Equal(-1, bytes.AsSpan().IndexOf(encoding.GetBytes(Repository.Root)));
                }
            }
        );

    [OnlyAtLength]
    [Trait("Fault", "S20")]
    public void The_same_sources_in_two_folders_make_the_same_assemblies() =>
        Fault.Inject(
            "S20",
            fault =>
            {
                var folder = Directory.CreateTempSubdirectory("agentq-twice-").FullName;
                try
                {
                    var one = Build(Path.Join(folder, "one"));
                    var two = Build(Path.Join(folder, "two", "deeper"));
                    fault.Injected();
                    Assert.Equal(one, two);
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
        );

    // The hashes of the two assemblies, built in a copy of the sources.
    private static string Build(string copy)
    {
        foreach (
            var file in new[]
            {
                "Directory.Build.props",
                "Directory.Packages.props",
                "global.json",
                ".editorconfig",
            }
        )
        {
            Directory.CreateDirectory(copy);
            File.Copy(Repository.PathOf(file), Path.Join(copy, file));
        }

        foreach (var folder in new[] { "src", "docs" })
        {
            foreach (
                var file in Directory.EnumerateFiles(
                    Repository.PathOf(folder),
                    "*",
                    SearchOption.AllDirectories
                )
            )
            {
                var target = Path.Join(copy, Path.GetRelativePath(Repository.Root, file));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
        }

        var info = new ProcessStartInfo(
            "dotnet",
            ["build", "src/AgentQueue.Cli", "-c", "Release", "-v", "quiet", "-nodeReuse:false"]
        )
        {
            WorkingDirectory = copy,
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(info)!;
        var said = build.StandardOutput.ReadToEndAsync();
        Assert.True(build.WaitForExit(TimeSpan.FromMinutes(5)), "the build has not ended");
        Assert.True(build.ExitCode == 0, said.Result);
        var made = Path.Join(copy, "artifacts/build/bin/AgentQueue.Cli/release");
        return string.Join(
            '\n',
            new[] { "AgentQueue.dll", "agentq.dll" }.Select(name =>
                Convert.ToHexString(
                    System.Security.Cryptography.SHA256.HashData(
                        File.ReadAllBytes(Path.Join(made, name))
                    )
                )
            )
        );
    }

    private static string? Property(string name) =>
        XDocument
            .Load(Repository.PathOf("Directory.Build.props"))
            .Descendants(name)
            .SingleOrDefault()
            ?.Value;

    [GeneratedRegex("""\{[^{}]*"type":[^{}]*""")]
    private static partial Regex PackageEntry();

    // npm ci installs what a lock file names by version and hash, and nothing else.
    [GeneratedRegex(
        @"\b(curl|wget|Invoke-WebRequest|iwr|git clone|npm (install|i|exec|add)|npx|pip)\b|https?://(?!dot\.net)"
    )]
    private static partial Regex Download();
}

/// <summary>Two whole builds: only where an hour was asked for.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OnlyAtLengthAttribute : FactAttribute
{
    public OnlyAtLengthAttribute()
    {
        if (!Fault.IsLong)
        {
            Skip = "it takes two whole builds; ./build.sh faults S20 --long does it";
        }
    }
}
