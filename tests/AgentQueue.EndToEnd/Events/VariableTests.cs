using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

/// <summary>Templates of agents that events start: where a value comes from, and what is refused.</summary>
public sealed class VariableTests
{
    [Fact]
    public void The_call_comes_before_the_agent_and_the_agent_before_the_project()
    {
        using var box = new Sandbox();
        box.Environment["a"] = "environment";
        box.Rules(
            Job(
                "tell",
                $"echo {{{{ a }}}} {{{{ b }}}} {{{{c}}}} {{{{ event }}}} >> {box.Notes()}",
                Triggers("go"),
                """
                "vars": { "a": "agent", "b": "agent" }
                """
            ),
            """
            "variables": { "a": "project", "b": "project", "c": "project" },
            """
        );

        box.TriggerWhole("go", "--var", "a=call");
        box.TriggerWhole("go", "--var", "c=call", "--var", "c=last", "--var", "event=mine");

        Assert.Equal(["call agent project go", "agent agent last mine"], box.Noted());
    }

    [Fact]
    public void A_value_may_use_others_and_takes_what_the_call_brings()
    {
        using var box = new Sandbox();
        box.Environment["WHO"] = "me";
        box.Rules(
            Job(
                "tell",
                $"echo {{{{ path }}}} {{{{ whose }}}} >> {box.Notes()}",
                Triggers("go"),
                """
                "vars": { "file": "main.py", "whose": "{{ env.WHO }}@{{ src }}" }
                """
            ),
            """
            "variables": { "src": "src", "app": "{{ src }}/app", "path": "{{ app }}/{{ file }}" },
            """
        );

        box.TriggerWhole("go");
        box.TriggerWhole("go", "--var", "src=lib", "--var", "file={{ app }}");

        Assert.Equal(["src/app/main.py me@src", "lib/app/{{ app }} me@lib"], box.Noted());
    }

    [Theory]
    [InlineData("""{ "a": "{{ b }}", "b": "{{ c }}", "c": "{{ a }}" }""", "a → b → c → a")]
    [InlineData("""{ "a": "x{{ a }}" }""", "a → a")]
    public void A_circle_is_refused_with_its_way(string variables, string way)
    {
        using var box = new Sandbox();
        box.Rules(Job("tell", "echo {{ a }}", Triggers("go")), $"\"variables\": {variables},");

        Assert.Contains(way, box.Run("config", "validate").Gives(2).Out);
        Assert.Contains(way, box.Run("trigger", "go").Gives(2).Err);

        Assert.Empty(box.Ids);
        Assert.Empty(box.Happened());
    }

