using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <summary>What reading a task's file came to.</summary>
internal abstract record TaskRead
{
    private TaskRead() { }

    internal sealed record Found(AgentTask Task, FileFacts Facts) : TaskRead;

    internal sealed record Missing : TaskRead;

    /// <summary>Reported and left alone; the other tasks go on.</summary>
    internal sealed record Unreadable(TaskId Id, string Reason) : TaskRead;
}
