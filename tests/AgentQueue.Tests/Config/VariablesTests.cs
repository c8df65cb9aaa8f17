using System.Collections.Immutable;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Config;

public sealed class VariablesTests
{
    private static ImmutableSortedDictionary<string, string> Of(
        params (string Name, string Value)[] variables
    ) =>
        variables.ToImmutableSortedDictionary(
            static v => v.Name,
            static v => v.Value,
            StringComparer.Ordinal
        );

    private static Variables Make(
        ImmutableSortedDictionary<string, string>? ofProject = null,
        ImmutableSortedDictionary<string, string>? ofAgent = null,
        ImmutableSortedDictionary<string, string>? ofCall = null,
        Func<string, string?>? environment = null
    ) =>
        new(
            ofProject ?? Of(),
            new AgentDefinition
            {
                Name = "a",
                Command = "x",
                Variables = ofAgent ?? Of(),
            },
            new TaskCause("saved", ["saved"])
            {
                Task = TaskId.Parse("task_7"),
                Variables = ofCall ?? Of(),
            },
            environment ?? (static _ => null)
        );

    private static string Refusal(Variables variables, string text) =>
        Assert.Throws<QueueException>(() => variables.Fill(text, "agents.a.args[1]")).Message;

    [Theory]
    [InlineData("{{ x }}", "1")]
    [InlineData("{{x}}", "1")]
    [InlineData("{{\tx  }}-{{x}}", "1-1")]
    [InlineData("{{ x | raw }}{{x|raw}}", "11")]
    [InlineData("{{{ x }}}", "{1}")]
    [InlineData("${{ x }}", "$1")]
    [InlineData("{{ x-y_2 }}", "dash")]
    [InlineData("{{.Names}} {{ a b }} {{ 1x }} {{ -x }} {{ x y }} {{json .}}", null)]
    [InlineData("{{ x | upper }} {{ x | rawer }} {{ x | }} {{ x", null)]
    [InlineData("{{}} {{ }} {{{}}} { { x } } {{ x } }", null)]
    [InlineData("{{ env. }} {{ env.A-B }} {{ env.1 }}", null)]
    public void Double_braces_around_a_name_are_a_variable_and_all_else_is_text(
        string text,
        string? filled
    ) => Assert.Equal(filled ?? text, Make(Of(("x", "1"), ("x-y_2", "dash"))).Fill(text, ""));

    [Fact]
    public void What_the_event_brings_beats_the_agent_which_beats_the_project_which_beats_what_is_built_in()
    {
        var variables = Make(
            Of(("a", "project"), ("b", "project"), ("c", "project"), ("event", "project")),
            Of(("a", "agent"), ("b", "agent")),
            Of(("a", "call"))
        );

        Assert.Equal(
            "call agent project project task_7",
            variables.Fill("{{ a }} {{ b }} {{ c }} {{ event }} {{ task }}", "")
        );
        Assert.Equal(
            [
                ("a", "event"),
                ("b", "agent"),
                ("c", "project"),
                ("event", "project"),
                ("task", "built-in"),
            ],
            variables.Names
        );
    }

    [Fact]
    public void The_event_and_the_task_it_was_about_have_a_name()
    {
        Assert.Equal("saved/task_7", Make().Fill("{{ event }}/{{ task }}", ""));
        Assert.Equal(
            "/",
            new Variables(Of(), new AgentDefinition { Name = "a", Command = "x" }, null, null).Fill(
                "{{ event }}/{{ task }}",
                ""
            )
        );
    }

    [Fact]
    public void A_value_of_the_configuration_may_use_others_and_the_strongest_counts_there_too()
    {
        var ofProject = Of(
            ("src", "src"),
            ("path", "{{ src }}/app"),
            ("all", "{{ path }}:{{ path }}")
        );

        Assert.Equal("src/app:src/app", Make(ofProject).Fill("{{ all }}", ""));
        Assert.Equal("lib/app:lib/app", Make(ofProject, Of(("src", "lib"))).Fill("{{ all }}", ""));
        Assert.Equal("new:new", Make(ofProject, ofCall: Of(("path", "new"))).Fill("{{ all }}", ""));
    }

    [Theory]
    [InlineData("{{ secret }}")]
    [InlineData("{{ env.SECRET }}")]
    [InlineData("{{ x }}")]
    [InlineData("{prompt} ${SECRET} {taskId}")]
    [InlineData("{{ sec")]
    public void What_an_event_brings_is_plain_text_and_never_looked_into(string value)
    {
        var variables = Make(
            Of(("secret", "canary"), ("path", "<{{ x }}>")),
            ofCall: Of(("x", value)),
            environment: static _ => "canary"
        );

        Assert.Equal(
            $"{value} <{value}> {value}",
            variables.Fill("{{ x }} {{ path }} {{ x }}", "")
        );
        Assert.Equal(value + "ret }}", variables.Fill("{{ x }}ret }}", ""));
    }

