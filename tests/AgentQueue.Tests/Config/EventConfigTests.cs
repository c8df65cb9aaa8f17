using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

/// <summary>What the configuration says about events, in one file and in several.</summary>
public sealed class EventConfigTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    private AgentConfig Load(string json)
    {
        _project.Write(AgentConfig.FileName, json);
        return AgentConfig.Load(_project.Root);
    }

    private string[] Problems(string json)
    {
        _project.Write(AgentConfig.FileName, json);
        return
        [
            .. AgentConfig
                .Validate(_project.Root, searchPath: "/bin:/usr/bin")
                .Select(static p => $"{p.Severity} {p}"),
        ];
    }

    private static string Agent(string members) =>
        $$"""{"agents": {"a": { "command": "sh", "args": ["x"], {{members}} } } }""";

    [Fact]
    public void Every_key_of_events_is_read()
    {
        var config = Load(
            """
            {
              "variables": { "src": "src", "path": "{{ src }}/app" }, "keepHistory": 20,
              "agents": { "lint": {
                "command": "sh", "args": ["-c", "ruff {{ path }}"], "prompt": "p",
                "triggers": ["saved", "task_success:*", "any text, ünïcödé: 日本"], "allOf": ["a", "b"],
                "cancelOn": ["stop"], "maxConcurrent": 3, "onRetrigger": "queue",
                "debounceMs": 500, "debounceMode": "trailing", "keepHistory": 5, "vars": { "x": "{{ y }}" },
                "outputExtension": ".log.txt", "loopDetection": false } },
              "watch": [ { "paths": ["src/**/*.py"], "ignore": ["*.tmp"], "event": "saved", "debounceMs": 250 },
                         { "paths": ["b"], "event": "b saved" } ],
              "schedule": [ { "event": "nightly", "cron": "0 2 * * *" }, { "event": "poll", "every": "15m" } ],
              "on": [ { "event": "command_failed:*", "run": ["notify-me", "now"], "timeout": "10s" },
                      { "event": "x", "url": "https://example.org/y" }, { "event": "y", "notify": "desktop" } ]
            }
            """
        );

        Assert.Equal("{{ src }}/app", config.Variables["path"]);
        Assert.Equal(20, config.KeepHistory);
        var agent = config.Find("lint");
        var rule = agent.Events;
        Assert.Equal("p", agent.Prompt);
        Assert.Equal("{{ y }}", agent.Variables["x"]);
        Assert.Equal(
            ["saved", "task_success:*", "any text, ünïcödé: 日本"],
            rule.Triggers.ToArray()
        );
        Assert.Equal(["a", "b"], rule.AllOf.ToArray());
        Assert.Equal(["stop"], rule.CancelOn.ToArray());
        Assert.Equal((3, OnRetrigger.Queue), (rule.MaxConcurrent, rule.OnRetrigger));
        Assert.Equal(
            (500, DebounceMode.Trailing),
            (rule.Debounce.TotalMilliseconds, rule.DebounceMode)
        );
        Assert.Equal(
            (5, ".log.txt", false),
            (rule.KeepHistory, rule.OutputExtension, rule.LoopDetection)
        );
        var watch = config.Watches[0];
        Assert.Equal(["src/**/*.py"], watch.Paths.ToArray());
        Assert.Equal(["*.tmp"], watch.Ignore.ToArray());
        Assert.Equal(("saved", 250), (watch.Event, watch.Debounce.TotalMilliseconds));
        Assert.Equal(
            ("b saved", 100),
            (config.Watches[1].Event, config.Watches[1].Debounce.TotalMilliseconds)
        );
        Assert.Equal(
            [("nightly", "0 2 * * *"), ("poll", "every 15m")],
            config.Schedule.Select(static s => (s.Event, s.When))
        );
        var program = Assert.IsType<HookRule.Program>(config.Hooks[0]);
        Assert.Equal(["notify-me", "now"], program.Command.ToArray());
        Assert.Equal(("task_failed:*", 10), (program.Event, program.Timeout.TotalSeconds));
        Assert.Equal(new HookRule.Web("x", "https://example.org/y"), config.Hooks[1]);
        Assert.Equal(new HookRule.Desktop("y"), config.Hooks[2]);
    }

    [Fact]
    public void What_is_left_out_has_its_default()
    {
        var config = Load(Agent("\"triggers\": []"));
        var rule = config.Find("a").Events;

        Assert.False(rule.Listens);
        Assert.Equal((1, OnRetrigger.CancelAndRestart), (rule.MaxConcurrent, rule.OnRetrigger));
        Assert.Equal((TimeSpan.Zero, DebounceMode.Start), (rule.Debounce, rule.DebounceMode));
        Assert.Equal(
            (null, null, true),
            (rule.KeepHistory, rule.OutputExtension, rule.LoopDetection)
        );
        Assert.Equal(-1, config.KeepHistory);
    }

    [Fact]
    public void No_limit_is_written_as_zero() =>
        Assert.Null(Load(Agent("\"maxConcurrent\": 0")).Find("a").Events.MaxConcurrent);

    [Theory]
    [InlineData("command_success:x", "task_success:x")]
    [InlineData("command_finished:a b", "task_finished:a b")]
    [InlineData("command_started:*", "task_started:*")]
    [InlineData("command_success", "command_success")]
    [InlineData("command_other:x", "command_other:x")]
    [InlineData("command_*", "command_*|task_*")]
    [InlineData("command_*:x", "command_*:x|task_*:x")]
    [InlineData("command_f*", "command_f*|task_f*")]
    [InlineData("command_x*", "command_x*")]
    public void The_older_names_of_tasks_mean_the_same(string trigger, string read) =>
        Assert.Equal(
            read.Split('|'),
            Load(Agent($"\"triggers\": [\"{trigger}\"]")).Find("a").Events.Triggers.ToArray()
        );

    [Theory]
    [InlineData("\"triggers\": [\"saved\\n\"]", "triggers[0] must not contain control characters")]
    [InlineData("\"triggers\": [\"a\", \"b\\u001b[31m\"]", "triggers[1] must not contain control")]
    [InlineData("\"triggers\": [\"\\u0085\"]", "triggers[0] must not be empty")]
    [InlineData("\"triggers\": [\"\"]", "triggers[0] must not be empty")]
    [InlineData("\"triggers\": \"saved\"", "triggers must be a list of texts, not text")]
    [InlineData("\"allOf\": [5]", "allOf[0] must be text, not a number")]
    [InlineData("\"cancelOn\": [\"a\\tb\"]", "cancelOn[0] must not contain control characters")]
    [InlineData("\"maxConcurrent\": -1", "maxConcurrent must be a whole number from 0")]
    [InlineData("\"debounceMs\": -1", "debounceMs must be a whole number from 0")]
    [InlineData("\"debounceMs\": \"1s\"", "debounceMs must be a whole number, not text")]
    [InlineData("\"keepHistory\": -2", "keepHistory must be a whole number from -1")]
    [InlineData(
        "\"onRetrigger\": \"restart\"",
        "onRetrigger must be one of cancel_and_restart, ignore, queue"
    )]
    [InlineData(
        "\"debounceMode\": \"end\"",
        "debounceMode must be one of start, completion, trailing"
    )]
    [InlineData("\"outputExtension\": \"txt\"", "outputExtension must be a dot")]
    [InlineData("\"outputExtension\": \"./x\"", "outputExtension must be a dot")]
    [InlineData("\"outputExtension\": \".\\\\x\"", "outputExtension must be a dot")]
    [InlineData("\"outputExtension\": \"..\"", "outputExtension must be a dot")]
    [InlineData("\"loopDetection\": 1", "loopDetection must be true or false")]
    [InlineData("\"vars\": {\"1x\": \"\"}", "vars.1x is not a name for a variable")]
    [InlineData("\"vars\": {\"x\": 1}", "vars.x must be text, not a number")]
    [InlineData(
        "\"vars\": {\"x\": \"{{ y }}\", \"y\": \"{{ x }}\"}",
        "vars lead in a circle: x → y → x"
    )]
    [InlineData(
        "\"cwd\": \"s\", \"args\": [\"{prompt}\"], \"triggers\": [\"x\"]",
        "triggers start tasks of an agent that takes a prompt"
    )]
    [InlineData(
        "\"promptVia\": \"stdin\", \"allOf\": [\"x\"]",
        "allOf start tasks of an agent that takes a prompt"
    )]
    [InlineData(
        "\"args\": [\"-c\", \"`{{ x }}`\"]",
        "args[1] has {{ x }}, which stands in backquotes"
    )]
    [InlineData(
        "\"promptVia\": \"stdin\", \"prompt\": \"{{ env.X }}\"",
        "prompt needs {{ env.X }}, but a prompt is stored"
    )]
    public void What_a_key_does_not_take_is_refused(string members, string message)
    {
        // A key that is said twice is an error of its own.
        var json = members.Contains("\"args\"", StringComparison.Ordinal)
            ? Agent(members).Replace("\"args\": [\"x\"], ", "", StringComparison.Ordinal)
            : Agent(members);
        Assert.Contains(
            Problems(json),
            p =>
                p.StartsWith(
                    $"Error agent-config.json:1: agents.a.{message}",
                    StringComparison.Ordinal
                )
        );
    }

    [Theory]
    [InlineData("\"variables\": {\"a b\": \"\"}", "variables.a b is not a name for a variable")]
    [InlineData(
        "\"variables\": {\"a\": \"{{ b }}\", \"b\": \"{{a}}\"}",
        "variables.a leads in a circle: a → b → a"
    )]
    [InlineData("\"keepHistory\": -2", "keepHistory must be a whole number from -1")]
    [InlineData("\"watch\": {}", "watch must be a list of objects, not an object")]
    [InlineData("\"watch\": [5]", "watch[0] must be an object, not a number")]
    [InlineData("\"watch\": [{\"paths\": [\"x\"]}]", "watch[0] has no event")]
    [InlineData("\"watch\": [{\"event\": \"x\"}]", "watch[0] has no paths")]
    [InlineData(
        "\"watch\": [{\"paths\": [\"\"], \"event\": \"x\"}]",
        "watch[0].paths[0] must not be empty"
    )]
    [InlineData(
        "\"watch\": [{\"paths\": [\"x\"], \"event\": \"x\\n\"}]",
        "watch[0].event must not contain control"
    )]
    [InlineData(
        "\"watch\": [{\"paths\": [\"x\"], \"event\": \"x\", \"debounceMs\": -1}]",
        "watch[0].debounceMs must be"
    )]
    [InlineData(
        "\"schedule\": [{\"event\": \"x\"}]",
        "schedule[0] must have exactly one of cron, every"
    )]
    [InlineData(
        "\"schedule\": [{\"event\": \"x\", \"every\": 5, \"cron\": \"x\"}]",
        "schedule[0] must have exactly one"
    )]
    [InlineData(
        "\"schedule\": [{\"event\": \"x\", \"every\": 0}]",
        "schedule[0].every must be at least 1m"
    )]
    [InlineData("\"on\": [{\"event\": \"x\"}]", "on[0] must have exactly one of run, url, notify")]
    [InlineData("\"on\": [{\"run\": [\"x\"]}]", "on[0] has no event")]
    [InlineData(
        "\"on\": [{\"event\": \"x\", \"run\": []}]",
        "on[0].run must begin with the name of a program"
    )]
    [InlineData(
        "\"on\": [{\"event\": \"x\", \"url\": \"file:///x\"}]",
        "on[0].url must be an address that begins with http"
    )]
    [InlineData(
        "\"on\": [{\"event\": \"x\", \"notify\": \"mail\"}]",
        "on[0].notify must be one of desktop"
    )]
    [InlineData(
        "\"on\": [{\"event\": \"x\", \"runs\": 1}]",
        "on[0].runs is not a known key; did you mean 'run'?"
    )]
    public void What_the_project_does_not_take_is_refused(string members, string message) =>
        Assert.Contains(
            Problems($"{{{members}}}"),
            p => p.StartsWith($"Error agent-config.json:1: {message}", StringComparison.Ordinal)
        );

    [Theory]
    [InlineData(
        "\"triggers\": [\"x\"], \"debounceMode\": \"trailing\"",
        "debounceMode has no effect without debounceMs"
    )]
    [InlineData(
        "\"triggers\": [\"x\"], \"prompt\": \"p\"",
        "prompt is not used, because no argument of the agent has {prompt}"
    )]
    [InlineData("\"triggers\": [\"x\"], \"loopDetection\": false", "loopDetection is false, so")]
    [InlineData(
        "\"triggers\": [\"task_success:b\"]",
        "triggers has 'task_success:b', which means tasks with --name 'b', because there is no such agent; did you mean 'a'?"
    )]
    [InlineData(
        "\"triggers\": [\"command_failed:nowhere\"]",
        "triggers has 'task_failed:nowhere', which means tasks"
    )]
    [InlineData(
        "\"triggers\": [\"task_sucess:a\"]",
        "triggers has 'task_sucess:a', which agentq never tells by itself; did you mean 'task_success'?"
    )]
    [InlineData("\"triggers\": [\"x\", \"x\"]", "triggers[1] has 'x' once more")]
    [InlineData(
        "\"triggers\": [\"x\"], \"vars\": {\"path\": \"\"}, \"cwd\": \"{{ pth }}\"",
        "cwd needs {{ pth }}, which only an event could bring; did you mean 'path'?"
    )]
    public void What_is_doubtful_is_a_warning(string members, string message) =>
        Assert.StartsWith(
            $"Warning agent-config.json:1: agents.a.{message}",
            Assert.Single(Problems(Agent(members))),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(
        "\"triggers\": [\"task_success:a\", \"task_failed:shell\", \"task_*:zzz\", \"task_success:*\", \"saved\"]"
    )]
    [InlineData("\"triggers\": [\"x\"], \"cwd\": \"{{ path }}/{{ event }}/{{ task }}\"")]
    [InlineData("\"triggers\": [\"x\"], \"debounceMs\": 5, \"debounceMode\": \"trailing\"")]
    [InlineData("\"cancelOn\": [\"x\"], \"promptVia\": \"stdin\"")]
    public void What_is_fine_is_not_warned_about(string members) =>
        Assert.Empty(Problems(Agent(members)));

    public sealed class InSeveralFiles : IDisposable
    {
        private readonly EventConfigTests _outer = new();

        public void Dispose() => _outer.Dispose();

        private const string Job =
            "{ \"command\": \"sh\", \"args\": [\"x\"], \"triggers\": [\"x\"] }";

        private void Write(string path, string json) => _outer._project.Write(path, json);

        [Fact]
        public void Agents_variables_and_rules_of_all_files_count()
        {
            Write(
                "ci/agents.json",
                $$"""{ "include": ["deeper/more.json", "../top.json"], "agents": { "b": {{Job}} }, "watch": [{"paths": ["b"], "event": "b"}] }"""
            );
            Write(
                "ci/deeper/more.json",
                $$"""{ "agents": { "c": {{Job}} }, "variables": { "c": "1" }, "on": [{"event": "c", "notify": "desktop"}] }"""
            );
            Write(
                "top.json",
                """{ "schedule": [{"event": "t", "every": 60}], "keepHistory": 3 }"""
            );
            var config = _outer.Load(
                $$"""{ "include": ["ci/agents.json", "top.json"], "agents": { "a": {{Job}} }, "watch": [{"paths": ["a"], "event": "a"}] }"""
            );

            Assert.Equal(["a", "b", "c"], config.Configured.Keys);
            Assert.Equal(["b", "a"], config.Watches.Select(static w => w.Event));
            Assert.Equal("1", config.Variables["c"]);
            Assert.Equal(3, config.KeepHistory);
            Assert.Single(config.Schedule);
            Assert.Single(config.Hooks);
        }

        [Fact]
        public void A_problem_names_the_file_that_it_is_in()
        {
            Write(
                "ci/a.json",
                "{\n \"agents\": {\n \"b\": { \"command\": \"sh\", \"tigers\": [] } } }"
            );

            Assert.Equal(
                ["Error ci/a.json:3: agents.b.tigers is not a known key; did you mean 'triggers'?"],
                _outer
                    .Problems("""{ "include": ["ci/a.json"] }""")
                    .Where(static p => p.StartsWith("Error", StringComparison.Ordinal))
            );
        }

        [Fact]
        public void Two_agents_of_one_name_are_refused_with_both_places()
        {
            Write("one.json", $"{{ \"agents\": {{\n\n \"lint\": {Job} }} }}");
            Write("two.json", $"{{ \"agents\": {{\n \"lint\": {Job} }} }}");

            Assert.Equal(
                [
                    "Error two.json:2: agents.lint stands in one.json:3 too; give one of them another name",
                ],
                _outer.Problems("""{ "include": ["one.json", "two.json"] }""")
            );
        }

        [Fact]
        public void The_file_that_includes_has_the_last_word_about_a_variable_and_says_so()
        {
            Write(
                "one.json",
                "{ \"variables\": {\n \"src\": \"lib\", \"same\": \"1\" }, \"keepHistory\": 1 }"
            );
            const string Root =
                """{ "include": ["one.json"], "variables": { "src": "src", "same": "1" }, "keepHistory": 2 }""";

            Assert.Equal(
                ("src", 2),
                (_outer.Load(Root).Variables["src"], _outer.Load(Root).KeepHistory)
            );
            Assert.Equal(
                [
                    "Warning agent-config.json:1: variables.src is src here and lib in one.json:2; what is here counts",
                    "Warning agent-config.json:1: keepHistory is 2 here and 1 in one.json:2; what is here counts",
                ],
                _outer.Problems(Root)
            );
        }

        [Fact]
        public void A_file_that_is_included_in_two_ways_is_read_once()
        {
            Write("base.json", $$"""{ "agents": { "b": {{Job}} } }""");
            Write("ci/x.json", """{ "include": ["../base.json"] }""");

            Assert.Empty(
                _outer.Problems(
                    """{ "include": ["base.json", "ci/x.json", "./ci/../base.json"] }"""
                )
            );
        }

        [Fact]
        public void A_circle_is_refused_with_the_way_round()
        {
            Write("ci/x.json", """{ "include": ["y.json"] }""");
            Write("ci/y.json", """{ "include": ["../agent-config.json"] }""");

            Assert.Equal(
                [
                    "Error ci/y.json:1: include[0] leads in a circle: agent-config.json → ci/x.json → ci/y.json → agent-config.json",
                ],
                _outer.Problems("""{ "include": ["ci/x.json"] }""")
            );
        }

        [Theory]
        [InlineData("missing.json", "names missing.json, which does not exist")]
        [InlineData("no/where.json", "names no/where.json, which does not exist")]
        [InlineData("../outside.json", "leads out of the project: ../outside.json")]
        [InlineData("x/../../outside.json", "leads out of the project: x/../../outside.json")]
        [InlineData("..", "leads out of the project: ..")]
        [InlineData(".", "leads out of the project: .")]
        [InlineData("/etc/passwd", "must be relative to this file, not /etc/passwd")]
        [InlineData("", "must be the path of a file, relative to this one")]
        [InlineData("a\\nb", "must be the path of a file, relative to this one")]
        [InlineData(
            "agent-config.json",
            "leads in a circle: agent-config.json → agent-config.json"
        )]
        public void Only_files_of_the_project_that_are_there_are_included(
            string path,
            string message
        ) =>
            Assert.Equal(
                [$"Error agent-config.json:1: include[0] {message}"],
                _outer.Problems($$"""{ "include": ["{{path}}"] }""")
            );

        [Fact]
        public void There_are_not_more_files_than_anybody_means()
        {
            for (var i = 0; i < 150; i++)
            {
                Write($"f{i}.json", $$"""{ "include": ["f{{i + 1}}.json"] }""");
            }

            Assert.Equal(
                [
                    "Error f98.json:1: include[0] is one more than the 100 files that a configuration may have",
                ],
                _outer.Problems("""{ "include": ["f0.json"] }""")
            );
        }

        [Fact]
        public void A_file_that_everybody_may_write_is_refused_like_the_first_one()
        {
            if (OperatingSystem.IsWindows())
            {
                return;
            }

            Write("ci/x.json", "{}");
            File.SetUnixFileMode(
                Path.Join(_outer._project.Root, "ci/x.json"),
                UnixFileMode.UserRead | UnixFileMode.OtherRead | UnixFileMode.OtherWrite
            );

            var refused = Assert.Throws<QueueException>(() =>
                _outer.Load("""{ "include": ["ci/x.json"] }""")
            );
            Assert.StartsWith(
                "Everybody on this machine may write",
                refused.Message,
                StringComparison.Ordinal
            );
        }
    }
}
