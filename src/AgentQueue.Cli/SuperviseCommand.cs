using AgentQueue.Events;
using AgentQueue.Plans;
using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli;

/// <summary>
/// The hidden verb: <c>__supervise ID ROOT</c> and, on Windows, the numbers of what it inherits: the report's
/// pipe and the task's lock. It is
/// dispatched before any command is built, because it starts with every task.
/// </summary>
internal static class SuperviseCommand
{
    public static int Run(string[] args)
    {
        if (
            args is not [_, var task, var root, .. var rest]
            || InheritedHandles.Parse(rest) is not { } handles
        )
        {
            return (int)ExitCode.Usage;
        }

        try
        {
            var project = new ProjectQueue(root, TimeProvider.System);
            var events = EventEmitter.Attach(project);
            project.LiveAsSupervisor(task, handles);
            if (QueueScope.Parse(task).Run is { } run)
            {
                new PlanRuns(project).ReportIfOver(run);
            }

            events.TellIfIdle();
            events.StartFollowers();

            return (int)ExitCode.Ok;
        }
        catch (QueueException e)
        {
            // Nobody is there to be told: stdio leads nowhere. The task's files say how far it came.
            return (int)e.ExitCode;
        }
    }
}
