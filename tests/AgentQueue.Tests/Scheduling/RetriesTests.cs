using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class RetriesTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();

    [Fact]
    public void A_retry_is_a_new_task_in_the_same_line()
    {
        Fail(t =>
            t with
            {
                Priority = 9,
                Timeout = TimeSpan.FromMinutes(1),
                DependsOn = [TaskId.Parse("task_dep")],
                Name = "title",
            }
        );
        var retry = _world.Open().Retries.Create(s_id, new RetryOptions());
        var stored = _world.Read(retry.Id);
        Assert.Equal(1, stored.RetryCount);
        Assert.Equal(s_id, stored.Parent);
        Assert.Equal(9, stored.Priority);
        Assert.Equal(TimeSpan.FromMinutes(1), stored.Timeout);
        Assert.Equal("task_dep", Assert.Single(stored.DependsOn).Value);
        Assert.False(stored.AutoRetry);
        var record = Assert.Single(stored.RetryHistory);
        Assert.Equal(
            (1, "it failed", (TaskId?)s_id),
            (record.Attempt, record.Error, record.RetriedFrom)
        );
        Assert.Equal(retry.Id, Failed(s_id).RetriedBy);
        Assert.Null(Failed(s_id).RetryIntent);
    }

    [Fact]
    public void A_task_is_retried_once_by_hand()
    {
        Fail();
        var own = _world.Open();
        var first = own.Retries.Create(s_id, new RetryOptions());
        var e = Assert.Throws<QueueException>(() => own.Retries.Create(s_id, new RetryOptions()));
        Assert.Contains(first.Id.Value, e.Message, StringComparison.Ordinal);
        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void Only_a_failed_task_with_retries_left_is_retried()
    {
        var own = _world.Open();
        _world.Put(_world.NewTask("p"));
        Assert.Throws<QueueException>(() =>
            own.Retries.Create(TaskId.Parse("task_p"), new RetryOptions())
        );
        Fail(static t => t with { RetryCount = 3 });
        var e = Assert.Throws<QueueException>(() => own.Retries.Create(s_id, new RetryOptions()));
        Assert.Contains("--max-retries 4", e.Hint, StringComparison.Ordinal);
        Assert.Equal(4, own.Retries.Create(s_id, new RetryOptions(MaxRetries: 4)).RetryCount);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 4)]
    public void An_automatic_retry_comes_when_its_wait_is_over(int retryCount, int wait)
    {
        Fail(t => t with { AutoRetry = true, RetryCount = retryCount });
        _world.Time.Advance(TimeSpan.FromSeconds(wait) - TimeSpan.FromMilliseconds(1));
        Reconcile();
        Assert.Equal(1, CountTasks());
        _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        Reconcile();
        Assert.Equal(2, CountTasks());
        Assert.True(_world.Read(Failed(s_id).RetriedBy!.Value).AutoRetry);
    }

    [Fact]
    public void However_often_it_is_reconciled_there_is_one_retry()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 10; i++)
        {
            Reconcile();
        }

        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void A_clock_that_was_set_back_a_little_makes_no_retry_early()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.SetWall(TimeSpan.FromMinutes(-4));
        _world.Time.Advance(TimeSpan.FromMinutes(3));
        Reconcile();
        Assert.Equal(1, CountTasks());
    }

    [Fact]
    public void A_clock_that_was_set_back_keeps_no_retry_waiting_for_longer_than_any_back_off()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.SetWall(TimeSpan.FromDays(-3650));
        Reconcile();
        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void A_retry_whose_maker_was_killed_at_any_step_is_made_once()
    {
        for (var step = 0; ; step++)
        {
            var world = new World();
            world.Put(NewFailure(world) with { AutoRetry = true });
            world.Time.Advance(TimeSpan.FromHours(1));
            if (!Crash.At(world, step, static own => own.Reconciler.Reconcile(autoRetry: true)))
            {
                Assert.InRange(step, 8, 100);
                return;
            }

            AssertOneRetry(world, $"killed before step {step}");
        }
    }

    [Fact]
    public void A_retry_whose_maker_lost_the_power_at_any_step_is_made_once()
    {
        for (var seed = 0; seed < 600; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            world.Put(NewFailure(world) with { AutoRetry = true });
            world.Disk.LosePower(fate);
            world.Time.Advance(TimeSpan.FromHours(1));
            Crash.At(world, fate.Next(20), static own => own.Reconciler.Reconcile(autoRetry: true));
            world.Disk.LosePower(fate);
            AssertOneRetry(world, $"seed {seed}");
        }
    }

    [Fact]
    public void The_full_disk_makes_no_second_retry()
    {
        Fail(static t => t with { AutoRetry = true });
        _world.Time.Advance(TimeSpan.FromHours(1));
        var size = _world.Disk.Files().Sum(static f => f.Content.Length);
        for (var room = 0; room < 4000; room += 50)
        {
            _world.Disk.Capacity = size + room;
            try
            {
                Reconcile();
            }
            catch (QueueException e)
            {
                Assert.Contains("No space", e.Message, StringComparison.Ordinal);
            }
        }

        _world.Disk.Capacity = long.MaxValue;
        Reconcile();
        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void Whatever_the_failed_task_was_told_its_retry_is_told_too()
    {
        Fail(t =>
            t with
            {
                Agent = "tester",
                Prompt = "test it",
                Name = "title",
                Labels = t.Labels.Add("team", "red"),
                WorkingFolder = "/elsewhere",
                Environment = t.Environment.Add("KEY", "value"),
                TimeoutWarning = TimeSpan.FromSeconds(7),
                IdleTimeout = TimeSpan.FromSeconds(8),
            }
        );
        var retry = _world.Read(_world.Open().Retries.Create(s_id, new RetryOptions()).Id);

        Assert.Equal(
            ("tester", "test it", "title", "/elsewhere"),
            (retry.Agent, retry.Prompt, retry.Name, retry.WorkingFolder)
        );
        Assert.Equal(("red", "value"), (retry.Labels["team"], retry.Environment["KEY"]));
        Assert.Equal(
            (TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(8)),
            (retry.TimeoutWarning, retry.IdleTimeout)
        );
        Assert.Equal(_world.Time.GetUtcNow(), retry.CreatedAt);
        Assert.Equal(_world.Time.GetUtcNow(), Failed(s_id).RetriedAt);
        Assert.Equal(new TaskState.Pending(), retry.State);
        Assert.Contains(
            "it failed",
            _world.Disk.Text(_world.Open().Queue.PlanFile(retry.Id)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_retry_of_a_retry_has_the_first_task_as_its_parent_and_all_that_went_before()
    {
        Fail();
        var retry = _world.Open().Retries.Create(s_id, new RetryOptions());
        _world.Put(retry with { State = NewFailure(_world).State });
        var second = _world.Read(_world.Open().Retries.Create(retry.Id, new RetryOptions()).Id);

        Assert.Equal((2, (TaskId?)s_id), (second.RetryCount, second.Parent));
        Assert.Equal(
            [(1, (TaskId?)s_id), (2, retry.Id)],
            second.RetryHistory.Select(static r => (r.Attempt, r.RetriedFrom))
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Dependencies_count_as_met_if_the_task_could_start_once(bool started)
    {
        var dependencies = (TaskId[])[TaskId.Parse("task_x"), TaskId.Parse("task_y")];
        Fail(t =>
            t with
            {
                DependsOn = [.. dependencies],
                DependenciesMet = [dependencies[0]],
                State =
                    NewFailure(_world).State is TaskState.Failed f && started
                        ? f with
                        {
                            StartedAt = FakeTime.Start,
                        }
                        : t.State,
            }
        );
        var retry = _world.Read(_world.Open().Retries.Create(s_id, new RetryOptions()).Id);

        Assert.Equal(started ? dependencies : [dependencies[0]], retry.DependenciesMet);
    }

    [Fact]
    public void In_a_run_what_it_came_after_may_be_tried_again_and_only_what_is_gone_counts_as_met()
    {
        _world.Put(_world.NewTask("x"));
        var (there, gone) = (TaskId.Parse("task_x"), TaskId.Parse("task_gone"));
        Fail(t =>
            t with
            {
                DependsOn = [there, gone],
                AfterAny = [there, gone],
                Step = new PlanStep { Node = "n" },
                State = ((TaskState.Failed)t.State) with { StartedAt = FakeTime.Start },
            }
        );

        var retry = _world.Read(_world.Open().Retries.Create(s_id, new RetryOptions()).Id);

        Assert.Equal(gone, Assert.Single(retry.DependenciesMet));
    }

    [Fact]
    public void An_interrupted_retry_is_finished_by_hand_too_even_with_no_retries_left()
    {
        var intent = TaskId.Parse("task_next");
        Fail(t =>
            t with
            {
                RetryCount = 3,
                State = (TaskState.Failed)t.State with { RetryIntent = intent },
            }
        );

        Assert.Equal(intent, _world.Open().Retries.Create(s_id, new RetryOptions()).Id);
        Assert.Equal(intent, Failed(s_id).RetriedBy);
        Assert.Null(Failed(s_id).RetryIntent);
        Assert.Equal(2, CountTasks());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_retry_allows_itself_is_written_into_it(bool autoRetry)
    {
        Fail();
        var retry = _world.Open().Retries.Create(s_id, new RetryOptions(7, autoRetry));
        Assert.Equal((7, autoRetry), (retry.MaxRetries, retry.AutoRetry));
    }

    [Fact]
    public void The_last_retry_is_allowed_and_none_after_it()
    {
        Fail(static t => t with { RetryCount = 2, MaxRetries = 3 });
        Assert.Equal(3, _world.Open().Retries.Create(s_id, new RetryOptions()).RetryCount);
    }

    [Fact]
    public void The_next_one_due_is_the_earliest_of_all()
    {
        Assert.Null(NextDue());
        foreach (var (token, count) in new[] { ("b", 3), ("c", 1), ("d", 2) })
        {
            _world.Put(
                NewFailure(_world) with
                {
                    Id = TaskId.Parse("task_" + token),
                    AutoRetry = true,
                    RetryCount = count,
                    MaxRetries = 9,
                }
            );
        }

        Fail();
        Assert.Equal(_world.Time.GetUtcNow().AddSeconds(2), NextDue());
    }

    [Fact]
    public void How_many_were_made_or_finished_is_said()
    {
        foreach (var token in (string[])["b", "c"])
        {
            _world.Put(
                NewFailure(_world) with
                {
                    Id = TaskId.Parse("task_" + token),
                    AutoRetry = true,
                }
            );
        }

        Fail(t =>
            t with
            {
                State = (TaskState.Failed)t.State with { RetryIntent = TaskId.Parse("task_next") },
            }
        );
        var retries = _world.Open().Retries;
        Assert.Equal(0, retries.CreateDue(Snapshot()));
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, retries.CreateDue(Snapshot()));
        Assert.Equal(0, retries.CreateDue(Snapshot()));
        Assert.Equal(1, retries.FinishInterrupted(Snapshot()));
        Assert.Equal(0, retries.FinishInterrupted(Snapshot()));
    }

    [Fact]
    public void A_failure_that_another_agentq_holds_is_left_to_it()
    {
        Fail(t =>
            t with
            {
                AutoRetry = true,
                State = (TaskState.Failed)t.State with { RetryIntent = TaskId.Parse("task_next") },
            }
        );
        _world.Put(NewFailure(_world) with { Id = TaskId.Parse("task_b"), AutoRetry = true });
        _world.Time.Advance(TimeSpan.FromHours(1));
        var other = _world.Open("other");
        using var first = other.Queue.TryLockTask(s_id);
        using var second = other.Queue.TryLockTask(TaskId.Parse("task_b"));
        var retries = _world.Open().Retries;

        Assert.Equal(0, retries.CreateDue(Snapshot()));
        Assert.Equal(0, retries.FinishInterrupted(Snapshot()));
        Assert.Equal(2, CountTasks());
    }

    [Fact]
    public void Where_nothing_is_to_be_retried_no_file_is_looked_at()
    {
        Fail();
        _world.Put(
            _world.NewTask("b") with
            {
                State = new TaskState.Complete(null, FakeTime.Start),
            }
        );
        var (snapshot, retries) = (Snapshot(), _world.Open().Retries);
        var looks = 0;
        _world.Disk.Before = _ => looks++;

        Assert.Equal(0, retries.CreateDue(snapshot));
        Assert.Equal(0, retries.FinishInterrupted(snapshot));
        Assert.Null(retries.NextDue(snapshot, static _ => true));
        Assert.Equal(0, looks);
    }

    [Fact]
    public void A_task_that_runs_is_not_waited_for_to_say_that_it_cannot_be_retried()
    {
        _world.Put(_world.NewTask("a") with { State = new TaskState.Running(FakeTime.Start) });
        using var held = _world.Open("supervisor").Queue.TryLockTask(s_id);
        var e = Assert.Throws<QueueException>(() =>
            _world.Open().Retries.Create(s_id, new RetryOptions())
        );
        Assert.Contains("is running", e.Message, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void A_retry_takes_no_id_that_another_task_has()
    {
        Fail();
        string? taken = null;
        _world.Disk.Before = step =>
        {
            if (
                step.Kind == "stat"
                && step.Path.Contains("/tasks/task_", StringComparison.Ordinal)
                && !step.Path.EndsWith("task_a.json", StringComparison.Ordinal)
                && taken is null
            )
            {
                taken = Path.GetFileNameWithoutExtension(step.Path);
                _world.Disk.Plant(step.Path, "another's");
            }
        };
        var retry = _world.Open().Retries.Create(s_id, new RetryOptions());
        Assert.NotNull(taken);
        Assert.NotEqual(taken, retry.Id.Value);
        Assert.Equal(s_id, _world.Read(retry.Id).Parent);
    }

    private DateTimeOffset? NextDue() =>
        _world.Open().Retries.NextDue(Snapshot(), static _ => true);

    private QueueSnapshot Snapshot() => QueueSnapshot.Take(_world.Open().Queue);

    private static void AssertOneRetry(World world, string when)
    {
        world.Open().Reconciler.Reconcile(autoRetry: true);
        var tasks = QueueSnapshot.Take(world.Open().Queue);
        Assert.True(tasks.Count == 2, $"{when}: {tasks.Count} tasks");
        Assert.Empty(tasks.Unreadable);
        var retry = Assert.Single(tasks.Unfinished);
        var failed = Assert.IsType<TaskState.Failed>(world.Read(s_id).State);
        Assert.Equal(retry.Id, failed.RetriedBy);
        Assert.Null(failed.RetryIntent);
        Assert.Equal(s_id, world.Read(retry.Id).Parent);
        var before = world.Disk.Dump();
        world.Open().Reconciler.Reconcile(autoRetry: true);
        Assert.Equal(before, world.Disk.Dump());
    }

    private void Fail(Func<AgentTask, AgentTask>? change = null)
    {
        var task = NewFailure(_world);
        _world.Put(change is null ? task : change(task));
    }

    private static AgentTask NewFailure(World world) =>
        world.NewTask("a") with
        {
            State = new TaskState.Failed(null, world.Time.GetUtcNow(), Reason.Exit, "it failed"),
        };

    private TaskState.Failed Failed(TaskId id) =>
        Assert.IsType<TaskState.Failed>(_world.Read(id).State);

    private void Reconcile() => _world.Open().Reconciler.Reconcile(autoRetry: true);

    private int CountTasks() => QueueSnapshot.Take(_world.Open().Queue).Count;
}
