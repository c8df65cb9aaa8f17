using System.Globalization;
using System.Text;
using AgentQueue.Assistants;
using AgentQueue.Storage;
using AgentQueue.Tests.Config;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Assistants;

public sealed class AssistantSetupTests : IDisposable
{
    private const string Skill = ".claude/skills/agentq/SKILL.md";
    private const string Shared = ".agents/skills/agentq/SKILL.md";
    private const string Start = ".claude/commands/agentq/start.md";

    private readonly TempProject _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Whoever_is_killed_at_any_moment_is_healed_by_doing_it_again()
    {
        Prepare();
        var before = Picture();
        var expected = "";
        EveryMoment(
            disk => Setup(disk).Write(Some, dryRun: false),
            () =>
            {
                Assert.False(Setup().Write(Some, dryRun: false).HasProblems);
                expected = expected.Length == 0 ? Picture() : expected;
                Assert.Equal(expected, Picture());
                Assert.True(Setup().Check(Some).IsUpToDate);
                Setup().Remove(Setup().Names, dryRun: false);
                Assert.Equal(before, Picture());
            }
        );
    }

    [Fact]
    public void Whoever_is_killed_while_removing_is_healed_by_doing_it_again()
    {
        Prepare();
        var before = Picture();
        EveryMoment(
            disk =>
            {
                Setup().Write(Some, dryRun: false);
                Setup(disk).Remove(Setup().Names, dryRun: false);
            },
            () =>
            {
                Setup().Remove(Setup().Names, dryRun: false);
                Assert.Equal(before, Picture());
            }
        );
    }

    [Fact]
    public void Whoever_is_killed_and_removes_it_then_has_what_was_before()
    {
        Prepare();
        var before = Picture();
        EveryMoment(
            disk => Setup(disk).Write(Some, dryRun: false),
            () =>
            {
                Setup().Remove([.. KnownAssistants.Names], dryRun: false);
                Assert.Equal(before, Picture());
            }
        );
    }

    [Fact]
    public void Whoever_is_killed_while_updating_is_healed_by_doing_it_again()
    {
        Prepare();
        Setup().Write(Some, dryRun: false);
        var expected = Picture();
        EveryMoment(
            disk =>
            {
                MakeOld();
                Setup(disk).Write(Some, dryRun: false);
            },
            () =>
            {
                var report = Setup().Write(Some, dryRun: false);
                Assert.DoesNotContain(report.Steps, static s => s.State == SetupState.Changed);
                Assert.Equal(expected, Picture());
            }
        );
    }

    [Fact]
    public void Twice_writes_nothing()
    {
        Setup().Write(Some, dryRun: false);
        var disk = new DyingDisk();
        var report = Setup(disk).Write(Some, dryRun: false);
        Assert.Equal(0, disk.Made);
        Assert.True(report.IsUpToDate);
    }

    [Fact]
    public void A_dry_run_and_a_check_write_nothing_and_say_the_same()
    {
        var disk = new DyingDisk();
        var dry = Setup(disk).Write(Some, dryRun: true);
        Assert.Equal(0, disk.Made);
        Assert.All(dry.Steps, static s => Assert.Equal(SetupState.Missing, s.State));
        var real = Setup().Write(Some, dryRun: false);
        Assert.Equal(dry.Steps.Select(static s => s.Path), real.Steps.Select(static s => s.Path));
        Setup(disk).Remove(["claude"], dryRun: true);
        Assert.Equal(0, disk.Made);
    }

    [Fact]
    public void What_an_older_agentq_has_made_is_updated()
    {
        Setup().Write(Some, dryRun: false);
        var expected = Picture();
        MakeOld();

        var check = Setup().Check(Some);
        Assert.Equal(
            [Start, ".mcp.json"],
            check.Steps.Where(static s => s.State == SetupState.Outdated).Select(static s => s.Path)
        );
        Assert.False(Setup().Write(Some, dryRun: false).HasProblems);
        Assert.Equal(expected, Picture());
    }

