using System.CommandLine;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli.Commands;

/// <summary><c>answer</c>: tell a task what it wants to know, and let it go on.</summary>
internal static class AnswerCommand
{
    private static readonly Argument<string> s_id = Options.Id("The task that asks");

    private static readonly Argument<string> s_answer = new("ANSWER")
    {
        Description = "What it wants to know; - reads it from standard input",
    };

    private static readonly RunOptions s_then = new();

    public static Command Create()
    {
        var command = new Verb(
            "answer",
            "Answer the question of a task, which then goes on",
            "agentq answer 01j9x2 \"Use the second one\" --run"
        )
        {
            s_id,
            s_answer,
        };
        s_then.AddTo(command);
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!);
        var answer = parsed.GetValue(s_answer)!;
        var task = new Sessions(session.Project).Answer(
            id,
            answer == "-" ? InputText.FromStandardInput() : answer
        );
        return StartReport.Finish(session, [task], s_then.Read(parsed));
    }
}
