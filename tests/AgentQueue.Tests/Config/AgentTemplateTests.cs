using System.Text;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Config;

public sealed class AgentTemplateTests : IDisposable
{
    private readonly TempProject _project = new();

    private readonly AgentDefinition _bare = new()
    {
        Name = "a",
        Command = "/bin/sh",
        Args = ["--", "{prompt}"],
        PromptTemplate = PromptText.Bare,
    };

    public void Dispose() => _project.Dispose();

    private TaskPaths Paths() =>
        new(
            _project.Root,
            "/q/plans/plan.md",
            "/q/logs/log",
            "/q/workspace",
            "/q/run/prompt",
            "/q/tasks/t.done",
            "/q/tasks/t.error",
            "/q/run/usage"
        );

    private static AgentTask Task(string prompt = "do it") =>
        new()
        {
            Id = TaskId.Parse("task_1"),
            Agent = "a",
            Prompt = prompt,
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
        };

    private LaunchPlan Resolve(
        AgentDefinition agent,
        AgentTask? task = null,
        Settings? settings = null,
        params (string Name, string Value)[] environment
    ) =>
        AgentTemplate.Resolve(
            agent,
            task ?? Task(),
            Paths(),
            settings ?? Settings.Default,
            name => Array.Find(environment, v => v.Name == name).Value
        );

    private string Refusal(
        AgentDefinition agent,
        AgentTask? task = null,
        params (string Name, string Value)[] environment
    ) => Assert.Throws<QueueException>(() => Resolve(agent, task, null, environment)).Message;

    [Fact]
    public void Every_placeholder_is_replaced_and_each_argument_stays_one()
    {
        var plan = Resolve(
            _bare with
            {
                Args =
                [
                    "{prompt}|{taskId}|{agent}",
                    "{planFile}",
                    "{logFile}",
                    "{workspace}",
                    "{promptFile}",
                    "{doneFile}{errorFile}",
                ],
            },
            Task("two words\n$HOME `x` \"q\"")
        );
        Assert.Equal(
            [
                "two words\n$HOME `x` \"q\"|task_1|a",
                "/q/plans/plan.md",
                "/q/logs/log",
                "/q/workspace",
                "/q/run/prompt",
                "/q/tasks/t.done/q/tasks/t.error",
            ],
            plan.Arguments.ToArray()
        );
        Assert.Equal("/bin/sh", plan.Executable);
        Assert.True(plan.NeedsPromptFile);
    }

    [Fact]
    public void A_prompt_that_contains_a_placeholder_is_not_expanded_again()
    {
        var plan = Resolve(_bare, Task("what is {taskId}, {agent} and {prompt}?"));
        Assert.Equal("what is {taskId}, {agent} and {prompt}?", plan.Arguments[1]);
        Assert.False(plan.NeedsPromptFile);
    }

    [Theory]
    [InlineData("""{"error": "x", "n": {}}""")]
    [InlineData("{}")]
    [InlineData("{{.Names}} {{ a b }} {{json .}} {{ x | upper }} {{}}")]
    [InlineData("{ taskId } {unknown} {task Id} {taskId")]
    [InlineData("}{")]
    [InlineData("{userPrompt}")]
    public void Braces_around_anything_else_stay_as_they_are(string text) =>
        Assert.Equal([text], Resolve(_bare with { Args = [text] }).Arguments.ToArray());

    [Fact]
    public void Doubled_braces_are_a_variable_and_no_placeholder() =>
        Assert.Equal(
            "agents.a.args[0] needs {{ taskId }}, which has no value; the placeholder is {taskId}",
            Refusal(_bare with { Args = ["{{taskId}}"] })
        );

    [Fact]
    public void A_template_surrounds_the_prompt_and_keeps_its_JSON()
    {
        var plan = Resolve(
            _bare with
            {
                PromptTemplate =
                    """{taskId} {agent}: {userPrompt} or {prompt}; answer {"ok": {}}""",
            },
            Task("say {taskId}")
        );
        Assert.Equal(
            """task_1 a: say {taskId} or say {taskId}; answer {"ok": {}}""",
            plan.PromptText
        );
        Assert.Equal(plan.PromptText, plan.Arguments[1]);
    }

