using AgentQueue.Config;
using AgentQueue.Tests.Config;

namespace AgentQueue.Tests.Faults;

/// <summary>Which program a command is, where names, PATH and folders are chosen by somebody hostile.</summary>
public sealed class ResolverTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    /// <summary>A name as Windows would take it, and whether cmd.exe would read its arguments again.</summary>
    private static readonly (string Name, bool IsBatch)[] s_batches =
    [
        ("claude.cmd", true),
        ("claude.CMD", true),
        ("claude.Cmd", true),
        ("claude.bat", true),
        ("claude.BAT", true),
        (@"C:\tools\claude.cmd", true),
        ("C:/tools/my agent.bat", true),
        ("a.exe.bat", true),
        ("a.bat.exe", false),
        ("claude.exe", false),
        ("claude", false),
        ("cmd", false),
        ("bat", false),
        ("claude.cmdx", false),
        ("claude.ps1", false),
    ];

    /// <summary>Entries of PATH that a repository could fill.</summary>
    private static readonly string[] s_relative =
    [
        "",
        ".",
        "..",
        "./",
        "bin",
        "./bin",
        "bin/",
        "../bin",
        "./.",
        "node_modules/.bin",
        "~/bin",
        "$HOME/bin",
    ];

    [Fact]
    [Trait("Fault", "S4")]
    public void A_batch_file_is_known_by_whatever_spelling() =>
        Fault.Inject(
            "S4",
            fault =>
            {
                foreach (var (name, isBatch) in s_batches)
                {
                    fault.Injected();
                    Assert.True(isBatch == ExecutableLookup.IsBatchFile(name), name);
                    var json = $$"""
                        { "agents": { "x": { "command": {{ConfigText.Quote(
                            name
                        )}}, "args": ["--", "{prompt}"] } } }
                        """;
                    _project.Write(AgentConfig.FileName, json);
                    var problems = AgentConfig.Validate(_project.Root, "/bin", onWindows: true);
                    Assert.True(isBatch == problems.Any(static p => p.IsError), name);
                }
            }
        );

    [Fact]
    [Trait("Fault", "S4")]
    [Trait("Fault", "S19")]
    public void The_current_folder_and_relative_entries_of_PATH_never_name_a_program()
    {
        Inject("S4");
        Inject("S19");

        void Inject(string id) =>
            Fault.Inject(
                id,
                fault =>
                {
                    var name = $"agentq-{Guid.NewGuid():N}";
                    var planted = Path.Join(Environment.CurrentDirectory, name);
                    File.Copy(Path.Join(_project.Program("bin/tool"), "tool"), planted);
                    _project.Program("bin/" + name);
                    _project.Program(name);
                    try
                    {
                        foreach (var entry in s_relative)
                        {
                            fault.Injected();
                            Assert.Null(ExecutableLookup.Find(name, entry, _project.Root));
                            Assert.Null(
                                ExecutableLookup.Find(name, $"{entry}:/bin:{entry}", _project.Root)
                            );
                        }
                    }
                    finally
                    {
                        File.Delete(planted);
                    }
                }
            );
    }

    [Fact]
    [Trait("Fault", "S19")]
    public void What_is_found_is_an_absolute_path_once_and_for_all() =>
        Fault.Inject(
            "S19",
            fault =>
            {
                var folder = _project.Program("bin/tool");
                foreach (
                    var command in new[] { "tool", "bin/tool", "./bin/tool", "bin/../bin/tool" }
                )
                {
                    fault.Injected();
                    var found = ExecutableLookup.Find(command, $".::{folder}", _project.Root);
                    Assert.Equal(Path.Join(folder, "tool"), found);
                }
            }
        );
}
