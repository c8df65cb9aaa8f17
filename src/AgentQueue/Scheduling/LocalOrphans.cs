using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Ends what a killed supervisor left behind, after its identity has been verified.</summary>
internal sealed class LocalOrphans(QueueFolder queue, TimeProvider clock) : IOrphans
{
    // Whoever looks at the queue waits for this.
    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(500);

    public bool End(TaskId id, RunIdentity? identity)
    {
        if (identity is { Agent.IsHere: false })
        {
            return false;
        }

        // Without a record of the agent the mark in the environment still tells what belongs to the task.
        var agent = identity?.Agent ?? default;
        var tree = ProcessTree.Of(
            agent.Pid,
            agent.StartTicks,
            Supervisor.MarkOf(id),
            queue.AliveFile(id)
        );
        return tree is not null && tree.End(s_grace, adopted: false, clock);
    }
}
