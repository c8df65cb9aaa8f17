using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Storage;

public sealed class TaskIndexTests
{
    [Theory, OnEachDisk]
    public void Finished_tasks_are_known_without_reading_their_files_again(string disk)
    {
        using var stage = Stage(disk);
        var first = QueueSnapshot.Take(stage.Queue);
        var length = Length(stage);
        var second = QueueSnapshot.Take(stage.Queue);
        Assert.Equal(Facts(first), Facts(second));
        Assert.Equal(length, Length(stage));
    }

    [Theory, OnEachDisk]
    public void What_the_cache_knows_is_what_the_files_say(string disk)
    {
        using var stage = Stage(disk);
        var failed = new TaskState.Failed(null, FakeTime.Start, Reason.Timeout, "too slow");
        stage.Queue.Write(Finished("1") with { AutoRetry = true, State = failed });
        stage.Queue.Write(
            Finished("2") with
            {
                State = failed with { RetryIntent = TaskId.Parse("task_x") },
            }
        );
        stage.Age();
        var fromFiles = QueueSnapshot.Take(stage.Queue);
        var fromIndex = QueueSnapshot.Take(stage.Queue);
        Assert.Equal(Facts(fromFiles), Facts(fromIndex));
        var slow = Assert.NotNull(fromIndex.FindFinished(TaskId.Parse("task_1")));
        Assert.Equal(TaskStatus.Failed, slow.Status);
        Assert.Equal(FakeTime.Start, slow.CompletedAt);
        Assert.True(slow is { TimedOut: true, WillRetry: true, HasIntent: false });
        Assert.True(fromIndex.FindFinished(TaskId.Parse("task_2"))?.HasIntent);
    }

    [Theory, OnEachDisk]
    public void A_line_about_a_file_that_was_replaced_says_nothing(string disk)
    {
        using var stage = Stage(disk);
        QueueSnapshot.Take(stage.Queue);
        stage.Queue.Write(
            Finished("0") with
            {
                State = new TaskState.Failed(null, FakeTime.Start, "exit", "no"),
            }
        );
        var again = QueueSnapshot.Take(stage.Queue).FindFinished(TaskId.Parse("task_0"));
        Assert.Equal(TaskStatus.Failed, again?.Status);
        stage.Queue.Write(Finished("0") with { State = new TaskState.Pending() });
        Assert.Single(QueueSnapshot.Take(stage.Queue).Unfinished);
    }

    [Theory, OnEachDisk]
    public void A_line_about_a_file_that_is_gone_brings_nothing_back(string disk)
    {
        using var stage = Stage(disk);
        QueueSnapshot.Take(stage.Queue);
        stage.Disk.Delete(stage.Queue.TaskFile(TaskId.Parse("task_0")));
        Assert.Equal(4, QueueSnapshot.Take(stage.Queue).Count);
    }

    [Theory, OnEachDisk]
    public void The_cache_may_be_deleted_at_any_time(string disk)
    {
        using var stage = Stage(disk);
        var before = Facts(QueueSnapshot.Take(stage.Queue));
        stage.Disk.Delete(CachePath(stage));
        Assert.Equal(before, Facts(QueueSnapshot.Take(stage.Queue)));
    }

    [Theory, OnEachDisk]
    public void A_cache_cut_at_any_length_costs_time_and_nothing_else(string disk)
    {
        using var stage = Stage(disk);
        var expected = Facts(QueueSnapshot.Take(stage.Queue));
        var whole = stage.Disk.Read(CachePath(stage), 1 << 20).Content;
        for (var length = 0; length <= whole.Length; length += disk == "folder" ? 17 : 1)
        {
            stage.Write(CachePath(stage), whole[..length]);
            Assert.Equal(expected, Facts(QueueSnapshot.Take(stage.Queue)));
            // What is added after a torn line is read all the same, or the file again.
            Assert.Equal(expected, Facts(QueueSnapshot.Take(stage.Queue)));
        }
    }

