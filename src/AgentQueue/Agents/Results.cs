using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Agents;

/// <summary>The results of tasks, each a file of its own.</summary>
internal sealed class Results(QueueFolder queue)
{
    /// <summary>Of a task in the queue or in the archive; null if there is none that can be used.</summary>
    public AgentResult? Read(TaskId id)
    {
        foreach (var path in (string[])[queue.ResultFile(id), queue.ArchivedResult(id)])
        {
            if (queue.Disk.Read(path, ResultJson.LongestFile) is { Status: ReadStatus.Ok } read)
            {
                return ResultJson.Read(read.Content.ToArray(), id);
            }
        }

        return null;
    }

    /// <summary>Not synced: the task's file, which is written after it, syncs what matters.</summary>
    public void Write(AgentResult result)
    {
        queue.Disk.CreateFolder(queue.Results);
        queue.Unsynced.ReplaceUnsynced(queue.ResultFile(result.Task), ResultJson.Write(result));
    }
}
