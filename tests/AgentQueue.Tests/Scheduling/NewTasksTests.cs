using System.Collections.Immutable;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class NewTasksTests
{
    private readonly World _world = new();

    [Fact]
    public void The_first_task_makes_the_queue_and_is_in_it()
    {
        var task = _world.Open().NewTasks.Create(new NewTask("coder", "do it"));
        Assert.Equal(TaskText.Of(Stored(task)), TaskText.Of(_world.Read(task.Id)));
        Assert.Contains(
            "do it",
            _world.Disk.Text($"{World.Root}/.agents/plans/{task.Id}_plan.md"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_task_that_was_accepted_survives_the_loss_of_power()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            var accepted = new List<TaskId>();
            var died = Crash.At(
                world,
                fate.Next(60),
                own =>
                {
                    for (var i = 0; i < 4; i++)
                    {
                        accepted.Add(own.NewTasks.Create(new NewTask("coder", "do it")).Id);
                    }
                }
            );
            Assert.True(died || accepted.Count == 4);
            world.Disk.LosePower(fate);
            var found = QueueSnapshot.Take(world.Open().Queue);
            Assert.Empty(found.Unreadable);
            Assert.Subset(
                found.Unfinished.Select(static t => t.Id).ToHashSet(),
                accepted.ToHashSet()
            );
            Assert.InRange(found.Count, accepted.Count, accepted.Count + 1);
        }
    }

    // A list, not attributes: those cannot hold half a character.
    [Fact]
    public void A_prompt_that_cannot_arrive_is_refused_and_nothing_made()
    {
        string[] prompts = ["", " \n", "a\0b", "\ud800", "a\udc00", "\ud83d\ud83d\ude00"];
        foreach (var prompt in prompts)
        {
            var e = Assert.Throws<QueueException>(() =>
                _world.Open().NewTasks.Create(new NewTask("coder", prompt))
            );
            Assert.Equal(ExitCode.Usage, e.ExitCode);
            Assert.False(_world.Disk.Has(World.Root + "/.agents"));
        }
    }

    [Fact]
    public void The_longest_prompt_has_4_MiB()
    {
        NewTasks.CheckPrompt(new string('x', 4 << 20));
        var refused = Assert.Throws<QueueException>(() =>
            NewTasks.CheckPrompt(new string('x', (4 << 20) + 1))
        );
        Assert.Contains("4 MiB", refused.Message, StringComparison.Ordinal);
        Assert.Throws<QueueException>(() => NewTasks.CheckPrompt(new string('é', (2 << 20) + 1)));
    }

    [Fact]
    public void A_dependency_must_exist()
    {
        var missing = TaskId.Parse("task_none");
        var own = _world.Open();
        Assert.Throws<QueueException>(() =>
            own.NewTasks.Create(new NewTask("coder", "x") { DependsOn = [missing] })
        );
        Assert.Equal(0, QueueSnapshot.Take(own.Queue).Count);
        var first = own.NewTasks.Create(new NewTask("coder", "x"));
        var second = own.NewTasks.Create(
            new NewTask("coder", "x") { DependsOn = [first.Id, first.Id] }
        );
        Assert.Equal(first.Id, Assert.Single(second.DependsOn));
    }

    [Fact]
    public void A_batch_is_stored_whole_or_not_at_all_whenever_its_maker_is_killed()
    {
        for (var step = 0; ; step++)
        {
            var world = new World();
            if (!Crash.At(world, step, static own => own.NewTasks.CreateAll(Batch)))
            {
                Assert.InRange(step, 10, 100);
                return;
            }

            AssertAllOrNothing(world, $"killed before step {step}", accepted: false);
        }
    }

    [Fact]
    public void A_batch_is_stored_whole_or_not_at_all_whenever_the_power_goes()
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            var died = Crash.At(world, fate.Next(30), static own => own.NewTasks.CreateAll(Batch));
            world.Disk.LosePower(fate);
            AssertAllOrNothing(world, $"seed {seed}", accepted: !died);
        }
    }

    [Fact]
    public void The_recovery_of_a_batch_may_be_killed_at_any_step_too()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var fate = new Random(seed);
            var world = new World();
            Crash.At(world, fate.Next(30), static own => own.NewTasks.CreateAll(Batch));
            Crash.At(world, fate.Next(20), static own => own.Reconciler.Reconcile(autoRetry: true));
            world.Disk.LosePower(fate);
            AssertAllOrNothing(world, $"seed {seed}", accepted: false);
        }
    }

    [Fact]
    public void A_batch_that_does_not_fit_the_disk_leaves_nothing_or_all()
    {
        for (var room = 0; room < 9000; room += 100)
        {
            var world = new World();
            world.Open().Queue.Create();
            world.Disk.Capacity = room;
            try
            {
                world.Open().NewTasks.CreateAll(Batch);
                return;
            }
            catch (QueueException e)
            {
                Assert.Contains("No space", e.Message, StringComparison.Ordinal);
            }

            world.Disk.Capacity = long.MaxValue;
            AssertAllOrNothing(world, $"room for {room} bytes", accepted: false);
        }

        Assert.Fail("The batch never fitted");
    }

    [Fact]
    public void The_journal_of_a_batch_that_is_damaged_stops_nobody_and_is_left()
    {
        LeaveJournal();
        var (path, whole) = _world
            .Disk.Files()
            .Single(static f =>
                f.Path.Contains(QueueSnapshot.BatchJournal, StringComparison.Ordinal)
            );
        for (var length = 0; length < whole.Length; length++)
        {
            var damaged = whole[..length];
            _world.Disk.Plant(path, damaged);
            var (snapshot, _) = _world.Open().Reconciler.Reconcile(autoRetry: true);
            Assert.Equal(0, snapshot.Count);
            Assert.Equal(damaged, _world.Disk.Files().Single(f => f.Path == path).Content);
        }

        _world.Disk.Plant(path, whole);
        Assert.Equal(3, _world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot.Count);
    }

    [Fact]
    public void A_full_disk_refuses_a_task_or_takes_it_and_never_says_one_and_does_the_other()
    {
        var accepted = 0;
        for (var room = 0; room < 2500; room += 20)
        {
            var world = new World();
            world.Open().Queue.Create();
            world.Disk.Capacity = world.Disk.Files().Sum(static f => f.Content.Length) + room;
            var stored = true;
            try
            {
                world.Open().NewTasks.Create(new NewTask("coder", new string('x', 200)));
                accepted++;
            }
            catch (QueueException)
            {
                stored = false;
            }

            Assert.Equal(stored ? 1 : 0, QueueSnapshot.Take(world.Open().Queue).Count);
        }

        Assert.InRange(accepted, 10, 110);
    }

    [Fact]
    public void A_batch_that_waits_for_room_keeps_nobody_from_looking()
    {
        LeaveJournal();
        _world.Disk.Capacity = 1;
        Assert.Equal(0, _world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot.Count);
        _world.Disk.Capacity = long.MaxValue;
        Assert.Equal(3, _world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot.Count);
    }

    [Fact]
    public void A_second_batch_waits_for_the_first_one()
    {
        var first = _world.Open();
        first.Queue.Create();
        var busy = first.Queue.TryLockRun("batch.lock");
        Assert.NotNull(busy);
        _world.Time.Plan(TimeSpan.FromSeconds(59), busy.Dispose);
        Assert.Equal(3, _world.Open().NewTasks.CreateAll(Batch).Count);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 59, 60);
    }

    [Fact]
    public void A_second_batch_is_refused_when_the_first_one_takes_more_than_a_minute()
    {
        var first = _world.Open();
        first.Queue.Create();
        using var busy = first.Queue.TryLockRun("batch.lock");
        var refused = Assert.Throws<QueueException>(() => _world.Open().NewTasks.CreateAll(Batch));
        Assert.Contains("Another batch", refused.Message, StringComparison.Ordinal);
        Assert.InRange(_world.Time.Elapsed.TotalSeconds, 60, 61);
        Assert.Equal(0, QueueSnapshot.Take(first.Queue).Count);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(2, false)]
    public void A_limited_queue_takes_what_fits_and_refuses_all_of_what_does_not(
        int most,
        bool fits
    )
    {
        var own = new NewTasks(_world.Open().Queue, _world.Time) { Most = most };
        if (fits)
        {
            Assert.Equal(3, own.CreateAll(Batch).Count);
        }

        Assert.Throws<QueueException>(() => own.CreateAll(Batch));
        Assert.Equal(fits ? 3 : 0, QueueSnapshot.Take(_world.Open().Queue).Count);
        // Refused with the queue's lock held, it was let go.
        using var turn = _world.Open().Queue.LockQueue(TimeSpan.Zero);
    }

    [Fact]
    public void A_batch_of_nothing_makes_nothing()
    {
        Assert.Empty(_world.Open().NewTasks.CreateAll([]));
        Assert.False(_world.Disk.Has(World.Root + "/.agents"));
    }

    [Fact]
    public void A_task_whose_id_is_taken_gets_another_and_leaves_the_first_alone()
    {
        var own = _world.Open();
        own.Queue.Create();
        string? taken = null;
        _world.Disk.Before = step =>
        {
            if (taken is null && step.Kind == "rename new" && step.Path.EndsWith(".json"))
            {
                taken = step.Path;
                _world.Disk.Plant(taken, "of somebody else");
            }
        };

        var task = own.NewTasks.Create(new NewTask("coder", "do it"));

        Assert.NotNull(taken);
        Assert.NotEqual(taken, own.Queue.TaskFile(task.Id));
        Assert.Equal("of somebody else", _world.Disk.Text(taken));
        Assert.Equal("do it", _world.Read(task.Id).Prompt);
        // The plan of that id may be the other's by now.
        Assert.Equal(2, _world.Disk.FilesIn(own.Queue.Plans).Count());
    }

    [Fact]
    public void A_task_that_the_disk_refuses_leaves_no_plan()
    {
        var own = _world.Open();
        own.Queue.Create();
        _world.Disk.Before = static step =>
        {
            if (step.Kind == "rename new")
            {
                throw new QueueException("No space left on device");
            }
        };

        Assert.Throws<QueueException>(() => own.NewTasks.Create(new NewTask("coder", "do it")));

        Assert.Empty(_world.Disk.FilesIn(own.Queue.Plans));
        Assert.Empty(_world.Disk.FilesIn(own.Queue.Tasks));
    }

    [Fact]
    public void A_dependency_of_any_task_of_a_batch_must_exist()
    {
        var own = _world.Open();
        Assert.Throws<QueueException>(() =>
            own.NewTasks.CreateAll([
                new NewTask("coder", "one"),
                new NewTask("coder", "two") { DependsOn = [TaskId.Parse("task_none")] },
            ])
        );
        Assert.Equal(0, QueueSnapshot.Take(own.Queue).Count);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("folder")]
    [InlineData("label")]
    [InlineData("value of a label")]
    [InlineData("variable")]
    [InlineData("value of a variable")]
    public void A_detail_may_have_128_KiB_and_no_more(string which)
    {
        var own = _world.Open();
        var longest = own.NewTasks.Create(With(new string('x', 128 << 10)));
        Assert.Equal(TaskText.Of(Stored(longest)), TaskText.Of(_world.Read(longest.Id)));

        string[] tooLong = [new('x', (128 << 10) + 1), new('é', (64 << 10) + 1)];
        foreach (var text in tooLong)
        {
            var refused = Assert.Throws<QueueException>(() => own.NewTasks.Create(With(text)));
            Assert.Equal(ExitCode.Usage, refused.ExitCode);
            Assert.Contains("128 KiB", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, QueueSnapshot.Take(own.Queue).Count);

        NewTask With(string text)
        {
            var task = new NewTask("coder", "do it");
            return which switch
            {
                "name" => task with { Name = text },
                "folder" => task with { WorkingFolder = text },
                "label" => task with { Labels = task.Labels.Add(text, "") },
                "value of a label" => task with { Labels = task.Labels.Add("a", text) },
                "variable" => task with { Environment = task.Environment.Add(text, null) },
                _ => task with { Environment = task.Environment.Add("A", text) },
            };
        }
    }

    [Theory]
    [InlineData("labels", 10_000)]
    [InlineData("variables", 10_000)]
    [InlineData("dependencies", 100_000)]
    public void A_task_has_so_many_details_and_no_more(string which, int most)
    {
        var own = _world.Open();
        var first = own.NewTasks.Create(new NewTask("coder", "do it")).Id;
        var task = own.NewTasks.Create(With(most));
        Assert.Equal(TaskText.Of(Stored(task)), TaskText.Of(_world.Read(task.Id)));

        var refused = Assert.Throws<QueueException>(() => own.NewTasks.Create(With(most + 1)));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Equal(2, QueueSnapshot.Take(own.Queue).Count);

        NewTask With(int count)
        {
            var task = new NewTask("coder", "do it");
            var names = Enumerable.Range(0, count).Select(static i => $"n{i}");
            return which switch
            {
                "labels" => task with
                {
                    Labels = names.ToImmutableSortedDictionary(static n => n, static _ => ""),
                },
                "variables" => task with
                {
                    Environment = names.ToImmutableSortedDictionary(
                        static n => n,
                        static _ => (string?)null
                    ),
                },
                _ => task with { DependsOn = [.. Enumerable.Repeat(first, count)] },
            };
        }
    }

    [Fact]
    public void A_prompt_may_hold_any_character_of_Unicode()
    {
        var task = _world.Open().NewTasks.Create(new NewTask("coder", "go 😀😀, a😀b"));
        Assert.Equal("go 😀😀, a😀b", _world.Read(task.Id).Prompt);
    }

    private static readonly ImmutableArray<NewTask> s_batch =
    [
        new("coder", "one"),
        new("coder", "two"),
        new("coder", "three"),
    ];

    private static ImmutableArray<NewTask> Batch => s_batch;

    // A batch whose maker was killed as soon as its journal had its name.
    private void LeaveJournal()
    {
        _world.Open().Queue.Create();
        for (var step = 0; QueueSnapshot.Take(_world.Open().Queue).Journals.Count == 0; step++)
        {
            Assert.True(Crash.At(_world, step, static own => own.NewTasks.CreateAll(Batch)));
        }
    }

    private static void AssertAllOrNothing(World world, string when, bool accepted)
    {
        var snapshot = world.Open().Reconciler.Reconcile(autoRetry: true).Snapshot;
        Assert.Empty(snapshot.Unreadable);
        Assert.True(
            snapshot.Count == 3 || (snapshot.Count == 0 && !accepted),
            $"{when}: {snapshot.Count} tasks"
        );
        Assert.Empty(snapshot.Journals);
        Assert.Equal(
            snapshot.Count == 0 ? [] : new[] { "one", "two", "three" },
            snapshot.Unfinished.Select(t => world.Read(t.Id).Prompt)
        );
    }

    private static AgentTask Stored(AgentTask task) => TaskJson.Read(TaskJson.Write(task), task.Id);
}
