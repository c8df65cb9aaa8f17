using System.Globalization;
using AgentQueue.Events;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli;

/// <summary>
/// The hidden verb <c>__hook SEQ ROOT</c>: runs the hooks of one event. Whoever let that happen has started it and
/// does not wait for it. That the queue is idle is not for it to tell: a hook of that may be what it runs.
/// </summary>
internal static class HookCommand
{
    public static int Run(string[] args)
    {
        if (
            args is not [_, var number, var root]
            || !long.TryParse(
                number,
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var sequence
            )
        )
        {
            return (int)ExitCode.Usage;
        }

        try
        {
            var project = new ProjectQueue(root, TimeProvider.System);
            new HookRunner(project, EventEmitter.Attach(project)).Run(sequence);
            return (int)ExitCode.Ok;
        }
        catch (QueueException e)
        {
            // Nobody is there to be told: stdio leads nowhere. The event stands in the log.
            return (int)e.ExitCode;
        }
    }
}
