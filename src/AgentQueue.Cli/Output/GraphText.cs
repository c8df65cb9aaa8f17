using System.Globalization;
using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Cli.Output;

/// <summary>A graph of dependencies as text: a tree for people, a Mermaid diagram for documents.</summary>
internal static class GraphText
{
    private const int LongestLabel = 60;

    /// <summary>Clean lines, none wider than the style allows; the ids are always whole.</summary>
    public static IEnumerable<string> Tree(TaskGraph graph, TextStyle style)
    {
        foreach (var line in graph.Draw())
        {
            var lead = Lead(line, style.Ascii);
            var (state, tone) = StateOf(line.Node, style.Ascii);
            var head = $"{lead}{line.Node.Id} {state}";
            var room = style.Width - Terminal.Width(head) - 2;
            var rest = line.Elsewhere switch
            {
                DrawnElsewhere.Above => "(see above)",
                DrawnElsewhere.Later => "(see below)",
                _ => Describe(line.Node),
            };
            rest = room > 0 ? Terminal.Truncate(rest, room, style.Ellipsis) : "";
            var text = $"{lead}{line.Node.Id} {style.Paint(tone, state)}";
            yield return rest.Length == 0 ? text : $"{text}  {style.Paint(Tone.Dim, rest)}";
        }
    }

    /// <summary>A flow chart, each arrow from what comes first to what waits for it.</summary>
    public static IEnumerable<string> Mermaid(TaskGraph graph)
    {
        var nodes = graph.Nodes;
        var names = new Dictionary<TaskId, string>();
        yield return "graph TD";
        foreach (var node in nodes)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"t{names.Count}");
            names[node.Id] = name;
            var status = StatusWord(node.Status);
            var label = new[] { node.Id.Value, Describe(node), status }
                .Where(static part => part.Length > 0)
                .Select(Escape);
            yield return $"  {name}[\"{string.Join("<br/>", label)}\"]:::{ClassOf(node.Status)}";
        }

        foreach (var node in nodes)
        {
            foreach (var on in node.DependsOn.Distinct())
            {
                yield return $"  {names[on]} --> {names[node.Id]}";
            }
        }

        yield return "  classDef pending fill:#eeeeee,stroke:#888888,color:#222222";
        yield return "  classDef running fill:#cfe8ff,stroke:#2b6cb0,color:#222222";
        yield return "  classDef complete fill:#d3f5d3,stroke:#2f855a,color:#222222";
        yield return "  classDef failed fill:#ffd6d6,stroke:#c53030,color:#222222";
        yield return "  classDef cancelled fill:#dddddd,stroke:#555555,color:#222222";
        yield return "  classDef missing fill:#ffffff,stroke:#c53030,color:#222222,stroke-dasharray:4";
    }

    /// <summary>The state with its icon; what stands for a retried task beside it.</summary>
    public static (string Text, Tone Tone) StateOf(GraphNode node, bool ascii)
    {
        var (text, tone) = StateOf(node.Status, ascii);
        if (node.Task?.State is TaskState.Pending { Held: true })
        {
            var icons = ascii ? StatusTable.Icons.Ascii : StatusTable.Icons.Unicode;
            return ($"{icons.Held} held", Tone.Dim);
        }

        return node.StandsFor == node.Id || node.StandsForStatus is not { } counts
            ? (text, tone)
            : ($"{text}, retried as {node.StandsFor} {StateOf(counts, ascii).Text}", tone);
    }

    public static (string Text, Tone Tone) StateOf(TaskStatus? status, bool ascii)
    {
        var icons = ascii ? StatusTable.Icons.Ascii : StatusTable.Icons.Unicode;
        var (icon, tone) = status switch
        {
            TaskStatus.Pending => (icons.Pending, Tone.Plain),
            TaskStatus.Running => (icons.Running, Tone.Info),
            TaskStatus.Complete => (icons.Complete, Tone.Good),
            TaskStatus.Failed => (icons.Failed, Tone.Bad),
            TaskStatus.Cancelled => (icons.Cancelled, Tone.Dim),
            _ => ("?", Tone.Bad),
        };
        return ($"{icon} {StatusWord(status)}", tone);
    }

    /// <summary>What a task is about, on one clean line.</summary>
    public static string Describe(GraphNode node) =>
        node.Task is { } task ? Terminal.OneLine($"{task.Agent}: {task.Name ?? task.Prompt}") : "";

    /// <summary>
    /// Text that ends neither its quotes nor the line and is never read as Mermaid or HTML: all but letters,
    /// digits and harmless signs becomes a character code.
    /// </summary>
    internal static string Escape(string text)
    {
        var escaped = new StringBuilder();
        var count = 0;
        foreach (var rune in Terminal.OneLine(text).EnumerateRunes())
        {
            if (count++ == LongestLabel)
            {
                escaped.Append('…');
                break;
            }

            escaped.Append(
                IsHarmless(rune)
                    ? rune.ToString()
                    : string.Create(CultureInfo.InvariantCulture, $"#{rune.Value};")
            );
        }

        return escaped.ToString();
    }

    private static bool IsHarmless(Rune rune) =>
        Rune.IsLetterOrDigit(rune) || (rune.IsAscii && " .,:_-+/!?'()=".Contains((char)rune.Value));

    private static string Lead(GraphLine line, bool ascii)
    {
        if (line.Depth == 0)
        {
            return "";
        }

        var lead = new StringBuilder();
        // The first level belongs to the root, beside which nothing is drawn.
        foreach (var goesOn in line.Below.Skip(1))
        {
            lead.Append(
                (goesOn, ascii) switch
                {
                    (false, _) => "   ",
                    (true, true) => "|  ",
                    (true, false) => "│  ",
                }
            );
        }

        return lead.Append(
                (line.IsLast, ascii) switch
                {
                    (true, true) => "`- ",
                    (false, true) => "|- ",
                    (true, false) => "└─ ",
                    (false, false) => "├─ ",
                }
            )
            .ToString();
    }

    private static string StatusWord(TaskStatus? status) =>
        status is { } known ? Storage.TaskJson.NameOf(known) : "not found";

    private static string ClassOf(TaskStatus? status) =>
        status is { } known ? Storage.TaskJson.NameOf(known) : "missing";
}
