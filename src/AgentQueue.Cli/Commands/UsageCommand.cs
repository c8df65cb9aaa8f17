using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AgentQueue.Agents;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>usage</c>: tokens and dollars of all tasks that told them, also of those that are gone.</summary>
internal static class UsageCommand
{
    private const string ByAgent = "agent";
    private const string ByDay = "day";
    private const string ByLabel = "label";
    private const string ByPlan = "plan";
    private const string ByModel = "model";

    private static readonly Option<string?> s_by = Options.Word(
        "--by",
        "A row for each (default: agent)",
        ByAgent,
        ByDay,
        ByLabel,
        ByPlan,
        ByModel
    );

    private static readonly Option<string?> s_since = Options.Text(
        "--since",
        "TIME|7d",
        "Only what was used since then, or in so long a time"
    );

    private static readonly Option<string[]> s_labels = Options.Repeated(
        "--label",
        "KEY=VALUE",
        "Only tasks with this label (repeatable: with all of them)"
    );

    private static readonly string?[] s_none = [null];

    public static Command Create()
    {
        var usage = new Verb(
            "usage",
            "Show the tokens, the dollars and the time that tasks have used",
            "agentq usage",
            "agentq usage --by day --since 7d",
            "agentq usage --by model --label area=parser --json"
        )
        {
            s_by,
            s_since,
            s_labels,
        };
        usage.Runs(Execute);
        return usage;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var by = parsed.GetValue(s_by) ?? ByAgent;
        DateTimeOffset? since = parsed.GetValue(s_since) is { } text
            ? PastTime.Parse(
                text,
                "--since",
                session.Project.Clock.GetUtcNow(),
                session.Project.Clock.LocalTimeZone
            )
            : null;
        var labels = KeyValues.Labels(parsed.GetValue(s_labels) ?? []);
        var entries = new UsageLog(session.Queue)
            .Read()
            .Where(e => since is null || e.At >= since)
            .Where(e => labels.All(l => e.Labels.TryGetValue(l.Key, out var v) && v == l.Value))
            .ToImmutableArray();
        var sums = UsageSums.By(entries, KeysBy(session, by));
        var total = UsageSums.Of(null, entries);
        if (session.Json)
        {
            Print(by, since, sums, total);
        }
        else if (entries.IsEmpty)
        {
            Session.Screen.Talk(
                since is null && labels.IsEmpty
                    ? "No task has told what it has used yet"
                    : "No such task has told what it has used"
            );
        }
        else
        {
            TableOutput.Print(Session.Screen, ToTable(by, sums, total));
        }

        return ExitCode.Ok;
    }

    private static Func<UsageEntry, IEnumerable<string?>> KeysBy(Session session, string by)
    {
        var plans = new Dictionary<string, string>(StringComparer.Ordinal);
        return by switch
        {
            ByDay => entry =>
                [
                    LocalTime
                        .Wall(entry.At, session.Project.Clock.LocalTimeZone)
                        .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                ],
            ByLabel => static entry =>
                entry.Labels.IsEmpty
                    ? s_none
                    : entry.Labels.Select(static string? (l) => $"{l.Key}={l.Value}"),
            ByPlan => entry => [entry.Run is { } run ? PlanOf(run) : null],
            ByModel => static entry => [entry.Model],
            _ => static entry => [entry.Agent],
        };

        string PlanOf(string run)
        {
            if (!plans.TryGetValue(run, out var plan))
            {
                plans[run] = plan = ReadPlan(session, run);
            }

            return plan;
        }
    }

    /// <summary>The plan's file; the id of a run that is gone.</summary>
    private static string ReadPlan(Session session, string run)
    {
        try
        {
            return RunId.TryParse(run, out var id)
                ? RunRecord.Read(session.Queue, id).Plan is { Length: > 0 } plan
                    ? plan
                    : run
                : run;
        }
        catch (QueueException)
        {
            // What it used stays known when its folder does not.
            return run;
        }
    }

    private static Table ToTable(string by, IReadOnlyList<UsageSum> sums, UsageSum total)
    {
        var table = new Table(
            new Column(char.ToUpperInvariant(by[0]) + by[1..]) { Flexible = true },
            new Column("Tasks") { AlignRight = true },
            new Column("In") { AlignRight = true },
            new Column("Out") { AlignRight = true },
            new Column("Cache read") { AlignRight = true, Rank = 3 },
            new Column("Cache write") { AlignRight = true, Rank = 4 },
            new Column("Cost") { AlignRight = true },
            new Column("Turns") { AlignRight = true, Rank = 2 },
            new Column("Time") { AlignRight = true, Rank = 1 }
        );
        foreach (var sum in sums)
        {
            Add(sum.Key ?? UsageText.Unknown, sum);
        }

        Add("Total", total);
        return table;

        void Add(string name, UsageSum sum) =>
            table.Add(
                name,
                UsageText.Exact(sum.Tasks),
                Number(sum.Usage.Input),
                Number(sum.Usage.Output),
                Number(sum.Usage.CacheRead),
                Number(sum.Usage.CacheWrite),
                CostOf(sum),
                Number(sum.Turns),
                Duration.FormatShort(sum.Duration)
            );
    }

    private static string CostOf(UsageSum sum) =>
        sum.Usage.Cost is not { } cost ? UsageText.Unknown
        : sum.UnknownCosts == 0 ? UsageText.Dollars(cost)
        : $"{UsageText.Dollars(cost)} + {UsageText.Exact(sum.UnknownCosts)} unknown";

    private static string Number(long? number) =>
        number is { } known ? UsageText.Exact(known) : UsageText.Unknown;

    private static void Print(
        string by,
        DateTimeOffset? since,
        IReadOnlyList<UsageSum> sums,
        UsageSum total
    ) =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteString("by"u8, by);
                w.WriteString("since"u8, since is { } at ? TimeText.Exact(at) : null);
                w.WriteStartArray("groups"u8);
                foreach (var sum in sums)
                {
                    w.WriteStartObject();
                    w.WriteString("key"u8, sum.Key);
                    Write(w, sum);
                    w.WriteEndObject();
                }

                w.WriteEndArray();
                w.WriteStartObject("total"u8);
                Write(w, total);
                w.WriteEndObject();
            }
        );

    private static void Write(Utf8JsonWriter w, UsageSum sum)
    {
        w.WriteNumber("tasks"u8, sum.Tasks);
        ResultJson.WriteUsage(w, sum.Usage);
        w.WriteNumber("unknownCosts"u8, sum.UnknownCosts);
        if (sum.Turns is { } turns)
        {
            w.WriteNumber("turns"u8, turns);
        }
        else
        {
            w.WriteNull("turns"u8);
        }

        w.WriteNumber("durationMs"u8, (long)sum.Duration.TotalMilliseconds);
    }
}
