using System.Collections;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Supervisors as processes of this machine.</summary>
internal sealed class LocalBackend(QueueFolder queue) : IBackend
{
    // The marks of a task or a hook that this program may itself be running in: whoever looks after that ends
    // whatever carries them, and a supervisor that was started from inside it is to outlive it.
    private static readonly string[] s_parentMarks =
    [
        AgentEnvironment.TaskIdVariable,
        AgentEnvironment.TaskFileVariable,
        AgentEnvironment.HookVariable,
        AgentEnvironment.EventVariable,
    ];

    public ISupervisorStart Launch(TaskId id, HeldLock taskLock) =>
        new Starting(
            DetachedLaunch.Start([id.Value, queue.ProjectRoot], Inherited(), taskLock.Descriptor)
        );

    // Until it has joined the drain, which the end of its report tells, the drain would look deserted.
    public void LaunchKeeper(QueueScope scope) =>
        // Stryker disable once Unary: starts a process
        DetachedLaunch
            .Start([scope.Word, queue.ProjectRoot], Inherited(), -1)
            .Read(TimeSpan.FromSeconds(1));

    private static List<string> Inherited() => WithoutMarks(Environment.GetEnvironmentVariables());

    /// <summary>What a supervisor gets of the environment of whoever starts it, as <c>KEY=VALUE</c>.</summary>
    internal static List<string> WithoutMarks(IDictionary environment)
    {
        var entries = new List<string>();
        foreach (DictionaryEntry entry in environment)
        {
            if (!s_parentMarks.Contains((string)entry.Key, AgentEnvironment.Names))
            {
                entries.Add($"{entry.Key}={entry.Value}");
            }
        }

        return entries;
    }

    private sealed class Starting(SupervisorReport report) : ISupervisorStart
    {
        public StartReport Await(TimeSpan patience) =>
            report.Read(patience)?.Split(' ', 2) switch
            {
                ["started", var pid] => new StartReport.Started(
                    int.Parse(pid, CultureInfo.InvariantCulture)
                ),
                ["failed", var message] => new StartReport.Failed(message),
                ["skipped"] => new StartReport.Skipped(),
                _ => new StartReport.Unknown(),
            };
    }
}
