using System.Collections;
using System.Collections.Immutable;
using System.Text.Json;
using AgentQueue.Cli.Commands;
using AgentQueue.Config;
using AgentQueue.Events;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Events;

public sealed class HooksTests
{
    private static readonly HookRule s_all = new HookRule.Program("*", ["all"]);
    private static readonly HookRule s_ends = new HookRule.Program("task_finished:*", ["ends"]);

    [Fact]
    public void A_rule_is_met_once_by_the_first_name_that_it_means()
    {
        var hooks = Hooks.Of([s_ends, s_all], ["task_success:a", "task_finished:a"]).ToList();

        Assert.Equal(
            [new MatchedHook(s_ends, "task_finished:a"), new MatchedHook(s_all, "task_success:a")],
            hooks
        );
        Assert.Empty(Hooks.Of([s_ends], ["task_started:a"]));
    }

    [Fact]
    public void The_failure_of_a_hook_has_none()
    {
        HookRule named = new HookRule.Program("hook_failed:*", ["x"]);

        Assert.Empty(Hooks.Of([s_all, named], ["hook_failed:x"]));
        Assert.Empty(Hooks.Of([s_all, named], ["x", "hook_failed:x"]));
    }

    [Fact]
    public void A_hook_is_told_names_of_the_environment_and_no_values()
    {
        var task = new AgentTask
        {
            Id = TempQueue.Id("a"),
            Agent = "shell",
            Prompt = "line 1\nline 2",
            CreatedAt = default,
            Environment = ImmutableSortedDictionary<string, string?>
                .Empty.Add("SECRET", "canary")
                .Add("OWN", null),
            State = new TaskState.Pending(),
        };

        var text = System.Text.Encoding.UTF8.GetString(HookInput.Of(Record("x"), task));

        Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
        Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(text);
        var environment = document.RootElement.GetProperty("taskFile").GetProperty("env");
        Assert.Equal("***", environment.GetProperty("SECRET").GetString());
        Assert.Equal(JsonValueKind.Null, environment.GetProperty("OWN").ValueKind);
    }

    [Fact]
    public void An_event_without_a_task_has_no_file_of_one()
    {
        using var document = JsonDocument.Parse(HookInput.Of(Record("x"), null));

        Assert.Equal(1, document.RootElement.GetProperty("version").GetInt32());
        Assert.Equal("x", document.RootElement.GetProperty("event").GetString());
        Assert.False(document.RootElement.TryGetProperty("taskFile", out _));
    }

