using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Config;

namespace AgentQueue.Tests.Scheduling;

public sealed class ConfigPlannerTests : IDisposable
{
    private readonly TempProject _project = new();
    private readonly QueueFolder _queue;
    private Settings _settings = Settings.Default;

    public ConfigPlannerTests() =>
        _queue = new QueueFolder(_project.Root, ProjectQueue.RealDisk, () => false);

    public void Dispose() => _project.Dispose();

    private ConfigPlanner Planner => new(_queue, () => _settings);

    private void Define(string agent) =>
        _project.Write(AgentConfig.FileName, $"{{ \"agents\": {{ \"a\": {agent} }} }}");

    private static AgentTask Task(Func<AgentTask, AgentTask>? change = null)
    {
        var task = new AgentTask
        {
            Id = TaskId.Parse("task_1"),
            Agent = "a",
            Prompt = "do it",
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
        };
        return change is null ? task : change(task);
    }

    [Fact]
    public void What_the_definition_says_is_what_will_be_started()
    {
        Define(
            """
            {
              "command": "/bin/sh", "args": ["-c", "true", "{promptFile}"], "promptTemplate": "{prompt}",
              "completion": "sentinel", "timeout": 70, "idleTimeout": 20, "exitGrace": 3,
              "keepChildren": true, "cwd": "sub"
            }
            """
        );
        Directory.CreateDirectory(Path.Join(_project.Root, "sub"));

        var plan = Planner.Plan(Task());

        Assert.Equal("/bin/sh", plan.Executable);
        string[] arguments = ["-c", "true", _queue.PromptFile(Task().Id)];
        Assert.Equal(arguments, plan.Arguments.AsEnumerable());
        Assert.Equal(Path.Join(_project.Root, "sub"), plan.WorkingFolder);
        Assert.Equal("do it", plan.PromptFileContent);
        Assert.False(plan.PromptOnInput);
        Assert.Equal(Completion.Sentinel, plan.Completion);
        Assert.Equal(
            (70, 20, 3),
            (
                plan.Timeout?.TotalSeconds,
                plan.IdleTimeout?.TotalSeconds,
                plan.ExitGrace.TotalSeconds
            )
        );
        Assert.True(plan.KeepChildren);
    }

    [Fact]
    public void What_the_settings_say_holds_for_every_agent()
    {
        Define("""{ "command": "/bin/sh", "args": ["--", "{prompt}"] }""");
        _settings = Settings.Default with
        {
            Grace = TimeSpan.FromSeconds(4),
            TimeoutWarning = TimeSpan.FromSeconds(33),
            LogLimit = 3,
            Timeout = TimeSpan.FromSeconds(99),
        };

        var plan = Planner.Plan(Task());

        Assert.Equal(4, plan.Grace.TotalSeconds);
        Assert.Equal(33, plan.TimeoutWarning.TotalSeconds);
        Assert.Equal(3 << 20, plan.LogLimit);
        Assert.Equal(99, plan.Timeout?.TotalSeconds);
        Assert.Null(plan.PromptFileContent);
        Assert.False(plan.KeepChildren);
    }

    [Fact]
    public void A_prompt_for_standard_input_goes_through_the_prompt_file()
    {
        Define("""{ "command": "/bin/cat", "promptVia": "stdin", "promptTemplate": "{prompt}" }""");

        var plan = Planner.Plan(Task());

        Assert.True(plan.PromptOnInput);
        Assert.Equal("do it", plan.PromptFileContent);
    }

    [Fact]
    public void An_agent_gets_the_runners_environment_and_the_mark_of_its_task()
    {
        Define("""{ "command": "/bin/sh", "env": { "OWN": "yes" } }""");

        var environment = Planner.Plan(Task()).Environment;

        Assert.Contains("OWN=yes", environment);
        Assert.Contains("PATH=" + Environment.GetEnvironmentVariable("PATH"), environment);
        Assert.Contains("AGENTQ_TASK_ID=task_1", environment);
        Assert.Contains("AGENTQ_TASK_FILE=" + _queue.TaskFile(Task().Id), environment);
    }

    [Fact]
    public void The_configuration_is_read_again_when_it_has_changed_and_not_before()
    {
        Define("""{ "command": "/bin/sh", "maxParallel": 2 }""");
        var planner = Planner;
        Assert.Equal(2, planner.MaxParallel("a"));
        Assert.Same(planner.Config, planner.Config);
        Assert.Null(planner.MaxParallel("shell"));
        Assert.Null(planner.MaxParallel("unknown"));

        Define("""{ "command": "/bin/sh", "maxParallel": 31 }""");

        Assert.Equal(31, planner.MaxParallel("a"));
    }

    [Fact]
    public void A_change_of_an_included_file_is_noticed_too()
    {
        _project.Write(AgentConfig.FileName, """{ "include": ["ci/a.json"] }""");
        _project.Write(
            "ci/a.json",
            """{ "agents": { "a": { "command": "sh", "maxParallel": 2 } } }"""
        );
        var planner = Planner;
        Assert.Equal(2, planner.MaxParallel("a"));
        Assert.Same(planner.Config, planner.Config);

        _project.Write(
            "ci/a.json",
            """{ "agents": { "a": { "command": "sh", "maxParallel": 31 } } }"""
        );

        Assert.Equal(31, planner.MaxParallel("a"));
        File.Delete(Path.Join(_project.Root, "ci/a.json"));
        Assert.Throws<QueueException>(() => planner.Config);
    }

    [Fact]
    public void Variables_of_the_project_and_of_the_event_reach_the_agent()
    {
        _project.Write(
            AgentConfig.FileName,
            """
            {
              "variables": { "src": "src", "path": "{{ src }}/{{ name }}" },
              "agents": { "a": { "command": "/bin/sh", "args": ["-c", "cat {{ path }}", "{{ event }}"],
                "vars": { "name": "by hand" }, "env": { "P": "{{ path }}" } } }
            }
            """
        );

        Assert.Equal(
            ["-c", "cat 'src/by hand'", ""],
            Planner.Plan(Task()).Arguments.AsEnumerable()
        );
        var cause = new TaskCause("saved", ["saved"])
        {
            Variables = AgentDefinition.NoVariables.Add("name", "it's"),
        };
        var plan = Planner.Plan(Task(t => t with { Cause = cause }));
        Assert.Equal(["-c", "cat 'src/it'\\''s'", "saved"], plan.Arguments.AsEnumerable());
        Assert.Contains("P=src/it's", plan.Environment);
    }
}