    [Fact]
    public void What_the_user_has_changed_stays_and_is_named()
    {
        Setup().Write(Some, dryRun: false);
        _temp.Write(Start, "mine\n");
        _temp.Write(
            ".mcp.json",
            """{ "mcpServers": { "agentq": { "command": "/opt/agentq", "args": ["mcp"] } } }"""
        );

        var report = Setup().Write(Some, dryRun: false);
        Assert.Equal(SetupState.Changed, State(report, Start));
        Assert.Equal(SetupState.Changed, State(report, ".mcp.json"));
        Assert.False(report.HasProblems);

        var removed = Setup().Remove(["claude"], dryRun: false);
        Assert.Equal(SetupState.Changed, State(removed, Start));
        Assert.Equal(SetupState.Changed, State(removed, ".mcp.json"));
        Assert.Equal("mine\n", Text(Start));
        Assert.Contains("/opt/agentq", Text(".mcp.json"), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Join(_temp.Root, Skill)));
    }

    [Fact]
    public void What_stands_in_our_place_stays_and_is_named()
    {
        _temp.Write(Start, "theirs\n");
        _temp.Write(".mcp.json", """{ "mcpServers": { "agentq": { "command": "other" } } }""");
        var before = Text(".mcp.json");

        var report = Setup().Write(Some, dryRun: false);
        Assert.True(report.HasProblems);
        Assert.Equal(SetupState.Foreign, State(report, Start));
        Assert.Equal(SetupState.Foreign, State(report, ".mcp.json"));
        Setup().Remove(["claude"], dryRun: false);
        Assert.Equal("theirs\n", Text(Start));
        Assert.Equal(before, Text(".mcp.json"));
    }

    [Fact]
    public void An_entry_that_says_the_same_is_adopted_as_a_file_is()
    {
        const string Own = """{"mcpServers":{"agentq":{"args":["mcp"],"command":"agentq"}}}""";
        _temp.Write(".mcp.json", Own);
        Assert.True(
            Setup().Write([KnownAssistants.Find("claude")], false).Steps[^1].State
                == SetupState.UpToDate
        );
        Setup().Remove(["claude"], dryRun: false);
        Assert.Equal("""{"mcpServers":{}}""", Text(".mcp.json"));
    }

    [Fact]
    public void Without_its_record_what_is_as_agentq_makes_it_goes_and_nothing_else()
    {
        Setup().Write(KnownAssistants.All, dryRun: false);
        _temp.Write(Start, "mine\n");
        _temp.Write(".cursor/mcp.json", """{"mcpServers":{"agentq":{"command":"x"}}}""");
        File.Delete(Path.Join(_temp.Root, ".agents/assistants.json"));

        Assert.Equal(KnownAssistants.Names.Where(static n => n != "goose"), Setup().NamesToRemove);
        Setup().Remove(Setup().NamesToRemove, dryRun: false);

        Assert.Equal(
            [".claude/commands/agentq/start.md", ".cursor/mcp.json"],
            Directory
                .EnumerateFiles(_temp.Root, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(_temp.Root, f))
                .Order(StringComparer.Ordinal)
        );
        Assert.False(Directory.Exists(Path.Join(_temp.Root, ".agents")));
        Assert.Empty(Setup().NamesToRemove);
    }

    [Fact]
    public void Without_its_record_another_assistant_keeps_what_it_needs()
    {
        Setup().Write([KnownAssistants.Find("codex"), KnownAssistants.Find("gemini")], false);
        File.Delete(Path.Join(_temp.Root, ".agents/assistants.json"));

        Setup().Remove(["codex"], dryRun: false);
        Assert.False(Directory.Exists(Path.Join(_temp.Root, ".codex")));
        Assert.Equal(["gemini"], Setup().Names);
        Setup().Remove(["gemini"], dryRun: false);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_temp.Root));
    }

    [Theory]
    [InlineData(
        "claude",
        ".mcp.json",
        "{ not json",
        "in \"mcpServers\", write \"agentq\": {\"command\": \"agentq\", \"args\": [\"mcp\"]}"
    )]
    [InlineData(
        "claude",
        ".mcp.json",
        "{\"mcpServers\": null}",
        "in \"mcpServers\", write \"agentq\": {"
    )]
    [InlineData(
        "claude",
        ".mcp.json",
        "{\"mcpServers\": {\"agentq\": {\"command\": \"x\"}}}",
        "in \"mcpServers\", write \"agentq\": {"
    )]
    [InlineData(
        "codex",
        ".codex/config.toml",
        "[[",
        "write [mcp_servers.agentq] in a line, and below it, each in its own, command = \"agentq\" and args = [\"mcp\"]"
    )]
    [InlineData(
        "codex",
        ".codex/config.toml",
        "mcp_servers = {}",
        "Write between its braces: agentq = {"
    )]
    public void Whatever_keeps_it_from_adding_the_entry_people_learn_what_to_write(
        string name,
        string path,
        string text,
        string advice
    )
    {
        _temp.Write(path, text);
        var step = Setup()
            .Write([KnownAssistants.Find(name)], dryRun: false)
            .Steps.Single(s => s.Path == path);
        Assert.Contains(advice, step.Problem!.Hint, StringComparison.Ordinal);
        Assert.Equal(text, Text(path));
    }

    [Fact]
    public void A_shared_skill_stays_while_anybody_needs_it()
    {
        Setup().Write([KnownAssistants.Find("codex")], dryRun: false);
        Setup().Write([KnownAssistants.Find("gemini")], dryRun: false);
        Assert.Equal(["codex", "gemini"], Setup().Names);

        var removed = Setup().Remove(["codex"], dryRun: false);
        Assert.Equal(SetupState.Needed, State(removed, Shared));
        Assert.Equal(
            "gemini",
            Assert.Single(removed.Steps.Single(static s => s.Path == Shared).For)
        );
        Assert.True(File.Exists(Path.Join(_temp.Root, Shared)));
        Assert.False(Directory.Exists(Path.Join(_temp.Root, ".codex")));
        Setup().Remove(["gemini"], dryRun: false);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_temp.Root));
    }

    [Fact]
    public void One_unusable_file_keeps_nothing_else_from_being_done()
    {
        _temp.Write(".mcp.json", "{ not json");
        var report = Setup().Write(Some, dryRun: false);
        Assert.Equal(SetupState.Refused, State(report, ".mcp.json"));
        Assert.True(File.Exists(Path.Join(_temp.Root, Skill)));
        Assert.Equal("{ not json", Text(".mcp.json"));

        _temp.Write(".mcp.json", "{}");
        Assert.False(Setup().Write(Some, dryRun: false).HasProblems);
    }

    [Fact]
    public void A_file_that_agentq_no_longer_makes_goes_with_the_next_setup()
    {
        Setup().Write(Some, dryRun: false);
        var manifest = Path.Join(_temp.Root, ".agents/assistants.json");
        File.WriteAllText(
            manifest,
            File.ReadAllText(manifest).Replace(Start, ".claude/commands/agentq/old.md")
        );
        File.Move(
            Path.Join(_temp.Root, Start),
            Path.Join(_temp.Root, ".claude/commands/agentq/old.md")
        );

        var report = Setup().Write(Some, dryRun: false);
        Assert.Equal(SetupState.Obsolete, State(report, ".claude/commands/agentq/old.md"));
        Assert.False(File.Exists(Path.Join(_temp.Root, ".claude/commands/agentq/old.md")));
        Assert.True(Setup().Check(Some).IsUpToDate);
    }

    [Fact]
    public void Files_with_other_line_ends_are_still_ours()
    {
        Prepare();
        foreach (var path in Files())
        {
            File.WriteAllText(path, File.ReadAllText(path).Replace("\n", "\r\n"));
        }

        var before = Picture();
        foreach (var path in Files())
        {
            File.WriteAllText(path, File.ReadAllText(path).Replace("\r\n", "\n"));
        }

        Setup().Write(Some, dryRun: false);
        foreach (var path in Files())
        {
            File.WriteAllText(path, File.ReadAllText(path).Replace("\n", "\r\n"));
        }

        var after = Picture();
        var disk = new DyingDisk();
        Assert.True(Setup(disk).Write(Some, dryRun: false).IsUpToDate);
        Assert.Equal(0, disk.Made);
        Assert.Equal(after, Picture());
        Setup().Remove(Setup().Names, dryRun: false);
        Assert.Equal(before, Picture());
    }

    [LinuxTheory]
    [InlineData(".claude/skills", "../.agents/skills")]
    [InlineData(".claude/skills/agentq", "../../.agents/skills/agentq")]
    public void A_file_that_a_link_gives_two_names_is_one_file(string link, string target)
    {
        var folder = Path.Join(_temp.Root, ".agents/skills/agentq");
        Directory.CreateDirectory(folder);
        var path = Path.Join(_temp.Root, link);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.CreateSymbolicLink(path, target);
        var before = Picture();

        var both = Some.Take(2).ToList();
        var report = Setup().Write(both, dryRun: false);
        Assert.All(report.Steps, static s => Assert.Equal(SetupState.Missing, s.State));
        Assert.True(Setup().Check(both).IsUpToDate);

        Setup().Remove(["claude"], dryRun: false);
        Assert.True(File.Exists(Path.Join(folder, "SKILL.md")));
        Assert.True(Setup().Check([both[1]]).IsUpToDate);
        Setup().Remove(["codex"], dryRun: false);
        Assert.Equal(before, Picture());
    }

    [Fact]
    public void A_folder_that_may_not_be_written_leaves_only_what_was_done_on_record()
    {
        var claude = Path.Join(_temp.Root, ".claude");
        Directory.CreateDirectory(claude);
        var before = Picture();
        var disk = new DyingDisk { Unwritable = claude };
        Assert.Throws<QueueException>(() => Setup(disk).Write([Some[0]], dryRun: false));
        Assert.Equal(before, Picture());

        Assert.False(Setup().Write([Some[1]], dryRun: false).HasProblems);
        var codex = Picture();
        Assert.Throws<QueueException>(() => Setup(disk).Write([Some[0]], dryRun: false));
        Assert.Equal(codex, Picture());

        Assert.False(Setup().Write(Some, dryRun: false).HasProblems);
        Setup().Remove(Setup().Names, dryRun: false);
        Assert.Equal(before, Picture());
    }

    [Fact]
    public void A_folder_that_cannot_be_removed_is_named_and_goes_with_the_next_removal()
    {
        var claude = Path.Join(_temp.Root, ".claude");
        Directory.CreateDirectory(claude);
        var before = Picture();
        Setup().Write(Some, dryRun: false);
        var disk = new DyingDisk { Unwritable = claude };
        var report = Setup(disk).Remove(Setup().Names, dryRun: false);
        Assert.True(report.HasProblems);
        Assert.Equal(SetupState.Refused, State(report, ".claude/skills"));
        Assert.True(Setup(disk).Remove([], dryRun: false).HasProblems);

        Assert.False(Setup().Remove([], dryRun: false).HasProblems);
        Assert.Equal(before, Picture());
    }

    private static IReadOnlyList<Assistant> Some =>
        [
            KnownAssistants.Find("claude"),
            KnownAssistants.Find("codex"),
            KnownAssistants.Find("opencode"),
        ];

    // Files that people keep, one of them empty, beside what agentq makes.
    private void Prepare()
    {
        _temp.Write(
            ".mcp.json",
            "{\n  // mine\n  \"mcpServers\": { \"a\": {\"command\": \"b\"}, },\n}\n"
        );
        _temp.Write(".codex/config.toml", "model = \"x\" # mine\n");
        _temp.Write("opencode.jsonc", "");
        _temp.Write(".claude/commands/mine.md", "mine\n");
    }

    // As if the last version had had another text for one command, and another entry.
    private void MakeOld()
    {
        var manifest = Path.Join(_temp.Root, ".agents/assistants.json");
        var (now, old) = (Bytes(Start), "old\n"u8.ToArray());
        var mcp = Text(".mcp.json");
        File.WriteAllBytes(Path.Join(_temp.Root, Start), old);
        File.WriteAllText(Path.Join(_temp.Root, ".mcp.json"), mcp.Replace("\"mcp\"", "\"old\""));
        var text = File.ReadAllText(manifest)
            .Replace(SetupFiles.HashOf(now), SetupFiles.HashOf(old));
        var at = text.IndexOf("\"path\": \".mcp.json\"", StringComparison.Ordinal);
        var end = text.IndexOf("\"madeFile\"", at, StringComparison.Ordinal);
        File.WriteAllText(
            manifest,
            text[..at]
                + text[at..end].Replace("\"mcp\"", "\"old\"").Replace("\\\"mcp\\\"", "\\\"old\\\"")
                + text[end..]
        );
    }

    private AssistantSetup Setup(IDisk? disk = null)
    {
        disk ??= new DyingDisk();
        return new AssistantSetup(
            SetupPlace.OfProject(_temp.Root),
            disk,
            new DurableFile(disk, sync: false)
        );
    }

    // All the first and the last moments, and some of those between, which write one file after the other.
    private static void EveryMoment(Action<DyingDisk> act, Action check)
    {
        const int Ends = 14;
        const int Step = 9;
        var whole = new DyingDisk();
        act(whole);
        check();
        Assert.InRange(whole.Made, 5, 300);
        for (var moment = 0; moment < whole.Made; moment++)
        {
            if (moment > Ends && moment < whole.Made - Ends && moment % Step != 0)
            {
                continue;
            }

            var disk = new DyingDisk(moment);
            Assert.Throws<DyingDisk.Killed>(() => act(disk));
            check();
        }
    }

    private static SetupState State(SetupReport report, string path) =>
        report.Steps.Single(s => s.Path == path).State;

    private string Text(string path) => File.ReadAllText(Path.Join(_temp.Root, path));

    private byte[] Bytes(string path) => File.ReadAllBytes(Path.Join(_temp.Root, path));

    private string[] Files() => Directory.GetFiles(_temp.Root, "*", SearchOption.AllDirectories);

    private string Picture()
    {
        var text = new StringBuilder();
        foreach (
            var path in Directory
                .EnumerateFileSystemEntries(_temp.Root, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            var content = Directory.Exists(path) ? "/" : File.ReadAllText(path);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Path.GetRelativePath(_temp.Root, path)} {content}\n"
            );
        }

        return text.ToString();
    }
}
