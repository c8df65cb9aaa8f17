using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class DependenciesTests
{
    private readonly World _world = new();

    [Fact]
    public void A_task_is_ready_when_all_it_depends_on_is_complete()
    {
        Put("a", Complete());
        Put("b", new TaskState.Running(FakeTime.Start));
        Assert.IsType<Readiness.Ready>(Check("a"));
        Assert.Equal(
            "task_b",
            Assert.Single(Assert.IsType<Readiness.Waiting>(Check("a", "b")).For).Value
        );
    }

    [Theory]
    [InlineData("failed")]
    [InlineData("was cancelled")]
    [InlineData("was not found")]
    public void What_can_no_longer_complete_blocks_and_is_named(string note)
    {
        if (note != "was not found")
        {
            Put("a", note == "failed" ? Failure() : new TaskState.Cancelled(null, FakeTime.Start));
        }

        Put("b", new TaskState.Pending());
        var blocked = Assert.IsType<Readiness.Blocked>(Check("b", "a"));
        Assert.Equal($"Dependency task_a {note}", blocked.Reason);
    }

    [Theory]
    [InlineData("AfterOk", "Met", "Lost", "Lost", "Open", "Open", "Lost")]
    [InlineData("AfterAny", "Met", "Met", "Met", "Open", "Open", "Lost")]
    [InlineData("AfterNotOk", "Lost", "Met", "Met", "Open", "Open", "Lost")]
    public void Each_kind_waits_for_its_own_ends(
        string word,
        string complete,
        string failed,
        string cancelled,
        string running,
        string pending,
        string missing
    )
    {
        var kind = Enum.Parse<DependencyKind>(word);
        Put("complete", Complete());
        Put("failed", Failure());
        Put("cancelled", new TaskState.Cancelled(null, FakeTime.Start));
        Put("running", new TaskState.Running(FakeTime.Start));
        Put("pending", new TaskState.Pending());
        (string Token, string Expected)[] cases =
        [
            ("complete", complete),
            ("failed", failed),
            ("cancelled", cancelled),
            ("running", running),
            ("pending", pending),
            ("missing", missing),
        ];
        foreach (var (token, expected) in cases)
        {
            var on = TaskId.Parse("task_" + token);
            var task = _world.NewTask("x") with
            {
                DependsOn = [on],
                AfterAny = kind == DependencyKind.AfterAny ? [on] : [],
                AfterNotOk = kind == DependencyKind.AfterNotOk ? [on] : [],
            };
            var queue = _world.Open().Queue;
            foreach (var snapshot in (QueueSnapshot?[])[null, QueueSnapshot.Take(queue)])
            {
                var readiness = new Dependencies(queue, snapshot).Check(task);
                Assert.Equal(
                    (token, expected),
                    (
                        token,
                        readiness switch
                        {
                            Readiness.Ready => "Met",
                            Readiness.Waiting => "Open",
                            _ => "Lost",
                        }
                    )
                );
            }
        }
    }

    [Fact]
    public void What_waits_for_a_failure_is_told_that_there_was_none()
    {
        Put("a", Complete());
        var task = _world.NewTask("x") with
        {
            DependsOn = [TaskId.Parse("task_a")],
            AfterNotOk = [TaskId.Parse("task_a")],
        };
        var queue = _world.Open().Queue;
        Assert.Equal(
            "Dependency task_a completed",
            Assert.IsType<Readiness.Blocked>(new Dependencies(queue, null).Check(task)).Reason
        );
    }

    [Fact]
    public void A_failure_that_was_retried_stands_for_its_last_retry()
    {
        Put("a", Failure("b"));
        Put("b", Failure("c"));
        Put("c", new TaskState.Pending());
        Assert.Equal(
            "task_c",
            Assert.Single(Assert.IsType<Readiness.Waiting>(Check("a")).For).Value
        );
        Put("c", Complete());
        Assert.IsType<Readiness.Ready>(Check("a"));
        Put("c", Failure());
        Assert.Equal("task_c", Assert.IsType<Readiness.Blocked>(Check("a")).By.Value);
    }

    [Fact]
    public void A_failure_that_will_be_retried_by_itself_is_waited_for()
    {
        _world.Put(_world.NewTask("a") with { AutoRetry = true, State = Failure() });
        Assert.IsType<Readiness.Waiting>(Check("a"));
        Put("b", Failure() with { RetryIntent = TaskId.Parse("task_c") });
        Assert.IsType<Readiness.Waiting>(Check("b"));
    }

    [Fact]
    public void What_was_archived_counts_as_it_ended()
    {
        Put("a", Complete());
        Put("b", Failure());
        var disk = _world.Disk.Process();
        var queue = new QueueFolder(World.Root, disk);
        disk.CreateFolder(queue.Archive);
        foreach (var id in (TaskId[])[TaskId.Parse("task_a"), TaskId.Parse("task_b")])
        {
            disk.Rename(queue.TaskFile(id), queue.ArchivedTask(id));
        }

        Assert.IsType<Readiness.Ready>(Check("a"));
        Assert.IsType<Readiness.Blocked>(Check("b"));
    }

    [Fact]
    public void Read_one_by_one_or_from_a_look_at_everything_the_answer_is_the_same()
    {
        Put("done", Complete());
        Put("runs", new TaskState.Running(FakeTime.Start));
        Put("waits", new TaskState.Pending());
        Put("failed", Failure());
        Put("cancelled", new TaskState.Cancelled(null, FakeTime.Start));
        Put("retried", Failure("waits"));
        Put("again", Failure("done"));
        Put("intends", Failure() with { RetryIntent = TaskId.Parse("task_next") });
        _world.Put(_world.NewTask("will") with { AutoRetry = true, State = Failure() });
        var queue = _world.Open().Queue;
        var all = new Dependencies(queue, QueueSnapshot.Take(queue));
        var few = new Dependencies(queue, null);

        (string Token, string Status, string Last, string Note)[] expected =
        [
            ("done", "Complete", "done", "completed"),
            ("runs", "Running", "runs", ""),
            ("waits", "Pending", "waits", ""),
            ("failed", "Failed", "failed", "failed"),
            ("cancelled", "Cancelled", "cancelled", "was cancelled"),
            ("retried", "Pending", "waits", ""),
            ("again", "Complete", "done", "completed"),
            ("intends", "Pending", "intends", ""),
            ("will", "Pending", "will", ""),
            ("gone", "", "gone", "was not found"),
        ];
        foreach (var (token, status, last, note) in expected)
        {
            var id = TaskId.Parse("task_" + token);
            var (s, l, n, skipped) = all.Resolve(id);
            Assert.Equal((token, status, "task_" + last, note), (token, $"{s}", l.Value, n));
            Assert.Equal((s, l, n, skipped), few.Resolve(id));
        }
    }

    [Fact]
    public void What_a_look_at_everything_knows_is_not_read_again()
    {
        Put("done", Complete());
        Put("waits", new TaskState.Pending());
        Put("intends", Failure() with { RetryIntent = TaskId.Parse("task_next") });
        _world.Put(_world.NewTask("will") with { AutoRetry = true, State = Failure() });
        var own = _world.Open();
        var all = new Dependencies(own.Queue, QueueSnapshot.Take(own.Queue));
        var looks = 0;
        _world.Disk.Before = _ => looks++;

        Assert.Equal(
            "Complete Pending Pending Pending",
            string.Join(
                ' ',
                new[] { "done", "waits", "intends", "will" }.Select(t =>
                    all.Resolve(TaskId.Parse("task_" + t)).Status
                )
            )
        );
        Assert.Equal(0, looks);
    }

    [Fact]
    public void What_was_archived_is_not_retried_by_itself_any_more()
    {
        _world.Put(_world.NewTask("a") with { AutoRetry = true, State = Failure() });
        var queue = _world.Open().Queue;
        var disk = _world.Disk.Process();
        disk.CreateFolder(queue.Archive);
        disk.Rename(
            queue.TaskFile(TaskId.Parse("task_a")),
            queue.ArchivedTask(TaskId.Parse("task_a"))
        );

        Assert.IsType<Readiness.Blocked>(Check("a"));
        Assert.Equal("failed", new Dependencies(queue, null).Resolve(TaskId.Parse("task_a")).Note);
    }

    [Fact]
    public void All_that_are_waited_for_are_named_and_of_those_that_block_the_first()
    {
        Put("a", new TaskState.Pending());
        Put("b", new TaskState.Running(FakeTime.Start));
        Put("c", Failure());
        Put("d", new TaskState.Cancelled(null, FakeTime.Start));
        Assert.Equal(
            ["task_a", "task_b"],
            Assert.IsType<Readiness.Waiting>(Check("a", "b")).For.Select(static id => id.Value)
        );
        Assert.Equal(
            "task_c",
            Assert.IsType<Readiness.Blocked>(Check("a", "c", "d", "b")).By.Value
        );
    }

    [Fact]
    public void What_was_met_and_then_cleaned_stays_met()
    {
        var task = _world.NewTask("x") with
        {
            DependsOn = [TaskId.Parse("task_gone")],
            DependenciesMet = [TaskId.Parse("task_gone")],
        };
        var queue = _world.Open().Queue;
        Assert.IsType<Readiness.Ready>(
            new Dependencies(queue, QueueSnapshot.Take(queue)).Check(task)
        );
    }

    [Fact]
    public void Retries_in_a_ring_end_nowhere_and_are_said_to()
    {
        Put("a", Failure("b"));
        Put("b", Failure("a"));
        Assert.Contains(
            "ring",
            Assert.IsType<Readiness.Blocked>(Check("a")).Reason,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_reconcile_notes_what_blocks_and_takes_the_note_back()
    {
        Put("a", Failure());
        _world.Put(_world.NewTask("x") with { DependsOn = [TaskId.Parse("task_a")] });
        Reconcile();
        Assert.Equal("task_a", Pending().BlockedBy?.Value);
        Assert.Equal("Dependency task_a failed", Pending().BlockedReason);
        _world.Open().Retries.Create(TaskId.Parse("task_a"), new RetryOptions());
        Reconcile();
        Assert.Null(Pending().BlockedBy);
        Assert.Null(Pending().BlockedReason);
    }

    [Fact]
    public void A_path_is_found_and_so_is_every_cycle()
    {
        var a = _world.Put(_world.NewTask("a") with { DependsOn = [TaskId.Parse("task_b")] });
        var b = _world.Put(_world.NewTask("b") with { DependsOn = [TaskId.Parse("task_c")] });
        var c = _world.Put(_world.NewTask("c"));
        var queue = _world.Open().Queue;
        Assert.Equal([a.Id, b.Id, c.Id], DependencyGraph.FindPath(queue, a.Id, c.Id));
        Assert.Null(DependencyGraph.FindPath(queue, c.Id, a.Id));
        Assert.Empty(DependencyGraph.FindCycles([a, b, c]));
        var ring = c with { DependsOn = [a.Id] };
        Assert.Equal(
            [a.Id, b.Id, c.Id, a.Id],
            Assert.Single(DependencyGraph.FindCycles([a, b, ring]))
        );
        Assert.Single(DependencyGraph.FindCycles([c with { DependsOn = [c.Id] }]));
    }

    [Fact]
    public void Cycles_are_found_exactly_where_there_are_some()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var tasks = Enumerable
                .Range(0, random.Next(1, 9))
                .Select(i => _world.NewTask($"{i}"))
                .ToList();
            tasks = tasks
                .Select(t =>
                    t with
                    {
                        DependsOn =
                        [
                            .. tasks.Where(_ => random.Next(5) == 0).Select(static o => o.Id),
                        ],
                    }
                )
                .ToList();
            var byId = tasks.ToDictionary(static t => t.Id);
            var cyclic = tasks.Any(t => Reaches(t.DependsOn, t.Id, byId));
            var cycles = DependencyGraph.FindCycles(tasks);
            Assert.True(cyclic == cycles.Count > 0, $"seed {seed}");
            Assert.All(
                cycles,
                way =>
                {
                    Assert.Equal(way[0], way[^1]);
                    for (var i = 1; i < way.Count; i++)
                    {
                        Assert.Contains(way[i], byId[way[i - 1]].DependsOn);
                    }
                }
            );
        }
    }

    [Fact]
    public void A_chain_of_thousands_is_followed()
    {
        var chain = Enumerable
            .Range(0, 5000)
            .Select(i =>
                _world.NewTask($"{i:d4}") with
                {
                    DependsOn = i == 0 ? [] : [TaskId.Parse($"task_{i - 1:d4}")],
                }
            );
        Assert.Empty(DependencyGraph.FindCycles(chain));
    }

    private static bool Reaches(
        IEnumerable<TaskId> from,
        TaskId to,
        Dictionary<TaskId, AgentTask> tasks
    )
    {
        var open = new Stack<TaskId>(from);
        var seen = new HashSet<TaskId>();
        while (open.TryPop(out var id))
        {
            if (id == to)
            {
                return true;
            }

            if (seen.Add(id))
            {
                foreach (var next in tasks[id].DependsOn)
                {
                    open.Push(next);
                }
            }
        }

        return false;
    }

    private void Put(string token, TaskState state) =>
        _world.Put(_world.NewTask(token) with { State = state });

    private Readiness Check(params string[] dependencies)
    {
        var queue = _world.Open().Queue;
        return new Dependencies(queue, QueueSnapshot.Take(queue)).Check(
            _world.NewTask("x") with
            {
                DependsOn = [.. dependencies.Select(static d => TaskId.Parse("task_" + d))],
            }
        );
    }

    private void Reconcile() => _world.Open().Reconciler.Reconcile(autoRetry: true);

    private TaskState.Pending Pending() =>
        Assert.IsType<TaskState.Pending>(_world.Read(TaskId.Parse("task_x")).State);

    private static TaskState.Complete Complete() => new(null, FakeTime.Start);

    private static TaskState.Failed Failure(string? retriedBy = null) =>
        new(null, FakeTime.Start, Reason.Exit, "no")
        {
            RetriedBy = retriedBy is null ? null : TaskId.Parse("task_" + retriedBy),
        };
}
