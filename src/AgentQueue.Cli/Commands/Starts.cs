using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using LibraryReport = AgentQueue.Scheduling.StartReport;

namespace AgentQueue.Cli.Commands;

/// <summary>Telling how starts went.</summary>
internal static class Starts
{
    // An agent runs within milliseconds; a machine under load gets this long.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

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
                    Session.Screen.Error(
                        new QueueException(
                            $"Task {task.Id} could not be started: {message}",
                            $"See agentq show {task.Id}; once mended: agentq retry {task.Id} --run"
                        )
                    );
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
