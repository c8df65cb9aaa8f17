using System.Globalization;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Keeping;

/// <summary>A real queue in a folder of its own, gone afterwards.</summary>
internal sealed class KeepingProject : IDisposable
{
    public static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private int _next;

    public KeepingProject()
    {
        Root = Directory.CreateTempSubdirectory("agentq-keeping-").FullName;
        Project = new ProjectQueue(Root, TimeProvider.System);
        Queue.Disk.CreateFolder(Queue.Folder);
        File.WriteAllText(Path.Join(Queue.Folder, "settings.json"), """{"fsync": false}""");
        Queue.Create();
    }

    public string Root { get; }
    public ProjectQueue Project { get; }
    public QueueFolder Queue => Project.Queue;

    /// <summary>A task with a plan, a log and, if it has ended, its marker.</summary>
    public TaskId Add(TaskState? state = null, params ReadOnlySpan<TaskId> dependsOn)
    {
        var id = TaskId.Parse(string.Create(CultureInfo.InvariantCulture, $"task_{++_next:000}"));
        Write(
            new AgentTask
            {
                Id = id,
                Agent = "shell",
                Prompt = "true",
                CreatedAt = Now,
                DependsOn = [.. dependsOn],
                State = state ?? new TaskState.Pending(),
            }
        );
        File.WriteAllText(Queue.PlanFile(id), "plan of " + id);
        File.WriteAllText(Queue.LogFile(id), "log of " + id);
        if (state is TaskState.Finished)
        {
            File.WriteAllText(Queue.SentinelFile(id, Sentinel.ExitCode), "0\n");
        }

        return id;
    }

    public void Write(AgentTask task) => Queue.Write(task);

    public AgentTask Read(TaskId id) => Queue.ReadOrThrow(id);

    public void Change(TaskId id, Func<AgentTask, AgentTask> change) => Write(change(Read(id)));

    /// <summary>Every file below the queue folder that has the id in its name.</summary>
    public IReadOnlyList<string> FilesOf(TaskId id) =>
        [
            .. Directory
                .EnumerateFiles(Queue.Folder, id.Value + "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(Queue.Folder, f))
                .Order(StringComparer.Ordinal),
        ];

    public static TaskState Complete(TimeSpan? ago = null) =>
        new TaskState.Complete(Now - (ago ?? default), Now - (ago ?? default));

    public static TaskState Failed(TaskId? retriedBy = null, TimeSpan? ago = null) =>
        new TaskState.Failed(Now - (ago ?? default), Now - (ago ?? default), Reason.Exit, "no")
        {
            RetriedBy = retriedBy,
        };

    public static TaskState Cancelled() => new TaskState.Cancelled(null, Now);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
