using AgentQueue.Cli.Output;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>Showing what would be started.</summary>
internal static class DryRun
{
    public static ExitCode Show(Session session, IReadOnlyList<AgentTask> tasks)
    {
        var screen = Session.Screen;
        if (session.Json)
        {
            JsonOutput.PrintObject(
                screen,
                w =>
                {
                    w.WriteStartArray("wouldStart"u8);
                    foreach (var task in tasks)
                    {
                        TaskReply.Write(w, task, more => CommandText.Write(more, session, task));
                    }

                    w.WriteEndArray();
                }
            );
            return ExitCode.Ok;
        }

        if (tasks.Count == 0)
        {
            screen.Talk("Nothing would be started");
        }

        foreach (var task in tasks)
        {
            screen.Line($"{task.Id} would start: {task.Agent}");
            screen.Line("  " + CommandText.Of(session, task));
        }

        return ExitCode.Ok;
    }
}
