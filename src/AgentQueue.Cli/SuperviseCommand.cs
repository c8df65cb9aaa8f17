using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Cli;

/// <summary>
/// The hidden verb: <c>__supervise ID ROOT</c>, with the report's pipe and the task's lock inherited. It is
/// dispatched before any command is built, because it starts with every task.
/// </summary>
internal static class SuperviseCommand
{
    public static int Run(string[] args)
    {
        if (args is not [_, var task, var root])
        {
            return (int)ExitCode.Usage;
        }

        try
        {
            var project = new ProjectQueue(root, TimeProvider.System);
            var inherited =
                task == SupervisorProcess.Keeper
                    ? null
                    : new UnixLock(DetachedLaunch.LockDescriptor);
            project.LiveAsSupervisor(task, inherited);
            return (int)ExitCode.Ok;
        }
        catch (QueueException e)
        {
            // Nobody is there to be told: stdio leads nowhere. The task's files say how far it came.
            return (int)e.ExitCode;
        }
    }
}
