using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Storage;

public sealed class QueueSnapshotTests
{
    private static readonly TaskId s_planted = TaskId.Parse("task_planted");

    [Theory, OnEachDisk]
    public void Only_names_that_are_ours_are_tasks(string disk)
    {
        using var stage = Stage(disk);
        string[] foreign =
        [
            "index.json",
            "task_.json",
            "task_a b.json",
            "task_x.json.bak",
            ".task_x.json",
            "notes.txt",
            "task_y",
            "task_good.prompt.json",
        ];
        foreach (var name in foreign)
        {
            stage.Write(Path.Join(stage.Queue.Tasks, name), "{}");
        }

        var snapshot = QueueSnapshot.Take(stage.Queue);
        Assert.Equal("task_good", Assert.Single(snapshot.Unfinished).Id.Value);
        Assert.Empty(snapshot.Unreadable);
    }

    [Theory, OnEachDisk]
    public void A_folder_named_like_a_task_is_reported_and_left(string disk)
    {
        using var stage = Stage(disk);
        stage.Disk.CreateFolder(stage.Queue.TaskFile(s_planted));
        AssertReported(stage, "it is not a regular file");
    }

    [Fact]
    public void A_link_named_like_a_task_is_reported_and_not_followed()
    {
        using var stage = Stage("folder");
        var outside = stage.Path("outside.json");
        stage.Write(
            outside,
            """{"taskId":"task_planted","status":"pending","agent":"a","prompt":"p"}"""
        );
        File.CreateSymbolicLink(stage.Queue.TaskFile(s_planted), outside);
        AssertReported(stage, "it is not a regular file");
        Assert.Null(new Sentinels(stage.Queue).ReadError(s_planted));
    }

    [Fact]
    public void A_fifo_named_like_a_task_keeps_nobody_waiting()
    {
        using var stage = Stage("folder");
        MakeFifo(stage.Queue.TaskFile(s_planted));
        MakeFifo(stage.Queue.SentinelFile(s_planted, Sentinel.Error));
        AssertReported(stage, "it is not a regular file");
        Assert.Null(new Sentinels(stage.Queue).ReadError(s_planted));
        Assert.False(new Sentinels(stage.Queue).Exists(s_planted, Sentinel.Error));
    }

    [Fact]
    public void A_file_of_a_gigabyte_is_reported_without_reading_it()
    {
        using var stage = Stage("folder");
        using (var file = File.Create(stage.Queue.TaskFile(s_planted)))
        {
            file.SetLength(1L << 30);
        }

        AssertReported(stage, "it is larger than 32 MiB");
    }

    [Fact]
    public void A_newer_version_is_reported_and_left_untouched()
    {
        var world = new World();
        world.Put(world.NewTask("good"));
        const string Newer =
            """{"version":2,"taskId":"task_planted","status":"sleeping","agent":"a","prompt":"p"}""";
        var path = World.Root + "/.agents/tasks/task_planted.json";
        world.Disk.Plant(path, Newer);
        var own = world.Open();
        var (snapshot, _) = own.Reconciler.Reconcile(autoRetry: true);
        Assert.Contains(
            "a newer agentq wrote it",
            Assert.Single(snapshot.Unreadable).Reason,
            StringComparison.Ordinal
        );
        own.Run.Fill(10);
        Assert.Throws<QueueException>(() => own.Control.Cancel(s_planted));
        Assert.Equal(Newer, world.Disk.Text(path));
    }

    [Theory, OnEachDisk]
    public void Markers_and_locks_are_seen_in_one_look(string disk)
    {
        using var stage = Stage(disk);
        var id = TaskId.Parse("task_good");
        var snapshot = QueueSnapshot.Take(stage.Queue);
        Assert.False(snapshot.HasVerdictSentinel(id));
        Assert.False(snapshot.MayBeSupervised(id));
        stage.Write(stage.Queue.SentinelFile(id, Sentinel.ExitCode), "0");
        Assert.False(QueueSnapshot.Take(stage.Queue).HasVerdictSentinel(id));
        stage.Write(stage.Queue.SentinelFile(id, Sentinel.Done), "");
        stage.Write(stage.Queue.LockFile(id), "");
        snapshot = QueueSnapshot.Take(stage.Queue);
        Assert.True(snapshot.HasVerdictSentinel(id));
        Assert.True(snapshot.MayBeSupervised(id));
    }

    [Theory, OnEachDisk]
    public void Tasks_come_in_the_order_of_their_ids(string disk)
    {
        using var stage = Stage(disk);
        foreach (var token in (string[])["c", "a", "B", "b1", "b"])
        {
            stage.Queue.TryCreate(NewTask(token));
        }

        var ids = QueueSnapshot.Take(stage.Queue).Unfinished.Select(static t => t.Id).ToList();
        Assert.Equal(ids.Order(), ids);
        Assert.Equal(6, ids.Count);
    }

    private static void AssertReported(DiskStage stage, string reason)
    {
        var snapshot = QueueSnapshot.Take(stage.Queue);
        var bad = Assert.Single(snapshot.Unreadable);
        Assert.Equal(s_planted, bad.Id);
        Assert.Equal(reason, bad.Reason);
        Assert.Equal("task_good", Assert.Single(snapshot.Unfinished).Id.Value);
        Assert.NotNull(stage.Disk.Facts(stage.Queue.TaskFile(s_planted)));
    }

    private static DiskStage Stage(string disk)
    {
        var stage = DiskStage.On(disk);
        stage.Queue.Create();
        stage.Queue.TryCreate(NewTask("good"));
        return stage;
    }

    private static AgentTask NewTask(string token) =>
        new()
        {
            Id = TaskId.Parse("task_" + token),
            Agent = "coder",
            Prompt = "do it",
            CreatedAt = FakeTime.Start,
            State = new TaskState.Pending(),
        };

    private static void MakeFifo(string path) => Assert.Equal(0, Fifo.Make(path, 0x180));
}
