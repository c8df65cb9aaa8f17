using System.Globalization;
using AgentQueue.Processes;
using AgentQueue.Scheduling;

namespace AgentQueue.Events;

/// <summary>Starting what runs the hooks of an event: this program again, apart from whoever emits it.</summary>
internal static class HookLaunch
{
    // The marks of a task that this may be running in stay behind: its supervisor would end the hook with it.
    public static Action<long> Into(string projectRoot) =>
        sequence =>
            DetachedLaunch.StartHooks(
                [sequence.ToString(CultureInfo.InvariantCulture), projectRoot],
                LocalBackend.WithoutMarks(Environment.GetEnvironmentVariables())
            );
}
