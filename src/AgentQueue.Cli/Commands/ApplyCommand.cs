using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Git;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary><c>apply</c>: a task's changes into the files here.</summary>
internal static class ApplyCommand
{
    private static readonly Argument<string> s_id = Options.Id("A task with a worktree");

    public static Command Create()
    {
        var command = new Verb(
            "apply",
            "Bring what a task has changed in its worktree into the files here, without committing",
            "agentq apply 01j9x2"
        )
        {
            s_id,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var log = new ActionLog(session, parsed, "worktree.apply");
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        var files = new TaskWorktrees(session.Project).Apply(id, session.CurrentFolder);
        log.Add(id.Value, output: OutputOf(files));
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("taskId"u8, id.Value);
                    DiffCommand.WriteFiles(w, files);
                }
            );
            return ExitCode.Ok;
        }

        foreach (var file in files)
        {
            Session.Screen.Line($"{DiffCommand.WordFor(file.Kind), -8} {file.Path}");
        }

        if (files.IsEmpty)
        {
            Session.Screen.Talk($"There is nothing in {id} that is not here already");
        }

        return ExitCode.Ok;
    }

    private static string OutputOf(ImmutableArray<ChangedFile> files) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{files.Length} {(files.Length == 1 ? "file" : "files")} changed"
        );
}