    [Fact]
    public void The_environment_is_the_runners_without_the_marks_of_a_task()
    {
        var environment = HookRunner.EnvironmentOf(
            new Hashtable
            {
                ["PATH"] = "/bin",
                ["AGENTQ_TASK_ID"] = "task_1",
                ["AGENTQ_TASK_FILE"] = "/p/task_1.json",
                ["AGENTQ_ROOT"] = "/other",
                ["AGENTQ_EVENT"] = "outer",
                ["AGENTQ_HOOK"] = "outer",
            },
            "x",
            "/p",
            "AGENTQ_HOOK=1"
        );

        Assert.Equal(
            ["AGENTQ_EVENT=x", "AGENTQ_HOOK=1", "AGENTQ_ROOT=/p", "PATH=/bin"],
            environment.Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData(0, false, "", null)]
    [InlineData(3, false, "one\ntwo\n \n", "curl exited with code 3: two")]
    [InlineData(3, false, "", "curl exited with code 3: printed")]
    [InlineData(28, false, "", "curl timed out after 1.5s: printed")]
    [InlineData(0, true, "a\e[31mb", "curl timed out after 1.5s: a [31mb")]
    public void A_failure_is_told_in_one_line(int code, bool timedOut, string errors, string? told)
    {
        var program = HookProgram.Of(
            new HookRule.Web("x", "http://127.0.0.1/"),
            "",
            static name => "/bin/" + name
        ) with
        {
            Name = "curl",
        };

        Assert.Equal(
            told,
            HookRunner.Problem(
                program,
                TimeSpan.FromSeconds(1.5),
                new ForegroundEnd(ExitStatus.Exited(code), "", false) { TimedOut = timedOut },
                "printed\n",
                errors
            )
        );
    }

    [Fact]
    public void A_long_line_is_cut()
    {
        Assert.Equal(
            new string('x', HookText.Longest) + "…",
            HookText.LastLine(new string('x', 4096))
        );
    }

    [Theory]
    [InlineData("http://me:secret@host:81/secret?secret", "http://host:81")]
    [InlineData("file:///etc/passwd", "url")]
    [InlineData("/secret", "url")]
    public void An_address_is_called_by_its_host_alone(string url, string name)
    {
        Assert.Equal(name, HookProgram.NameOf(new HookRule.Web("x", url)));
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("--help")]
    public void What_is_no_web_address_is_never_fetched(string url)
    {
        var problem = Assert.Throws<QueueException>(() =>
            HookProgram.Of(new HookRule.Web("x", url), "", static name => "/bin/" + name)
        );
        Assert.Contains("neither http nor https", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_event_is_emitted_before_its_hooks_are_started_and_after_the_log_is_free()
    {
        using var queue = Project("""{ "on": [ { "event": "x", "run": ["a"] } ] }""");
        var project = new ProjectQueue(queue.Root, TimeProvider.System);
        var started = new List<long>();
        EventEmitter events = null!;
        events = new EventEmitter(project)
        {
            StartHooks = sequence =>
            {
                Assert.Equal("x", events.Log.Find(sequence)!.Names[0]);
                using var free = events.Log.Lock();
                started.Add(sequence);
            },
        };

        events.Trigger("other", NoVariables);
        var record = events.Trigger("x", NoVariables);

        Assert.Equal([record.Sequence], started);
    }

    [Fact]
    public void A_hook_that_cannot_be_started_spoils_nothing()
    {
        using var queue = Project("""{ "on": [ { "event": "*", "run": ["a"] } ] }""");
        var events = new EventEmitter(new ProjectQueue(queue.Root, TimeProvider.System))
        {
            StartHooks = static _ => throw new QueueException("no room"),
        };

        var record = events.Trigger("x", NoVariables);

        Assert.NotNull(events.Log.Find(record.Sequence));
    }

    [Fact]
    public void A_failure_follows_from_the_event_and_starts_no_hook()
    {
        using var queue = Project("""{ "on": [ { "event": "*", "run": ["a"] } ] }""");
        var started = 0;
        var events = new EventEmitter(new ProjectQueue(queue.Root, TimeProvider.System))
        {
            StartHooks = _ => started++,
        };
        var record = events.Trigger("x", NoVariables);

        events.HookFailed(record, "x", 0, "a", "a exited with code 1");

        Assert.Equal(1, started);
        var failed = events.Log.Find(record.Sequence + 1)!;
        Assert.Equal("hook_failed:x", Assert.Single(failed.Names));
        Assert.Equal("x", Assert.Single(failed.Chain));
        Assert.Equal("a exited with code 1", failed.Problem);
        Assert.Equal("a", failed.Variables["hook"]);
    }

    [Fact]
    public void The_failure_of_a_hook_of_idleness_is_no_new_idleness()
    {
        using var queue = Project("""{ "on": [ { "event": "*", "run": ["a"] } ] }""");
        var events = new EventEmitter(new ProjectQueue(queue.Root, TimeProvider.System))
        {
            StartHooks = static _ => { },
        };
        events.Trigger("x", NoVariables);
        events.TellIfIdle();
        var idle = events.Log.Last!;

        events.HookFailed(idle, EventName.QueueIdle, 0, "a", "a exited with code 1");
        events.TellIfIdle();

        Assert.Equal(EventName.QueueIdle, idle.Names[0]);
        Assert.Equal(idle.Sequence + 1, events.Log.LastSequence);
    }

    [Fact]
    public void A_terminal_is_told_nothing_that_it_could_obey()
    {
        HookRule[] rules = [new HookRule.Desktop("4;*")];

        Assert.Equal(
            "\e]9;agentq: 4;3;50  task_a\a",
            EventsCommand.Notification(Record("4;3;50") with { Task = TempQueue.Id("a") }, rules)
        );
        Assert.Equal(
            "\e]9;agentq: 4; x  y\a",
            EventsCommand.Notification(Record("4;\ex\a\u009cy"), rules)
        );
        Assert.Null(EventsCommand.Notification(Record("x"), rules));
    }

    private static ImmutableSortedDictionary<string, string> NoVariables =>
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    private static EventRecord Record(string name) =>
        new()
        {
            Sequence = 1,
            At = default,
            Id = "event/1",
            Names = [name],
        };

    private static TempQueue Project(string config)
    {
        var queue = new TempQueue();
        File.WriteAllText(Path.Join(queue.Root, AgentConfig.FileName), config);
        return queue;
    }
}
