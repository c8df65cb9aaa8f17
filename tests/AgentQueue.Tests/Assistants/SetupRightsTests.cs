using System.Runtime.Versioning;
using AgentQueue.Assistants;
using AgentQueue.Native;
using AgentQueue.Storage;
using AgentQueue.Tests.Config;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Assistants;

[SupportedOSPlatform("linux")]
public sealed class SetupRightsTests : IDisposable
{
    private const string Mcp = ".mcp.json";

    private readonly TempProject _temp = new();

    public void Dispose() => _temp.Dispose();

    [LinuxFact]
    public void A_file_that_people_keep_has_its_own_mode_at_any_moment()
    {
        const UnixFileMode Odd =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        _temp.Write(Mcp, "{\n  // mine\n  \"a\": 1\n}\n");
        var path = At(Mcp);
        File.SetUnixFileMode(path, Odd);
        var whole = new DyingDisk();
        Setup(whole).Write(Some, dryRun: false);
        for (var moment = 0; moment < whole.Made; moment++)
        {
            Setup().Remove([.. KnownAssistants.Names], dryRun: false);
            Assert.Equal(Odd, File.GetUnixFileMode(path));
            var disk = new DyingDisk(moment);
            Assert.Throws<DyingDisk.Killed>(() => Setup(disk).Write(Some, dryRun: false));
            Assert.Equal(Odd, File.GetUnixFileMode(path));
        }
    }

    [LinuxFact]
    public void What_is_new_in_a_project_is_for_all_who_work_on_it()
    {
        Directory.CreateDirectory(At("other"));
        var folder = File.GetUnixFileMode(At("other"));
        var file = File.GetUnixFileMode(_temp.Write("other/file", ""));
        Setup().Write(Some, dryRun: false);
        foreach (
            var path in (string[])
                [
                    ".claude/skills/agentq/SKILL.md",
                    ".claude/commands/agentq/start.md",
                    Mcp,
                    ".codex/config.toml",
                    ".agents/skills/agentq/SKILL.md",
                ]
        )
        {
            Assert.Equal(file, File.GetUnixFileMode(At(path)));
        }

        Assert.Equal(file, File.GetUnixFileMode(At(".agents/assistants.json")));
        foreach (var path in (string[])[".claude/skills/agentq", ".codex", ".agents/skills/agentq"])
        {
            Assert.Equal(folder, File.GetUnixFileMode(At(path)));
        }

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(At(".agents"))
        );
    }

    [LinuxTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_is_read_only_or_has_two_names_is_left_with_a_sentence(bool isReadOnly)
    {
        _temp.Write(Mcp, "{\n  // mine\n  \"a\": 1\n}\n");
        var before = File.ReadAllText(At(Mcp));
        var path = At(Mcp);
        var found = File.ReadAllBytes(At(Mcp));
        Spoil();
        var step = Setup().Write(Some, dryRun: false).Steps.Single(s => s.Path == Mcp);
        Assert.Equal(SetupState.Refused, step.State);
        Assert.Contains(
            isReadOnly ? "is read-only" : "other names",
            step.Problem!.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(found, File.ReadAllBytes(At(Mcp)));

        Mend();
        Assert.False(Setup().Write(Some, dryRun: false).HasProblems);
        Spoil();
        found = File.ReadAllBytes(At(Mcp));
        Assert.True(Setup().Remove(Setup().Names, dryRun: false).HasProblems);
        Assert.Equal(found, File.ReadAllBytes(At(Mcp)));
        Mend();
        Setup().Remove(Setup().Names, dryRun: false);
        Assert.Equal(before, File.ReadAllText(At(Mcp)));
        Assert.Equal([At(Mcp)], Directory.GetFileSystemEntries(_temp.Root));

        void Spoil()
        {
            if (isReadOnly)
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead);
            }
            else
            {
                Assert.Equal(0, Libc.Link(path, path + ".other"));
            }
        }

        void Mend()
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.Delete(path + ".other");
        }
    }

    private static IReadOnlyList<Assistant> Some =>
        [KnownAssistants.Find("claude"), KnownAssistants.Find("codex")];

    private string At(string path) => Path.Join(_temp.Root, path);

    private AssistantSetup Setup(IDisk? disk = null)
    {
        disk ??= new UnixDisk();
        return new AssistantSetup(
            SetupPlace.OfProject(_temp.Root),
            disk,
            new DurableFile(disk, sync: false)
        );
    }
}
