using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed partial class TaskControlTests
{
    [Theory]
    [InlineData(4.999)]
    [InlineData(5)]
    [InlineData(5.001)]
    [InlineData(0.5)]
    public void An_extension_around_the_limit_is_counted_or_refused_and_never_both(double moment)
    {
        _world.Host.Script = static _ => new FakeAgent().Exit(8);
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        var accepted = false;
        var queue = _world.Open().Queue;
        var request = queue.RequestFile(s_id, Requests.ExtendPrefix + "1");
        _world.Time.Plan(
            TimeSpan.FromSeconds(moment),
            () =>
            {
                if (queue.Read(s_id) is TaskRead.Found({ State: TaskState.Running }, _))
                {
                    queue.Request(s_id, Requests.ExtendPrefix + "1", "10");
                    accepted = true;
                }
            }
        );
        _world.Open().Supervise(s_id);
        var task = _world.Read(s_id);
        if (accepted)
        {
            Assert.Equal(TimeSpan.FromSeconds(15), task.Timeout);
            Assert.Equal(TaskStatus.Complete, task.Status);
        }
        else
        {
            Assert.Equal(TimeSpan.FromSeconds(5), task.Timeout);
            Assert.Equal(TaskStatus.Failed, task.Status);
        }

        Assert.False(_world.Disk.Has(request));
    }

    [Fact]
    public void An_extension_at_any_step_at_the_limit_is_counted_or_left_unanswered()
    {
        var outcomes = new HashSet<TaskStatus>();
        for (var step = 0; step < 150; step++)
        {
            var world = new World();
            world.Host.Script = static _ => new FakeAgent().Exit(8);
            world.Put(world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
            var request = "";
            var outcome = "";
            Interfere(
                world,
                step,
                c =>
                {
                    if (c.Read(s_id).State is TaskState.Running)
                    {
                        request = c.Queue.RequestFile(s_id, Requests.ExtendPrefix + "1");
                        c.Queue.Request(s_id, Requests.ExtendPrefix + "1", "10");
                    }
                },
                from: TimeSpan.FromSeconds(4.9)
            );
            var task = world.Read(s_id);
            outcomes.Add(task.Status);
            outcome = $"step {step}: {task.Status}, limit {task.Timeout}";
            Assert.True(
                task.Timeout == TimeSpan.FromSeconds(task.Status == TaskStatus.Complete ? 15 : 5),
                outcome
            );
            // What the asker sees: its request taken away while the task ran on, or the task's end.
            Assert.False(request.Length > 0 && world.Disk.Has(request), outcome);
        }

        Assert.Equal(2, outcomes.Count);
    }

    [Fact]
    public void Several_extensions_add_up()
    {
        _world.Host.Script = static _ => new FakeAgent().Exit(30);
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        for (var i = 1; i <= 3; i++)
        {
            var name = $"{Requests.ExtendPrefix}{i}";
            _world.Time.Plan(
                TimeSpan.FromSeconds(i),
                () => _world.Open().Queue.Request(s_id, name, "10")
            );
        }

        _world.Open().Supervise(s_id);
        Assert.Equal(TaskStatus.Complete, _world.Read(s_id).Status);
        Assert.Equal(TimeSpan.FromSeconds(35), _world.Read(s_id).Timeout);
    }

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-5")]
    [InlineData("99999999999")]
    public void A_request_to_extend_by_nothing_known_changes_nothing(string content)
    {
        _world.Host.Script = static _ => new FakeAgent().Exit(8);
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () => _world.Open().Queue.Request(s_id, Requests.ExtendPrefix + "1", content)
        );
        _world.Open().Supervise(s_id);
        Assert.Equal(
            Reason.Timeout,
            Assert.IsType<TaskState.Failed>(_world.Read(s_id).State).Reason
        );
    }

    [Fact]
    public void A_pending_task_is_extended_in_its_file()
    {
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        var (before, after) = _world.Open().Control.Extend(s_id, TimeSpan.FromSeconds(7));
        Assert.Equal((5, 12), (before.TotalSeconds, after.TotalSeconds));
        Assert.Equal(12, _world.Read(s_id).Timeout?.TotalSeconds);
        Assert.Empty(Extensions());
    }

    [Fact]
    public void A_running_task_is_extended_by_its_supervisor()
    {
        var (supervisor, _) = Supervised(Limited());
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () =>
            {
                Assert.Equal("7", Assert.Single(Extensions()));
                Grant(supervisor, TimeSpan.FromSeconds(307));
            }
        );
        Assert.Equal((300, 307), Extend(7));
    }

    [Fact]
    public void Who_extends_while_another_does_is_told_the_limit_of_before_and_all_that_was_added()
    {
        var (supervisor, _) = Supervised(Limited());
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () => supervisor.Queue.Write(Limited(310) with { State = Running() })
        );
        _world.Time.Plan(
            TimeSpan.FromSeconds(2),
            () => Grant(supervisor, TimeSpan.FromSeconds(317))
        );
        Assert.Equal((300, 317), Extend(7));
    }

    [Fact]
    public void A_task_that_is_starting_is_extended_once_its_agents_limit_is_known()
    {
        var (supervisor, _) = Supervised(_world.NewTask("a"), new TaskState.Pending());
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () => supervisor.Queue.Write(Limited() with { State = Running() })
        );
        _world.Time.Plan(
            TimeSpan.FromSeconds(2),
            () => Grant(supervisor, TimeSpan.FromSeconds(307))
        );
        Assert.Equal((300, 307), Extend(7));
    }

    [Fact]
    public void A_running_task_without_a_limit_has_none_to_extend_and_nobody_waits_for_one()
    {
        Supervised(_world.NewTask("a"));
        var e = Assert.Throws<QueueException>(() => Extend(7));
        Assert.Contains("has no time limit", e.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void A_task_that_ends_before_it_was_extended_says_so_and_the_request_goes()
    {
        var (supervisor, _) = Supervised(Limited());
        _world.Time.Plan(TimeSpan.FromSeconds(1), () => End(supervisor));
        var e = Assert.Throws<QueueException>(() => Extend(7));
        Assert.Contains("ended before its time", e.Message, StringComparison.Ordinal);
        Assert.Empty(Extensions());
    }

    [Theory]
    [InlineData(".lock", 306, false)]
    [InlineData(".lock", 307, true)]
    [InlineData(".extend-", 300, false)]
    [InlineData(".extend-", 306, false)]
    [InlineData(".extend-", 307, true)]
    [InlineData(".extend-", 317, true)]
    public void An_extension_of_a_task_that_ends_meanwhile_counts_if_it_stands_in_its_file(
        string lookedAt,
        int limit,
        bool counts
    )
    {
        var (supervisor, _) = Supervised(Limited());
        var extender = _world.Open("extender");
        _world.Disk.Before = s =>
        {
            if (
                s.Process == extender.Disk
                && s.Kind == "stat"
                && s.Path.Contains("/task_a" + lookedAt, StringComparison.Ordinal)
                && Extensions().Any()
            )
            {
                _world.Disk.Before = null;
                End(supervisor, TimeSpan.FromSeconds(limit));
                supervisor.Queue.SweepRunFiles(s_id);
            }
        };
        if (counts)
        {
            var (before, after) = extender.Control.Extend(s_id, TimeSpan.FromSeconds(7));
            Assert.Equal((300, limit), (before.TotalSeconds, after.TotalSeconds));
        }
        else
        {
            var e = Assert.Throws<QueueException>(() =>
                extender.Control.Extend(s_id, TimeSpan.FromSeconds(7))
            );
            Assert.Contains("ended before its time", e.Message, StringComparison.Ordinal);
        }

        Assert.Null(_world.Disk.Before);
    }

    [Fact]
    public void A_request_that_somebody_removed_is_not_taken_for_an_extension()
    {
        var (supervisor, _) = Supervised(Limited());
        _world.Time.Plan(
            TimeSpan.FromSeconds(1),
            () => Grant(supervisor, TimeSpan.FromSeconds(300))
        );
        Assert.Throws<QueueException>(() => Extend(7));
    }

    [Fact]
    public void A_task_whose_supervisor_died_is_settled_and_not_extended()
    {
        _world.Put(Limited() with { State = Running() });
        var e = Assert.Throws<QueueException>(() => Extend(7));
        Assert.Contains(
            "is failed; its time cannot be extended",
            e.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(TaskStatus.Failed, _world.Read(s_id).Status);
    }

    [Fact]
    public void What_has_no_limit_or_has_ended_is_not_extended()
    {
        _world.Put(_world.NewTask("a"));
        var control = _world.Open().Control;
        Assert.Contains("no time limit", Refused(), StringComparison.Ordinal);
        control.Cancel(s_id);
        Assert.Contains("is cancelled", Refused(), StringComparison.Ordinal);

        string Refused() =>
            Assert
                .Throws<QueueException>(() => control.Extend(s_id, TimeSpan.FromSeconds(1)))
                .Message;
    }

    [Fact]
    public void A_limit_is_extended_up_to_the_longest_there_is()
    {
        _world.Put(_world.NewTask("a") with { Timeout = TimeSpan.FromSeconds(5) });
        var control = _world.Open().Control;

        Assert.Throws<QueueException>(() =>
            control.Extend(s_id, Duration.Longest - TimeSpan.FromSeconds(4))
        );
        Assert.Equal(
            Duration.Longest,
            control.Extend(s_id, Duration.Longest - TimeSpan.FromSeconds(5)).After
        );
    }
}