    [Fact]
    public void A_cache_with_any_byte_changed_never_crashes()
    {
        using var stage = Stage("memory");
        QueueSnapshot.Take(stage.Queue);
        var whole = stage.Disk.Read(CachePath(stage), 1 << 20).Content;
        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var value in (ReadOnlySpan<byte>)[0, (byte)'\n', (byte)' ', (byte)'9', 0xFF])
            {
                var damaged = (byte[])whole.Clone();
                damaged[at] = value;
                stage.Write(CachePath(stage), damaged);
                Assert.Equal(5, QueueSnapshot.Take(stage.Queue).Count);
            }
        }
    }

    [Theory, OnEachDisk]
    public void A_cache_of_many_stale_lines_is_written_anew(string disk)
    {
        using var stage = Stage(disk);
        QueueSnapshot.Take(stage.Queue);
        var records = stage.Disk.Read(CachePath(stage), 1 << 20).Content;
        stage.Write(CachePath(stage), [.. Enumerable.Repeat(records, 40).SelectMany(r => r)]);
        stage.Queue.TryCreate(Finished("9"));
        stage.Age();
        QueueSnapshot.Take(stage.Queue);
        stage.Disk.Delete(stage.Queue.TaskFile(TaskId.Parse("task_9")));
        Assert.Equal(records.Length / 5 * 6, Length(stage));
        Assert.Equal(5, QueueSnapshot.Take(stage.Queue).Finished.Count);
    }

    [Theory, OnEachDisk]
    public void What_has_not_ended_is_known_whole(string disk)
    {
        using var stage = Stage(disk);
        var pending = Finished("p") with { State = new TaskState.Pending(), Priority = 9 };
        AgentTask[] tasks =
        [
            pending,
            pending with
            {
                Id = TaskId.Parse("task_held"),
                State = new TaskState.Pending(true, FakeTime.Start)
                {
                    BlockedBy = TaskId.Parse("task_p"),
                    BlockedReason = "Abhängigkeit",
                },
                DependsOn = [TaskId.Parse("task_p"), TaskId.Parse("task_1")],
                DependenciesMet = [TaskId.Parse("task_1")],
                Timeout = TimeSpan.FromSeconds(5),
                TimeoutWarning = TimeSpan.FromSeconds(1),
            },
            pending with
            {
                Id = TaskId.Parse("task_runs"),
                Agent = "grün",
                State = new TaskState.Running(FakeTime.Start, 77),
            },
            pending with
            {
                Id = TaskId.Parse("task_many"),
                DependsOn = [.. Enumerable.Range(0, 5000).Select(n => TaskId.Parse($"task_{n}"))],
            },
            pending with
            {
                Id = TaskId.Parse("task_most"),
                DependsOn =
                [
                    .. Enumerable
                        .Range(0, TaskJson.MostItems)
                        .Select(n => TaskId.Parse($"task_{n}")),
                ],
            },
        ];
        foreach (var task in tasks)
        {
            stage.Queue.TryCreate(task);
        }

        stage.Age();
        var fromFiles = QueueSnapshot.Take(stage.Queue).Unfinished.Select(TaskText.Of).ToList();
        var fromIndex = QueueSnapshot.Take(stage.Queue).Unfinished.Select(TaskText.Of).ToList();
        Assert.Equal(5, fromIndex.Count);
        Assert.Equal(fromFiles, fromIndex);
        Assert.Equal(
            tasks.OrderBy(static t => t.Id).Select(static t => TaskText.Of(t.ToSummary())),
            fromIndex
        );
    }

    [Theory, OnEachDisk]
    public void A_young_file_is_read_again_because_a_later_version_may_look_the_same(string disk)
    {
        using var stage = Stage(disk);
        QueueSnapshot.Take(stage.Queue);
        var length = Length(stage);
        stage.Queue.TryCreate(Finished("young"));
        Assert.Equal(6, QueueSnapshot.Take(stage.Queue).Count);
        Assert.Equal(length, Length(stage));
        stage.Age();
        Assert.Equal(6, QueueSnapshot.Take(stage.Queue).Count);
        Assert.True(Length(stage) > length);
    }

    [Theory, OnEachDisk]
    public void Who_looks_at_open_tasks_sees_a_finished_one_that_was_replaced(string disk)
    {
        using var stage = Stage(disk);
        QueueSnapshot.Take(stage.Queue);
        stage.Queue.Write(Finished("0") with { State = new TaskState.Pending() });
        Assert.Single(QueueSnapshot.Take(stage.Queue, Closeness.OpenTasks).Unfinished);
    }

    [Theory, OnEachDisk]
    public void A_finished_task_that_becomes_pending_keeps_the_marker_beside_it(string disk)
    {
        using var stage = Stage(disk);
        var id = TaskId.Parse("task_0");
        stage.Write(stage.Queue.SentinelFile(id, Sentinel.Done), "");
        QueueSnapshot.Take(stage.Queue);
        stage.Queue.Write(Finished("0") with { State = new TaskState.Pending() });
        Assert.True(QueueSnapshot.Take(stage.Queue).HasVerdictSentinel(id));
    }

    [Theory, OnEachDisk]
    public void A_folder_whose_names_have_not_changed_is_not_listed_again(string disk)
    {
        using var stage = Stage(disk);
        stage.AgeFolder();
        var listed = QueueSnapshot.Take(stage.Queue);
        Assert.False(listed.IsFromIndex);
        var known = QueueSnapshot.Take(stage.Queue);
        Assert.True(known.IsFromIndex);
        Assert.Equal(Facts(listed), Facts(known));

        stage.Queue.TryCreate(Finished("new"));
        Assert.Equal(6, QueueSnapshot.Take(stage.Queue).Count);
        stage.Disk.Delete(stage.Queue.TaskFile(TaskId.Parse("task_0")));
        Assert.Equal(5, QueueSnapshot.Take(stage.Queue).Count);

        stage.AgeFolder();
        QueueSnapshot.Take(stage.Queue);
        known = QueueSnapshot.Take(stage.Queue);
        Assert.True(known.IsFromIndex);
        Assert.Equal(5, known.Count);
        Assert.Null(known.FindFinished(TaskId.Parse("task_0")));
    }

    [Theory, OnEachDisk]
    public void What_is_written_into_a_file_of_an_unchanged_folder_is_seen(string disk)
    {
        using var stage = Stage(disk);
        var id = TaskId.Parse("task_0");
        stage.Write(stage.Queue.SentinelFile(id, Sentinel.Done), "");
        stage.AgeFolder();
        QueueSnapshot.Take(stage.Queue);
        var folder = stage.Disk.LookInto(stage.Queue.Tasks).Own;
        var pending = Finished("0") with { State = new TaskState.Pending() };
        stage.Overwrite(stage.Queue.TaskFile(id), TaskJson.Write(pending));
        Assert.Equal(folder, stage.Disk.LookInto(stage.Queue.Tasks).Own);
        var after = QueueSnapshot.Take(stage.Queue);
        Assert.Single(after.Unfinished);
        Assert.True(after.HasVerdictSentinel(id));
    }

    [Fact]
    public void What_is_written_into_a_file_is_seen_though_its_old_time_is_given_back()
    {
        using var stage = Stage("folder");
        QueueSnapshot.Take(stage.Queue);
        var path = stage.Queue.TaskFile(TaskId.Parse("task_0"));
        var (time, text) = (File.GetLastWriteTimeUtc(path), File.ReadAllText(path));
        File.WriteAllText(
            path,
            text.Replace("\"complete\"", "\"complexe\"", StringComparison.Ordinal)
        );
        File.SetLastWriteTimeUtc(path, time);
        Assert.Single(QueueSnapshot.Take(stage.Queue).Unreadable);
    }

    [Fact]
    public void A_folder_that_does_not_keep_the_time_of_its_last_name_is_listed_each_time()
    {
        using var stage = Stage("memory");
        stage.Memory!.FoldersKeepTime = false;
        stage.AgeFolder();
        stage.Queue.TryCreate(Finished("late"));
        stage.AgeFolder();
        QueueSnapshot.Take(stage.Queue);
        stage.Queue.TryCreate(Finished("later"));
        Assert.Equal(7, QueueSnapshot.Take(stage.Queue).Count);
    }

    [Fact]
    public void Where_times_have_whole_seconds_each_version_of_one_second_is_seen()
    {
        using var stage = Stage("memory");
        stage.Memory!.HasWholeSeconds = true;
        stage.AgeFolder();
        var task = Finished("0") with { State = new TaskState.Pending(), Priority = 5 };
        stage.Queue.Write(task);
        stage.Age();
        Assert.Equal(5, Assert.Single(QueueSnapshot.Take(stage.Queue).Unfinished).Priority);
        // The second of them gets the inode of what was seen.
        stage.Queue.Write(task with { Priority = 6 });
        stage.Queue.Write(task with { Priority = 7 });
        Assert.Equal(7, Assert.Single(QueueSnapshot.Take(stage.Queue).Unfinished).Priority);
    }

    [Fact]
    public void After_a_loss_of_power_the_folder_is_listed_again()
    {
        using var stage = Stage("memory");
        stage.AgeFolder();
        QueueSnapshot.Take(stage.Queue);
        var memory = stage.Memory!;
        memory.LosePower(new Random(1));
        var after = QueueSnapshot.Take(new QueueFolder(stage.Root, memory.Process()));
        Assert.False(after.IsFromIndex);
    }

    [Theory, OnEachDisk]
    public void With_a_file_that_nobody_can_read_the_folder_is_listed_each_time(string disk)
    {
        using var stage = Stage(disk);
        stage.Write(stage.Queue.TaskFile(TaskId.Parse("task_bad")), "{");
        stage.AgeFolder();
        QueueSnapshot.Take(stage.Queue);
        Assert.Single(QueueSnapshot.Take(stage.Queue).Unreadable);
    }

    [Fact]
    public void A_full_disk_keeps_nobody_from_looking()
    {
        var world = new World();
        world.Put(world.NewTask("a") with { State = new TaskState.Complete(null, FakeTime.Start) });
        world.Disk.Capacity = 1;
        Assert.Equal(1, QueueSnapshot.Take(world.Open().Queue).Count);
    }

    [Theory, OnEachDisk]
    public void Looking_at_a_project_without_a_queue_makes_nothing(string disk)
    {
        using var stage = DiskStage.On(disk);
        Assert.Equal(0, QueueSnapshot.Take(stage.Queue).Count);
        Assert.Null(stage.Disk.Facts(stage.Queue.Folder));
    }

    private static DiskStage Stage(string disk)
    {
        var stage = DiskStage.On(disk);
        stage.Queue.Create();
        for (var i = 0; i < 5; i++)
        {
            stage.Queue.TryCreate(Finished(i.ToString(CultureInfo.InvariantCulture)));
        }

        stage.Age();
        return stage;
    }

    private static IEnumerable<object> Facts(QueueSnapshot snapshot) =>
        snapshot
            .Finished.Select(static t =>
                (t.Id, t.Status, t.CompletedAt, t.TimedOut, t.WillRetry, t.HasIntent)
            )
            .OrderBy(static t => t.Id)
            .Cast<object>()
            .Concat(snapshot.Unfinished.Select(TaskText.Of));

    private static AgentTask Finished(string token) =>
        new()
        {
            Id = TaskId.Parse("task_" + token),
            Agent = "coder",
            Prompt = "do it",
            CreatedAt = FakeTime.Start,
            State = new TaskState.Complete(FakeTime.Start, FakeTime.Start),
        };

    private static string CachePath(DiskStage stage) => Path.Join(stage.Queue.Run, "index");

    private static long Length(DiskStage stage) => stage.Disk.Facts(CachePath(stage))!.Value.Size;
}
