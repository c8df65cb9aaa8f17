using System.CommandLine;

namespace AgentQueue.Cli.Commands;

/// <summary><c>release</c>: let held tasks go.</summary>
internal static class ReleaseCommand
{
    private static readonly Argument<string[]> s_ids = Options.Ids("Held tasks to release");

    public static Command Create()
    {
        var command = new Verb("release", "Let held tasks start again", "agentq release 01j9x2")
        {
            s_ids,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var control = session.Project.Control;
        var code = ManyTasks.Do(
            session,
            session.FindIds(parsed.GetValue(s_ids)!),
            "There is nothing to release",
            id =>
            {
                var changed = control.Release(id);
                return (session.Queue.ReadOrThrow(id), changed ? "released" : "was not held");
            }
        );
        session.Project.ContinueDrains();
        return code;
    }
}
