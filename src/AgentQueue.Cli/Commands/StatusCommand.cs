using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>status</c>: settle what can be settled, and show the queue.</summary>
internal static class StatusCommand
{
    private const string TableFormat = "table";
    private const string MarkdownFormat = "markdown";
    private const string IdsFormat = "ids";

    // Changes are seen at once; this is for what makes no sign.
    private static readonly TimeSpan s_defaultInterval = TimeSpan.FromSeconds(5);

    private static readonly Argument<string[]> s_ids = Options.Ids(
        "Only these tasks, however old (default: the next 100 unfinished, the newest 20 finished)",
        required: false
    );

    private static readonly Option<bool> s_all = Options.Flag("--all", "Every task", "-a");

    private static readonly Option<string[]> s_states = Options.Repeated(
        "--state",
        "STATE[,STATE]",
        "Only tasks in these states: "
            + string.Join(", ", StatusFilter.Words.Select(static w => w.Word)),
        "-s"
    );

    private static readonly Option<string[]> s_agents = Options.Repeated(
        "--agent",
        "NAME",
        "Only tasks of this agent (repeatable)"
    );

    private static readonly Option<string[]> s_labels = Options.Repeated(
        "--label",
        "KEY=VALUE",
        "Only tasks with this label (repeatable: with all of them)"
    );

    private static readonly Option<int?> s_limit = Options.Number(
        "--limit",
        "At most N tasks, unfinished ones first",
        1,
        1_000_000,
        "-n"
    );

    private static readonly Option<string?> s_format = Options.Word(
        "--format",
        "How to show them (default: a table on a terminal, else Markdown)",
        TableFormat,
        MarkdownFormat,
        IdsFormat
    );

    private static readonly Option<bool> s_noAutoRetry = Options.Flag(
        "--no-auto-retry",
        "Do not make the automatic retries that are due"
    );

    private static readonly Option<bool> s_watch = Options.Flag(
        "--watch",
        "Stay and show every change; without a terminal a line for each",
        "-w"
    );

    private static readonly Option<TimeSpan?> s_interval = Options.Time(
        "--interval",
        "With --watch: look at least this often (default 5s; changes show at once)",
        "-i"
    );

