using System.Text;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// <c>run/&lt;id&gt;.run</c>: which processes a running task consists of, and what is needed to judge it
/// when its supervisor has died. Not synced: after a loss of power none of the processes exists.
/// </summary>
internal sealed record RunIdentity(
    ProcessIdentity Supervisor,
    ProcessIdentity Agent,
    Completion Completion
)
{
    public static RunIdentity? Read(QueueFolder queue, TaskId id)
    {
        var read = queue.Disk.Read(queue.IdentityFile(id), 4096);
        if (read.Status != ReadStatus.Ok)
        {
            return null;
        }

        var lines = Encoding.UTF8.GetString(read.Content).Split('\n');
        return
            lines.Length >= 3
            && ProcessIdentity.TryParse(lines[0], out var supervisor)
            && ProcessIdentity.TryParse(lines[1], out var agent)
            && Enum.TryParse<Completion>(lines[2], out var completion)
            ? new RunIdentity(supervisor, agent, completion)
            : null;
    }

    public void Write(QueueFolder queue, TaskId id) =>
        queue.Unsynced.ReplaceUnsynced(
            queue.IdentityFile(id),
            Encoding.UTF8.GetBytes($"{Supervisor}\n{Agent}\n{Completion}\n")
        );
}
