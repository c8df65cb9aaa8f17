using System.CommandLine;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Git;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary><c>diff</c>: what a task has changed in its worktree.</summary>
internal static class DiffCommand
{
    private static readonly Argument<string> s_id = Options.Id("A task with a worktree");

    private static readonly Option<bool> s_stat = Options.Flag(
        "--stat",
        "Only the files, and how much of each"
    );

    public static Command Create()
    {
        var command = new Verb(
            "diff",
            "Show what a task has changed in its worktree, committed or not",
            "agentq diff 01j9x2",
            "agentq diff 01j9x2 --stat"
        )
        {
            s_id,
            s_stat,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var worktrees = new TaskWorktrees(session.Project);
        var task = worktrees.Read(session.FindId(parsed.GetValue(s_id)!, archived: true));
        var tree = worktrees.Open(task);
        if (session.Json)
        {
            var changes = tree.Changes();
            var unmerged = tree.Unmerged();
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("taskId"u8, task.Id.Value);
                    w.WriteString("branch"u8, tree.Branch);
                    w.WriteString("base"u8, tree.Base);
                    w.WriteString("path"u8, tree.Tree?.Top);
                    w.WriteBoolean("uncommitted"u8, tree.IsDirty);
                    w.WriteString("unmerged"u8, unmerged);
                    WriteFiles(w, changes);
                }
            );
            return ExitCode.Ok;
        }

        // For a program, such as git apply, it is byte for byte.
        var printer = new LogPrinter(Session.Screen, raw: !Session.Screen.OutIsTerminal);
        printer.Take(tree.Difference(parsed.GetValue(s_stat)));
        printer.Finish();
        return ExitCode.Ok;
    }

    public static void WriteFiles(Utf8JsonWriter w, IEnumerable<ChangedFile> files)
    {
        w.WriteStartArray("files"u8);
        foreach (var file in files)
        {
            w.WriteStartObject();
            w.WriteString("path"u8, file.Path);
            w.WriteString("change"u8, WordFor(file.Kind));
            if (file.From is { } from)
            {
                w.WriteString("from"u8, from);
            }

            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    public static string WordFor(ChangeKind kind) =>
        kind switch
        {
            ChangeKind.Added => "added",
            ChangeKind.Modified => "modified",
            ChangeKind.Deleted => "deleted",
            ChangeKind.Renamed => "renamed",
            ChangeKind.TypeChanged => "typechange",
        };
}
