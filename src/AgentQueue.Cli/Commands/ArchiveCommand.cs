using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>archive</c>: move old finished tasks out of the way; <c>list</c>, <c>restore</c>, <c>stats</c>.</summary>
internal static class ArchiveCommand
{
    private const int DefaultLimit = 50;

    private static readonly Option<TimeSpan?> s_olderThan = Options.Time(
        "--older-than",
        "Tasks of any state that ended at least this long ago (default: the archive.* settings)"
    );

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Say what would be archived, and move nothing"
    );

    private static readonly Option<bool> s_yes = Options.Flag(
        "--yes",
        "Do not ask, however many they are",
        "-y",
        "--force",
        "-f"
    );

    private static readonly Option<int?> s_limit = Options.Number(
        "--limit",
        $"List at most this many (default: {DefaultLimit})",
        1,
        1_000_000
    );

    private static readonly Argument<string[]> s_ids = Options.Ids("Archived tasks to bring back");

    public static Command Create()
    {
        var command = new Verb(
            "archive",
            "Move old finished tasks out of the way; show and logs still find them",
            "agentq archive --dry-run",
            "agentq archive --older-than 7d",
            "agentq archive restore 01j9x2"
        )
        {
            s_olderThan,
            s_dryRun,
            s_yes,
        };
        command.Runs(Store);
        command.Subcommands.Add(Sub("list", "The archived tasks, the newest first", List, s_limit));
        command.Subcommands.Add(Sub("restore", "Bring archived tasks back", Restore, s_ids));
        command.Subcommands.Add(Sub("stats", "How many tasks, how many MiB", Stats));
        return command;
    }

    private static ExitCode Store(Session session, ParseResult parsed)
    {
        var archive = ArchiveOf(session);
        var selection = archive.Select(
            parsed.GetValue(s_olderThan) is { } age
                ? ArchiveAges.All(age)
                : ArchiveAges.Of(session.Project.Settings)
        );
        MovedTasks.TellOfUnreadable(session, selection);
        var ids = selection.Ids;
        if (ids.Count == 0 && !session.Json)
        {
            Session.Screen.Talk("No finished task is old enough; say how old: --older-than 7d");
        }

        if (parsed.GetValue(s_dryRun))
        {
            return MovedTasks.Tell(session, "archived", ids, [], dryRun: true);
        }

        if (!Confirmation.Given(ids, parsed.GetValue(s_yes), "archived"))
        {
            return ExitCode.Ok;
        }

        var result = archive.Store(ids);
        new WorktreeSweep(session.Project).OfArchived(Ids(result));
        return MovedTasks.Tell(session, "archived", Ids(result), result.Refused);
    }

    private static ExitCode Restore(Session session, ParseResult parsed)
    {
        var ids = session.FindIds(parsed.GetValue(s_ids)!, archived: true);
        var result = ArchiveOf(session).Restore(ids);
        return MovedTasks.Tell(session, "restored", Ids(result), result.Refused);
    }

    private static ExitCode List(Session session, ParseResult parsed)
    {
        var (tasks, unreadable) = ArchiveOf(session).List();
        var shown = tasks.Take(parsed.GetValue(s_limit) ?? DefaultLimit).ToList();
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    w.WriteNumber("total"u8, tasks.Count);
                    w.WriteNumber("unreadable"u8, unreadable);
                    TaskReply.WriteArray(w, "tasks"u8, shown);
                }
            );
        }
        else if (tasks.Count == 0)
        {
            Session.Screen.Talk("The archive is empty");
        }
        else
        {
            PrintTable(shown);
            Tell(tasks.Count - shown.Count, "more; list them with --limit");
        }

        Tell(unreadable, "files in the archive cannot be read; see agentq doctor");
        return ExitCode.Ok;
    }

    private static ExitCode Stats(Session session, ParseResult parsed)
    {
        var stats = ArchiveOf(session).Stats();
        var lines = new (string Name, int Count)[]
        {
            ("complete", stats.Completed),
            ("failed", stats.Failed),
            ("cancelled", stats.Cancelled),
            ("unreadable", stats.Unreadable),
        };
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w =>
                {
                    foreach (var (name, count) in lines)
                    {
                        w.WriteNumber(name, count);
                    }

                    w.WriteNumber("bytes"u8, stats.Bytes);
                }
            );
            return ExitCode.Ok;
        }

        foreach (
            var (name, count) in lines.Where(static l => l.Name != "unreadable" || l.Count > 0)
        )
        {
            Session.Screen.Line(
                string.Create(CultureInfo.InvariantCulture, $"{name + ":", -11} {count}")
            );
        }

        Session.Screen.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{"size:", -11} {stats.Bytes / 1048576.0:0.0} MiB"
            )
        );
        return ExitCode.Ok;
    }

    private static void PrintTable(IEnumerable<AgentTask> tasks)
    {
        var table = new Table(
            new Column("ID"),
            new Column("Agent")
            {
                Flexible = true,
                Narrowest = 6,
                Widest = 16,
                Rank = 2,
            },
            new Column("Status"),
            new Column("Ended") { Rank = 1 },
            new Column("Prompt") { Flexible = true, WidestInMarkdown = 60 }
        );
        foreach (var task in tasks)
        {
            table.Add(
                task.Id.Value,
                task.Agent,
                TaskJson.NameOf(task.Status),
                TimeText.At(TaskArchive.EndOf(task)),
                task.Name is { } name ? $"{name}: {task.Prompt}" : task.Prompt
            );
        }

        Session.Screen.Lines(
            Session.Screen.OutIsTerminal
                ? table.ToTerminal(Session.Screen.Style)
                : table.ToMarkdown()
        );
    }

    private static void Tell(int count, string what)
    {
        if (count > 0)
        {
            Session.Screen.Talk(
                string.Create(CultureInfo.InvariantCulture, $"{count} {what}"),
                Tone.Dim
            );
        }
    }

    private static Verb Sub(
        string name,
        string description,
        Func<Session, ParseResult, ExitCode> execute,
        params Symbol[] symbols
    )
    {
        var command = new Verb(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else if (symbol is Option option)
            {
                command.Options.Add(option);
            }
        }

        command.Runs(execute);
        return command;
    }

    private static TaskArchive ArchiveOf(Session session) =>
        new(session.Queue, session.Project.Reconciler, session.Project.Clock);

    private static IReadOnlyList<TaskId> Ids(ArchiveResult result) =>
        [.. result.Moved.Select(static t => t.Id)];
}