    [Fact]
    public void The_environment_is_there_only_by_its_own_name_and_is_plain_text()
    {
        var variables = Make(
            Of(("home", "{{ env.HOME }}/x")),
            environment: static name => name == "HOME" ? "/h/{{ home }}" : null
        );

        Assert.Equal("/h/{{ home }}/x", variables.Fill("{{ home }}", ""));
        Assert.True(variables.UsedEnvironment);
        Assert.Equal(
            "agents.a.args[1] needs {{ HOME }}, which has no value; did you mean 'home'?",
            Refusal(variables, "{{ HOME }}")
        );
        Assert.Equal(
            "agents.a.args[1] needs the environment variable NOT_SET, and it is not set",
            Refusal(variables, "{{ env.NOT_SET }}")
        );
    }

    [Fact]
    public void A_variable_without_a_value_is_refused_with_the_place_and_the_nearest()
    {
        var variables = Make(Of(("path", "{{ srcs }}/app"), ("src", "s")));
        var refused = Assert.Throws<QueueException>(() =>
            variables.Fill("{{ pth }}", "agents.lint.args[1]")
        );

        Assert.Equal(
            "agents.lint.args[1] needs {{ pth }}, which has no value; did you mean 'path'?",
            refused.Message
        );
        Assert.Contains("--var pth=…", refused.Hint, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, refused.ExitCode);
        Assert.Equal(
            "agents.a.args[1] needs {{ srcs }} (path → srcs), which has no value; did you mean 'src'?",
            Refusal(variables, "{{ path }}")
        );
    }

    [Fact]
    public void A_circle_is_refused_with_the_whole_of_it()
    {
        var variables = Make(
            Of(("a", "{{ b }}"), ("b", "x{{ c }}"), ("c", "{{ b }}"), ("me", "{{me}}"))
        );

        Assert.Equal(
            "agents.a.args[1] cannot be filled in, because its variables lead in a circle: b → c → b",
            Refusal(variables, "{{ a }}")
        );
        Assert.EndsWith(": me → me", Refusal(variables, "{{ me }}"), StringComparison.Ordinal);
        var circle = Of(("a", "{{ b }}"), ("b", "{{ c }}"), ("c", "{{ b }}"));
        Assert.Equal("b → c → b", VariableCheck.CircleIn(circle, ["a"]));
        Assert.Null(VariableCheck.CircleIn(Of(("a", "{{ b }}{{ b }}"), ("b", "{{ no }}")), ["a"]));
    }

    [Fact]
    public void An_event_that_brings_one_of_a_circle_breaks_it() =>
        Assert.Equal(
            "x",
            Make(Of(("a", "{{ b }}"), ("b", "{{ a }}")), ofCall: Of(("b", "x"))).Fill("{{ a }}", "")
        );

