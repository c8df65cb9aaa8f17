using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary><c>merge</c>: a task's branch into the one that is checked out here.</summary>
internal static class MergeCommand
{
    private static readonly Argument<string> s_id = Options.Id("A task with a worktree");

    private static readonly Option<bool> s_keep = Options.Flag(
        "--keep",
        "Leave the worktree and its branch"
    );

    public static Command Create()
    {
        var command = new Verb(
            "merge",
            "Merge a task's work into the branch that is checked out here, and remove its worktree",
            "agentq merge 01j9x2",
            "agentq merge 01j9x2 --keep"
        )
        {
            s_id,
            s_keep,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var log = new ActionLog(session, parsed, "worktree.merge");
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var keep = parsed.GetValue(s_keep);
        var work = new TaskWorktrees(session.Project).Merge(id, session.CurrentFolder, keep);
        log.Add(id.Value, output: $"{work.Commit} into {work.Into}");
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("taskId"u8, id.Value);
                    w.WriteString("commit"u8, work.Commit);
                    w.WriteString("into"u8, work.Into);
                    w.WriteBoolean("committed"u8, work.Committed);
                    w.WriteBoolean("merged"u8, work.Merged);
                    w.WriteBoolean("removed"u8, work.Kept is null);
                }
            );
        }
        else
        {
            Session.Screen.Line(
                work.Merged
                    ? $"{id} merged into {work.Into}"
                    : $"{id} has nothing that is not in {work.Into} already"
            );
        }

        if (work.Kept is { } why && !keep)
        {
            Session.Screen.Talk($"Its worktree was left: {why}", Tone.Warn);
        }

        return ExitCode.Ok;
    }
}
