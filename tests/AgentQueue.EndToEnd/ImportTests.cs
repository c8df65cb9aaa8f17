using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>Commands of the older tool of triggers become agents: in the shapes that its documents show.</summary>
public class ImportTests
{
    private const string Chain = """
        # saved -> Format and lint -> Tests -> tell
        [variables]
        root = "."
        sources = "{{ root }}/src"

        [[command]]
        name = "Format and lint"
        triggers = ["files_saved", "Format and lint"]
        command = "echo linting {{ sources }}"
        cancel_on_triggers = ["typing", "quit"]
        max_concurrent = 1
        on_retrigger = "cancel_and_restart"
        debounce_in_ms = 300  # of the first of a burst
        timeout_secs = 120
        keep_in_memory = 3
        loop_detection = true

        [[command]]
        name = "Tests"
        triggers = ["command_success:Format and lint", "Tests"]
        command = "echo testing {{ sources }}"
        timeout_secs = 90

        [[command]]
        name = "Tell"
        triggers = ["command_success:Tests", "command_failed:Tests"]
        command = '''
        echo over
        '''
        """;

    [Fact]
    public void A_command_that_would_make_the_configuration_invalid_is_left_out_and_told_of()
    {
        using var box = new Sandbox();
        Write(
            box,
            "cmdorc.toml",
            """
            [variables]
            APP = "up"
            [[command]]
            name = "price"
            command = 'echo \$APP costs'
            [[command]]
            name = "ok"
            command = "echo fine"
            """
        );

        var told = box.Run("import", "cmdorc.toml").Gives(0);

        Assert.Contains("price", told.Out + told.Err, StringComparison.Ordinal);
        box.Run("config", "validate").Gives(0);
        box.Run("trigger", "ok", "--wait").Gives(0);
        Assert.Equal("fine\n", box.Log(Assert.Single(box.Ids)));
    }

    [Fact]
    public void An_imported_chain_is_valid_and_runs_to_its_end_by_one_event()
    {
        using var box = new Sandbox();
        Write(box, "cmdorc.toml", Chain);
        box.Run("import", "cmdorc.toml").Gives(0);
        box.Run("config", "validate").Gives(0);

        box.Run("trigger", "files_saved", "--wait").Gives(0);

        Eventually.Holds(
            () => box.Tasks.Count == 3 && box.Tasks.All(t => t.IsFinished),
            "all three of the chain have ended"
        );
        Assert.Equal(["linting ./src\n", "testing ./src\n", "over\n"], box.Ids.Select(box.Log));
    }

    [Fact]
    public void A_chain_comes_over_whole_and_a_second_time_changes_nothing()
    {
        using var box = new Sandbox();
        Write(box, "cmdorc.toml", Chain);

        var outcome = box.Run("import", "cmdorc.toml").Gives(0);

        Assert.Equal(
            [
                "agent Format-and-lint",
                "agent Tests",
                "agent Tell",
                "variable root",
                "variable sources",
            ],
            outcome.Lines
        );
        Assert.Contains("it was called 'Format and lint'", outcome.Err, StringComparison.Ordinal);
        Assert.Contains("Imported 3 agents and 2 variables", outcome.Err, StringComparison.Ordinal);
        var agents = Config(box).GetProperty("agents");
        Assert.Equal(
            ["-c", "echo linting {{ sources }}"],
            Texts(agents.GetProperty("Format-and-lint").GetProperty("args"))
        );
        Assert.Equal(
            ["task_success:Format-and-lint", "Tests"],
            Texts(agents.GetProperty("Tests").GetProperty("triggers"))
        );
        Assert.Equal(
            ["task_success:Tests", "task_failed:Tests"],
            Texts(agents.GetProperty("Tell").GetProperty("triggers"))
        );

        var before = File.ReadAllText(ConfigFile(box));
        Assert.Empty(box.Run("import", ".").Gives(0).Out);
        Assert.Equal(before, File.ReadAllText(ConfigFile(box)));
    }

    [Fact]
    public void Several_files_are_one_configuration()
    {
        using var box = new Sandbox();
        Write(
            box,
            "base.toml",
            "[variables]\nmode = \"slow\"\n\n[[command]]\nname = \"Build\"\ncommand = \"echo {{ mode }}\"\n"
        );
        Write(
            box,
            "ci/deploy.toml",
            "[variables]\nmode = \"fast\"\n\n[[command]]\nname = \"Deploy\"\ncommand = \"echo out\"\ntriggers = [\"command_success:Build\"]\ncwd = \"out\"\n"
        );

        var json = box.Run("import", "base.toml", "ci/deploy.toml", "--json").Gives(0).Json;

        Assert.Equal(["Build", "Deploy"], Texts(json.GetProperty("agents")));
        Assert.Equal(["base.toml", "ci/deploy.toml"], Texts(json.GetProperty("files")));
        Assert.Equal(["mode"], Texts(json.GetProperty("variables")));
        Assert.Contains(
            "ci/deploy.toml:2:1",
            Assert
                .Single(json.GetProperty("skipped").EnumerateArray())
                .GetProperty("why")
                .GetString(),
            StringComparison.Ordinal
        );
        var config = Config(box);
        Assert.Equal("fast", config.GetProperty("variables").GetProperty("mode").GetString());
        var agents = config.GetProperty("agents");
        Assert.Equal(["Build"], Texts(agents.GetProperty("Build").GetProperty("triggers")));
        Assert.Equal("ci/out", agents.GetProperty("Deploy").GetProperty("cwd").GetString());
    }

