using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Storage;

public sealed class FinishedCacheTests
{
    [Theory, OnEachDisk]
    public void Finished_tasks_are_known_without_reading_their_files_again(string disk)
    {
        using var stage = Stage(disk);
        var first = QueueSnapshot.Take(stage.Queue);
        Assert.Equal(5, CountLines(stage));
        var second = QueueSnapshot.Take(stage.Queue);
        Assert.Equal(first.Finished, second.Finished);
        Assert.Equal(5, CountLines(stage));
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
        var fromFiles = QueueSnapshot.Take(stage.Queue).Finished;
        var fromCache = QueueSnapshot.Take(stage.Queue).Finished;
        Assert.Equal(fromFiles, fromCache);
        Assert.Equal(
            new FinishedTask(
                TaskId.Parse("task_1"),
                TaskStatus.Failed,
                FakeTime.Start,
                true,
                true,
                false
            ),
            fromCache.Single(static t => t.Id.Value == "task_1")
        );
        Assert.True(fromCache.Single(static t => t.Id.Value == "task_2").HasIntent);
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
        var before = QueueSnapshot.Take(stage.Queue).Finished;
        stage.Disk.Delete(CachePath(stage));
        Assert.Equal(before, QueueSnapshot.Take(stage.Queue).Finished);
    }

    [Theory, OnEachDisk]
    public void A_cache_cut_at_any_length_costs_time_and_nothing_else(string disk)
    {
        using var stage = Stage(disk);
        var expected = QueueSnapshot.Take(stage.Queue).Finished;
        var whole = stage.Disk.Read(CachePath(stage), 1 << 20).Content;
        for (var length = 0; length <= whole.Length; length += disk == "folder" ? 17 : 1)
        {
            stage.Write(CachePath(stage), whole[..length]);
            Assert.Equal(expected, QueueSnapshot.Take(stage.Queue).Finished);
            // What is added after a torn line is read all the same, or the file again.
            Assert.Equal(expected, QueueSnapshot.Take(stage.Queue).Finished);
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
        var lines = stage.Text(CachePath(stage))!;
        stage.Write(CachePath(stage), string.Concat(Enumerable.Repeat(lines, 40)));
        QueueSnapshot.Take(stage.Queue);
        Assert.Equal(5, CountLines(stage));
        Assert.Equal(5, QueueSnapshot.Take(stage.Queue).Finished.Count);
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

        return stage;
    }

    private static AgentTask Finished(string token) =>
        new()
        {
            Id = TaskId.Parse("task_" + token),
            Agent = "coder",
            Prompt = "do it",
            CreatedAt = FakeTime.Start,
            State = new TaskState.Complete(FakeTime.Start, FakeTime.Start),
        };

    private static string CachePath(DiskStage stage) => Path.Join(stage.Queue.Run, "finished");

    private static int CountLines(DiskStage stage) =>
        stage.Text(CachePath(stage))!.Count(static c => c == '\n');
}
