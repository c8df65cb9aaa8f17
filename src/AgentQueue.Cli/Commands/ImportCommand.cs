using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;
using AgentQueue.Storage;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Cli.Commands;

/// <summary><c>import</c>: take over the queues and the commands of the older tools.</summary>
internal static class ImportCommand
{
    private static readonly Argument<string[]> s_named = new("FILE")
    {
        HelpName = "FILE",
        Description =
            "A .gemini/agents or .orchestra folder, a cmdorc.toml, or a project with one of them",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Say what would be imported, and import nothing"
    );

    public static Command Create()
    {
        var command = new Verb(
            "import",
            "Take over tasks, plans, logs and agents of the older tools; nothing there is changed",
            "agentq import . --dry-run",
            "agentq import ../old-project/.gemini/agents",
            "agentq import cmdorc.toml ci/cmdorc.toml"
        )
        {
            s_named,
            s_dryRun,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var dryRun = parsed.GetValue(s_dryRun);
        var report = new Import(session.Queue, session.Project.Clock).Run(
            parsed.GetValue(s_named)!,
            session.CurrentFolder,
            dryRun
        );
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => Write(w, report, dryRun));
        }
        else
        {
            Tell(report, dryRun);
        }

        if (!dryRun && report.Tasks.Exists(static t => t.Status == TaskStatus.Pending))
        {
            session.Project.ContinueDrains();
        }

        return ExitCode.Ok;
    }

    private static void Tell(ImportReport report, bool dryRun)
    {
        var screen = Session.Screen;
        foreach (var task in report.Tasks)
        {
            screen.Line(
                $"{task.Id} {TaskJson.NameOf(task.Status)}{(task.Archived ? ", archived" : "")}{(task.Id.Value == task.From ? "" : $", was {task.From}")}"
            );
            foreach (var change in task.Changes)
            {
                screen.Talk($"  {task.From}: {change}", Tone.Warn);
            }
        }

        foreach (var agent in report.Agents)
        {
            screen.Line($"agent {agent}");
        }

        foreach (var variable in report.Variables)
        {
            screen.Line($"variable {variable}");
        }

        foreach (var change in report.AgentChanges)
        {
            screen.Talk($"  agent {change}", Tone.Warn);
        }

        foreach (var skip in report.Skipped)
        {
            screen.Talk($"Left: {skip.What}: {skip.Why}", Tone.Warn);
        }

        screen.Talk(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{(dryRun ? "Would import" : "Imported")} {Counts(report)} from {string.Join(" and ", report.Folders.Concat(report.Files))}{(report.AlreadyThere > 0 ? $"; {Count(report.AlreadyThere, "task")} had been imported before" : "")}"
            )
        );
    }

    private static string Counts(ImportReport report)
    {
        var counts =
            $"{Count(report.Tasks.Count, "task")} and {Count(report.Agents.Count, "agent")}";
        return report.Folders.Count > 0 && report.Files.Count > 0
                ? $"{counts} and {Count(report.Variables.Count, "variable")}"
            : report.Files.Count > 0
                ? $"{Count(report.Agents.Count, "agent")} and {Count(report.Variables.Count, "variable")}"
            : counts;
    }

    private static string Count(int count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static void Write(Utf8JsonWriter w, ImportReport report, bool dryRun)
    {
        w.WriteBoolean("dryRun"u8, dryRun);
        WriteTexts(w, "folders", report.Folders);
        WriteTexts(w, "files", report.Files);
        w.WriteStartArray("tasks"u8);
        foreach (var task in report.Tasks)
        {
            w.WriteStartObject();
            w.WriteString("taskId"u8, task.Id.Value);
            w.WriteString("from"u8, task.From);
            w.WriteString("status"u8, TaskJson.NameOf(task.Status));
            w.WriteBoolean("archived"u8, task.Archived);
            WriteTexts(w, "changes", task.Changes);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteNumber("alreadyImported"u8, report.AlreadyThere);
        WriteTexts(w, "agents", report.Agents);
        WriteTexts(w, "variables", report.Variables);
        WriteTexts(w, "agentChanges", report.AgentChanges);
        w.WriteStartArray("skipped"u8);
        foreach (var skip in report.Skipped)
        {
            w.WriteStartObject();
            w.WriteString("what"u8, skip.What);
            w.WriteString("why"u8, skip.Why);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter w, string name, IEnumerable<string> texts)
    {
        w.WriteStartArray(name);
        foreach (var text in texts)
        {
            w.WriteStringValue(text);
        }

        w.WriteEndArray();
    }
}
