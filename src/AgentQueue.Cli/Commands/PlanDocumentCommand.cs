using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>plan document</c>: a run as a document for people. Each call is recorded.</summary>
internal static class PlanDocumentCommand
{
    private const string OwnTask = "AGENTQ_TASK_ID";

    private static readonly Argument<string?> s_run = new("RUN")
    {
        HelpName = "RUN",
        Description =
            "A run: its id, a part of it, or 'last' (default: in a task of a run that run, else the last)",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Completions.Runs },
    };

    private static readonly Option<string> s_name = new("--name")
    {
        HelpName = "NAME",
        Description = "Of the document: docs/tasks/NAME.md in the run's working folder",
        Required = true,
    };

    private static readonly Option<string?> s_title = Options.Text(
        "--title",
        "TITLE",
        "Its title (default: the name)"
    );

    private static readonly Option<string[]> s_document = Options.Repeated(
        "--document",
        "PATH",
        "A document that belongs to it and must be there (repeatable)"
    );

    private static readonly Option<string?> s_readme = Options.Text(
        "--readme",
        "FILE",
        "Where its section is kept (default: README.md in the run's working folder)"
    );

    public static Command Create()
    {
        var command = new Verb(
            "document",
            "Write what a run did into docs/tasks/NAME.md and one section of the README; exit code 3 unless all is done",
            "agentq plan document last --name parser",
            "agentq plan document --name parser --title \"The new parser\" --document plans/parser.md"
        )
        {
            s_run,
            s_name,
            s_title,
            s_document,
            s_readme,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var log = new ActionLog(session, parsed, "plan.document");
        RunId? run = null;
        try
        {
            var runs = new PlanRuns(session.Project);
            var own = TaskId.TryParse(Environment.GetEnvironmentVariable(OwnTask), out var task)
                ? task
                : (TaskId?)null;
            run =
                parsed.GetValue(s_run) is { } part ? runs.Find(part)
                : own is { } within && RunId.Of(within) is { } current ? current
                : runs.Find("last");
            var result = Write(session, parsed, runs, run.Value, own);
            var code = result.IsDone ? ExitCode.Ok : ExitCode.WorkFailed;
            log.Add(run.Value.Value, code, result.Status);
            Tell(session, run.Value, result);
            return code;
        }
        catch (QueueException e) when (session.Queue.Exists)
        {
            log.Add(run?.Value, e.ExitCode, e.Message);
            throw;
        }
    }

    private static DocumentResult Write(
        Session session,
        ParseResult parsed,
        PlanRuns runs,
        RunId run,
        TaskId? own
    )
    {
        var request = new DocumentRequest(
            PlanName.Require(parsed.GetValue(s_name)!),
            parsed.GetValue(s_title) is { } title && !string.IsNullOrWhiteSpace(title)
                ? title
                : null,
            [.. (parsed.GetValue(s_document) ?? []).Select(Here)],
            parsed.GetValue(s_readme) is { } readme ? Here(readme) : null,
            own
        );
        if (own is null)
        {
            // What has ended is seen as ended, also if its supervisor was killed.
            session.Project.Look(
                autoRetry: false,
                static problem => Session.Screen.Talk(StatusCommand.WarningOf(problem), Tone.Warn)
            );
        }

        return new TaskDocument(session.Queue, Hash).Write(
            runs.View(run),
            request,
            session.Project.Clock.GetUtcNow()
        );

        string Here(string path) => Path.GetFullPath(path, session.CurrentFolder);
    }

    private static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return FileHash.Of(file, HashKind.Sha256);
    }

    private static void Tell(Session session, RunId run, DocumentResult result)
    {
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteString("run"u8, run.Value);
                    w.WriteString("document"u8, result.Path);
                    w.WriteString("readme"u8, result.Readme);
                    w.WriteBoolean("done"u8, result.IsDone);
                    w.WriteString("status"u8, result.Status);
                }
            );
            return;
        }

        Session.Screen.Line(
            $"{Path.GetRelativePath(session.CurrentFolder, result.Path)}: {result.Status}",
            result.IsDone ? Tone.Good : Tone.Bad
        );
    }
}
