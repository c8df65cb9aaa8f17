using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;
using AgentQueue.Processes;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>git</c>: a branch or an issue for a task. What is done is recorded.</summary>
internal static class GitCommand
{
    private static readonly Argument<string> s_id = Options.Id("The task, also an archived one");

    private static readonly Option<string?> s_title = Options.Text(
        "--title",
        "TITLE",
        "The issue's title (default: the task's name, else the first line of its prompt)"
    );

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Show the command, and run nothing"
    );

    public static Command Create()
    {
        var branch = new Verb(
            "branch",
            "Make the branch task/NAME in the task's working folder, and switch to it",
            "agentq git branch 01j9x2"
        )
        {
            s_id,
            s_dryRun,
        };
        branch.Runs(Branch);
        var issue = new Verb(
            "issue",
            "Open an issue on GitHub with the task's prompt, by the program gh",
            "agentq git issue 01j9x2 --title \"Parser loses comments\""
        )
        {
            s_id,
            s_title,
            s_dryRun,
        };
        issue.Runs(Issue);
        return new Verb(
            "git",
            "A branch or an issue for a task; agentq records tells what was done",
            "agentq git branch 01j9x2",
            "agentq git issue 01j9x2 --dry-run"
        )
        {
            branch,
            issue,
        };
    }

    private static ExitCode Branch(Session session, ParseResult parsed)
    {
        var task = TaskOf(session, parsed);
        var name = BranchName.Of(task);
        var command = OutsideCommand.Branch(task, session.Project.Root);
        if (parsed.GetValue(s_dryRun))
        {
            return Show(session, command);
        }

        var outside = new OutsideCommands(session.Queue, session.Project.Clock);
        var end = Run(session, outside, command);
        PrintJson(session, "branch", end.Exit.IsSuccess ? name : null, end);
        if (
            !end.Exit.IsSuccess
            && outside.Succeeds(OutsideCommand.LookForBranch(task, session.Project.Root))
        )
        {
            var place =
                command.WorkingFolder == session.CurrentFolder
                    ? ""
                    : $"-C {ShellWords.Quote(command.WorkingFolder)} ";
            throw new QueueException(
                $"The branch {name} is there already",
                $"Switch to it: git {place}switch {name}"
            );
        }

        return Verdict(command, end);
    }

    private static ExitCode Issue(Session session, ParseResult parsed)
    {
        var title = parsed.GetValue(s_title);
        if (title is not null && string.IsNullOrWhiteSpace(title))
        {
            throw QueueException.Usage("--title wants TITLE, and was given nothing");
        }

        var task = TaskOf(session, parsed);
        var command = OutsideCommand.Issue(task, session.Project.Root, title);
        if (parsed.GetValue(s_dryRun))
        {
            return Show(session, command);
        }

        var outside = new OutsideCommands(session.Queue, session.Project.Clock);
        var end = Run(session, outside, command);
        PrintJson(session, "url", end.Exit.IsSuccess ? LastAddress(end.Output) : null, end);
        return Verdict(command, end);
    }

    private static AgentTask TaskOf(Session session, ParseResult parsed)
    {
        var id = session.FindId(parsed.GetValue(s_id)!, archived: true);
        return session.Queue.Read(id) is TaskRead.Missing
            ? session.Queue.ReadArchivedOrThrow(id)
            : session.Queue.ReadOrThrow(id);
    }

    // For a program stdout is the document, and what the command prints is talk.
    private static ForegroundEnd Run(
        Session session,
        OutsideCommands outside,
        OutsideCommand command
    )
    {
        var output = new LogPrinter(Session.Screen, raw: false, toError: session.Json);
        var error = new LogPrinter(Session.Screen, raw: false, toError: true);
        var end = outside.Run(
            command,
            (piece, isError) =>
            {
                var printer = isError ? error : output;
                printer.Take(piece);
                printer.Pause();
            }
        );
        output.Finish();
        error.Finish();
        return end;
    }

    private static ExitCode Show(Session session, OutsideCommand command)
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteStartArray("wouldRun"u8);
                    foreach (var word in command.Line)
                    {
                        w.WriteStringValue(word);
                    }

                    w.WriteEndArray();
                    w.WriteString("workingFolder"u8, command.WorkingFolder);
                }
            );
            return ExitCode.Ok;
        }

        Session.Screen.Line(string.Join(' ', command.Line.Select(ShellWords.Quote)));
        if (command.Input.Length > 0)
        {
            Session.Screen.Talk(
                $"in {command.WorkingFolder}, with the task's prompt on standard input"
            );
        }

        return ExitCode.Ok;
    }

    private static void PrintJson(Session session, string member, string? value, ForegroundEnd end)
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString(member, value);
                    w.WriteNumber("exitCode"u8, end.Exit.Code);
                    w.WriteString("output"u8, end.Output);
                    w.WriteBoolean("outputCut"u8, end.IsOutputCut);
                }
            );
        }
    }

    private static ExitCode Verdict(OutsideCommand command, ForegroundEnd end) =>
        end.Exit.IsSuccess
            ? ExitCode.Ok
            : throw new QueueException($"{command.Program} {end.Exit.Describe()}");

    private static string? LastAddress(string output) =>
        output
            .Split('\n', StringSplitOptions.TrimEntries)
            .LastOrDefault(static line =>
                line.StartsWith("https://", StringComparison.Ordinal)
                || line.StartsWith("http://", StringComparison.Ordinal)
            );
}
