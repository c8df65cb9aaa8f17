using System.CommandLine;
using System.Globalization;
using AgentQueue.Keeping;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Cli.Commands;

/// <summary><c>clean</c>: remove finished tasks with all their files.</summary>
internal static class CleanCommand
{
    private static readonly (string Word, TaskStatus[] States)[] s_filters =
    [
        ("completed", [TaskStatus.Complete]),
        ("complete", [TaskStatus.Complete]),
        ("failed", [TaskStatus.Failed]),
        ("cancelled", [TaskStatus.Cancelled]),
        ("all", [TaskStatus.Complete, TaskStatus.Failed, TaskStatus.Cancelled]),
    ];

    private static readonly Argument<string[]> s_what = new("WHAT")
    {
        HelpName = "completed|failed|cancelled|all|ID",
        Description = "Which finished tasks, or tasks by id (default: completed)",
        Arity = ArgumentArity.ZeroOrMore,
        CompletionSources =
        {
            _ =>
                s_filters.Select(static f => new System.CommandLine.Completions.CompletionItem(
                    f.Word
                )),
            Completions.Ids,
        },
    };

    private static readonly Option<TimeSpan?> s_olderThan = Options.Time(
        "--older-than",
        "Only tasks that ended at least this long ago"
    );

    private static readonly Option<bool> s_dryRun = Options.Flag(
        "--dry-run",
        "Say what would be removed, and remove nothing"
    );

    private static readonly Option<bool> s_yes = Options.Flag(
        "--yes",
        "Do not ask, however many they are",
        "-y"
    );

    public static Command Create()
    {
        var command = new Verb(
            "clean",
            "Remove finished tasks with all their files; never pending or running ones",
            "agentq clean",
            "agentq clean failed cancelled --older-than 7d",
            "agentq clean 01j9x2 01j9x3",
            "agentq clean all --dry-run"
        )
        {
            s_what,
            s_olderThan,
            s_dryRun,
            s_yes,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var cleaning = new Cleaning(
            session.Queue,
            session.Project.Reconciler,
            session.Project.Clock
        );
        var ids = Choose(session, cleaning, parsed);
        if (ids.Count == 0 && !session.Json)
        {
            Session.Screen.Talk("There is nothing to clean");
        }

        if (parsed.GetValue(s_dryRun))
        {
            return MovedTasks.Tell(session, "removed", ids, [], dryRun: true);
        }

        if (ids.Count > 0 && !Confirmation.Given(ids, parsed.GetValue(s_yes), "removed"))
        {
            return ExitCode.Ok;
        }

        var refused = new List<Refusal>();
        ids = new WorktreeSweep(session.Project).BeforeClean(ids, refused);
        var result = cleaning.Clean(ids);
        TellOfStranded(result);
        return MovedTasks.Tell(
            session,
            "removed",
            [.. result.Cleaned.Select(static t => t.Id)],
            [.. refused, .. result.Refused],
            more: w => w.WriteNumber("dependentsLeftWaiting"u8, result.Stranded.Count)
        );
    }

    private static IReadOnlyList<TaskId> Choose(
        Session session,
        Cleaning cleaning,
        ParseResult parsed
    )
    {
        string[] words = parsed.GetValue(s_what) is { Length: > 0 } given ? given : ["completed"];
        var olderThan = parsed.GetValue(s_olderThan);
        var filters = s_filters.Where(f => words.Contains(f.Word)).ToList();
        if (filters.Count == 0)
        {
            return olderThan is null
                ? session.FindIds(words, archived: true)
                : throw QueueException.Usage(
                    "--older-than goes with completed, failed, cancelled or all, not with ids"
                );
        }

        if (words.FirstOrDefault(w => !filters.Exists(f => f.Word == w)) is { } other)
        {
            throw QueueException.Usage(
                $"'{other}' is an id and '{filters[0].Word}' a kind of tasks; say one or the other"
            );
        }

        var selection = cleaning.Select(
            [.. filters.SelectMany(static f => f.States).Distinct()],
            olderThan
        );
        MovedTasks.TellOfUnreadable(session, selection);
        if (selection.LeftForRetry > 0)
        {
            Session.Screen.Talk(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Left: failed tasks that will be retried by themselves ({selection.LeftForRetry})"
                )
            );
        }

        MovedTasks.TellOfRuns(selection);
        return selection.Ids;
    }

    private static void TellOfStranded(CleanResult result)
    {
        if (result.Stranded.Count > 0)
        {
            var verb = result.Stranded.Count == 1 ? "task depends" : "tasks depend";
            Session.Screen.Talk(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{result.Stranded.Count} pending {verb} on what was removed and can no longer start: {string.Join(", ", result.Stranded.Take(Confirmation.Unasked))}"
                )
            );
        }
    }
}