    [Fact]
    public void Variables_within_one_another_have_a_bottom()
    {
        var chain = Enumerable.Range(0, 100).Select(i => ($"v{i}", $"{{{{ v{i + 1} }}}}"));

        Assert.Contains(
            "more than 32 variables stand within one another: v0 → v1",
            Refusal(Make(Of([.. chain])), "{{ v0 }}"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Values_that_double_at_each_step_end_before_the_memory_does()
    {
        var doubling = Enumerable
            .Range(0, 30)
            .Select(i => ($"v{i}", $"{{{{ v{i + 1} }}}}{{{{ v{i + 1} }}}}"))
            .Append(("v30", "0123456789"));

        Assert.Contains(
            "grows beyond 1,048,576 characters",
            Refusal(Make(Of([.. doubling])), "{{ v0 }}"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_value_with_a_NUL_is_refused() =>
        Assert.EndsWith(
            "x contains a NUL character",
            Refusal(Make(ofCall: Of(("x", "a\0b"))), "{{ x }}"),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("path", "any\ntext", true)]
    [InlineData("_a-1", "", true)]
    [InlineData("", "", false)]
    [InlineData("1a", "", false)]
    [InlineData("a b", "", false)]
    [InlineData("ä", "", false)]
    [InlineData("env.X", "", false)]
    [InlineData("a", "\0", false)]
    public void What_an_event_may_bring(string name, string value, bool fine) =>
        Assert.Equal(fine, Variables.Problem(name, value) is null);

    public sealed class InPrompts : IDisposable
    {
        private readonly TempProject _project = new();

        public void Dispose() => _project.Dispose();

        private string Prompt(string agent, params (string Name, string Value)[] ofCall)
        {
            _project.Write(
                AgentConfig.FileName,
                $$$"""{ "variables": { "path": "src", "home": "{{ env.HOME }}" }, "agents": { "a": { {{{agent}}} } } }"""
            );
            var config = AgentConfig.Load(_project.Root);
            return Variables.FillPrompt(
                config,
                config.Find("a"),
                new TaskCause("saved", ["saved"]) { Variables = Of(ofCall) }
            );
        }

        [Fact]
        public void The_prompt_of_an_event_is_filled_and_its_braces_of_other_kinds_stay() =>
            Assert.Equal(
                "Look at src after saved: {taskId} ${HOME} it's {{ env.HOME }}",
                Prompt(
                    """
                    "command": "x", "promptVia": "stdin",
                    "prompt": "Look at {{ path }} after {{ event }}: {taskId} ${HOME} {{ said }}"
                    """,
                    ("said", "it's {{ env.HOME }}")
                )
            );

        [Fact]
        public void An_agent_without_a_prompt_gets_none() =>
            Assert.Equal("", Prompt("\"command\": \"x\""));

        [Theory]
        [InlineData("{{ env.HOME }}", "needs {{ env.HOME }}, but a prompt is stored")]
        [InlineData("{{ home }}", "needs {{ env.HOME }} (home → env.HOME), but a prompt is stored")]
        public void A_prompt_never_stores_a_value_of_the_environment(
            string prompt,
            string message
        ) =>
            Assert.Contains(
                "agents.a.prompt " + message,
                Assert
                    .Throws<QueueException>(() =>
                        Prompt(
                            $"\"command\": \"x\", \"promptVia\": \"stdin\", \"prompt\": \"{prompt}\""
                        )
                    )
                    .Message,
                StringComparison.Ordinal
            );

        [Theory]
        [InlineData(
            "\"command\": \"/bin/sh\", \"args\": [\"-c\", \"--\", \"{prompt}\"], \"promptTemplate\": \"{prompt}\""
        )]
        [InlineData(
            "\"command\": \"bash\", \"args\": [\"-euo\", \"pipefail\", \"-c\", \"set -x; {prompt}\"]"
        )]
        [InlineData("\"command\": \"sh\", \"promptVia\": \"stdin\"")]
        [InlineData("\"command\": \"sh\", \"args\": [\"-s\", \"x\"], \"promptVia\": \"stdin\"")]
        [InlineData("\"command\": \"dash\", \"args\": [\"{promptFile}\"], \"promptVia\": \"file\"")]
        [InlineData("\"command\": \"env\", \"args\": [\"A=b\", \"zsh\", \"-c\", \"{prompt}\"]")]
        public void Where_the_prompt_is_a_script_values_are_quoted_in_it(string agent) =>
            Assert.Equal(
                "lint '; touch pwned' \"as \"'; touch pwned'\"\" ; touch pwned",
                Prompt(
                    agent + ", \"prompt\": \"lint {{ x }} \\\"as {{ x }}\\\" {{ x | raw }}\"",
                    ("x", "; touch pwned")
                )
            );

        [Theory]
        [InlineData("\"command\": \"sh\", \"args\": [\"-c\", \"tool '{prompt}'\"]", "it'\\''s")]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"-c\", \"tool \\\"{prompt}\\\"\"]",
            "\"'it'\\''s'\""
        )]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"-c\", \"tool\"], \"promptVia\": \"stdin\"",
            "it's"
        )]
        [InlineData("\"command\": \"sh\", \"args\": [\"run.sh\", \"{prompt}\"]", "it's")]
        [InlineData(
            "\"command\": \"sh\", \"args\": [\"run.sh\"], \"promptVia\": \"stdin\"",
            "it's"
        )]
        [InlineData("\"command\": \"claude\", \"promptVia\": \"stdin\"", "it's")]
        public void What_surrounds_the_prompt_says_how(string agent, string quoted) =>
            Assert.Equal(
                quoted,
                Prompt(
                    agent + ", \"promptTemplate\": \"{prompt}\", \"prompt\": \"{{ x }}\"",
                    ("x", "it's")
                )
            );

        [Fact]
        public void A_prompt_that_comes_into_a_script_twice_takes_no_value() =>
            Assert.Contains(
                "agents.a.prompt has {{ x }}, which stands in a prompt that comes into a script twice",
                Assert
                    .Throws<QueueException>(() =>
                        Prompt(
                            "\"command\": \"sh\", \"args\": [\"-c\", \"{prompt} '{prompt}'\"], \"prompt\": \"{{ x }}\"",
                            ("x", "y")
                        )
                    )
                    .Message,
                StringComparison.Ordinal
            );
    }
}
