using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using LibraryReport = AgentQueue.Scheduling.StartReport;

namespace AgentQueue.Cli.Commands;

/// <summary>Telling how starts went.</summary>
internal static class Starts
{
    // An agent runs within milliseconds; a machine under load gets this long.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    public static QueueException Refused(Session session, TaskId id, string message) =>
        new(
            $"Task {id} could not be started: {message}",
            Following.IsPending(session, id)
                ? $"It is still pending; once mended: agentq run {id}"
                : $"See agentq show {id}; once mended: agentq retry {id} --run"
        );

    /// <summary>Waits for each start's word and prints a line for it; 3 if one could not be started.</summary>
    public static ExitCode Tell(
        Session session,
        IReadOnlyList<StartedTask> started,
        bool quiet = false
    )
    {
        var code = ExitCode.Ok;
        foreach (var (task, start) in started)
        {
            var report = start.Await(s_patience);
            switch (report)
            {
                case LibraryReport.Started(var pid) when !quiet:
                    Session.Screen.Line($"{task.Id} started: {task.Agent}, pid {pid}");
                    break;
                case LibraryReport.Failed(var message):
                    Session.Screen.Error(Refused(session, task.Id, message));
                    code = ExitCode.WorkFailed;
                    break;
                case LibraryReport.Unknown:
                    Session.Screen.Talk(
                        $"{task.Id}: its supervisor has not answered yet; agentq status tells more",
                        Tone.Warn
                    );
                    break;
            }

            session.Debug($"{task.Id}: {report}");
        }

        return code;
    }
}
