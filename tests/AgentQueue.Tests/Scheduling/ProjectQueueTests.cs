using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class ProjectQueueTests : IDisposable
{
    private readonly TempQueue _temp = new();
    private readonly List<string> _problems = [];

    public ProjectQueueTests() => Settle("""{"fsync": false}""");

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void All_that_a_verb_needs_is_of_this_project_and_this_clock()
    {
        var time = new FakeTime();
        var own = new ProjectQueue(_temp.Root, time);
        Settle("""{"fsync": false, "queue": {"maxTasks": 1}}""");

        var task = own.NewTasks.Create(new NewTask("shell", "do it"));

        Assert.Equal(_temp.Root, own.Root);
        Assert.Equal(FakeTime.Start, task.CreatedAt);
        Assert.Equal(task.Id, own.Lookup.Find(task.Id.Value));
        Assert.Throws<QueueException>(() => own.NewTasks.Create(new NewTask("shell", "do it")));
    }

    [Fact]
    public void A_look_settles_what_has_died_and_lets_a_deserted_drain_go()
    {
        var dead = _temp.Add("a", TempQueue.Running());
        var drain = LeaveDrain();

        var snapshot = Open().Look(autoRetry: true, Note);

        Assert.Equal(dead.Id, Assert.Single(snapshot.Finished).Id);
        Assert.Equal(TaskStatus.Failed, _temp.Queue.ReadOrThrow(dead.Id).Status);
        Assert.Null(drain.Rules?.Parallel);
        Assert.Empty(_problems);
    }

    [Fact]
    public void A_look_that_changes_nothing_leaves_a_drain_alone()
    {
        _temp.Add("a", TempQueue.Complete());
        var drain = LeaveDrain();

        Assert.Equal(1, Open().Look(autoRetry: true, Note).Count);

        Assert.Equal(2, drain.Rules?.Parallel);
    }

    [Fact]
    public void A_task_that_has_ended_without_room_to_record_it_is_seen_as_ended()
    {
        var task = _temp.Add("a", TempQueue.Running());
        using var supervisor = _temp.Queue.TryLockTask(task.Id);
        _temp.Queue.Say(task.Id, LockWord.Ended);

        var snapshot = Open().Look(autoRetry: true, Note);

        Assert.Empty(snapshot.Unfinished);
        Assert.Contains("no room to record", Assert.Single(_problems), StringComparison.Ordinal);
        Assert.Equal(TaskStatus.Running, _temp.Queue.ReadOrThrow(task.Id).Status);
    }

    [Fact]
    public void What_keeps_a_look_from_settling_is_told_and_keeps_nobody_from_looking()
    {
        var dead = _temp.Add("a", TempQueue.Running());
        Settle("{");

        var snapshot = Open().Look(autoRetry: true, Note);

        Assert.Contains("settings.json", Assert.Single(_problems), StringComparison.Ordinal);
        Assert.Equal(dead.Id, Assert.Single(snapshot.Finished).Id);
        Assert.Equal(TaskStatus.Running, _temp.Queue.ReadOrThrow(dead.Id).Status);
    }

    [Fact]
    public void One_task_is_settled_alone_and_a_deserted_drain_goes()
    {
        var dead = _temp.Add("a", TempQueue.Running());
        var other = _temp.Add("b", TempQueue.Complete());
        var drain = LeaveDrain();
        var own = Open();

        own.Refresh(other.Id, Note);
        Assert.Equal(2, drain.Rules?.Parallel);
        Assert.Equal(TaskStatus.Running, _temp.Queue.ReadOrThrow(dead.Id).Status);

        own.Refresh(dead.Id, Note);
        Assert.Null(drain.Rules?.Parallel);
        Assert.Equal(TaskStatus.Failed, _temp.Queue.ReadOrThrow(dead.Id).Status);
        Assert.Empty(_problems);
    }

    [Fact]
    public void What_keeps_one_task_from_being_settled_is_told_and_it_is_read_as_it_ended()
    {
        var dead = _temp.Add("a", TempQueue.Running());
        Settle("{");
        var own = Open();

        own.Refresh(dead.Id, Note);

        Assert.Contains("settings.json", Assert.Single(_problems), StringComparison.Ordinal);
        Assert.Equal(TaskStatus.Failed, own.Queue.ReadOrThrow(dead.Id).Status);
        Assert.Equal(TaskStatus.Running, _temp.Queue.ReadOrThrow(dead.Id).Status);
    }

    [Theory]
    [InlineData("arg", 96 << 10, true)]
    [InlineData("arg", (96 << 10) + 1, false)]
    [InlineData("stdin", (96 << 10) + 1, true)]
    public void A_prompt_for_an_argument_may_have_96_KiB(string via, int length, bool fits)
    {
        File.WriteAllText(
            Path.Join(_temp.Root, AgentConfig.FileName),
            $$"""{ "agents": { "a": { "command": "/bin/cat", "promptVia": "{{via}}" } } }"""
        );
        var refused = Record.Exception(() =>
            Open().CheckDeliverable(new NewTask("a", new string('x', length)))
        );
        if (fits)
        {
            Assert.Null(refused);
        }
        else
        {
            Assert.Equal(ExitCode.Usage, Assert.IsType<QueueException>(refused).ExitCode);
            Assert.Contains("longer than 96 KiB", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_task_for_an_agent_that_does_not_exist_is_refused() =>
        Assert.Throws<QueueException>(() =>
            Open().CheckDeliverable(new NewTask("nobody", "do it"))
        );

    [Fact]
    public void Dollars_are_refused_where_nobody_can_hold_an_agent_to_them()
    {
        var options = new AgentOptions { MaxUsd = 1 };
        var refused = Refused(new NewTask("codex", "do it") { Options = options });
        Assert.Contains("tells no dollars", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--max-tokens", refused.Hint, StringComparison.Ordinal);
        Open().CheckDeliverable(new NewTask("claude", "do it") { Options = options });
        Open().CheckDeliverable(new NewTask("opencode", "do it") { Options = options });
        Open()
            .CheckDeliverable(
                new NewTask("codex", "do it") { Options = new AgentOptions { MaxTokens = 1 } }
            );
    }

    [Fact]
    public void An_agent_does_not_take_over_from_itself()
    {
        var policy = new AgentOptions { OnLimit = LimitPolicy.Parse("fallback:claude") };
        Assert.Contains(
            "itself",
            Refused(new NewTask("claude", "do it") { Options = policy }).Message,
            StringComparison.Ordinal
        );
        Open().CheckDeliverable(new NewTask("codex", "do it") { Options = policy });
        Refused(
            new NewTask("claude", "do it")
            {
                Options = new AgentOptions { Fallback = ["codex", "claude"] },
            }
        );
        File.WriteAllText(
            Path.Join(_temp.Root, AgentConfig.FileName),
            """{ "agents": { "a": { "adapter": "claude", "onLimit": "fallback:a" } } }"""
        );
        Refused(new NewTask("a", "do it"));
    }

    [Fact]
    public void Attempts_to_mend_want_a_check()
    {
        var attempts = new WorkChecks { FixAttempts = 2 };
        Assert.Contains(
            "--verify",
            Refused(new NewTask("claude", "do it") { Checks = attempts }).Hint,
            StringComparison.Ordinal
        );
        Open()
            .CheckDeliverable(
                new NewTask("claude", "do it") { Checks = attempts with { Clean = true } }
            );
        File.WriteAllText(
            Path.Join(_temp.Root, AgentConfig.FileName),
            """{ "agents": { "a": { "adapter": "claude", "verify": ["true"] } } }"""
        );
        Open().CheckDeliverable(new NewTask("a", "do it") { Checks = attempts });
    }

    private QueueException Refused(NewTask request)
    {
        var refused = Assert.Throws<QueueException>(() => Open().CheckDeliverable(request));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        return refused;
    }

    private ProjectQueue Open() => new(_temp.Root, TimeProvider.System);

    private void Note(QueueException problem) => _problems.Add(problem.Message);

    private void Settle(string settings) =>
        File.WriteAllText(Path.Join(_temp.Queue.Folder, Settings.FileName), settings);

    // A drain whose supervisors were all killed.
    private Drain LeaveDrain()
    {
        var drain = new Drain(_temp.Queue, QueueScope.None);
        drain.Begin(new(2));
        return drain;
    }
}
