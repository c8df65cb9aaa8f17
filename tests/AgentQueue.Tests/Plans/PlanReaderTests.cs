using System.Text;
using AgentQueue.Config;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Plans;

public sealed partial class PlanReaderTests
{
    private static (Plan? Plan, IReadOnlyList<ConfigProblem> Problems) Read(
        string text,
        params (string Name, string Value)[] given
    ) =>
        PlanReader.Read(
            "plan.yaml",
            Encoding.UTF8.GetBytes(text),
            given.ToDictionary(static g => g.Name, static g => g.Value)
        );

    private static Plan Good(string text, params (string Name, string Value)[] given)
    {
        var (plan, problems) = Read(text, given);
        Assert.Empty(problems.Select(static p => p.ToString()));
        Assert.NotNull(plan);
        return plan;
    }

    [Fact]
    public void A_plan_of_the_older_tool_is_read_as_it_is()
    {
        var plan = Good(
            """
            # all keys that the older tool knew
            goal: Build and test
            artifacts_dir: out
            tasks:
              - id: build
                cmd: ["sh", "-c", "echo $HOME ${HOME}"]
                depends_on:
                cwd: src
                env: {MODE: "release", EMPTY: ""}
                timeout_sec: 1.5
                outputs: ["bin/*", "**/*.log"]
              - id: Test.1_a-b
                cmd: 'run "two words" it\''s\ one'
                depends_on: [build]
                retries: 2
                retry_backoff_sec: [0, 0.5]
            """
        );

        Assert.Equal(("Build and test", "out"), (plan.Goal, plan.ArtifactsFolder));
        var build = plan.Tasks[0];
        Assert.Equal(["sh", "-c", "echo $HOME ${HOME}"], build.Command.AsEnumerable());
        Assert.Equal("src", build.WorkingFolder);
        Assert.Equal("release", build.Environment["MODE"]);
        Assert.Equal("", build.Environment["EMPTY"]);
        Assert.Equal(1.5, build.Timeout?.TotalSeconds);
        Assert.Equal(["bin/*", "**/*.log"], build.Outputs.AsEnumerable());
        var test = plan.Tasks[1];
        Assert.Equal("Test.1_a-b", test.Id);
        Assert.Equal(["run", "two words", "it's one"], test.Command.AsEnumerable());
        Assert.Equal([new PlanDependency("build")], test.DependsOn.AsEnumerable());
        Assert.Equal(2, test.Retries);
        Assert.Equal([0, 0.5], test.Backoff.Select(static b => b.TotalSeconds));
    }

    [Fact]
    public void Json_is_read_by_the_same_rules()
    {
        var plan = Good(
            """{ "goal": "x\/y\u00e9", "tasks": [ { "id": "a", "cmd": ["true"], "timeout_sec": 5 } ] }"""
        );
        Assert.Equal("x/yé", plan.Goal);
        Assert.Equal(5, plan.Tasks[0].Timeout?.TotalSeconds);
    }

