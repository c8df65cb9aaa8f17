using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Keeping;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// F4 on a real disk: something that is no file of ours stands in the place of each file. Nobody waits for
/// it, nobody reads a gigabyte of it, nobody follows it, and the other tasks are seen.
/// </summary>
[Trait("Fault", "F4")]
public sealed class PlantedFileTests
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    private static readonly string[] s_names =
    [
        "tasks/task_001.json",
        "tasks/task_001.done",
        "tasks/task_001.error",
        "tasks/task_001.cancelled",
        "tasks/task_001.timeout",
        "tasks/task_001.exitcode",
        "tasks/.batch-task_009",
        "tasks/task_new.json",
        "run/task_001.run",
        "run/task_001.lock",
        "run/task_001.alive",
        "run/task_001.cancel",
        "run/task_001.extend-1",
        "run/finished",
        "run/drain",
        "run/drain.lock",
        "run/batch.lock",
        "run/queue.lock",
        "run/supervisors",
        "logs/task_001.log",
        "plans/task_001_plan.md",
        "settings.json",
        "../agent-config.json",
    ];

    private static readonly Dictionary<string, Action<string, string>> s_plants = new()
    {
        ["folder"] = static (path, _) => Directory.CreateDirectory(path),
        ["link"] = static (path, outside) => File.CreateSymbolicLink(path, outside),
        ["dangling link"] = static (path, outside) =>
            File.CreateSymbolicLink(path, outside + ".none"),
        ["fifo"] = static (path, _) => Assert.Equal(0, Fifo.Make(path, 0x180)),
        ["sparse"] = static (path, _) =>
        {
            using var file = File.Create(path);
            file.SetLength(1L << 30);
        },
    };

    public static TheoryData<string> Plants => [.. s_plants.Keys];

    [Theory, MemberData(nameof(Plants))]
    public void Whatever_stands_there_the_others_go_on(string plant) =>
        Fault.Inject(
            "F4",
            fault =>
            {
                foreach (var name in s_names)
                {
                    Check(plant, name);
                    fault.Injected();
                }
            }
        );

    private static void Check(string plant, string name)
    {
        using var project = new KeepingProject();
        var running = new TaskState.Running(KeepingProject.Now, 99_999_999);
        var id = project.Add(running);
        var other = project.Add();
        var outside = Path.Join(project.Root, "outside");
        File.WriteAllText(outside, "mine");
        var path = Path.GetFullPath(Path.Join(project.Queue.Folder, name));
        File.Delete(path);
        s_plants[plant](path, outside);

        var (problem, allocated) = LookAtAll(project);

        // What says how the queue works, and what locks it, may refuse everything, with a sentence.
        Assert.True(
            problem is null
                || name.EndsWith(".lock", StringComparison.Ordinal)
                || name.EndsWith("/supervisors", StringComparison.Ordinal)
                || name.EndsWith("/finished", StringComparison.Ordinal)
                || name.EndsWith(".alive", StringComparison.Ordinal)
                || name.EndsWith("settings.json", StringComparison.Ordinal)
                || name.EndsWith("agent-config.json", StringComparison.Ordinal),
            $"{plant} as {name}: {problem}"
        );
        Assert.True(allocated < 64 << 20, $"{plant} as {name}: {allocated >> 20} MiB");
        Assert.Equal("mine", File.ReadAllText(outside));
        Assert.IsType<TaskState.Pending>(project.Read(other).State);
        if (name == "tasks/task_001.json")
        {
            Assert.IsType<TaskRead.Unreadable>(project.Queue.Read(id));
        }
    }

    // On a thread of its own, which a fifo may keep for ever.
    private static (QueueException? Problem, long Allocated) LookAtAll(KeepingProject project)
    {
        QueueException? problem = null;
        var allocated = 0L;
        Exception? bug = null;
        var thread = new Thread(() =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var fresh = new ProjectQueue(project.Root, TimeProvider.System);
                fresh.Look(autoRetry: true, e => problem = e);
                fresh.Reconciler.Reconcile(autoRetry: true);
                fresh.Run.Preview(null, limit: 3, most: 3);
                _ = fresh.Config;
            }
            catch (QueueException e)
            {
                problem = e;
            }
            catch (Exception e)
            {
                bug = e;
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        })
        {
            IsBackground = true,
        };
        thread.Start();
        Assert.True(thread.Join(s_hang), "it hangs");
        Assert.Null(bug);
        return (problem, allocated);
    }
}
