using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary>Records what a verb has done. What is done stays done if that fails: then it is only told of.</summary>
internal sealed class ActionLog(Session session, ParseResult parsed, string action)
{
    private readonly DateTimeOffset _at = session.Project.Clock.GetUtcNow();
    private readonly long _begun = session.Project.Clock.GetTimestamp();

    /// <param name="subject">The id of a task or run.</param>
    /// <param name="output">What came of it.</param>
    public void Add(string? subject, ExitCode code = ExitCode.Ok, string output = "")
    {
        try
        {
            if (!session.Queue.Exists)
            {
                session.Queue.Create();
            }

            new Records(session.Queue).Add(
                new ActionRecord
                {
                    At = _at,
                    Action = action,
                    Arguments = ["agentq", .. parsed.Tokens.Select(static t => t.Value)],
                    Subject = subject,
                    ExitCode = (int)code,
                    Took = session.Project.Clock.GetElapsedTime(_begun),
                    Output = output,
                }
            );
        }
        catch (QueueException e)
        {
            Session.Screen.Talk(
                $"agentq: warning: {action} is not recorded: {e.Message}",
                Tone.Warn
            );
        }
    }
}