    [Fact]
    public void A_circle_that_only_comes_with_an_agent_is_refused_too()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("tell", "echo {{ a }}", Triggers("go"), "\"vars\": { \"b\": \"{{ a }}\" }"),
            "\"variables\": { \"a\": \"{{ b }}\", \"b\": \"plain\" },"
        );

        Assert.Contains("→", box.Run("config", "validate").Gives(2).Out);
        box.Run("trigger", "go").Gives(2);
        Assert.Empty(box.Ids);
    }

    [Theory]
    [InlineData("\"args\": [\"-c\", \"echo {{ nope }}\"]", "agents.tell.args[1] needs {{ nope }}")]
    [InlineData(
        "\"args\": [\"-c\", \"echo {{ through }}\"], \"vars\": { \"through\": \"{{ nope }}\" }",
        "needs {{ nope }} (through → nope)"
    )]
    [InlineData(
        "\"args\": [\"-c\", \"true\"], \"env\": { \"A\": \"{{ nope }}\" }",
        "agents.tell.env.A needs {{ nope }}"
    )]
    [InlineData(
        "\"args\": [\"-c\", \"true\"], \"cwd\": \"{{ nope }}\"",
        "agents.tell.cwd needs {{ nope }}"
    )]
    [InlineData("\"args\": [\"-c\", \"echo {{ HOME }}\"]", "agents.tell.args[1] needs {{ HOME }}")]
    [InlineData(
        "\"args\": [\"-c\", \"echo {{ env.NOT_SET }}\"]",
        "agents.tell.args[1] needs the environment variable NOT_SET"
    )]
    public void A_name_without_a_value_fails_the_task_and_names_the_place(string agent, string says)
    {
        using var box = new Sandbox();
        box.Rules(
            $"\"tell\": {{ \"command\": \"sh\", {agent}, \"triggers\": [\"go\"] }},"
                + Job("after", $"echo heard >> {box.Notes()}", Triggers("task_failed:tell"))
        );

        box.TriggerWhole("go");

        var task = Assert.Single(box.TasksOf("tell"));
        Assert.Equal(("failed", "launch"), (task.Status, task.Reason));
        Assert.Contains(says, task.Error);
        Assert.Equal(["heard"], box.Noted());
    }

    [Fact]
    public void A_prompt_without_a_value_is_passed_over_with_its_place_and_ends_nothing()
    {
        using var box = new Sandbox();
        box.Rules(
            $$"""
            "asker": { "command": "sh", "args": ["-c", "cat; exec sleep 300"], "promptVia": "stdin", "promptTemplate": "{userPrompt}", "prompt": "look at {{"{{ file }}"}}", "triggers": ["go", "task_success:other"] }
            """
                + ","
                + Job("other", $"echo ran >> {box.Notes()}", Triggers("go", "again"))
        );
        box.Trigger("go", "--var", "file=a.py");
        var id = box.Runs("asker");
        Assert.Equal("look at a.py", box.Task(id).Text("prompt"));
        box.Happens("task_success:other");

        box.TriggerWhole("again");
        box.Happens("task_success:other", 2);

        Assert.Contains(
            "agents.asker.prompt needs {{ file }}",
            box.Happened("task_success:other")[^1].WhyNot("asker")
        );
        Assert.Equal(["ran", "ran"], box.Noted());
        Assert.Equal("running", box.Task(id).Status);
        Assert.Equal("complete complete", box.StatesOf("other"));
    }

    [Fact]
    public void A_prompt_may_not_store_the_environment()
    {
        using var box = new Sandbox();
        box.Environment["TOKEN"] = "canary-9d1e";
        box.Rules(
            """
            "asker": { "command": "cat", "args": ["{promptFile}"], "prompt": "use {{ key }}", "vars": { "key": "{{ env.TOKEN }}" }, "triggers": ["go"] }
            """
        );

        var refused = box.Run("trigger", "go").Gives(2);

        Assert.Contains("never stored", refused.Err);
        Assert.DoesNotContain("canary", refused.Err + box.Run("config", "validate").Gives(2).Out);
        Assert.Empty(box.Ids);
    }

    [Fact]
    public void Raw_is_part_of_the_script_and_nothing_else_is()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "tell",
                "{{ command | raw }} {{ what }}",
                Triggers("go"),
                $"\"vars\": {{ \"command\": {Quoted($"echo a >> {box.Notes()}; echo >> {box.Notes()}")} }}"
            )
        );

        box.TriggerWhole("go", "--var", "what=b; echo no");

        Assert.Equal(["a", "b; echo no"], box.Noted());
    }

    [Fact]
    public void Without_a_shell_a_value_is_what_it_is()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(Path.Join(box.Folder, "with blank's"));
        box.Rules(
            $$"""
            "tell": { "command": "{{Binaries.FakeAgent}}", "args": ["print {{"{{ x }}"}}"], "cwd": "{{"{{ dir }}"}}", "triggers": ["go"] },
            "pwd": { "command": "sh", "args": ["-c", "pwd; printf %s \"$X\""], "cwd": "{{"{{ dir }}"}}", "env": { "X": "<{{"{{ x }}"}}>" }, "triggers": ["go"] }
            """
        );

        box.TriggerWhole("go", "--var", "x=it's $HOME \"q\"", "--var", "dir=with blank's");

        Assert.Equal("it's $HOME \"q\"\n", box.Log(box.TasksOf("tell")[0].Id));
        Assert.Equal(
            $"{Path.Join(box.Folder, "with blank's")}\n<it's $HOME \"q\">",
            box.Log(box.TasksOf("pwd")[0].Id)
        );
    }

    [Theory]
    [InlineData("novalue")]
    [InlineData("=x")]
    [InlineData("1a=x")]
    [InlineData("a b=x")]
    public void A_variable_of_the_call_that_is_none_is_refused(string text)
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("go")));

        Assert.Contains("--var", box.Run("trigger", "go", "--var", text).Gives(2).Err);

        Assert.Empty(box.Happened());
    }

    [Fact]
    public void Names_of_variables_come_with_an_event_only_so_far_as_what_it_started()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", $"echo {{{{ x }}}} >> {box.Notes()}", Triggers("go"))
                + ","
                + Job(
                    "b",
                    $"echo {{{{ x }}}} {{{{ task }}}} >> {box.Notes()}",
                    Triggers("task_success:a")
                ),
            "\"variables\": { \"x\": \"project\" },"
        );

        box.TriggerWhole("go", "--var", "x=call");

        Assert.Equal(["call", $"project {box.TasksOf("a")[0].Id}"], box.Noted());
    }
}