    [Theory]
    // The root.
    [InlineData("", "plan.yaml:1:1: a plan is a map with tasks in it, not null")]
    [InlineData("- a", "plan.yaml:1:1: a plan is a map with tasks in it, not a list")]
    [InlineData("goal: x", "plan.yaml:1:1: tasks is missing: a plan has at least one task")]
    [InlineData("tasks: []", "plan.yaml:1:8: tasks is empty: a plan has at least one task")]
    [InlineData("tasks: x", "plan.yaml:1:8: tasks must be a list, not text")]
    [InlineData(
        "task: []\ntasks: [{id: a, cmd: x}]",
        "plan.yaml:1:1: task is not a known key; did you mean 'tasks'?"
    )]
    [InlineData("goal: ' '\ntasks: [{id: a, cmd: x}]", "plan.yaml:1:7: goal must not be empty")]
    [InlineData(
        "goal: 3\ntasks: [{id: a, cmd: x}]",
        "plan.yaml:1:7: goal must be text, not a number"
    )]
    [InlineData(
        "artifacts_dir: ''\ntasks: [{id: a, cmd: x}]",
        "plan.yaml:1:16: artifacts_dir must not be empty"
    )]
    [InlineData(
        "goal: a\ngoal: b\ntasks: [{id: a, cmd: x}]",
        "plan.yaml:2:1: goal stands here twice, first in line 1"
    )]
    // A task.
    [InlineData("tasks: [x]", "plan.yaml:1:9: tasks[0] must be an object, not text")]
    [InlineData("tasks: [{cmd: x}]", "plan.yaml:1:9: tasks[0] has no id")]
    [InlineData(
        "tasks: [{id: 7, cmd: x}]",
        "plan.yaml:1:14: tasks[0].id must be text, not a number"
    )]
    [InlineData(
        "tasks: [{id: -a, cmd: x}]",
        "plan.yaml:1:14: tasks[0].id must begin with a letter or a digit and have at most 128 of A-Z a-z 0-9 . _ -"
    )]
    [InlineData(
        "tasks:\n- {id: a, cmd: x}\n- {id: A, cmd: x}",
        "plan.yaml:3:3: tasks.A has the id of another task, in line 2; upper and lower case are alike"
    )]
    [InlineData(
        "tasks: [{id: a, timeout: 5, cmd: x}]",
        "plan.yaml:1:17: tasks[0].timeout is not a known key; did you mean 'timeout_sec'?"
    )]
    [InlineData(
        "tasks: [{id: a}]",
        "plan.yaml:1:9: tasks.a has neither a cmd nor a prompt for an agent"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: []}]",
        "plan.yaml:1:22: tasks.a.cmd is empty: the first item is the program"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: [x, ' ']}]",
        "plan.yaml:1:26: tasks.a.cmd[1] must not be empty"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: [x, 5]}]",
        "plan.yaml:1:26: tasks.a.cmd[1] must be text, not a number"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: [\"x\\0\"]}]",
        "plan.yaml:1:23: tasks.a.cmd[0] must not contain a NUL character"
    )]
    [InlineData("tasks: [{id: a, cmd: 'x \"y'}]", "plan.yaml:1:22: tasks.a.cmd has no closing \"")]
    [InlineData("tasks: [{id: a, cmd: 'x \\'}]", "plan.yaml:1:22: tasks.a.cmd ends in a backslash")]
    [InlineData(
        "tasks: [{id: a, cmd: {x: y}}]",
        "plan.yaml:1:22: tasks.a.cmd must be a list of texts, or one text, not an object"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, depends_on: b}]",
        "plan.yaml:1:37: tasks.a.depends_on must be a list of ids, not text"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, depends_on: [b]}]",
        "plan.yaml:1:38: tasks.a depends on 'b', and there is no such task; did you mean 'a'?"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, depends_on: [a]}]",
        "plan.yaml:1:38: tasks.a depends on itself"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x}, {id: b, cmd: x, depends_on: [a, a]}]",
        "plan.yaml:1:55: tasks.b names 'a' twice as a dependency"
    )]
    [InlineData(
        "tasks:\n- {id: a, cmd: x, depends_on: [c]}\n- {id: b, cmd: x, depends_on: [a]}\n- {id: c, cmd: x, depends_on: [b]}",
        "plan.yaml:2:3: tasks.a waits for itself: a -> c -> b -> a"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, cwd: ''}]",
        "plan.yaml:1:30: tasks.a.cwd must not be empty"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, env: {A: 1}}]",
        "plan.yaml:1:34: tasks.a.env.A must be text, not a number"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, env: {'A=B': x}}]",
        "plan.yaml:1:31: tasks.a.env.A=B is not a name for an environment variable"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, timeout_sec: true}]",
        "plan.yaml:1:38: tasks.a.timeout_sec must be a number of seconds, not true or false"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, timeout_sec: 0}]",
        "plan.yaml:1:38: tasks.a.timeout_sec must be more than 0 seconds, not 0"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, timeout_sec: .inf}]",
        "plan.yaml:1:38: tasks.a.timeout_sec must be more than 0 seconds, not .inf"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, retries: -1}]",
        "plan.yaml:1:34: tasks.a.retries must be a whole number from 0 to 1000000, not -1"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, retries: 1, retry_backoff_sec: [1, 2]}]",
        "plan.yaml:1:56: tasks.a.retry_backoff_sec has 2 pauses for 1 retries"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, retries: 1, retry_backoff_sec: [-1]}]",
        "plan.yaml:1:57: tasks.a.retry_backoff_sec[0] must be 0 or more seconds, not -1"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, outputs: [o, O]}]",
        "plan.yaml:1:38: tasks.a.outputs[1] stands here twice: O"
    )]
    // Beyond the older tool.
    [InlineData(
        "tasks: [{id: a, prompt: x}]",
        "plan.yaml:1:9: tasks.a has a prompt and no agent; name one here, or as 'agent' of the whole plan"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, agent: c}]",
        "plan.yaml:1:9: tasks.a has a cmd and an agent or prompt; give one of the two"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x}, {id: b, cmd: x, after: 'aftr:a'}]",
        "plan.yaml:1:49: tasks.b.after must begin with one of afterok, afterany, afternotok, not 'aftr'"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, when: {task: b, outcome: done}}]",
        "plan.yaml:1:50: tasks.a.when.outcome must be one of complete, failed, cancelled, not \"done\""
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x}, {id: b, cmd: x, when: {task: a}}]",
        "plan.yaml:1:48: tasks.b.when must have an outcome, or a file and what it contains"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x}, {id: b, cmd: x, when: {task: a, outcome: failed, file: y, contains: z}}]",
        "plan.yaml:1:48: tasks.b.when must have an outcome, or a file and what it contains"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x}, {id: b, cmd: x, when: {task: a, file: y}}]",
        "plan.yaml:1:48: tasks.b.when must have an outcome, or a file and what it contains"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, when: {outcome: failed}}]",
        "plan.yaml:1:31: tasks.a.when does not say which task it asks about"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: 'x ${params.y}'}]",
        "plan.yaml:1:22: tasks.a.cmd names ${params.y}, and there is none"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: 'cat ${tasks.b.log}'}]",
        "plan.yaml:1:9: tasks.a uses a file of 'b', and there is no such task; did you mean 'a'?"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x}, {id: b, cmd: 'cat ${tasks.a.logs}'}]",
        "plan.yaml:1:26: tasks.b names ${tasks.a.logs}, which must end in one of .log, .stderr, .result, .outputs"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, matrix: {os: []}}]",
        "plan.yaml:1:38: tasks.a.matrix.os must be a list of at least one value"
    )]
    [InlineData(
        "params: {who: }\ntasks: [{id: a, cmd: x}]",
        "plan.yaml:1:10: params.who has no default and was not given: --set who=VALUE"
    )]
    [InlineData(
        "tasks: [{id: a, cmd: x, verify: [outputs]}]",
        "plan.yaml:1:33: tasks.a.verify asks for outputs, and none are declared"
    )]
    // YAML itself.
    [InlineData("tasks: [a\n", "plan.yaml:2:1: this is neither YAML nor JSON")]
    [InlineData(
        "tasks: *x",
        "plan.yaml:1:8: this is neither YAML nor JSON: *x names nothing that was read"
    )]
    [InlineData("a: !!python/object x", "plan.yaml:1:4: this is neither YAML nor JSON: the tag")]
    [InlineData(
        "a: 1\n---\nb: 2",
        "plan.yaml:2:1: this is neither YAML nor JSON: only one document"
    )]
    public void What_is_wrong_is_said_with_its_place_and_the_nearest_known_word(
        string text,
        string expected
    )
    {
        var (plan, problems) = Read(text);
        Assert.Null(plan);
        Assert.Contains(problems, p => p.ToString().StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var (_, problems) = Read("goal: 1\ntasks: [{id: a, cmd: x, cwd: '', retries: x}]");
        Assert.Equal(3, problems.Count);
    }

    [Fact]
    public void A_matrix_makes_one_task_of_each_combination_and_its_name_stands_for_all()
    {
        var plan = Good(
            """
            tasks:
              - id: build
                cmd: ["make", "${matrix.os}", "${matrix.v}"]
                matrix: {os: [linux, mac], v: [1, "2"]}
              - id: pack
                cmd: pack
                depends_on: [build]
            """
        );
        Assert.Equal(
            ["build-linux-1", "build-linux-2", "build-mac-1", "build-mac-2", "pack"],
            plan.Tasks.Select(static t => t.Id)
        );
        Assert.Equal(["make", "mac", "1"], plan.Tasks[2].Command.AsEnumerable());
        Assert.Equal(4, plan.Tasks[4].DependsOn.Length);
    }

    [Fact]
    public void Parameters_have_defaults_and_a_value_stays_one_word()
    {
        const string Text = """
            params: {who: world, n: 3}
            tasks: [{id: a, cmd: "echo ${params.who} ${params.n} $${params}"}]
            """;
        Assert.Equal(
            ["echo", "world", "3", "$${params}"],
            Good(Text).Tasks[0].Command.AsEnumerable()
        );
        Assert.Equal(
            ["echo", "a b; $(c)", "3", "$${params}"],
            Good(Text, ("who", "a b; $(c)")).Tasks[0].Command.AsEnumerable()
        );
        Assert.Contains(
            "did you mean 'who'?",
            Read(Text, ("whom", "x")).Problems[0].Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_value_cannot_bring_in_a_placeholder_of_its_own()
    {
        var (plan, problems) = Read(
            "params: {p: x}\ntasks: [{id: a, cmd: 'cat ${params.p}'}]",
            ("p", "${tasks.a.log}")
        );
        Assert.Null(plan);
        Assert.Contains(
            "a value with a placeholder",
            problems[0].Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void After_says_what_end_is_waited_for_and_what_is_used_is_waited_for_too()
    {
        var plan = Good(
            """
            tasks:
              - {id: a, cmd: x}
              - {id: b, cmd: x}
              - {id: c, cmd: x, after: ["afterany:a", "afternotok:b"]}
              - {id: d, cmd: "cat ${tasks.a.log}", when: {task: b, outcome: failed}}
              - {id: e, cmd: "cat ${inputs.one}", inputs: {one: "${tasks.c.outputs}"}, after: a}
            """
        );
        Assert.Equal(
            [
                new PlanDependency("a", DependencyKind.AfterAny),
                new PlanDependency("b", DependencyKind.AfterNotOk),
            ],
            plan.Tasks[2].DependsOn.AsEnumerable()
        );
        Assert.Equal(
            [
                new PlanDependency("b", DependencyKind.AfterAny),
                new PlanDependency("a", DependencyKind.AfterOk),
            ],
            plan.Tasks[3].DependsOn.AsEnumerable()
        );
        Assert.Equal(
            [
                new PlanDependency("a", DependencyKind.AfterOk),
                new PlanDependency("c", DependencyKind.AfterOk),
            ],
            plan.Tasks[4].DependsOn.AsEnumerable()
        );
    }

    [Fact]
    public void Aliases_and_merged_maps_are_followed()
    {
        var plan = Good(
            """
            tasks:
              - &base
                id: a
                cmd: [make, all]
                retries: 2
              - <<: *base
                id: b
                depends_on: [a]
            """
        );
        Assert.Equal(("b", 2), (plan.Tasks[1].Id, plan.Tasks[1].Retries));
        Assert.Equal(["make", "all"], plan.Tasks[1].Command.AsEnumerable());
    }

    [Fact]
    public void The_order_is_that_of_the_file_where_dependencies_leave_it_open()
    {
        var plan = Good(
            """
            tasks:
              - {id: late, cmd: x, depends_on: [mid]}
              - {id: one, cmd: x}
              - {id: mid, cmd: x, depends_on: [two]}
              - {id: two, cmd: x}
            """
        );
        Assert.Equal(
            ["one", "two", "mid", "late"],
            PlanGraph.InOrder(plan.Tasks).Select(static t => t.Id)
        );
    }
}
