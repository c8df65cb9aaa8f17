using System.Text.Json;
using AgentQueue.Config;
using AgentQueue.Keeping;

namespace AgentQueue.Tests.Keeping;

public sealed class ImportEventsTests : IDisposable
{
    private const string Chain = """
        [variables]
        src = "app"
        checks = "{{ src }}/checks"

        [[command]]
        name = "Lint"
        triggers = ["saved"]
        command = "lint {{ src }}"
        cancel_on_triggers = ["typing", "quit"]
        max_concurrent = 1
        on_retrigger = "cancel_and_restart"
        debounce_in_ms = 250
        timeout_secs = 120
        loop_detection = true

        [[command]]
        name = "Test"
        triggers = ["command_success:Lint", "Test"]
        command = "check {{ checks }}"
        debounce_mode = "completion"

        [[command]]
        name = "Notify"
        triggers = ["command_failed:Lint", "command_finished:Test"]
        command = "echo ended"
        loop_detection = false
        """;

    private readonly KeepingProject _project = new();

    private string ConfigFile => Path.Join(_project.Root, AgentConfig.FileName);

    public void Dispose() => _project.Dispose();

    [Fact]
    public void A_chain_of_commands_becomes_a_chain_of_agents()
    {
        var report = Import(Chain);

        Assert.Equal(["Lint", "Test", "Notify"], report.Agents);
        Assert.Equal(
            """
            {"command":"sh","args":["-c","lint {{ src }}"],"triggers":["saved"],"cancelOn":["typing","quit"],"maxConcurrent":1,"onRetrigger":"cancel_and_restart","debounceMs":250,"timeout":"2m","loopDetection":true}
            """,
            Agent("Lint")
        );
        Assert.Equal(
            """
            {"command":"sh","args":["-c","check {{ checks }}"],"triggers":["task_success:Lint","Test"],"debounceMode":"completion"}
            """,
            Agent("Test")
        );
        Assert.Equal(
            """
            {"command":"sh","args":["-c","echo ended"],"triggers":["task_failed:Lint","task_finished:Test"],"loopDetection":false}
            """,
            Agent("Notify")
        );
        Assert.Equal("""{"src":"app","checks":"{{ src }}/checks"}""", Value(["variables"]));
        Assert.Empty(report.AgentChanges);
        Assert.Empty(report.Skipped);
    }

    [Fact]
    public void A_second_import_changes_nothing()
    {
        Import(Chain);
        var before = File.ReadAllText(ConfigFile);

        var report = Import(Chain);

        Assert.Equal(before, File.ReadAllText(ConfigFile));
        Assert.Empty(report.Agents);
        Assert.Empty(report.Variables);
        Assert.Equal(
            ["agent Lint", "agent Test", "agent Notify"],
            report.Skipped.Select(s => s.What)
        );
    }

    [Fact]
    public void What_stands_in_the_configuration_stays_as_it_is()
    {
        File.WriteAllText(
            ConfigFile,
            """
            {
              // mine
              "agents": {
                "Lint": { "command": "mine" }, // stays
              },
              "variables": { "src": "other" },
              "keepHistory": 3
            }

            """
        );

        var report = Import(Chain + "\n[output_storage]\nkeep_history = 7\n");

        var text = File.ReadAllText(ConfigFile);
        Assert.Contains("""  // mine""", text, StringComparison.Ordinal);
        Assert.Contains(
            """    "Lint": { "command": "mine" }, // stays""",
            text,
            StringComparison.Ordinal
        );
        Assert.Equal("""{"src":"other","checks":"{{ src }}/checks"}""", Value(["variables"]));
        Assert.Equal("3", Value(["keepHistory"]));
        Assert.Equal(["Test", "Notify"], report.Agents);
        Assert.Equal(
            ["agent Lint", "variable src", "output_storage.keep_history"],
            report.Skipped.Select(s => s.What)
        );
    }

    [Fact]
    public void A_dry_run_tells_the_same_and_writes_nothing()
    {
        var told = Import(Chain, dryRun: true);

        Assert.False(File.Exists(ConfigFile));
        var done = Import(Chain);
        Assert.Equal(told.Agents, done.Agents);
        Assert.Equal(told.Variables, done.Variables);
    }

