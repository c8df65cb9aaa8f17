using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Git;
using AgentQueue.Keeping;
using AgentQueue.Tasks;

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
        var work = new TaskWorktrees(session.Project).Apply(id, session.CurrentFolder);
        log.Add(id.Value, output: OutputOf(work.Files));
        if (session.Json)
        {
            PrintJson(id, work);
        }
        else
        {
            foreach (var file in work.Files)
            {
                Session.Screen.Line($"{DiffCommand.WordFor(file.Kind), -8} {file.Path}");
            }

            if (work.Files.IsEmpty && work.LeftOut.IsEmpty)
            {
                Session.Screen.Talk($"There is nothing in {id} that is not here already");
            }
        }

        WarnOfLeftOut(id, work);
        return ExitCode.Ok;
    }

    private static string OutputOf(ImmutableArray<ChangedFile> files) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{files.Length} {(files.Length == 1 ? "file" : "files")} changed"
        );

    private static void PrintJson(TaskId id, AppliedWork work) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteString("taskId"u8, id.Value);
                DiffCommand.WriteFiles(w, work.Files);
                w.WriteStartArray("leftOut"u8);
                foreach (var path in work.LeftOut)
                {
                    w.WriteStringValue(path);
                }

                w.WriteEndArray();
            }
        );

    private static void WarnOfLeftOut(TaskId id, AppliedWork work)
    {
        if (work.LeftOut.IsEmpty)
        {
            return;
        }

        var modules = work.LeftOut.Length == 1 ? "submodule" : "submodules";
        var first = work.Files.IsEmpty ? "" : "commit what is here now, then ";
        Session.Screen.Talk(
            $"agentq: warning: changes inside the {modules} {string.Join(", ", work.LeftOut)} were left out; {first}agentq merge {id} brings those that are committed there",
            Tone.Warn
        );
    }
}
