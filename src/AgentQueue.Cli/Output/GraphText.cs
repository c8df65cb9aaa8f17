using System.Text;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Cli.Output;

/// <summary>A graph of dependencies as a tree for people, and as the boxes of a diagram.</summary>
internal static class GraphText
{
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

    /// <summary>A box for each task, with its state in words and colour.</summary>
    public static IReadOnlyList<Box> Boxes(TaskGraph graph) =>
        [
            .. graph.Nodes.Select(static n => new Box(
                n.Id.Value,
                [Describe(n), StatusWord(n.Status)],
                n.Status switch
                {
                    TaskStatus.Pending => BoxState.Pending,
                    TaskStatus.Running => BoxState.Running,
                    TaskStatus.Complete => BoxState.Complete,
                    TaskStatus.Failed => BoxState.Failed,
                    TaskStatus.Cancelled => BoxState.Cancelled,
                    _ => BoxState.Missing,
                },
                [
                    .. n
                        .DependsOn.Distinct()
                        .Select(d =>
                            (d.Value, n.Task is { } task ? DependencyText.Word(task.KindOf(d)) : "")
                        ),
                ]
            )),
        ];

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
}
