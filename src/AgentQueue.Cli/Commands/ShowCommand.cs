using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>show</c>: everything known of one task.</summary>
internal static class ShowCommand
{
    private static readonly Argument<string> s_id = Options.Id("The task, also an archived one");

    public static Command Create()
    {
        var command = new Verb(
            "show",
            "Show everything known of one task, and what to type next",
            "agentq show 01j9x2",
            "agentq show 01j9x2 --json"
        )
        {
            s_id,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        session.Project.Refresh(id, StatusCommand.Warn);
        var details = TaskDetails.Of(
            session.Queue,
            id,
            session.Project.Clock.GetUtcNow(),
            () => session.Project.Clock.LocalTimeZone
        );
        if (KeptBy(session, details.Task) is { } reason)
        {
            details = details with { View = details.View with { KeptBy = reason } };
        }

        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                    ShowReply.Write(
                        w,
                        details,
                        more => CommandText.Write(more, session, details.Task)
                    )
            );
        }
        else
        {
            var command = CommandText.Of(session, details.Task);
            Session.Screen.Lines(ShowReply.ToLines(details, command, Session.Screen.Style));
        }

        return ExitCode.Ok;
    }

    private static string? KeptBy(Session session, AgentTask task) =>
        task.State switch
        {
            TaskState.Pending { Held: false, Limit: not null }
                when ParkedTask.IsForsaken(session.Queue, task.Id) =>
                "nobody starts it then; agentq run --drain does",
            TaskState.Pending { Held: false } => session
                .Project.RunOf(QueueScope.Of(task.Id))
                .BarOf(task.Id)
                ?.Reason,
            _ => null,
        };
}
