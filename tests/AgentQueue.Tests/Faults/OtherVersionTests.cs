using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// F29: folders as other versions left them, kept in <c>Golden/</c> as they were and never made anew. They
/// are read, settled and drained; what this version does not understand is reported and stays.
/// </summary>
[Trait("Fault", "F29")]
public sealed class OtherVersionTests
{
    private const string Tasks = World.Root + "/.agents/tasks/";

    [Fact]
    public void The_folder_of_version_1_reads_and_writes_as_it_was_written() =>
        Fault.Inject(
            "F29",
            fault =>
            {
                foreach (var (path, text) in Files("v1").Where(static f => IsTask(f.Path)))
                {
                    var id = TaskId.Parse(Path.GetFileNameWithoutExtension(path));
                    var task = TaskJson.Read(text, id);
                    Assert.Empty(task.Unknown);
                    Assert.Equal(Text(text), Text(TaskJson.Write(task)));
                    fault.Injected();
                }
            }
        );

    [Theory]
    [InlineData("v1", "task_1m7y5gntahe1e0 Complete", "task_1m7y5gntahe1e1 Pending")]
    [InlineData("v1", "task_1m7y5gntahe1e7 Complete", "task_1m7y5gntahe1e8 Failed")]
    [InlineData("older-1", "task_1737000000000 Complete", "task_1737000000003 Complete")]
    [InlineData("older-2", "task_1737000000001 Failed")]
    [InlineData("older-3", "task_1737000000002 Complete", "task_1737000000004 Complete")]
    [InlineData("newer", "task_newer3 Complete", "task_newer4 Failed")]
    public void Each_folder_is_drained(string folder, params string[] expected) =>
        Fault.Inject(
            "F29",
            fault =>
            {
                var world = Drain(folder);
                Assert.Equal(
                    expected,
                    expected.Select(e =>
                    {
                        var task = world.Read(TaskId.Parse(e.Split(' ')[0]));
                        return $"{task.Id} {task.Status}";
                    })
                );
                fault.Injected();
            }
        );

    [Fact]
    public void What_had_ended_stays_as_it_ended() =>
        Fault.Inject(
            "F29",
            fault =>
            {
                foreach (var folder in (string[])["v1", "older-2", "older-3", "newer"])
                {
                    var world = Drain(folder);
                    foreach (var (path, text) in Files(folder).Where(static f => IsTask(f.Path)))
                    {
                        var id = TaskId.Parse(Path.GetFileNameWithoutExtension(path));
                        if (TryRead(text, id) is { IsFinished: true })
                        {
                            Assert.Equal(Text(text), world.Disk.Text(path));
                            Assert.DoesNotContain(world.Host.Started, a => a.Task == id);
                            fault.Injected();
                        }
                    }
                }
            }
        );

    [Theory]
    [InlineData("tasks/task_newer1.json", "newer agentq")]
    [InlineData("tasks/task_newer2.json", "dreaming")]
    public void What_only_a_newer_version_can_read_is_reported_and_stays(
        string name,
        string reason
    ) =>
        Fault.Inject(
            "F29",
            fault =>
            {
                var world = Drain("newer");
                var id = TaskId.Parse(Path.GetFileNameWithoutExtension(name));
                var unreadable = Assert.IsType<TaskRead.Unreadable>(world.Open().Queue.Read(id));
                Assert.Contains(reason, unreadable.Reason, StringComparison.Ordinal);
                var path = $"{World.Root}/.agents/{name}";
                Assert.Equal(
                    Text(Files("newer").First(f => f.Path == path).Content),
                    world.Disk.Text(path)
                );
                fault.Injected();
            }
        );

    [Fact]
    public void Files_of_no_kind_that_is_known_stay() =>
        Fault.Inject(
            "F29",
            fault =>
            {
                var world = Drain("newer");
                Assert.Equal("{}", world.Disk.Text(Tasks + "task_newer5.v2json"));
                Assert.Equal("rubbish", world.Disk.Text(Tasks + ".index-2"));
                fault.Injected();
            }
        );

    [Fact]
    public void Members_that_a_newer_version_has_added_survive_a_run() =>
        Fault.Inject(
            "F29",
            fault =>
            {
                var text = Drain("newer").Disk.Text(Tasks + "task_newer3.json");
                Assert.Contains("\"telepathy\": true", text, StringComparison.Ordinal);
                Assert.Contains("\"x-mood\"", text, StringComparison.Ordinal);
                fault.Injected();
            }
        );

    private static World Drain(string folder)
    {
        var world = new World();
        world.Open().Queue.Create();
        foreach (var (path, content) in Files(folder))
        {
            world.Disk.Plant(path, content);
        }

        world.Open().Reconciler.Reconcile(autoRetry: true);
        world.Open().Reconciler.Reconcile(autoRetry: true);
        world.Open().Run.BeginDrain(new(2));
        world.Backend.LiveAll();
        return world;
    }

    private static List<(string Path, byte[] Content)> Files(string folder)
    {
        var root = Repository.PathOf("tests/AgentQueue.Tests/Faults/Golden/" + folder);
        return
        [
            .. Directory
                .EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
                .Select(f =>
                    (
                        $"{World.Root}/.agents/{Path.GetRelativePath(root, f).Replace('\\', '/')}",
                        File.ReadAllBytes(f)
                    )
                ),
        ];
    }

    private static bool IsTask(string path) => path.EndsWith(".json", StringComparison.Ordinal);

    private static AgentTask? TryRead(byte[] text, TaskId id)
    {
        try
        {
            return TaskJson.Read(text, id);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static string Text(byte[] content) => System.Text.Encoding.UTF8.GetString(content);
}
