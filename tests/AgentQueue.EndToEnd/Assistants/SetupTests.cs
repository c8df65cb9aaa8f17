using System.Text.Json;

namespace AgentQueue.EndToEnd.Assistants;

/// <summary>A user lets agentq set up coding assistants, and wants everything back as it was.</summary>
public sealed class SetupTests
{
    private static readonly string[] s_names =
    [
        "amp",
        "claude",
        "codex",
        "copilot",
        "cursor",
        "droid",
        "gemini",
        "goose",
        "opencode",
        "qwen",
    ];

    private const string Start = ".claude/commands/agentq/start.md";

    public static TheoryData<string, bool> Each
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var name in s_names)
            {
                data.Add(name, false);
                data.Add(name, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Each))]
    public void Setup_and_remove_leave_everything_else_byte_for_byte(string name, bool user)
    {
        using var box = new Sandbox();
        var root = user ? box.Home : box.Folder;
        string[] scope = user ? ["--user"] : [];
        Plant(root, name, user);
        var (before, other) = (Tree.Of(root), Tree.Of(user ? box.Folder : box.Home));

        var made = box.Run(["setup", name, "--json", .. scope]).Gives(0).Json;
        Assert.Equal(other, Tree.Of(user ? box.Folder : box.Home));
        Assert.All(
            made.GetProperty("items").EnumerateArray(),
            i =>
                Assert.True(
                    File.Exists(
                        Path.Join(root, i.GetProperty("path").GetString()!.Replace("~/", ""))
                    ),
                    i.ToString()
                )
        );
        box.Run(["setup", name, "--check", .. scope]).Gives(0);
        Assert.All(
            KeptFiles.Of(name, user),
            f => Assert.True(Contains(Path.Join(root, f.Path), f.Text), f.Path)
        );

        var after = Tree.WithTimes(root);
        box.Run(["setup", name, .. scope]).Gives(0);
        Assert.Equal(after, Tree.WithTimes(root));

        box.Run(["setup", name, "--remove", .. scope]).Gives(0);
        Assert.Equal(before, Tree.Of(root));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_of_them_at_once_go_in_and_out_of_what_people_keep(bool user)
    {
        using var box = new Sandbox();
        var root = user ? box.Home : box.Folder;
        string[] scope = user ? ["--user"] : [];
        foreach (var name in s_names)
        {
            Plant(root, name, user);
        }

        var before = Tree.Of(root);
        box.Run(["setup", "all", .. scope]).Gives(0);
        box.Run(["setup", "--check", .. scope]).Gives(0);
        foreach (var name in s_names)
        {
            box.Run(["setup", "--remove", name, .. scope]).Gives(0);
        }

        Assert.Equal(before, Tree.Of(root));
    }

    [Fact]
    public void What_the_user_adds_meanwhile_stays()
    {
        using var box = new Sandbox();
        box.Run("setup", "claude", "codex").Gives(0);
        var mcp = Path.Join(box.Folder, ".mcp.json");
        var toml = Path.Join(box.Folder, ".codex/config.toml");
        File.WriteAllText(
            mcp,
            """{ "mcpServers": { "agentq": { "args": ["mcp"], "command": "agentq" }, "docs": {"command": "d"} } }"""
        );
        File.AppendAllText(toml, "\n[mcp_servers.docs]\ncommand = \"d\"\n");

        box.Run("setup", "--remove").Gives(0);
        using var left = JsonDocument.Parse(File.ReadAllText(mcp));
        Assert.Equal(
            "docs",
            left.RootElement.GetProperty("mcpServers").EnumerateObject().Single().Name
        );
        Assert.Equal(
            "[mcp_servers.docs]\ncommand = \"d\"\n",
            File.ReadAllText(toml).TrimStart('\n')
        );
        Assert.False(Directory.Exists(Path.Join(box.Folder, ".claude")));
    }

    [Fact]
    public void A_command_that_the_user_has_changed_survives_updates_and_removal()
    {
        using var box = new Sandbox();
        box.Run("setup", "claude").Gives(0);
        box.Write(Start, "My own words.\n");

        var check = box.Run("setup", "--check").Gives(0);
        Assert.Matches($"changed +{Start}", check.Out);
        Assert.Contains("but for what you have changed", check.Out, StringComparison.Ordinal);
        Assert.Contains(
            "you have changed it",
            box.Run("setup", "claude").Gives(0).Out,
            StringComparison.Ordinal
        );
        Assert.Matches($"left +{Start}", box.Run("setup", "--remove").Gives(0).Out);
        Assert.Equal(
            [".claude", ".claude/commands", ".claude/commands/agentq", Start],
            Names(box.Folder)
        );
        Assert.Equal("My own words.\n", File.ReadAllText(Path.Join(box.Folder, Start)));

        // It is theirs from now on, and nobody says that agentq has never made it.
        var again = box.Run("setup", "claude").Gives(1);
        Assert.Contains("not as agentq makes it", again.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("/agentq:start", again.Out, StringComparison.Ordinal);
        var left = box.Run("setup", "--check").Gives(1);
        Assert.Contains("named above", left.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_somebody_else_has_put_there_is_left_and_told()
    {
        using var box = new Sandbox();
        box.Write(Start, "Theirs.\n");
        box.Write(".mcp.json", "{ \"mcpServers\": { \"agentq\": { \"command\": \"x\" } } }");
        var before = Tree.Of(box.Folder);

        var told = box.Run("setup", "claude").Gives(1);
        Assert.Matches($"left +{Start}", told.Out);
        Assert.Matches("left +\\.mcp\\.json: mcpServers\\.agentq", told.Out);
        box.Run("setup", "--remove").Gives(0);
        Assert.Equal(before, Tree.Of(box.Folder));
    }

    [Fact]
    public void Killed_in_the_middle_it_is_finished_by_the_next()
    {
        for (var files = 1; files < 40; files += 6)
        {
            using var box = new Sandbox();
            Plant(box.Folder, "claude", user: false);
            var before = Tree.Of(box.Folder);
            using (var running = box.Begin("setup", "all"))
            {
                Eventually.Holds(
                    () => running.HasEnded || Names(box.Folder).Count > files + 10,
                    "some files are written"
                );
                running.Kill();
                _ = running.End();
            }

            box.Run("setup", "all").Gives(0);
            box.Run("setup", "--check").Gives(0);
            box.Run("setup", "--remove").Gives(0);
            Assert.Equal(before, Tree.Of(box.Folder));
        }
    }

    [Fact]
    public void Two_at_once_do_not_lose_each_others_work()
    {
        using var box = new Sandbox();
        Plant(box.Folder, "claude", user: false);
        var before = Tree.Of(box.Folder);
        using (var first = box.Begin("setup", "claude", "opencode"))
        using (var second = box.Begin("setup", "codex", "claude"))
        {
            first.End().Gives(0);
            second.End().Gives(0);
        }

        box.Run("setup", "claude", "opencode", "codex").Gives(0);
        box.Run("setup", "--remove").Gives(0);
        Assert.Equal(before, Tree.Of(box.Folder));
    }

    [Fact]
    public void A_dry_run_says_what_would_be_and_a_check_what_is_not_and_nothing_is_written()
    {
        using var box = new Sandbox();
        var dry = box.Run("setup", "gemini", "--dry-run").Gives(0);
        Assert.Contains(
            "would make   .gemini/commands/agentq/ (13 files)",
            dry.Out,
            StringComparison.Ordinal
        );
        var check = box.Run("setup", "gemini", "--check").Gives(1);
        Assert.Contains("missing      .gemini/settings.json", check.Out, StringComparison.Ordinal);
        Assert.Contains(
            "agentq setup gemini --user\n",
            box.Run("setup", "gemini", "--check", "--user").Gives(1).Out,
            StringComparison.Ordinal
        );
        Assert.Empty(Names(box.Folder));

        box.Run("setup", "gemini").Gives(0);
        var before = Tree.WithTimes(box.Folder);
        box.Run("setup", "--remove", "--dry-run").Gives(0);
        box.Run("setup", "--check", "--remove").Gives(2);
        Assert.Equal(before, Tree.WithTimes(box.Folder));
    }

    [Fact]
    public void Programs_get_every_file_with_its_state()
    {
        using var box = new Sandbox();
        box.Write("opencode.json", "[]");
        var json = box.Run("setup", "opencode", "--json").Gives(1).Json;
        Assert.Equal("project", json.GetProperty("scope").GetString());
        var items = json.GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(15, items.Count);
        var entry = items.Single(static i =>
            i.GetProperty("entry").ValueKind == JsonValueKind.String
        );
        Assert.Equal("mcp.agentq", entry.GetProperty("entry").GetString());
        Assert.Equal("unusable", entry.GetProperty("state").GetString());
        Assert.Contains(
            "opencode.json",
            entry.GetProperty("message").GetString(),
            StringComparison.Ordinal
        );
        Assert.Equal("[]", File.ReadAllText(Path.Join(box.Folder, "opencode.json")));
    }

    [Fact]
    public void Without_a_name_it_takes_those_in_use()
    {
        using var box = new Sandbox();
        Assert.Contains(
            "agentq setup amp|claude",
            WithoutPrograms(box).Run("setup").Gives(1).Err,
            StringComparison.Ordinal
        );
        Assert.Empty(Names(box.Folder));

        box.Write("GEMINI.md", "x");
        File.WriteAllText(Path.Join(box.Bin, "goose"), "#!/bin/sh\n");
        File.SetUnixFileMode(
            Path.Join(box.Bin, "goose"),
            UnixFileMode.UserRead | UnixFileMode.UserExecute
        );
        Assert.Contains(
            "Assistants: Gemini CLI, Goose\n",
            box.Run("setup").Gives(0).Out,
            StringComparison.Ordinal
        );
        File.Delete(Path.Join(box.Folder, "GEMINI.md"));
        Assert.Contains(
            "Gemini CLI, Goose",
            box.Run("setup").Gives(0).Out,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Goose",
            box.Run("setup", "--remove").Gives(0).Out,
            StringComparison.Ordinal
        );
        Assert.Empty(Names(box.Folder));
    }

    [Needs(Machine.Script)]
    public void At_a_terminal_it_asks_which()
    {
        using var box = new Sandbox();
        box.Write("GEMINI.md", "x");
        box.Write("CLAUDE.md", "x");
        WithoutPrograms(box);
        var none = box.Sh("echo none | script -qefc 'agentq setup' ../outside/out").Gives(0);
        Assert.Contains("Set up which?", none.Out, StringComparison.Ordinal);
        Assert.Equal(["CLAUDE.md", "GEMINI.md"], Names(box.Folder));
        Assert.Contains("Nothing was done", none.Out, StringComparison.Ordinal);
        // The end of the input, as Ctrl-D gives it.
        box.Sh("printf '\\004' | script -qefc 'agentq setup' ../outside/out").Gives(0);
        Assert.Equal(["CLAUDE.md", "GEMINI.md"], Names(box.Folder));
        box.Sh("echo 2 | script -qefc 'agentq setup' ../outside/out").Gives(0);
        Assert.True(Directory.Exists(Path.Join(box.Folder, ".gemini")));
        Assert.False(Directory.Exists(Path.Join(box.Folder, ".claude")));
    }

    [Needs(Machine.Script)]
    public void At_a_terminal_where_none_was_found_it_offers_all()
    {
        using var box = WithoutPrograms(new Sandbox());
        var none = box.Sh("echo | script -qefc 'agentq setup' ../outside/out").Gives(0);
        Assert.Contains("10 qwen: Qwen Code", none.Out, StringComparison.Ordinal);
        Assert.Empty(Names(box.Folder));
        box.Sh("echo codex, 2 | script -qefc 'agentq setup' ../outside/out").Gives(0);
        Assert.True(Directory.Exists(Path.Join(box.Folder, ".codex")));
        Assert.True(Directory.Exists(Path.Join(box.Folder, ".claude")));
    }

    [Fact]
    public void What_was_not_made_is_not_said_to_be_typed()
    {
        using var box = new Sandbox();
        Assert.DoesNotContain(
            "type /agentq",
            box.Run("setup", "copilot", "--user").Gives(0).Out,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "type /agentq-start in VS Code;",
            box.Run("setup", "copilot").Gives(0).Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_stays_for_another_assistant_is_told()
    {
        using var box = new Sandbox();
        box.Run("setup", "claude", "copilot").Gives(0);
        Assert.Contains(
            "stays, for GitHub Copilot",
            box.Run("setup", "claude", "--remove").Gives(0).Out,
            StringComparison.Ordinal
        );
        // What Copilot was given is no sign of Claude Code.
        Assert.DoesNotContain(
            "Claude",
            WithoutPrograms(box).Run("setup").Gives(0).Out,
            StringComparison.Ordinal
        );
        File.Delete(Path.Join(box.Folder, ".agents/assistants.json"));
        Assert.Matches("removed +\\.mcp\\.json", box.Run("setup", "--remove").Gives(0).Out);
        Assert.Empty(Names(box.Folder));
    }

    [Theory]
    [InlineData(".mcp.json", "claude")]
    [InlineData(".vscode/mcp.json", "copilot")]
    [InlineData(".cursorrules", "cursor")]
    public void A_file_that_an_assistant_reads_is_a_sign_of_it(string path, string name)
    {
        using var box = WithoutPrograms(new Sandbox());
        box.Write(path, "{}");
        var names = box.Run("setup", "--dry-run", "--json")
            .Gives(0)
            .Json.GetProperty("assistants")
            .EnumerateArray();
        Assert.Equal([name], names.Select(static n => n.GetString()));
    }

    [Fact]
    public void A_name_that_nobody_knows_is_told_with_the_nearest()
    {
        using var box = new Sandbox();
        Assert.Contains(
            "did you mean claude",
            box.Run("setup", "cluade").Gives(2).Err.Replace("'", ""),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Variables_that_move_a_users_configuration_are_followed()
    {
        using var box = new Sandbox();
        var (codex, config) = (Path.Join(box.Outside, "codex"), Path.Join(box.Home, "cfg"));
        box.Environment["CODEX_HOME"] = codex;
        box.Environment["XDG_CONFIG_HOME"] = config;
        box.Environment["CLAUDE_CONFIG_DIR"] = Path.Join(box.Home, "c");
        box.Environment["COPILOT_HOME"] = "relative";
        box.Run("setup", "--user", "codex", "opencode", "claude", "copilot").Gives(0);
        Assert.All(
            (string[])
                [
                    Path.Join(codex, "config.toml"),
                    Path.Join(config, "opencode/opencode.json"),
                    Path.Join(config, "agentq/assistants.json"),
                    Path.Join(box.Home, "c/.claude.json"),
                    Path.Join(box.Home, "c/skills/agentq/SKILL.md"),
                    Path.Join(box.Home, ".copilot/mcp-config.json"),
                ],
            static p => Assert.True(File.Exists(p), p)
        );
        box.Environment.Remove("CODEX_HOME");
        box.Run("setup", "--user", "--remove").Gives(0);
        Assert.Empty(Names(box.Home));
        Assert.DoesNotContain(Names(box.Outside), static n => n != "journal");
    }

    [Needs(Machine.Linux)]
    public void No_link_leads_it_out_of_the_project()
    {
        using var box = new Sandbox();
        var outside = Directory.CreateDirectory(Path.Join(box.Outside, "theirs")).FullName;
        File.WriteAllText(Path.Join(outside, "mcp.json"), "{}");
        File.CreateSymbolicLink(Path.Join(box.Folder, ".claude"), outside);
        File.CreateSymbolicLink(Path.Join(box.Folder, ".mcp.json"), Path.Join(outside, "mcp.json"));
        var (before, there) = (Tree.Of(box.Folder), Tree.Of(outside));

        var told = box.Run("setup", "claude").Gives(1).Out;
        Assert.Equal(3, told.Split("through a link").Length - 1);
        Assert.Equal(there, Tree.Of(outside));
        box.Run("setup", "--remove").Gives(0, 1);
        Assert.Equal(before, Tree.Of(box.Folder));
    }

    [Needs(Machine.Linux)]
    public void A_link_inside_the_home_folder_is_written_through_and_stays()
    {
        using var box = new Sandbox();
        var kept = Path.Join(box.Home, "dotfiles/claude.json");
        Directory.CreateDirectory(Path.GetDirectoryName(kept)!);
        File.WriteAllText(kept, "{ \"a\": 1 }\n");
        File.CreateSymbolicLink(Path.Join(box.Home, ".claude.json"), "dotfiles/claude.json");
        var before = Tree.Of(box.Home);

        box.Run("setup", "claude", "--user").Gives(0);
        Assert.Contains("agentq", File.ReadAllText(kept), StringComparison.Ordinal);
        box.Run("setup", "--remove", "--user").Gives(0);
        Assert.Equal(before, Tree.Of(box.Home));
    }

    [Fact]
    public void What_a_project_shares_is_seen_by_git()
    {
        using var box = new Sandbox();
        box.Run("init").Gives(0);
        box.Run("setup", "codex", "amp").Gives(0);
        box.Sh("git init -q && git add -A").Gives(0);
        var added = box.Sh("git ls-files .agents").Gives(0).Lines;
        Assert.Contains(".agents/skills/agentq/SKILL.md", added);
        Assert.Contains(".agents/commands/agentq-start.md", added);
        Assert.Contains(".agents/assistants.json", added);
    }

    [Fact]
    public void The_skill_of_a_user_makes_no_project_of_the_home_folder()
    {
        using var box = new Sandbox();
        box.Run("setup", "codex", "--user").Gives(0);
        var below = Directory.CreateDirectory(Path.Join(box.Home, "work")).FullName;
        var status = box.Sh($"cd {below} && agentq start shell true --quiet && ls -d .agents/tasks")
            .Gives(0);
        Assert.Contains(".agents/tasks", status.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Join(box.Home, ".agents/tasks")));
    }

    [Fact]
    public void The_home_folder_is_no_project_to_set_anything_up_in()
    {
        using var box = new Sandbox();
        var refused = box.Sh("cd && agentq setup claude").Gives(1);
        Assert.Contains("agentq setup --user", refused.Err, StringComparison.Ordinal);
        Assert.Empty(Names(box.Home));
    }

    [Theory]
    [InlineData("{")]
    [InlineData(
        "{\"version\":1,\"files\":[{\"path\":\"README.md\",\"sha256\":\"\",\"for\":[\"claude\"]}],\"entries\":[],\"folders\":[]}"
    )]
    [InlineData("{\"version\":9}")]
    public void A_record_that_agentq_did_not_write_is_refused(string text)
    {
        using var box = new Sandbox();
        box.Write("README.md", "x");
        box.Write(".agents/assistants.json", text);
        var before = Tree.Of(box.Folder);
        Assert.Contains(
            ".agents/assistants.json",
            box.Run("setup", "--remove").Gives(1).Err,
            StringComparison.Ordinal
        );
        box.Run("setup", "claude").Gives(1);
        Assert.Equal(before, Tree.Of(box.Folder));
    }

    // Odd permissions, too: they are to stay.
    private static void Plant(string root, string name, bool user)
    {
        foreach (var (path, text) in KeptFiles.Of(name, user))
        {
            var full = Path.Join(root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, text);
            File.SetUnixFileMode(
                full,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead
            );
        }
    }

    // Every line of what people wrote is still there, in its order.
    private static bool Contains(string path, string text)
    {
        var now = File.ReadAllText(path).TrimStart('\uFEFF');
        var at = 0;
        foreach (var line in text.TrimStart('\uFEFF').Split('\n').Where(static l => l.Length > 40))
        {
            at = now.IndexOf(line[^20..], at, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }
        }

        return true;
    }

    // Assistants that happen to be installed on this machine are not to be found.
    private static Sandbox WithoutPrograms(Sandbox box)
    {
        box.Environment["PATH"] = $"{box.Bin}:/usr/bin:/bin";
        return box;
    }

    private static List<string> Names(string folder) =>
        [
            .. Directory
                .EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
                .Select(p => Path.GetRelativePath(folder, p))
                .Order(StringComparer.Ordinal),
        ];
}
