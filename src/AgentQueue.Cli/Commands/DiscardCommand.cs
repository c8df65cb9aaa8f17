using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary><c>discard</c>: remove a task's worktree.</summary>
internal static class DiscardCommand
{
    private static readonly Argument<string> s_id = Options.Id("A task with a worktree");

    private static readonly Option<bool> s_force = Options.Flag(
        "--force",
        "Even if it has work that is nowhere else"
    );

    public static Command Create()
    {
        var command = new Verb(
            "discard",
            "Remove a task's worktree; one with unmerged work only with --force",
            "agentq discard 01j9x2",
            "agentq discard 01j9x2 --force"
        )
        {
            s_id,
            s_force,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var log = new ActionLog(session, parsed, "worktree.discard");
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var work = new TaskWorktrees(session.Project).Discard(id, parsed.GetValue(s_force));
        log.Add(id.Value, output: work.Tip is { } lost ? $"{work.Branch} at {lost}" : work.Branch);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("taskId"u8, id.Value);
                    w.WriteString("branch"u8, work.Branch);
                    w.WriteString("tip"u8, work.Tip);
                }
            );
            return ExitCode.Ok;
        }

        Session.Screen.Line($"{id} discarded");
        if (work.Tip is { } tip)
        {
            Session.Screen.Talk($"Until git prunes it, this brings it back: git branch NAME {tip}");
        }

        return ExitCode.Ok;
    }
}
