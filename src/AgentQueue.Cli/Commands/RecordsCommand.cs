using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>records</c>: what was done, by whom and when.</summary>
internal static class RecordsCommand
{
    private const int DefaultLimit = 50;

    private static readonly Option<int?> s_limit = Options.Number(
        "--limit",
        $"Show at most this many (default: {DefaultLimit})",
        1,
        1_000_000
    );

    private static readonly Option<string?> s_action = Options.Text(
        "--action",
        "NAME",
        "Only this action, such as git.branch, or all below it, such as git"
    );

    // What there is in an ordinary project; what else was recorded may be asked for, too.
    private static readonly string[] s_known =
    [
        "git",
        "git.branch",
        "git.issue",
        "plan",
        "plan.approve",
        "plan.cancel",
        "plan.document",
        "plan.new",
        "plan.reject",
        "plan.resume",
        "plan.run",
        "worktree",
        "worktree.apply",
        "worktree.discard",
        "worktree.merge",
    ];

    static RecordsCommand() =>
        s_action.CompletionSources.Add(_ => s_known.Select(static n => new CompletionItem(n)));

    public static Command Create()
    {
        var command = new Verb(
            "records",
            "Show what was done, by whom and when, the newest first",
            "agentq records",
            "agentq records --action git.issue --json"
        )
        {
            s_limit,
            s_action,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var list = new Records(session.Queue).Newest(
            parsed.GetValue(s_limit) ?? DefaultLimit,
            parsed.GetValue(s_action)
        );
        foreach (var (file, line, reason) in list.Unreadable)
        {
            var place =
                line == 0 ? file : string.Create(CultureInfo.InvariantCulture, $"{file}:{line}");
            Session.Screen.Talk($"{place} is no record: {reason}; passed over", Tone.Warn);
        }

        if (session.Json)
        {
            PrintJson(list);
        }
        else if (list.Records.Count == 0)
        {
            Session.Screen.Talk("Nothing is recorded");
        }
        else
        {
            PrintTable(list.Records);
        }

        return ExitCode.Ok;
    }

    private static void PrintTable(List<ActionRecord> records)
    {
        var table = new Table(
            new Column("When"),
            new Column("Who") { Rank = 2 },
            new Column("Action"),
            new Column("About") { Rank = 3 },
            new Column("Exit") { AlignRight = true },
            new Column("Time") { AlignRight = true, Rank = 1 },
            new Column("Command") { Flexible = true, WidestInMarkdown = 80 }
        );
        foreach (var record in records)
        {
            table.Add(
                TimeText.At(record.At),
                record.Who,
                record.Action,
                record.Subject ?? "-",
                new Cell(
                    record.ExitCode.ToString(CultureInfo.InvariantCulture),
                    record.ExitCode == 0 ? Tone.Good : Tone.Bad
                ),
                record.Took < TimeSpan.FromSeconds(1)
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $"{record.Took.TotalMilliseconds:0}ms"
                    )
                    : Duration.Format(record.Took),
                string.Join(' ', record.Arguments.Select(ShellWords.Quote))
            );
        }

        TableOutput.Print(Session.Screen, table);
    }

    private static void PrintJson(RecordList list) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("records"u8);
                foreach (var record in list.Records)
                {
                    w.WriteStartObject();
                    ActionRecordJson.Write(w, record);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                w.WriteStartArray("unreadable"u8);
                foreach (var (file, line, reason) in list.Unreadable)
                {
                    w.WriteStartObject();
                    w.WriteString("file"u8, file);
                    w.WriteNumber("line"u8, line);
                    w.WriteString("reason"u8, reason);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );
}
