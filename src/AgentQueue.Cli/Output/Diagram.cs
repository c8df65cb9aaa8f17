using System.Globalization;
using System.Text;

namespace AgentQueue.Cli.Output;

/// <summary>What a box of a diagram tells by its colour.</summary>
internal enum BoxState
{
    /// <summary>Nothing has been done with it: a task of a plan's file.</summary>
    Planned,
    Pending,
    Running,
    Complete,
    Failed,
    Cancelled,
    Skipped,
    Missing,
}

/// <param name="Key">Unique in the diagram; shown first, whole.</param>
/// <param name="Lines">More about it, shown below.</param>
/// <param name="After">The keys of what comes before it, each with a word for the arrow or none.</param>
internal sealed record Box(
    string Key,
    IReadOnlyList<string> Lines,
    BoxState State,
    IReadOnlyList<(string Key, string Word)> After
);

/// <summary>
/// Boxes and the arrows between them, in the languages that documents and other programs read. Texts are
/// data: in none of them can one end its quotes or be taken for a command.
/// </summary>
internal static class Diagram
{
    private const int LongestLabel = 60;

    private static readonly (BoxState State, string Fill, string Stroke)[] s_colours =
    [
        (BoxState.Planned, "#f4f6f8", "#64748b"),
        (BoxState.Pending, "#eeeeee", "#888888"),
        (BoxState.Running, "#cfe8ff", "#2b6cb0"),
        (BoxState.Complete, "#d3f5d3", "#2f855a"),
        (BoxState.Failed, "#ffd6d6", "#c53030"),
        (BoxState.Cancelled, "#dddddd", "#555555"),
        (BoxState.Skipped, "#fff4d6", "#b7791f"),
        (BoxState.Missing, "#ffffff", "#c53030"),
    ];

    public static (string Fill, string Stroke) ColoursOf(BoxState state)
    {
        var (_, fill, stroke) = Array.Find(s_colours, c => c.State == state);
        return (fill, stroke);
    }

    /// <summary>A Mermaid flow chart, each arrow from what comes first to what waits for it.</summary>
    public static IEnumerable<string> Mermaid(IReadOnlyList<Box> boxes)
    {
        var names = Names(boxes);
        yield return "graph TD";
        foreach (var box in boxes)
        {
            var label = box.Lines.Prepend(box.Key).Where(static l => l.Length > 0).Select(Escape);
            yield return $"  {names[box.Key]}[\"{string.Join("<br/>", label)}\"]:::{ClassOf(box.State)}";
        }

        foreach (var (from, to, word) in Arrows(boxes))
        {
            var label = word.Length == 0 ? "" : $"|{Escape(word)}|";
            yield return $"  {names[from]} -->{label} {names[to]}";
        }

        foreach (var (state, fill, stroke) in s_colours)
        {
            if (boxes.Any(b => b.State == state))
            {
                var dash = state == BoxState.Missing ? ",stroke-dasharray:4" : "";
                yield return $"  classDef {ClassOf(state)} fill:{fill},stroke:{stroke},color:#222222{dash}";
            }
        }
    }

    /// <summary>The language of Graphviz (https://graphviz.org/doc/info/lang.html).</summary>
    public static IEnumerable<string> Dot(IReadOnlyList<Box> boxes)
    {
        var names = Names(boxes);
        yield return "digraph {";
        yield return "  rankdir=LR";
        yield return "  node [shape=box style=\"rounded,filled\" fontname=\"sans-serif\"]";
        foreach (var box in boxes)
        {
            var (fill, stroke) = ColoursOf(box.State);
            var label = box.Lines.Prepend(box.Key).Where(static l => l.Length > 0).Select(Quote);
            yield return $"  {names[box.Key]} [label=\"{string.Join("\\n", label)}\" fillcolor=\"{fill}\" color=\"{stroke}\"]";
        }

        foreach (var (from, to, word) in Arrows(boxes))
        {
            var label = word.Length == 0 ? "" : $" [label=\"{Quote(word)}\"]";
            yield return $"  {names[from]} -> {names[to]}{label}";
        }

        yield return "}";
    }

    /// <summary>Each arrow whose two ends are there.</summary>
    public static IEnumerable<(string From, string To, string Word)> Arrows(
        IReadOnlyList<Box> boxes
    )
    {
        var known = boxes.Select(static b => b.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var box in boxes)
        {
            foreach (var (key, word) in box.After)
            {
                if (known.Contains(key))
                {
                    yield return (key, box.Key, word);
                }
            }
        }
    }

    /// <summary>
    /// Text that ends neither its quotes nor the line and is never read as Mermaid or HTML: all but letters,
    /// digits and harmless signs becomes a character code.
    /// </summary>
    internal static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var rune in Short(text).EnumerateRunes())
        {
            escaped.Append(
                IsHarmless(rune)
                    ? rune.ToString()
                    : string.Create(CultureInfo.InvariantCulture, $"#{rune.Value};")
            );
        }

        return escaped.ToString();
    }

    /// <summary>One clean line of at most 60 characters.</summary>
    public static string Short(string text)
    {
        var line = Terminal.OneLine(text);
        var runes = line.EnumerateRunes().Count();
        return runes <= LongestLabel
            ? line
            : string.Concat(line.EnumerateRunes().Take(LongestLabel)) + "…";
    }

    public static string ClassOf(BoxState state) =>
        state switch
        {
            BoxState.Planned => "planned",
            BoxState.Pending => "pending",
            BoxState.Running => "running",
            BoxState.Complete => "complete",
            BoxState.Failed => "failed",
            BoxState.Cancelled => "cancelled",
            BoxState.Skipped => "skipped",
            _ => "missing",
        };

    private static string Quote(string text) =>
        Short(text)
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal);

    private static Dictionary<string, string> Names(IReadOnlyList<Box> boxes)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var box in boxes)
        {
            names[box.Key] = string.Create(CultureInfo.InvariantCulture, $"t{names.Count}");
        }

        return names;
    }

    private static bool IsHarmless(Rune rune) =>
        rune.Value == '…'
        || Rune.IsLetterOrDigit(rune)
        || (rune.IsAscii && " .,:_-+/!?'()=".Contains((char)rune.Value));
}