    [Fact]
    public void Names_that_no_agent_can_have_get_others_and_what_names_them_follows()
    {
        var report = Import(
            """
            [[command]]
            name = "Initialize Database"
            command = "true"

            [[command]]
            name = "Initialize-Database"
            command = "true"

            [[command]]
            name = "../.."
            triggers = ["command_success:Initialize Database"]
            cancel_on_triggers = ["command_started:../.."]
            command = "true"

            [[command]]
            name = "shell"
            triggers = ["command_success:Initialize-Database", "Initialize Database"]
            command = "true"
            """
        );

        Assert.Equal(
            ["Initialize-Database-2", "Initialize-Database", "command", "shell-2"],
            report.Agents
        );
        Assert.Equal(
            """["task_success:Initialize-Database-2"]""",
            Value(["agents", "command", "triggers"])
        );
        Assert.Equal("""["task_started:command"]""", Value(["agents", "command", "cancelOn"]));
        Assert.Equal(
            """["task_success:Initialize-Database","Initialize Database"]""",
            Value(["agents", "shell-2", "triggers"])
        );
        Assert.Equal(
            3,
            report.AgentChanges.Count(c => c.Contains("it was called", StringComparison.Ordinal))
        );
        Assert.All(report.Agents, name => Assert.True(AgentConfig.IsName(name)));
    }

    [Fact]
    public void Without_triggers_an_agent_starts_by_its_own_name_and_with_none_by_no_event()
    {
        Import(
            """
            [[command]]
            name = "By name"
            command = "true"

            [[command]]
            name = "By hand"
            triggers = []
            command = "true"
            """
        );

        Assert.Equal("""["By name"]""", Value(["agents", "By-name", "triggers"]));
        Assert.Equal("""{"command":"sh","args":["-c","true"]}""", Agent("By-hand"));
    }

    [Fact]
    public void A_dollar_name_is_a_variable_only_if_the_file_defines_it()
    {
        var report = Import(
            """
            [variables]
            TARGET = "$ROOT/out"
            dir = "{{ HOME }}/x"

            [[command]]
            name = "a"
            command = "A=1; echo $A $TARGET $OWN {{TARGET}} {{ PATH }} ${TARGET} $lower {{ given }} {{.Go}}"
            vars = { OWN = "$TARGET", n = 5 }
            env = { X = "$TARGET:$PATH", Y = "${PATH}" }
            """
        );

        Assert.Equal(
            "A=1; echo $A {{ TARGET }} {{ OWN }} {{ TARGET }} {{ env.PATH }} ${TARGET} $lower {{ given }} {{.Go}}",
            Script("a")
        );
        Assert.Equal("""{"OWN":"{{ TARGET }}","n":"5"}""", Value(["agents", "a", "vars"]));
        Assert.Equal(
            """{"X":"{{ TARGET }}:{{ env.PATH }}","Y":"${PATH}"}""",
            Value(["agents", "a", "env"])
        );
        Assert.Equal(
            """{"TARGET":"{{ env.ROOT }}/out","dir":"{{ env.HOME }}/x"}""",
            Value(["variables"])
        );
        Assert.Equal(
            [
                "a: nothing in the file says what {{ given }} is; give it with --var given=VALUE",
                "a: ${PATH} in env.Y was plain text and is replaced here",
            ],
            report.AgentChanges
        );
    }

