using System.Globalization;

namespace AgentQueue.Cli.Output;

/// <summary>The counts under the table of <c>status</c>, over all tasks, shown or not.</summary>
internal sealed record StatusSummary
{
    public int Pending { get; init; }

    public int Held { get; init; }

    public int Waiting { get; init; }

    public int Running { get; init; }

    public int WithTimeout { get; init; }

    public int NearTimeout { get; init; }

    public int Complete { get; init; }

    public int Failed { get; init; }

    public int AutoRetry { get; init; }

    public int TimedOut { get; init; }

    public int Cancelled { get; init; }

    /// <summary>Finished tasks that the table leaves out.</summary>
    public int NotShown { get; init; }

    /// <summary>Other tasks that it leaves out, because of a limit.</summary>
    public int UnfinishedNotShown { get; init; }

    public int Total => Pending + Running + Complete + Failed + Cancelled;

    public IReadOnlyList<string> ToLines(bool ascii = false)
    {
        var pending = Parts((Held, "held"), (Waiting, "waiting"));
        var running = Parts((WithTimeout, "with timeouts"), (NearTimeout, "nearing timeout"));
        var failed = Parts((AutoRetry, "with auto-retry"), (TimedOut, "timed out"));
        List<string> lines =
        [
            Text(
                $"Total: {Total} | Pending: {Pending}{pending} | Complete: {Complete} | Cancelled: {Cancelled}"
            ),
            Text($"Running: {Running}{running}"),
            Text($"Failed: {Failed}{failed}"),
        ];
        var hidden = NotShown + UnfinishedNotShown;
        if (hidden > 0)
        {
            var what = UnfinishedNotShown > 0 ? "more" : "older finished";
            var tasks = hidden == 1 ? "task" : "tasks";
            lines.Insert(
                0,
                Text($"{(ascii ? "..." : "…")} and {hidden} {what} {tasks} not shown (--all)")
            );
        }

        return lines;
    }

    private static string Parts(params ReadOnlySpan<(int Count, string What)> parts)
    {
        List<string> shown = [];
        foreach (var (count, what) in parts)
        {
            if (count > 0)
            {
                shown.Add(Text($"{count} {what}"));
            }
        }

        return shown.Count == 0 ? "" : $" ({string.Join(", ", shown)})";
    }

    private static string Text(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture);
}
