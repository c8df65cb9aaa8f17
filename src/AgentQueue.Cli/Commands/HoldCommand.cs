using System.CommandLine;

namespace AgentQueue.Cli.Commands;

/// <summary><c>hold</c>: keep pending tasks from starting.</summary>
internal static class HoldCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids("Pending tasks to hold");

    public static Command Create()
    {
        var command = new Verb(
            "hold",
            "Keep pending tasks from starting until they are released",
            "agentq hold 01j9x2"
        )
        {
            s_ids,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var control = session.Project.Control;
        return ManyTasks.Do(
            session,
            session.FindIds(parsed.GetValue(s_ids)!),
            "There is nothing to hold",
            id =>
            {
                var changed = control.Hold(id);
                return (session.Queue.ReadOrThrow(id), changed ? "held" : "was held already");
            }
        );
    }
}