    [Fact]
    public void Each_command_keeps_what_it_says_of_its_output()
    {
        using var box = new Sandbox();
        Write(
            box,
            "cmdorc.toml",
            """
            [output_storage]
            directory = ".cmdorc/outputs"
            keep_history = 12
            output_extension = ".log"

            [[command]]
            name = "Report"
            triggers = ["Report"]
            command = "echo '{}'"
            output_extension = ".json"
            keep_history = 2

            [[command]]
            name = "Watch"
            triggers = ["Watch"]
            command = "echo on"
            """
        );
        var run = Path.Join(box.Folder, ".cmdorc", "outputs", "Report", "4f0c", "metadata.toml");
        Directory.CreateDirectory(Path.GetDirectoryName(run)!);
        File.WriteAllText(run, "state = \"success\"\n");

        var outcome = box.Run("import", ".").Gives(0);

        Assert.Contains("past runs are not imported", outcome.Err, StringComparison.Ordinal);
        Assert.True(File.Exists(run));
        var config = Config(box);
        Assert.Equal(12, config.GetProperty("keepHistory").GetInt32());
        var report = config.GetProperty("agents").GetProperty("Report");
        Assert.Equal(2, report.GetProperty("keepHistory").GetInt32());
        Assert.Equal(".json", report.GetProperty("outputExtension").GetString());
        var watch = config.GetProperty("agents").GetProperty("Watch");
        Assert.Equal(".log", watch.GetProperty("outputExtension").GetString());
    }

    [Fact]
    public void A_dry_run_says_what_would_come_and_writes_nothing()
    {
        using var box = new Sandbox();
        Write(box, "cmdorc.toml", Chain);
        var before = box.Picture();

        var outcome = box.Run("import", ".", "--dry-run").Gives(0);

        Assert.Contains("Would import 3 agents", outcome.Err, StringComparison.Ordinal);
        Assert.Equal(before, box.Picture());
    }

    [Theory]
    [InlineData(
        "[[command]]\nname = 'a'\nstarted = 2024-01-01\n",
        "cmdorc.toml:3:11: dates and times"
    )]
    [InlineData(
        "[[command]]\nname = 'a'\n[[command]]\nname = 'a'\n",
        "Two commands are called 'a'"
    )]
    [InlineData("[command]\n", "command must be a list of tables")]
    public void A_file_that_is_not_understood_is_refused_and_nothing_changes(
        string toml,
        string says
    )
    {
        using var box = new Sandbox();
        Write(box, "cmdorc.toml", toml);
        var before = box.Picture();

        var outcome = box.Run("import", "cmdorc.toml").Gives(2);

        Assert.Contains(says, outcome.Err, StringComparison.Ordinal);
        Assert.Empty(outcome.Out);
        Assert.Equal(before, box.Picture());
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        using var box = new Sandbox();

        Assert.Contains(
            "There is no file",
            box.Run("import", "missing.toml").Gives(1).Err,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_name_made_to_upset_a_terminal_is_shown_harmlessly()
    {
        using var box = new Sandbox();
        Write(box, "cmdorc.toml", "[[command]]\nname = \"a\\u001b[2Jb\"\ncommand = \"true\"\n");

        var outcome = box.Run("import", "cmdorc.toml").Gives(0);

        Assert.Equal(["agent a-2Jb"], outcome.Lines);
        Assert.DoesNotContain('\e', outcome.Out + outcome.Err);
    }

    private static void Write(Sandbox box, string name, string toml)
    {
        var path = Path.Join(box.Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, toml);
    }

    private static string ConfigFile(Sandbox box) => Path.Join(box.Folder, "agent-config.json");

    private static JsonElement Config(Sandbox box)
    {
        using var document = JsonDocument.Parse(
            File.ReadAllBytes(ConfigFile(box)),
            new JsonDocumentOptions
            {
                AllowTrailingCommas = true,
                CommentHandling = JsonCommentHandling.Skip,
            }
        );
        return document.RootElement.Clone();
    }

    private static IEnumerable<string?> Texts(JsonElement list) =>
        list.EnumerateArray().Select(static t => t.GetString());
}
