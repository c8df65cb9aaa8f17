using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Config;

public sealed class AgentConfigTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    private AgentConfig Load(string json)
    {
        _project.Write(AgentConfig.FileName, json);
        return AgentConfig.Load(_project.Root);
    }

    private string Refusal(string json)
    {
        var refused = Assert.Throws<QueueException>(() => Load(json));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        return refused.Message;
    }

    private string[] Problems(string json, bool onWindows = false)
    {
        _project.Write(AgentConfig.FileName, json);
        return
        [
            .. AgentConfig
                .Validate(_project.Root, searchPath: "/bin:/usr/bin", onWindows)
                .Select(p => $"{p.Severity} {p}"),
        ];
    }

    private static string Agent(string members) => $$"""{"agents": {"a": { {{members}} } } }""";

    public sealed class Reading : IDisposable
    {
        private readonly AgentConfigTests _outer = new();

        public void Dispose() => _outer.Dispose();

        [Fact]
        public void Every_key_is_read()
        {
            var agent = _outer
                .Load(
                    """
                    {
                      "$schema": "x", // comments and trailing commas are fine
                      "agents": {
                        "coder": {
                          "command": "tool", "args": ["--", "{prompt}",], "description": "d",
                          "promptTemplate": "t", "promptTemplateFile": "f", "promptVia": "file",
                          "env": {"B": "${X}", "A": null}, "cwd": "sub", "timeout": "5m",
                          "idleTimeout": 90, "completion": "sentinel", "exitGrace": 0,
                          "maxParallel": 2, "keepChildren": true,
                        },
                      },
                    }
                    """
                )
                .Find("coder");

            Assert.Equal("coder", agent.Name);
            Assert.Equal("tool", agent.Command);
            Assert.Equal(["--", "{prompt}"], agent.Args.ToArray());
            Assert.Equal("d", agent.Description);
            Assert.Equal("t", agent.PromptTemplate);
            Assert.Equal("f", agent.PromptTemplateFile);
            Assert.Equal(PromptVia.File, agent.PromptVia);
            Assert.Equal(
                [
                    KeyValuePair.Create("A", (string?)null),
                    KeyValuePair.Create("B", (string?)"${X}"),
                ],
                agent.Environment
            );
            Assert.Equal("sub", agent.Cwd);
            Assert.Equal(TimeSpan.FromMinutes(5), agent.Timeout);
            Assert.Equal(TimeSpan.FromSeconds(90), agent.IdleTimeout);
            Assert.Equal(Completion.Sentinel, agent.Completion);
            Assert.Equal(TimeSpan.Zero, agent.ExitGrace);
            Assert.Equal(2, agent.MaxParallel);
            Assert.True(agent.KeepChildren);
        }

        [Fact]
        public void What_is_left_out_has_its_default()
        {
            var agent = _outer.Load(Agent("\"command\": \"tool\"")).Find("a");
            Assert.Empty(agent.Args.ToArray());
            Assert.Equal(PromptVia.Arg, agent.PromptVia);
            Assert.Equal(Completion.Auto, agent.Completion);
            Assert.Equal(TimeSpan.FromSeconds(10), agent.ExitGrace);
            Assert.Null(agent.Timeout);
            Assert.Null(agent.MaxParallel);
            Assert.False(agent.KeepChildren);
        }

        [Fact]
        public void Without_a_file_there_is_only_the_shell()
        {
            var config = AgentConfig.Load(_outer._project.Root);
            Assert.Equal(["shell"], config.Agents.Keys);
            Assert.Empty(config.Configured);
            Assert.Empty(AgentConfig.Validate(_outer._project.Root, searchPath: null));
        }

        [Fact]
        public void An_empty_object_is_a_valid_file() => Assert.Empty(_outer.Load("{}").Configured);

        [Theory]
        [InlineData(
            "{\n \"agents\": {\n \"a\": {\n \"command\": \"x\", \"timeuot\": 5 } } }",
            "agent-config.json:4: agents.a.timeuot is not a known key; did you mean 'timeout'?"
        )]
        [InlineData(
            """{"agent": {}}""",
            "agent-config.json:1: agent is not a known key; did you mean 'agents'?"
        )]
        [InlineData(
            """{"agents": {"a": {"args": []}}}""",
            "agent-config.json:1: agents.a has no command, and no adapter that knows one"
        )]
        [InlineData("[]", "agent-config.json:1: the file must hold an object, not a list")]
        [InlineData(
            """{"agents": {"a": 5}}""",
            "agent-config.json:1: agents.a must be an object, not a number"
        )]
        [InlineData(
            """{"agents": {"../a": {"command": "x"}}}""",
            "agent-config.json:1: agents.../a is not a name for an agent: it must begin with a letter or a digit and have at most 64 of A-Z a-z 0-9 . _ -"
        )]
        [InlineData(
            "{\"agents\": {\"a\": {\"command\": \"x\"},\n\"a\": {\"command\": \"y\"}}}",
            "agent-config.json:2: agents.a stands here twice, first in line 1"
        )]
        public void A_mistake_is_named_with_file_line_key_and_reason(string json, string message) =>
            Assert.Equal(message, _outer.Refusal(json));

        [Theory]
        [InlineData("\"command\": \"\"", "command must not be empty")]
        [InlineData("\"command\": \" \"", "command must not be empty")]
        [InlineData("\"command\": \"a\\u0000b\"", "command must not contain a NUL character")]
        [InlineData("\"command\": 5", "command must be text, not a number")]
        [InlineData(
            "\"command\": \"x\", \"args\": \"y\"",
            "args must be a list of texts, not text"
        )]
        [InlineData(
            "\"command\": \"x\", \"args\": [\"y\", 1]",
            "args[1] must be text, not a number"
        )]
        [InlineData(
            "\"command\": \"x\", \"promptVia\": \"pipe\"",
            "promptVia must be one of arg, stdin, file, not \"pipe\""
        )]
        [InlineData(
            "\"command\": \"x\", \"completion\": \"Auto\"",
            "completion must be one of auto, exit, sentinel, not \"Auto\"; did you mean 'auto'?"
        )]
        [InlineData("\"command\": \"x\", \"timeout\": -5", "timeout must be whole seconds")]
        [InlineData("\"command\": \"x\", \"timeout\": 0", "timeout must be at least 1s, not 0")]
        [InlineData("\"command\": \"x\", \"timeout\": \"soon\"", "timeout must be whole seconds")]
        [InlineData("\"command\": \"x\", \"timeout\": 1.5", "timeout must be whole seconds")]
        [InlineData(
            "\"command\": \"x\", \"timeout\": null",
            "timeout must be a number of seconds or text such as \"5m\", not null"
        )]
        [InlineData(
            "\"command\": \"x\", \"maxParallel\": 0",
            "maxParallel must be a whole number from 1 to 1000, not 0"
        )]
        [InlineData(
            "\"command\": \"x\", \"maxParallel\": 99999999999999999999",
            "maxParallel must be a whole number from 1 to 1000"
        )]
        [InlineData(
            "\"command\": \"x\", \"keepChildren\": \"yes\"",
            "keepChildren must be true or false, not text"
        )]
        [InlineData(
            "\"command\": \"x\", \"env\": {\"A=B\": \"\"}",
            "env.A=B is not a name for an environment variable"
        )]
        [InlineData(
            "\"command\": \"x\", \"env\": {\"AGENTQ_ROOT\": \"\"}",
            "env.AGENTQ_ROOT cannot be set"
        )]
        [InlineData("\"command\": \"x\", \"env\": {\"A\": 1}", "env.A must be text, not a number")]
        [InlineData("\"command\": \"x\", \"env\": {\"A\": \"${X:-1}\"}", "env.A has a ${…}")]
        public void A_value_that_a_key_does_not_take_is_refused(string members, string message) =>
            Assert.Contains(
                $"agent-config.json:1: agents.a.{message}",
                _outer.Refusal(Agent(members)),
                StringComparison.Ordinal
            );

        [Fact]
        public void The_first_of_several_mistakes_is_told_with_the_number_of_the_others() =>
            Assert.EndsWith(
                "timeout must be at least 1s, not 0 (and 1 more)",
                _outer.Refusal(Agent("\"command\": \"x\", \"timeout\": 0, \"colour\": 1")),
                StringComparison.Ordinal
            );

        [Fact]
        public void A_file_above_10_MB_is_refused() =>
            Assert.Equal(
                "agent-config.json is larger than 10 MB",
                _outer.Refusal("{}" + new string(' ', 10 * 1024 * 1024))
            );

        [Fact]
        public void Doubtful_things_do_not_keep_a_file_from_loading() =>
            Assert.Equal(
                ["{prompt}", "{colour}"],
                _outer
                    .Load(Agent("\"command\": \"x\", \"args\": [\"{prompt}\", \"{colour}\"]"))
                    .Find("a")
                    .Args.ToArray()
            );
    }

    public sealed class Finding : IDisposable
    {
        private readonly AgentConfigTests _outer = new();

        public void Dispose() => _outer.Dispose();

        [Fact]
        public void The_shell_is_built_in_and_takes_the_prompt_as_it_is()
        {
            var shell = AgentConfig.Load(_outer._project.Root).Find("shell");
            Assert.Equal(PromptText.Bare, shell.PromptTemplate);
            Assert.Equal("{prompt}", shell.Args[^1]);
            Assert.Equal(["/c", "{prompt}"], AgentConfig.Shell(onWindows: true).Args.ToArray());
        }

        [Fact]
        public void A_configured_shell_takes_the_place_of_the_built_in_one()
        {
            var config = _outer.Load("""{"agents": {"shell": {"command": "/bin/zsh"}}}""");
            Assert.Equal("/bin/zsh", config.Find("shell").Command);
            Assert.Single(config.Agents);
        }

        [Fact]
        public void Any_other_name_is_an_agent_of_opencode_where_that_is_installed()
        {
            var path = _outer._project.Program("bin/opencode");
            var agent = AgentConfig.Load(_outer._project.Root).Find("reviewer", path);
            Assert.Equal("opencode", agent.Command);
            Assert.Equal(["run", "{prompt}", "--agent", "{agent}"], agent.Args.ToArray());
        }

        [Fact]
        public void An_unknown_agent_is_refused_with_those_there_are()
        {
            var config = _outer.Load("""{"agents": {"coder": {"command": "x"}}}""");
            var refused = Assert.Throws<QueueException>(() => config.Find("codre", null));
            Assert.Equal("There is no agent 'codre'; did you mean 'coder'?", refused.Message);
            Assert.StartsWith("There are coder, shell;", refused.Hint, StringComparison.Ordinal);
            Assert.Equal(ExitCode.Refused, refused.ExitCode);
        }

        [Theory]
        [InlineData("")]
        [InlineData("-x")]
        [InlineData("a b")]
        [InlineData("../a")]
        public void What_cannot_be_a_name_is_refused_even_with_opencode(string name)
        {
            var path = _outer._project.Program("bin/opencode");
            var config = AgentConfig.Load(_outer._project.Root);
            Assert.Equal(
                ExitCode.Usage,
                Assert.Throws<QueueException>(() => config.Find(name, path)).ExitCode
            );
        }

        [Fact]
        public void Names_have_at_most_64_characters()
        {
            Assert.True(AgentConfig.IsName(new string('a', 64)));
            Assert.False(AgentConfig.IsName(new string('a', 65)));
            Assert.True(AgentConfig.IsName("gpt-5.1_mini"));
        }
    }

    public sealed class Validating : IDisposable
    {
        private readonly AgentConfigTests _outer = new();

        public void Dispose() => _outer.Dispose();

        [Fact]
        public void All_problems_are_told_in_the_order_of_the_file() =>
            Assert.Equal(
                [
                    "Warning agent-config.json:3: agents.a.args[0] has {promt}, which is not a placeholder and stays as it is; did you mean {prompt}?",
                    "Warning agent-config.json:3: agents.a.args has no {prompt}, so the agent never gets its prompt; add it, or set promptVia to stdin, unless it is a job that needs none",
                    "Error agent-config.json:4: agents.a.timeout must be at least 1s, not 0",
                    "Error agent-config.json:5: agents.a.promptTemplateFile cannot be used: The prompt template of agent 'a', no.md, does not exist",
                    "Error agent-config.json:7: agents.b has no command, and no adapter that knows one",
                ],
                _outer.Problems(
                    """
                    {"agents": {
                      "a": { "command": "sh",
                        "args": ["{promt}"],
                        "timeout": 0,
                        "promptTemplateFile": "no.md"
                      },
                      "b": {}
                    }}
                    """
                )
            );

        [Theory]
        [InlineData("\"command\": \"sh\", \"args\": [\"{prompt}\"]", "takes a prompt that begins")]
        [InlineData("\"command\": \"sh\", \"args\": [\"-p\", \"{prompt}\"]", "takes a prompt that")]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"-p\", \"{prompt}\", \"--\"]",
            "takes a prompt that"
        )]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"{x}\", \"--\", \"{prompt}\"]",
            "has {x}, which is not a placeholder"
        )]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"--\", \"{prompt}\", \"{userPrompt}\"]",
            "did you mean {prompt}?"
        )]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"-f\"], \"promptVia\": \"file\"",
            "has no {promptFile}"
        )]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"--\", \"{prompt}\"], \"promptVia\": \"stdin\"",
            "gets its prompt twice"
        )]
        [InlineData(
            "\"command\": \"nowhere\", \"promptVia\": \"stdin\"",
            "'nowhere' is not found on PATH"
        )]
        [InlineData(
            "\"command\": \"/bin/sh\", \"args\": [\"-c\", \"{prompt}\"]",
            "takes a prompt that begins with '-' for an option"
        )]
        [InlineData(
            "\"command\": \"codex exec\", \"promptVia\": \"stdin\"",
            "arguments belong in args"
        )]
        [InlineData(
            "\"command\": \"sh\", \"promptVia\": \"stdin\", \"promptTemplate\": \"x\"",
            "has no {userPrompt}"
        )]
        public void What_is_doubtful_is_a_warning(string members, string message)
        {
            var problem = Assert.Single(_outer.Problems(Agent(members)));
            Assert.StartsWith("Warning ", problem, StringComparison.Ordinal);
            Assert.Contains(message, problem, StringComparison.Ordinal);
        }

        [Theory]
        [InlineData("\"command\": \"sh\", \"args\": [\"--\", \"{prompt}\"]")]
        [InlineData("\"command\": \"sh\", \"args\": [\"--prompt={prompt}\"]")]
        [InlineData("\"command\": \"/bin/sh\", \"args\": [\"-c\", \"--\", \"{prompt}\"]")]
        [InlineData("\"command\": \"sh\", \"args\": [\"Do: {prompt} for ${HOME} {\\\"a\\\": 1}\"]")]
        [InlineData("\"command\": \"sh\", \"promptVia\": \"stdin\"")]
        [InlineData("\"command\": \"sh\", \"args\": [\"{promptFile}\"], \"promptVia\": \"file\"")]
        public void What_is_safe_is_not_warned_about(string members) =>
            Assert.Empty(_outer.Problems(Agent(members)));

        [Theory]
        [InlineData("arg", true)]
        [InlineData("stdin", false)]
        public void On_Windows_a_batch_file_must_not_get_the_prompt_as_an_argument(
            string via,
            bool refused
        )
        {
            var json = Agent(
                $"\"command\": \"claude.CMD\", \"args\": [\"--\"], \"promptVia\": \"{via}\""
            );
            Assert.Equal(
                refused,
                _outer
                    .Problems(json, onWindows: true)
                    .Any(p => p.StartsWith("Error", StringComparison.Ordinal))
            );
            Assert.DoesNotContain(
                _outer.Problems(json),
                p => p.StartsWith("Error", StringComparison.Ordinal)
            );
        }

        [Fact]
        public void A_template_file_that_is_there_is_fine()
        {
            _outer._project.Write("prompts/a.md", "{userPrompt}");
            Assert.Empty(
                _outer.Problems(
                    Agent(
                        "\"command\": \"sh\", \"promptVia\": \"stdin\", \"promptTemplateFile\": \"prompts/a.md\""
                    )
                )
            );
        }

        [Fact]
        public void A_file_that_is_not_JSON_is_one_problem() =>
            Assert.StartsWith(
                "Error agent-config.json:2: this is not JSON: ",
                Assert.Single(_outer.Problems("{\n oops }")),
                StringComparison.Ordinal
            );
    }
}
