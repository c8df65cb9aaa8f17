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
    // The mark of a task that this program may itself be running in: its supervisor ends whatever carries
    // it, and a supervisor that was started from inside a task is to outlive that task.
    private static readonly string[] s_parentMarks =
    [
        AgentEnvironment.TaskIdVariable,
        AgentEnvironment.TaskFileVariable,
    ];

    public ISupervisorStart Launch(TaskId id, HeldLock taskLock) =>
        new Starting(
            DetachedLaunch.Start([id.Value, queue.ProjectRoot], Inherited(), taskLock.Descriptor)
        );

    // Until it has joined the drain, which the end of its report tells, the drain would look deserted.
    public void LaunchKeeper() =>
        DetachedLaunch
            .Start([SupervisorProcess.Keeper, queue.ProjectRoot], Inherited(), -1)
            .Read(TimeSpan.FromSeconds(1));

    private static List<string> Inherited()
    {
        var environment = new List<string>();
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            var text = $"{entry.Key}={entry.Value}";
            if (!s_parentMarks.Contains((string)entry.Key, AgentEnvironment.Names))
            {
                environment.Add(text);
            }
        }

        return environment;
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