    public static Command Create()
    {
        s_states.CompletionSources.Add([.. StatusFilter.Words.Select(static w => w.Word)]);
        s_agents.CompletionSources.Add(Completions.Agents);
        var command = new Verb(
            "status",
            "Show the queue: what runs, what waits and for what, what has ended and how",
            "agentq status",
            "agentq status --watch",
            "agentq status --state failed --format ids",
            "agentq status --label area=parser --all --json"
        )
        {
            s_ids,
            s_all,
            s_states,
            s_agents,
            s_labels,
            s_limit,
            s_format,
            s_noAutoRetry,
            s_watch,
            s_interval,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        var filter = FilterOf(session, parsed);
        var format = parsed.GetValue(s_format);
        var autoRetry = !parsed.GetValue(s_noAutoRetry);
        if (parsed.GetValue(s_watch))
        {
            return new StatusWatch(session, filter, autoRetry).Run(
                parsed.GetValue(s_interval) ?? s_defaultInterval,
                format is null or TableFormat
            );
        }

        var snapshot = session.Project.Look(autoRetry, Warn);
        var view = StatusView.Of(
            session.Queue,
            snapshot,
            filter,
            session.Project.Clock.GetUtcNow(),
            () => session.Project.Clock.LocalTimeZone
        );
        session.Debug($"{view.Counts.Total} tasks, {view.Tasks.Count} shown");
        if (session.Json)
        {
            StatusReply.PrintJson(session, view);
        }
        else
        {
            Print(session, view, filter, format);
        }

        foreach (var bad in view.Unreadable)
        {
            Session.Screen.Talk(WarningOf(session.Queue, bad), Tone.Warn);
        }

        return ExitCode.Ok;
    }

    private static void Print(Session session, StatusView view, StatusFilter filter, string? format)
    {
        var screen = Session.Screen;
        format ??= screen.OutIsTerminal ? TableFormat : MarkdownFormat;
        if (format == IdsFormat)
        {
            screen.Lines(view.Tasks.Select(static task => task.Id.Value));
            if (view.NotShown > 0)
            {
                // Whoever hands the ids on must not take a part for the whole.
                screen.Talk(
                    $"{view.NotShown} more tasks match and are not listed: add --all",
                    Tone.Warn
                );
            }

            return;
        }

        if (view.Counts.Total == 0 && view.Unreadable.Count == 0)
        {
            screen.Talk("The queue is empty; put something in: agentq start AGENT \"PROMPT\"");
            return;
        }

        if (view.Tasks.Count > 0)
        {
            var usage = new ShownUsage(session.Queue);
            var rows = view.Tasks.Select(task => StatusReply.RowOf(task, usage.Of(task)));
            screen.Lines(
                format == TableFormat
                    ? StatusTable.ToTerminal(rows, screen.Style)
                    : StatusTable.ToMarkdown(rows)
            );
            screen.Line();
        }

        if (filter.Ids.IsEmpty)
        {
            screen.Lines(StatusReply.SummaryOf(view).ToLines(screen.Style.Ascii));
            foreach (var bar in Bars(session, view))
            {
                screen.Line(Terminal.Clean($"Not started: {bar.Reason}"));
            }
        }
    }

    /// <summary>What keeps tasks from starting besides slots and dependencies.</summary>
    public static IReadOnlyList<StartBar> Bars(Session session, StatusView view)
    {
        if (view.Counts.Pending == 0)
        {
            return [];
        }

        var bars = StartGate.Standing(
            session.Queue,
            () => session.Project.Planner,
            session.Project.Clock
        );
        var forsaken = view.Tasks.Count(t =>
            t.Task.State is TaskState.Pending { Held: false, Limit: not null }
            && !t.IsStarting
            && ParkedTask.IsForsaken(session.Queue, t.Id)
        );
        return forsaken == 0
            ? bars
            :
            [
                .. bars,
                new StartBar(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"nobody starts {(forsaken == 1 ? "1 task" : $"{forsaken} tasks")} when the usage limit is over; agentq run --drain does"
                    ),
                    null
                ),
            ];
    }

    private static StatusFilter FilterOf(Session session, ParseResult parsed) =>
        new()
        {
            Ids = [.. session.FindIds(parsed.GetValue(s_ids) ?? [], archived: true)],
            States = StatesOf(parsed.GetValue(s_states) ?? []),
            Agents = [.. parsed.GetValue(s_agents) ?? []],
            Labels = KeyValues.Labels(parsed.GetValue(s_labels) ?? []),
            All = parsed.GetValue(s_all),
            Limit = parsed.GetValue(s_limit),
        };

    private static ImmutableHashSet<StateView> StatesOf(string[] texts)
    {
        var states = ImmutableHashSet.CreateBuilder<StateView>();
        foreach (var word in texts.SelectMany(static text => text.Split(',')))
        {
            var at = Array.FindIndex(StatusFilter.Words, w => w.Word == word.Trim());
            if (at < 0)
            {
                var words = StatusFilter.Words.Select(static w => w.Word).ToList();
                throw QueueException.Usage(
                    $"--state must be one of {string.Join(", ", words)}, not '{word}'{Nearest.Suggestion(word, words)}"
                );
            }

            states.Add(StatusFilter.Words[at].State);
        }

        return states.ToImmutable();
    }

    /// <summary>What kept the queue from being settled: it is shown as it stands.</summary>
    public static void Warn(QueueException problem) =>
        Session.Screen.Talk(WarningOf(problem), Tone.Warn);

    public static string WarningOf(QueueException problem) =>
        $"agentq: warning: shown as it stands, could not be brought up to date: {problem.Message}";

    public static string WarningOf(QueueFolder queue, TaskRead.Unreadable bad) =>
        $"agentq: warning: cannot read {queue.TaskFile(bad.Id)}: {bad.Reason}; left as it is";
}