    [Fact]
    public void A_template_file_wins_over_an_inline_template()
    {
        _project.Write("prompts/a.md", "\uFEFFfile: {userPrompt}");
        var plan = Resolve(
            _bare with
            {
                PromptTemplate = "inline",
                PromptTemplateFile = "prompts/a.md",
            }
        );
        Assert.Equal("file: do it", plan.PromptText);
    }

    [Fact]
    public void A_missing_template_file_is_named() =>
        Assert.Equal(
            "The prompt template of agent 'a', no.md, does not exist",
            Refusal(_bare with { PromptTemplateFile = "no.md" })
        );

    [Fact]
    public void Without_a_template_the_agent_is_told_how_to_report()
    {
        var prompt = Resolve(_bare with { PromptTemplate = null }).PromptText;
        Assert.StartsWith("do it\n", prompt, StringComparison.Ordinal);
        foreach (
            var part in (string[])
                [
                    "task_1",
                    "/q/tasks/t.done",
                    "/q/tasks/t.error",
                    "\"error\"",
                    "\"details\"",
                    "\"timestamp\"",
                    "/q/plans/plan.md",
                    "/q/workspace",
                ]
        )
        {
            Assert.Contains(part, prompt, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("{taskId}", prompt, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', prompt);
    }

    [Fact]
    public void The_shell_gets_the_prompt_and_nothing_else()
    {
        Assert.Equal("do it", Resolve(AgentConfig.Shell(onWindows: false)).Arguments[^1]);
        var configured = _bare with { Name = AgentDefinition.Shell, PromptTemplate = null };
        Assert.Equal("do it", Resolve(configured).PromptText);
    }

    [Fact]
    public void A_prompt_that_begins_with_a_dash_does_not_become_an_option_of_the_fallback()
    {
        var path = _project.Program("bin/opencode");
        var agent = AgentConfig.Load(_project.Root).Find("coder", path);
        (string, string)[] environment = [("PATH", path)];
        var plain = Resolve(agent, Task("fix it"), null, environment);
        Assert.Equal(["run", plain.PromptText, "--agent", "a"], plain.Arguments.ToArray());
        var dashed = Resolve(agent, Task("--help"), null, environment);
        Assert.Equal(["run", "--agent", "a", "--", dashed.PromptText], dashed.Arguments.ToArray());
    }

    [Theory]
    [InlineData(96 * 1024, true)]
    [InlineData(96 * 1024 + 1, false)]
    public void A_prompt_is_an_argument_up_to_96_KiB(int bytes, bool fits)
    {
        var task = Task(new string('ä', bytes / 2) + new string('x', bytes % 2));
        if (fits)
        {
            Assert.Equal(bytes, Encoding.UTF8.GetByteCount(Resolve(_bare, task).Arguments[1]));
        }
        else
        {
            var refused = Assert.Throws<QueueException>(() => Resolve(_bare, task));
            Assert.Contains(
                "98,304 (96 KiB) is the limit",
                refused.Message,
                StringComparison.Ordinal
            );
            Assert.Contains("promptVia to stdin or file", refused.Hint!, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("stdin")]
    [InlineData("file")]
    public void A_longer_prompt_goes_by_stdin_or_file(string via)
    {
        var plan = Resolve(
            _bare with
            {
                Args = ["{promptFile}"],
                PromptVia = via == "stdin" ? PromptVia.Stdin : PromptVia.File,
            },
            Task(new string('x', 1_000_000))
        );
        Assert.Equal(1_000_000, plan.PromptText.Length);
        Assert.True(plan.NeedsPromptFile);
    }

    [Fact]
    public void An_argument_beyond_the_limit_of_the_system_is_refused() =>
        Assert.Contains(
            "Argument 1 of agent 'a' for task_1 is longer than 131,071 bytes",
            Refusal(_bare with { Args = ["{prompt}{prompt}"] }, Task(new string('x', 70_000))),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_NUL_is_refused() =>
        Assert.Equal("The prompt of task_1 contains a NUL character", Refusal(_bare, Task("a\0b")));

    [Fact]
    public void A_command_that_is_not_there_is_named()
    {
        Assert.Equal(
            "Agent 'a' cannot be started: 'nowhere' is not on PATH",
            Refusal(_bare with { Command = "nowhere" })
        );
        Assert.Equal(
            "Agent 'a' cannot be started: bin/no is not an executable file",
            Refusal(_bare with { Command = "bin/no" })
        );
    }

    [Fact]
    public void The_command_is_looked_up_in_the_PATH_that_the_agent_will_have()
    {
        var folder = _project.Program("bin/tool");
        var agent = _bare with
        {
            Command = "tool",
            Environment = AgentEnvironment.NoOverrides.Add("PATH", $"{folder}:${{PATH}}"),
        };
        Assert.Equal(
            Path.Join(folder, "tool"),
            Resolve(agent, null, null, ("PATH", "/bin")).Executable
        );
    }

    [Fact]
    public void The_environment_of_the_task_wins_over_that_of_the_agent()
    {
        var agent = _bare with
        {
            Environment = AgentEnvironment
                .NoOverrides.Add("A", "agent")
                .Add("B", "agent")
                .Add("C", null)
                .Add("D", "<${KEY}${KEY}$X$>"),
        };
        var task = Task() with
        {
            Environment = AgentEnvironment
                .NoOverrides.Add("B", "task ${KEY}")
                .Add("E", null)
                .Add("F", null),
        };
        Assert.Equal(
            [
                KeyValuePair.Create("A", (string?)"agent"),
                KeyValuePair.Create("B", (string?)"task ${KEY}"),
                KeyValuePair.Create("C", (string?)null),
                KeyValuePair.Create("D", (string?)"<${KEY}${KEY}$X$>"),
                KeyValuePair.Create("E", (string?)"runner"),
                KeyValuePair.Create("F", (string?)null),
            ],
            Resolve(agent, task, null, ("KEY", "${KEY}"), ("E", "runner")).Environment
        );
    }

    [Fact]
    public void A_variable_that_is_not_set_is_named_and_no_value_is_told()
    {
        var agent = _bare with
        {
            Environment = AgentEnvironment.NoOverrides.Add("TOKEN", "secret-${MISSING}"),
        };
        Assert.Equal(
            "Agent 'a' needs the environment variable MISSING for its TOKEN, and it is not set",
            Refusal(agent)
        );
    }

    [Fact]
    public void A_variable_beyond_the_limit_of_the_system_is_refused_by_its_name()
    {
        var task = Task() with
        {
            Environment = AgentEnvironment.NoOverrides.Add("BIG", new string('x', 131_068)),
        };
        Assert.Contains(
            "The environment variable BIG for task_1",
            Refusal(_bare, task),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_working_folder_is_that_of_the_task_or_the_agent_or_the_project()
    {
        var sub = Directory.CreateDirectory(Path.Join(_project.Root, "sub")).FullName;
        var other = Directory.CreateDirectory(Path.Join(_project.Root, "other")).FullName;
        var agent = _bare with { Cwd = "sub" };
        Assert.Equal(_project.Root, Resolve(_bare).WorkingFolder);
        Assert.Equal(sub, Resolve(agent).WorkingFolder);
        Assert.Equal(other, Resolve(agent, Task() with { WorkingFolder = other }).WorkingFolder);
        Assert.Contains(
            "does not exist",
            Refusal(_bare with { Cwd = "none" }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_task_wins_over_the_agent_and_the_agent_over_the_settings()
    {
        var settings = Settings.Default with { Timeout = Minutes(1), IdleTimeout = Minutes(2) };
        var agent = _bare with { Timeout = Minutes(3), IdleTimeout = Minutes(4) };
        var task = Task() with { Timeout = Minutes(5), IdleTimeout = Minutes(6) };
        Assert.Null(Resolve(_bare).Timeout);
        Assert.Equal(Minutes(1), Resolve(_bare, null, settings).Timeout);
        Assert.Equal(Minutes(2), Resolve(_bare, null, settings).IdleTimeout);
        Assert.Equal(Minutes(3), Resolve(agent, null, settings).Timeout);
        Assert.Equal(Minutes(4), Resolve(agent, null, settings).IdleTimeout);
        Assert.Equal(Minutes(5), Resolve(agent, task, settings).Timeout);
        Assert.Equal(Minutes(6), Resolve(agent, task, settings).IdleTimeout);

        static TimeSpan Minutes(int count) => TimeSpan.FromMinutes(count);
    }

    [Fact]
    public void Variables_and_placeholders_are_replaced_in_one_pass()
    {
        var agent = _bare with
        {
            Args = ["{prompt} {{ x }} {taskId}", "{{ y }}", "{prompt}{{ y }}}"],
            Variables = AgentDefinition
                .NoVariables.Add("x", "{prompt} {taskId}")
                .Add("y", "{task{{ z }}")
                .Add("z", "Id}"),
        };

        Assert.Equal(
            ["{{ x }}{ {prompt} {taskId} task_1", "{taskId}", "{{ x }}{{taskId}}"],
            Resolve(agent, Task("{{ x }}{")).Arguments.ToArray()
        );
    }

    [Fact]
    public void A_value_for_the_environment_is_filled_in_one_pass()
    {
        var agent = _bare with
        {
            Variables = AgentDefinition.NoVariables.Add("x", "${SECRET}").Add("s", "${SEC"),
            Environment = AgentEnvironment
                .NoOverrides.Add("A", "{{ x }} ${PLAIN} {{ env.PLAIN }}")
                .Add("B", "{{ s }}RET}"),
        };

        var plan = Resolve(agent, null, null, ("SECRET", "canary"), ("PLAIN", "{{ x }}"));

        Assert.Equal("${SECRET} {{ x }} {{ x }}", plan.Environment["A"]);
        Assert.Equal("${SECRET}", plan.Environment["B"]);
    }

    [Fact]
    public void What_people_see_has_no_value_of_the_environment()
    {
        var agent = _bare with
        {
            Args = ["-c", "curl -H {{ header }} {{ env.HOST }}", "{{ env.TOKEN }}"],
            Variables = AgentDefinition.NoVariables.Add("header", "auth: {{ env.TOKEN }}"),
        };

        var plan = Resolve(agent, null, null, ("TOKEN", "it's"), ("HOST", "h"));

        Assert.Equal(["-c", "curl -H 'auth: it'\\''s' 'h'", "it's"], plan.Arguments.ToArray());
        Assert.Equal(
            ["-c", "curl -H 'auth: {{ env.TOKEN }}' '{{ env.HOST }}'", "{{ env.TOKEN }}"],
            plan.ShownArguments.ToArray()
        );
    }

    [Fact]
    public void A_folder_that_is_not_there_is_told_without_values_of_the_environment() =>
        Assert.Equal(
            "The working folder of task_1, {{ env.WHERE }}/x, does not exist",
            Refusal(_bare with { Cwd = "{{ env.WHERE }}/x" }, null, ("WHERE", "/canary"))
        );

    [Theory]
    [InlineData("{{ x }}^{{ y }}")]
    [InlineData("{{ x }}^-c^{{ y }}")]
    [InlineData("-c^{{ x | raw }}^echo {{ y }}")]
    [InlineData("-c^{prompt}^echo {{ y }}")]
    public void No_value_makes_another_argument_the_script(string args)
    {
        var agent = _bare with
        {
            Args = [.. args.Split('^')],
            Variables = AgentDefinition.NoVariables.Add("x", "-ec").Add("y", "touch pwned"),
        };

        Assert.Contains(
            "would change which of them the shell takes for its script",
            Refusal(agent, Task("-x")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_prompts_quotes_count_for_what_stands_behind_it()
    {
        var agent = _bare with
        {
            Args = ["-c", "{prompt} {{ x }}"],
            Variables = AgentDefinition.NoVariables.Add("x", "a$b"),
        };

        Assert.Equal("echo 'a$b'", Resolve(agent, Task("echo")).Arguments[1]);
        Assert.Equal("echo \" \"'a$b'\"", Resolve(agent, Task("echo \"")).Arguments[1]);
        Assert.Contains(
            "{{ x }} stands behind a here-document",
            Refusal(agent, Task("cat <<EOF")),
            StringComparison.Ordinal
        );
    }
}
