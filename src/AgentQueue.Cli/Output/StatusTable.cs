using System.Globalization;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Cli.Output;

/// <summary>One task as <c>status</c> shows it.</summary>
/// <param name="Waiting">Pending, and kept from starting by a dependency or its time.</param>
/// <param name="Limit">The time allowed, extensions included.</param>
/// <param name="Warning">How long before the limit it counts as near.</param>
/// <param name="Info">An error, a countdown (<c>retry in 4s</c>), or what it waits for.</param>
internal sealed record StatusRow(
    string Id,
    bool IsRetry,
    string Agent,
    TaskStatus Status,
    bool Held,
    bool Waiting,
    string? Reason,
    string Prompt,
    string? Name,
    TimeSpan? Elapsed,
    TimeSpan? Limit,
    TimeSpan? Warning,
    int RetryCount,
    int MaxRetries,
    string Info
)
{
    /// <summary>Running, and at most <see cref="Warning"/> away from its limit.</summary>
    public bool IsNearLimit =>
        Status == TaskStatus.Running
        && Limit - Elapsed is { } left
        && left <= (Warning ?? TimeSpan.Zero);
}

/// <summary>The table of <c>status</c>: for a terminal, as Markdown, or the ids alone.</summary>
internal static class StatusTable
{
    private static readonly Column[] s_columns =
    [
        new("ID"),
        new("Agent")
        {
            Flexible = true,
            Narrowest = 6,
            Widest = 16,
            Rank = 2,
        },
        new("Status"),
        new("Prompt")
        {
            Flexible = true,
            Narrowest = 10,
            WidestInMarkdown = 60,
        },
        new("Time") { Rank = 1 },
        new("Retry") { Rank = 3 },
        new("Info")
        {
            Flexible = true,
            Narrowest = 8,
            WidestInMarkdown = 100,
        },
    ];

    public static IReadOnlyList<string> ToTerminal(IEnumerable<StatusRow> rows, TextStyle style) =>
        Build(rows, style.Ascii ? Icons.Ascii : Icons.Unicode).ToTerminal(style);

    public static IReadOnlyList<string> ToMarkdown(IEnumerable<StatusRow> rows) =>
        Build(rows, Icons.Unicode).ToMarkdown();

    /// <summary>Full ids, in the order of the table, for scripts.</summary>
    public static IReadOnlyList<string> ToIds(IEnumerable<StatusRow> rows) =>
        [.. rows.Select(row => row.Id)];

    private static Table Build(IEnumerable<StatusRow> rows, Icons icons)
    {
        var table = new Table(s_columns);
        foreach (var row in rows)
        {
            table.Add(
                row.IsRetry ? $"{icons.Retry} {row.Id}" : row.Id,
                row.Agent,
                StatusCell(row, icons),
                row.Name is { } name ? $"{name}: {row.Prompt}" : row.Prompt,
                TimeCell(row, icons),
                RetryText(row),
                row.Info.Length > 0 ? row.Info : row.Reason ?? ""
            );
        }

        return table;
    }

    private static Cell StatusCell(StatusRow row, Icons icons) =>
        row switch
        {
            { Status: TaskStatus.Pending, Held: true } => new Cell($"{icons.Held} held", Tone.Dim),
            { Status: TaskStatus.Pending, Waiting: true } => new Cell(
                $"{icons.Waiting} waiting",
                Tone.Dim
            ),
            { Status: TaskStatus.Pending } => new Cell($"{icons.Pending} pending"),
            { Status: TaskStatus.Running, IsNearLimit: true } => new Cell(
                $"{icons.NearLimit} running",
                Tone.Warn
            ),
            { Status: TaskStatus.Running } => new Cell($"{icons.Running} running", Tone.Info),
            { Status: TaskStatus.Complete } => new Cell($"{icons.Complete} complete", Tone.Good),
            { Status: TaskStatus.Failed } => new Cell($"{icons.Failed} failed", Tone.Bad),
            _ => new Cell($"{icons.Cancelled} cancelled", Tone.Dim),
        };

    private static Cell TimeCell(StatusRow row, Icons icons)
    {
        if (row.Elapsed is not { } elapsed)
        {
            return "-";
        }

        if (row.Status != TaskStatus.Running || row.Limit is not { } limit)
        {
            return Duration.Format(elapsed);
        }

        var text = $"{Duration.Format(elapsed)} / {Duration.Format(limit)}";
        return row.IsNearLimit ? new Cell($"{icons.Warning} {text}", Tone.Warn) : text;
    }

    private static string RetryText(StatusRow row) =>
        row.RetryCount > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{row.RetryCount}/{row.MaxRetries}")
            : "-";

    internal sealed record Icons(
        string Pending,
        string Running,
        string NearLimit,
        string Complete,
        string Failed,
        string Cancelled,
        string Held,
        string Waiting,
        string Retry,
        string Warning
    )
    {
        public static readonly Icons Unicode = new(
            "⏸",
            "▶",
            "⏱",
            "✓",
            "✗",
            "⊗",
            "‖",
            "⧗",
            "↻",
            "⚠"
        );

        public static readonly Icons Ascii = new(
            "[ ]",
            "[>]",
            "[!]",
            "[+]",
            "[X]",
            "[-]",
            "[=]",
            "[~]",
            "^",
            "!"
        );
    }
}
