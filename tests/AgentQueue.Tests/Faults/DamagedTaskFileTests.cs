using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>F4, the part of the reader of task files.</summary>
[Trait("Fault", "F4")]
public sealed class DamagedTaskFileTests
{
    [Fact]
    public void A_file_cut_at_any_length_is_refused() =>
        Fault.Inject(
            "F4",
            fault =>
            {
                for (var seed = 0; seed < 12; seed++)
                {
                    var task = new RandomTasks(seed).Next();
                    var whole = TaskJson.Write(task);
                    // Without the last line end it is still whole.
                    for (var length = 0; length < whole.Length - 1; length++)
                    {
                        fault.Injected();
                        Assert.Throws<FormatException>(() =>
                            TaskJson.Read(whole.AsSpan(0, length), task.Id)
                        );
                    }
                }
            }
        );

    [Fact]
    public void A_byte_that_changed_never_crashes_and_never_gives_another_id() =>
        Fault.Inject(
            "F4",
            fault =>
            {
                for (var seed = 0; seed < 12; seed++)
                {
                    var random = new Random(seed);
                    var task = new RandomTasks(seed).Next();
                    var whole = TaskJson.Write(task);
                    for (var at = 0; at < whole.Length; at++)
                    {
                        fault.Injected();
                        var damaged = (byte[])whole.Clone();
                        damaged[at] ^= (byte)(1 << random.Next(8));
                        if (TryRead(damaged, task.Id) is { } read)
                        {
                            Assert.Equal(task.Id, read.Id);
                            Assert.Equal(read.Id, TaskJson.Read(TaskJson.Write(read), task.Id).Id);
                        }
                    }
                }
            }
        );

    [Fact]
    public void Rubbish_never_crashes() =>
        Fault.Inject(
            "F4",
            fault =>
            {
                var id = TaskId.Parse("task_a");
                for (var seed = 0; seed < 2000; seed++)
                {
                    fault.Injected();
                    var random = new Random(seed);
                    var bytes = new byte[random.Next(200)];
                    random.NextBytes(bytes);
                    if (seed % 2 == 0)
                    {
                        // Of the characters that JSON is made of.
                        for (var i = 0; i < bytes.Length; i++)
                        {
                            bytes[i] = (byte)"{}[]\":,0.e-\\u tfn"[bytes[i] % 17];
                        }
                    }

                    Assert.Null(TryRead(bytes, id));
                }
            }
        );

    [Fact]
    public void A_damaged_task_is_reported_and_the_others_go_on() =>
        Fault.Inject(
            "F4",
            fault =>
            {
                var world = new World();
                world.Put(world.NewTask("a"));
                world.Put(world.NewTask("c"));
                var whole = TaskJson.Write(world.NewTask("b"));
                var path = World.Root + "/.agents/tasks/task_b.json";
                for (var length = 0; length < whole.Length - 1; length += 7)
                {
                    fault.Injected();
                    world.Disk.Plant(path, whole.AsSpan(0, length));
                    var (snapshot, _) = world.Open().Reconciler.Reconcile(autoRetry: true);
                    Assert.Equal("task_b", Assert.Single(snapshot.Unreadable).Id.Value);
                    Assert.Equal(2, snapshot.Unfinished.Count);
                    Assert.Equal(length, world.Disk.Text(path).Length);
                }
            }
        );

    private static AgentTask? TryRead(byte[] bytes, TaskId id)
    {
        try
        {
            return TaskJson.Read(bytes, id);
        }
        catch (FormatException)
        {
            // Refused with a reason: the other allowed outcome.
            return null;
        }
    }
}