    [Theory]
    [InlineData("run {{ flags }}", true)]
    [InlineData("run {{ outer }}", true)]
    [InlineData("run '{{ flags }}'", false)]
    [InlineData("run \"a {{ flags }}\"", false)]
    [InlineData("run \"a\" {{ flags }}", true)]
    [InlineData("run {{ plain }}/{{ home }}", false)]
    public void What_the_shell_read_there_and_reads_as_one_word_here_is_told_of(
        string command,
        bool isTold
    )
    {
        var report = Import(
            $"""
            [variables]
            flags = "-q -x"
            outer = "{"{{ flags }}"}"
            plain = "a"
            home = "{"{{ HOME }}"}/a"

            [[command]]
            name = "a"
            command = '''{command}'''
            """
        );

        Assert.Equal(
            isTold,
            report.AgentChanges.Exists(c => c.Contains("| raw", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void What_is_a_placeholder_here_and_was_plain_text_there_is_told_of()
    {
        var report = Import("[[command]]\nname = 'a'\ncommand = 'awk {agent}; -x'\n");

        Assert.Equal(
            ["a: {agent} in its command was plain text and is replaced here"],
            report.AgentChanges
        );
    }

    [Fact]
    public void A_command_that_begins_with_a_dash_is_no_option_of_the_shell()
    {
        Import("[[command]]\nname = 'a'\ncommand = '-x'\n");

        Assert.Equal(" -x", Script("a"));
    }

    [Fact]
    public void On_Windows_its_own_shell_is_meant()
    {
        Import("[[command]]\nname = 'a'\ncommand = 'dir'\n", onWindows: true);

        Assert.Equal("""{"command":"cmd","args":["/c","dir"],"triggers":["a"]}""", Agent("a"));
    }

    [Fact]
    public void Retention_and_extension_of_one_command_beat_those_of_all()
    {
        var report = Import(
            """
            [output_storage]
            directory = "out"
            keep_history = 0
            output_extension = ".log"

            [[command]]
            name = "a"
            command = "true"
            keep_history = -1
            keep_in_memory = 4
            output_extension = ".json"

            [[command]]
            name = "b"
            command = "true"
            """
        );

        Assert.Equal("0", Value(["keepHistory"]));
        Assert.Equal("-1", Value(["agents", "a", "keepHistory"]));
        Assert.Equal("\".json\"", Value(["agents", "a", "outputExtension"]));
        Assert.Equal("\".log\"", Value(["agents", "b", "outputExtension"]));
        Assert.StartsWith(
            "output_storage.directory in cmdorc.toml:2:1",
            Assert.Single(report.Skipped).What,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "keep_in_memory",
            Assert.Single(report.AgentChanges),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_folder_is_meant_from_the_file_on()
    {
        Directory.CreateDirectory(Path.Join(_project.Root, "ci"));
        Write(
            "ci/cmdorc.toml",
            Commands(("a", "cwd = 'sub'"), ("b", "cwd = '..'"), ("c", "cwd = '../..'"), ("d", ""))
        );

        var report = new Import(_project.Queue, TimeProvider.System).Run(
            ["ci"],
            _project.Root,
            dryRun: false
        );

        Assert.Equal("\"ci/sub\"", Value(["agents", "a", "cwd"]));
        Assert.DoesNotContain("cwd", Agent("b"), StringComparison.Ordinal);
        Assert.Equal(
            ConfigText.Quote(Path.GetDirectoryName(_project.Root)!),
            Value(["agents", "c", "cwd"])
        );
        Assert.Contains(report.Skipped, s => s.What == "the folder of ci/cmdorc.toml");
    }

    [Fact]
    public void Keys_and_tables_that_are_not_known_are_told_of_with_the_nearest_and_left_out()
    {
        var report = Import(
            """
            [variable]
            a = "b"

            [[file_watcher]]
            dir = "."

            [output_storage]
            keep_histroy = 4

            [[command]]
            name = "a"
            command = "true"
            timeout_sec = 4
            """
        );

        Assert.Equal(
            [
                "a: cmdorc.toml:13:1: timeout_sec is not a known key; did you mean 'timeout_secs'?; it was left out",
            ],
            report.AgentChanges
        );
        Assert.Equal(
            [
                (
                    "variable in cmdorc.toml:1:2",
                    "it is not a known table; did you mean 'variables'?"
                ),
                ("file_watcher in cmdorc.toml:4:3", "it is not a known table"),
                (
                    "output_storage.keep_histroy in cmdorc.toml:8:1",
                    "it is not a known key; did you mean 'keep_history'?"
                ),
            ],
            report.Skipped.Select(s => (s.What, s.Why))
        );
        Assert.Equal("""{"command":"sh","args":["-c","true"],"triggers":["a"]}""", Agent("a"));
    }

    [Theory]
    [InlineData("timeout_secs = 'x'", "cmdorc.toml:4:16: timeout_secs must be a number of seconds")]
    [InlineData("timeout_secs = 0", "cmdorc.toml:4:16: timeout_secs must be")]
    [InlineData(
        "max_concurrent = -1",
        "cmdorc.toml:4:18: max_concurrent must be a whole number from 0"
    )]
    [InlineData(
        "keep_history = -2",
        "cmdorc.toml:4:16: keep_history must be a whole number from -1"
    )]
    [InlineData("on_retrigger = 'ignor'", "did you mean 'ignore'?")]
    [InlineData("debounce_mode = 'trailing'", "must be one of start, completion")]
    [InlineData("output_extension = 'a/b'", "cmdorc.toml:4:20: output_extension must be a dot")]
    [InlineData("output_extension = 5", "cmdorc.toml:4:20: output_extension must be text")]
    [InlineData("triggers = 'a'", "cmdorc.toml:4:12: triggers must be a list of texts")]
    [InlineData(
        "triggers = ['a', '']",
        "cmdorc.toml:4:18: triggers[1] must be the name of an event"
    )]
    [InlineData("triggers = [\"a\\n\"]", "triggers[0] must be the name of an event")]
    [InlineData("cancel_on_triggers = [5]", "cancel_on_triggers[0] must be text")]
    [InlineData("vars = 5", "vars must be an object")]
    [InlineData("env = { A = [] }", "env.A must be text")]
    [InlineData("loop_detection = 1", "loop_detection must be true or false")]
    public void A_command_with_a_wrong_value_is_left_and_the_others_come(string line, string says)
    {
        var report = Import(Commands(("a", line), ("b", "")));

        Assert.Equal(["b"], report.Agents);
        var skip = Assert.Single(report.Skipped);
        Assert.Equal("command a", skip.What);
        Assert.Contains(says, skip.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[command]\nname = 'a'", "cmdorc.toml:1:2: command must be a list of tables")]
    [InlineData("command = [1]", "cmdorc.toml:1:12: command must be a table")]
    [InlineData("[[command]]\ncommand = 'a'", "cmdorc.toml:1:1: command has no name")]
    [InlineData("[[command]]\nname = ' '", "cmdorc.toml:2:8: name must not be empty")]
    [InlineData("variables = 1", "cmdorc.toml:1:13: variables must be an object")]
    [InlineData("[variables]\na = []", "cmdorc.toml:2:5: variables.a must be text")]
    [InlineData(
        "[output_storage]\nkeep_history = -2",
        "cmdorc.toml:2:16: output_storage.keep_history must"
    )]
    [InlineData("a = 2024-01-01", "cmdorc.toml:1:5: dates and times")]
    public void A_file_that_is_wrong_as_a_whole_is_refused(string toml, string says)
    {
        var e = Assert.Throws<QueueException>(() => Import(toml));

        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, e.ExitCode);
        Assert.False(File.Exists(ConfigFile));
    }

    [Fact]
    public void Of_several_files_the_later_one_counts_and_that_is_told()
    {
        Write(
            "a.toml",
            "[variables]\nx = '1'\ny = '1'\n[output_storage]\nkeep_history = 1\n"
                + Commands(("a", ""))
        );
        Write(
            "b.toml",
            "[variables]\nx = '2'\ny = '1'\n[output_storage]\nkeep_history = 2\n"
                + Commands(("b", "triggers = ['command_success:a']"))
        );

        var report = Import(["a.toml", "b.toml", "./a.toml"]);

        Assert.Equal(["a", "b"], report.Agents);
        Assert.Equal(["a.toml", "b.toml"], report.Files);
        Assert.Equal("""{"x":"2","y":"1"}""", Value(["variables"]));
        Assert.Equal("2", Value(["keepHistory"]));
        Assert.Equal(
            [
                ("variable x in a.toml:2:1", "b.toml:2:1 sets it again, and the later one counts"),
                (
                    "output_storage.keep_history in a.toml:5:1",
                    "b.toml:5:1 sets it again, and the later one counts"
                ),
            ],
            report.Skipped.Select(s => (s.What, s.Why))
        );
    }

    [Fact]
    public void Two_commands_of_one_name_are_refused_with_both_places()
    {
        Write("a.toml", Commands(("one", "")));
        Write("b.toml", Commands(("two", ""), ("one", "")));

        var e = Assert.Throws<QueueException>(() => Import(["a.toml", "b.toml"]));

        Assert.Contains(
            "'one': in a.toml:1:1 and in b.toml:4:1",
            e.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Outputs_of_past_runs_stay_where_they_are()
    {
        var past = Path.Join(_project.Root, ".cmdorc", "outputs");
        Directory.CreateDirectory(Path.Join(past, "a", "run"));

        var report = Import(Commands(("a", "")));

        Assert.Equal(past, Assert.Single(report.Skipped).What);
        Assert.True(Directory.Exists(Path.Join(past, "a", "run")));
    }

    [Theory]
    [InlineData("orchestrator_started")]
    [InlineData("orchestrator_shutdown")]
    public void Events_that_nothing_makes_here_are_told_of(string name)
    {
        var report = Import(Commands(("a", $"triggers = ['{name}']")));

        Assert.Equal($"""["{name}"]""", Value(["agents", "a", "triggers"]));
        Assert.Contains(name, Assert.Single(report.AgentChanges), StringComparison.Ordinal);
    }

    private static string Commands(params (string Name, string Line)[] commands) =>
        string.Concat(
            commands.Select(c =>
                $"[[command]]\nname = '{c.Name}'\ncommand = 'true'\n{c.Line}{(c.Line.Length > 0 ? "\n" : "")}"
            )
        );

    private void Write(string name, string toml) =>
        File.WriteAllText(Path.Join(_project.Root, name), toml);

    private ImportReport Import(string toml, bool dryRun = false, bool onWindows = false)
    {
        Write(EventFile.UsualName, toml);
        return Import([EventFile.UsualName], dryRun, onWindows);
    }

    private ImportReport Import(string[] names, bool dryRun = false, bool onWindows = false)
    {
        var report = new ImportReport();
        new ImportEvents(_project.Queue, onWindows).Import(
            [
                .. names.Select(n =>
                    EventFile.At(Path.GetFullPath(n, _project.Root), n)
                    ?? throw new FileNotFoundException(n)
                ),
            ],
            report,
            dryRun
        );
        return report;
    }

    private string Agent(string name) => Value(["agents", name]);

    private string Script(string name)
    {
        using var args = JsonDocument.Parse(Value(["agents", name, "args"]));
        return args.RootElement[1].GetString()!;
    }

    private string Value(string[] path) => ConfigJson.Value(ConfigFile, path);
}
