using System.CommandLine;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Cli.Commands;

/// <summary><c>continue</c>: a new task in the session of one that has ended.</summary>
internal static class ContinueCommand
{
    private static readonly Argument<string> s_id = Options.Id(
        "The task that has ended, also an archived one"
    );

    private static readonly Argument<string> s_more = new("PROMPT")
    {
        Description = "What it shall do now; - reads it from standard input",
    };

    private static readonly RunOptions s_then = new();

    public static Command Create()
    {
        var command = new Verb(
            "continue",
            "Queue a task that goes on in the session of another one",
            "agentq continue 01j9x2 \"Now write the tests\" --run"
        )
        {
            s_id,
            s_more,
        };
        s_then.AddTo(command);
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var queue = session.Queue;
        var task =
            queue.Read(id) is TaskRead.Missing
                ? queue.ReadArchivedOrThrow(id)
                : queue.ReadOrThrow(id);
        var more = parsed.GetValue(s_more)!;
        var request = new Sessions(session.Project).Continue(
            task,
            more == "-" ? InputText.FromStandardInput() : more
        );
        NewTasks.CheckPrompt(request.Prompt);
        session.Project.CheckDeliverable(request);
        return StartReport.Finish(
            session,
            [session.Project.NewTasks.Create(request)],
            s_then.Read(parsed)
        );
    }
}
