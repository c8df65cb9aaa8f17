using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>What is removed lies inside the queue folder, whatever anybody has planted there.</summary>
internal static class Confinement
{
    /// <exception cref="QueueException">A folder of the queue is a link to somewhere else.</exception>
    public static void Check(QueueFolder queue)
    {
        foreach (var folder in Folders(queue))
        {
            if (LeadsElsewhere(folder))
            {
                throw new QueueException(
                    $"{folder} is a link; agentq removes and moves only what lies inside the queue folder",
                    "Put a real folder in its place (a bind mount may lead to another disk)"
                );
            }
        }
    }

    public static bool LeadsElsewhere(string folder) =>
        new DirectoryInfo(folder).LinkTarget is not null;

    public static IReadOnlyList<string> Folders(QueueFolder queue) =>
        [queue.Tasks, queue.Plans, queue.Logs, queue.Run, queue.Archive];
}
