using System.Globalization;
using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>
/// A run in Markdown: overview, tasks, a timeline, what went wrong with the last lines of standard error, and
/// what was kept. Everything in it comes from the run's tasks, so it can be made again at any time.
/// </summary>
internal static class RunReport
{
    private const int ErrorLines = 50;
    private const int LongestErrors = 8000;
    private const int TimelineWidth = 40;
    private const int MostArtifacts = 200;

    public static string Of(QueueFolder queue, RunView view, DateTimeOffset now)
    {
        var text = new StringBuilder();
        var record = view.Record;
        text.Append(CultureInfo.InvariantCulture, $"# {Inline(record.Goal ?? record.Plan)}\n\n");
        Row(text, "Run", record.Id.Value);
        Row(text, "Plan", record.Plan);
        Row(text, "State", RunView.WordOf(view.State));
        Row(text, "Began", Time(view.StartedAt ?? record.CreatedAt));
        if (view.EndedAt is { } ended)
        {
            Row(text, "Ended", Time(ended));
            Row(text, "Took", Duration.FormatShort(ended - (view.StartedAt ?? ended)));
        }

        Row(text, "Working folder", record.WorkingFolder);
        text.Append("\n## Tasks\n\n");
        text.Append("| # | Task | State | Attempts | Time | Exit | Note |\n");
        text.Append("|--:|---|---|--:|--:|--:|---|\n");
        for (var i = 0; i < view.Nodes.Length; i++)
        {
            var node = view.Nodes[i];
            var exit = (node.Last?.State as TaskState.Finished)?.ExitCode;
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {i + 1} | {Inline(node.Id)} | {RunView.WordOf(node.State)} | {node.Attempts.Count(static t => NodeView.StartOf(t) is not null)} | {(node.Took(now) is { } took ? Duration.FormatShort(took) : "")} | {exit} | {Inline(FirstLine(node.Reason))} |\n"
            );
        }

        AddTimeline(text, view, now);
        AddProblems(text, queue, view);
        AddArtifacts(text, queue, view);
        return text.ToString();
    }

    // One line a task, drawn to the scale of the whole run.
    private static void AddTimeline(StringBuilder text, RunView view, DateTimeOffset now)
    {
        if (view.StartedAt is not { } from)
        {
            return;
        }

        var whole = (view.EndedAt ?? now) - from;
        var width = Math.Min(view.Nodes.Max(static n => n.Id.Length), 40);
        text.Append("\n## Timeline\n\n```text\n");
        foreach (var node in view.Nodes)
        {
            var line = new char[TimelineWidth];
            Array.Fill(line, ' ');
            foreach (var attempt in node.Attempts)
            {
                if (NodeView.StartOf(attempt) is not { } start)
                {
                    continue;
                }

                var end = (attempt.State as TaskState.Finished)?.CompletedAt ?? now;
                var first = Place(start - from, whole);
                var last = Math.Max(Place(end - from, whole), first);
                var mark = attempt.State is TaskState.Complete or TaskState.Running ? '#' : 'x';
                Array.Fill(line, mark, first, last - first + 1);
            }

            var name = node.Id.Length > width ? node.Id[..width] : node.Id.PadRight(width);
            text.Append(CultureInfo.InvariantCulture, $"{name} |{new string(line)}|\n");
        }

        text.Append(' ', width + 1)
            .Append(
                CultureInfo.InvariantCulture,
                $"0{Duration.FormatShort(whole), TimelineWidth}\n"
            );
        text.Append("```\n");
    }

    private static int Place(TimeSpan at, TimeSpan whole) =>
        whole <= TimeSpan.Zero
            ? 0
            : (int)Math.Clamp(at / whole * TimelineWidth, 0, TimelineWidth - 1);

    private static void AddProblems(StringBuilder text, QueueFolder queue, RunView view)
    {
        var bad = view
            .Nodes.Where(static n =>
                n.State is NodeState.Failed or NodeState.Cancelled
                || n is { State: NodeState.Complete, Reason.Length: > 0 }
            )
            .ToList();
        if (bad.Count == 0)
        {
            return;
        }

        text.Append("\n## Problems\n");
        foreach (var node in bad)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n### {Inline(node.Id)}: {RunView.WordOf(node.State)}\n\n"
            );
            if (node.Reason.Length > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"{Inline(FirstLine(node.Reason))}\n\n");
            }

            if (
                node.Last is { } last
                && queue.ErrorLogFile(last.Id) is { } log
                && queue.Disk.Facts(log) is { IsRegular: true, Size: > 0 }
            )
            {
                text.Append("Last lines of standard error:\n\n");
                Block(text, LogTail.Lines(log, ErrorLines, LongestErrors));
            }
        }
    }

    private static void AddArtifacts(StringBuilder text, QueueFolder queue, RunView view)
    {
        var count = 0;
        foreach (var node in view.Nodes)
        {
            var folder = StepTexts.ArtifactsOf(queue, view.Record.Id, node.Id);
            foreach (var file in FilesBelow(folder))
            {
                if (count++ == 0)
                {
                    text.Append("\n## Artifacts\n\n");
                }

                if (count > MostArtifacts)
                {
                    text.Append("- … and more\n");
                    return;
                }

                text.Append(
                    CultureInfo.InvariantCulture,
                    $"- {Inline(node.Id)}: `{Path.GetRelativePath(folder, file).Replace('`', '\'').Replace('\n', ' ')}` ({new FileInfo(file).Length} bytes)\n"
                );
            }
        }
    }

    internal static IEnumerable<string> FilesBelow(string folder) =>
        Directory.Exists(folder)
            ? Directory
                .EnumerateFiles(
                    folder,
                    "*",
                    new EnumerationOptions
                    {
                        RecurseSubdirectories = true,
                        IgnoreInaccessible = true,
                        AttributesToSkip = FileAttributes.ReparsePoint,
                    }
                )
                .Order(StringComparer.Ordinal)
            : [];

    // Longer than any fence in the text, so that the text cannot end it.
    private static void Block(StringBuilder text, string content)
    {
        var fence = "```";
        while (content.Contains(fence, StringComparison.Ordinal))
        {
            fence += "`";
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"{fence}text\n{content.TrimEnd('\n')}\n{fence}\n"
        );
    }

    private static void Row(StringBuilder text, string name, string value) =>
        text.Append(CultureInfo.InvariantCulture, $"- **{name}:** {Inline(value)}\n");

    // Data in a line of Markdown: no line of its own, no cell of its own, no markup.
    internal static string Inline(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (c is '|' or '*' or '_' or '`' or '[' or ']' or '<' or '>' or '\\' or '#')
            {
                safe.Append('\\');
            }

            safe.Append(char.IsControl(c) ? ' ' : c);
        }

        return safe.ToString();
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0];

    internal static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
