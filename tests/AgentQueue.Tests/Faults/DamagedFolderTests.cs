using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// F4: one file of a queue is cut at every length, and one bit of it flipped at every other byte; then the
/// queue is looked at and drained. What cannot be read is left as it is, and the other tasks go on.
/// </summary>
[Trait("Fault", "F4")]
public sealed class DamagedFolderTests
{
    private const string Tasks = World.Root + "/.agents/tasks/";
    private const string Run = World.Root + "/.agents/run/";
    private static readonly TaskId s_damaged = TaskId.Parse("task_a");
    private static readonly TaskId s_other = TaskId.Parse("task_b");

    public static TheoryData<string> Files => [.. s_files.Keys];

    private static readonly Dictionary<string, Func<World, string>> s_files = new()
    {
        ["a pending task"] = static w => TaskFile(w, static _ => new TaskState.Pending()),
        ["a running task"] = static w => TaskFile(w, Running),
        ["a complete task"] = static w =>
            TaskFile(w, static now => new TaskState.Complete(now, now) { ExitCode = 0 }),
        ["a failed task"] = static w => TaskFile(w, Failed),
        ["a cancelled task"] = static w =>
            TaskFile(w, static now => new TaskState.Cancelled(now, now)),
        [".exitcode"] = static w => Beside(w, Tasks + "task_a.exitcode", "137\n"),
        [".error"] = static w =>
            Beside(
                w,
                Tasks + "task_a.error",
                "{\"error\":\"no\",\"details\":null,\"timestamp\":\"2026-03-04T05:06:07.000Z\",\"reason\":\"error\"}\n"
            ),
        [".timeout"] = static w =>
            Beside(
                w,
                Tasks + "task_a.timeout",
                "{\"timeout\":30,\"timestamp\":\"2026-03-04T05:06:07.000Z\"}\n"
            ),
        ["the identity"] = static w =>
        {
            w.Put(w.NewTask("a"));
            var supervisor = w.Open("supervisor");
            w.Host.Script = _ => new FakeAgent().At(1, _ => supervisor.Disk.Die());
            Assert.Throws<ProcessDied>(() => supervisor.Supervise(s_damaged));
            w.Host.LosePower();
            return Run + "task_a.run";
        },
        ["the cache"] = static w =>
        {
            TaskFile(w, Failed);
            w.Open().Reconciler.Reconcile(autoRetry: false);
            return w.Disk.Has(Run + "finished") ? Run + "finished" : Tasks + "task_a.json";
        },
        ["a batch's journal"] = static w =>
        {
            for (var step = 0; !Journals(w).Any(); step++)
            {
                Crash.At(
                    w,
                    step,
                    static own => own.NewTasks.CreateAll([new("coder", "one"), new("coder", "two")])
                );
            }

            return Tasks + Journals(w).First();
        },
        ["the drain"] = static w =>
        {
            w.Open().Run.BeginDrain(new(2));
            w.Backend.Waiting.ForEach(static s => s.Process.Die());
            w.Backend.Waiting.Clear();
            return Run + "drain";
        },
        ["a request"] = static w => Beside(w, Run + "task_a.extend-1", "1800"),
    };

    [Theory, MemberData(nameof(Files))]
    public void Cut_at_any_length_it_stops_nothing_else(string file) =>
        Fault.Inject(
            "F4",
            fault =>
            {
                var (moment, path, whole) = Stage(file);
                Parallel.For(
                    0,
                    whole.Length,
                    new ParallelOptions { MaxDegreeOfParallelism = 2 },
                    length =>
                    {
                        Check(moment, path, whole[..length], file, $"cut at {length}");
                        fault.Injected();
                    }
                );
            }
        );

    [Theory, MemberData(nameof(Files))]
    public void With_any_bit_flipped_it_stops_nothing_else(string file) =>
        Fault.Inject(
            "F4",
            fault =>
            {
                var (moment, path, whole) = Stage(file);
                Parallel.For(
                    0,
                    (whole.Length + 1) / 2,
                    new ParallelOptions { MaxDegreeOfParallelism = 2 },
                    i =>
                    {
                        var at = 2 * i;
                        var damaged = (byte[])whole.Clone();
                        damaged[at] ^= (byte)(1 << new Random(Fault.Seed + at).Next(8));
                        Check(moment, path, damaged, file, $"flipped at {at}");
                        fault.Injected();
                    }
                );
            },
            seeded: true
        );

    private static (MemoryDisk.DiskMoment, string Path, byte[] Whole) Stage(string file)
    {
        var world = new World();
        world.Put(world.NewTask("b"));
        var path = s_files[file](world);
        var whole = world.Disk.TryRead(path)!;
        world.Disk.Plant(path, whole);
        return (world.Disk.Freeze(), path, whole);
    }

    private static void Check(
        MemoryDisk.DiskMoment moment,
        string path,
        byte[] damaged,
        string file,
        string how
    )
    {
        var world = new World(
            moment.Thaw(new int[moment.Choices.Count], new MemoryDisk(new FakeTime()))
        );
        world.Disk.Plant(path, damaged);
        var isReadable = world.Open().Queue.Read(s_damaged) is not TaskRead.Unreadable;
        var journals = Journals(world).Count();
        world.Open().Reconciler.Reconcile(autoRetry: true);
        world.Open().Reconciler.Reconcile(autoRetry: true);
        world.Open().Run.BeginDrain(new(3));
        world.Backend.LiveAll();

        Assert.True(world.Read(s_other).State is TaskState.Complete, $"{file}, {how}: b waits");
        Assert.True(
            isReadable || world.Disk.TryRead(path).AsSpan().SequenceEqual(damaged),
            $"I16: {file}, {how}: it was touched"
        );
        Assert.True(
            world.Host.Of(s_damaged).Count() <= (file == "a pending task" && isReadable ? 1 : 0)
                || file is "the identity"
                    && world.Read(s_damaged).State is TaskState.Finished
                    && !world.Host.Of(s_damaged).Any(),
            $"{file}, {how}: its agent was started"
        );
        if (journals > 0)
        {
            var stored = world
                .Disk.FilesIn(Tasks.TrimEnd('/'))
                .Count(static f => f.Name.EndsWith(".json", StringComparison.Ordinal));
            Assert.True(stored is 1 or 3, $"{file}, {how}: half of the batch");
        }
    }

    private static IEnumerable<string> Journals(World world) =>
        world
            .Disk.FilesIn(Tasks.TrimEnd('/'))
            .Select(static f => f.Name)
            .Where(static n => n.StartsWith(QueueSnapshot.BatchJournal, StringComparison.Ordinal));

    private static TaskState Running(DateTimeOffset now) => new TaskState.Running(now, 99_999_999);

    private static TaskState Failed(DateTimeOffset now) =>
        new TaskState.Failed(now, now, Reason.Exit, "Exited with code 3: é \"x\"") { ExitCode = 3 };

    private static string TaskFile(World world, Func<DateTimeOffset, TaskState> state)
    {
        world.Put(
            world.NewTask(
                "a",
                t => t with { Name = "é", Attempt = 1, State = state(FakeTime.Start) }
            )
        );
        return Tasks + "task_a.json";
    }

    private static string Beside(World world, string path, string content)
    {
        TaskFile(world, Running);
        world.Disk.Plant(path, content);
        return path;
    }
}
