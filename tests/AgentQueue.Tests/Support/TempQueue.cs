using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>A queue in a folder of its own for one test, gone afterwards; never synced.</summary>
internal sealed class TempQueue : IDisposable
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    public TempQueue()
    {
        Root = Directory.CreateTempSubdirectory("agentq-queue-").FullName;
        Queue = new QueueFolder(Root, ProjectQueue.RealDisk, () => false);
        Queue.Create();
    }

    public string Root { get; }

    public QueueFolder Queue { get; }

    public QueueSnapshot Snapshot => QueueSnapshot.Take(Queue);

    public static TaskId Id(string name) => TaskId.Parse(TaskId.Prefix + name);

    /// <summary>Stores a task under <c>task_NAME</c>; pending unless it says otherwise.</summary>
    public AgentTask Add(string name, TaskState? state = null, params string[] dependsOn)
    {
        var task = new AgentTask
        {
            Id = Id(name),
            Agent = "shell",
            Prompt = $"do {name}",
            CreatedAt = s_start,
            DependsOn = [.. dependsOn.Select(Id)],
            State = state ?? new TaskState.Pending(),
        };
        Assert.True(Queue.TryCreate(task));
        return task;
    }

    public AgentTask Change(AgentTask task, TaskState state)
    {
        var changed = task with { State = state };
        Queue.Write(changed);
        return changed;
    }

    public static TaskState.Running Running() => new(s_start, 1);

    public static TaskState.Complete Complete() => new(s_start, s_start.AddSeconds(3));

    public static TaskState.Failed Failed(string? retriedBy = null) =>
        new(s_start, s_start.AddSeconds(3), Reason.Exit, "Exited with code 1")
        {
            RetriedBy = retriedBy is null ? null : Id(retriedBy),
        };

    public static TaskState.Cancelled Cancelled() => new(null, s_start.AddSeconds(3));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
