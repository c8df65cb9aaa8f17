using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>A plan as its file says it: a tree for people, boxes for diagrams, JSON for programs.</summary>
internal static class PlanView
{
    public static IReadOnlyList<Box> Boxes(Plan plan) =>
        [
            .. plan.Tasks.Select(t => new Box(
                t.Id,
                [Describe(t)],
                BoxState.Planned,
                [.. t.DependsOn.Select(d => (d.Id, DependencyText.Word(d.Kind)))]
            )),
        ];

    /// <summary>A line of a tree.</summary>
    /// <param name="After">The ids of what comes before it.</param>
    public sealed record Node(string Id, string What, IReadOnlyList<string> After);

    public static Node NodeOf(Box box) =>
        new(box.Key, string.Join(' ', box.Lines), [.. box.After.Select(static a => a.Key)]);

    /// <summary>Below each task those that wait for it; one that waits for several stands in full below the first.</summary>
    public static IEnumerable<string> Tree(IReadOnlyList<Node> nodes, TextStyle style)
    {
        var next = nodes
            .SelectMany(static n => n.After.Select(id => (Id: id, Node: n)))
            .ToLookup(static d => d.Id, static d => d.Node, StringComparer.Ordinal);
        var drawn = new HashSet<string>(StringComparer.Ordinal);
        // A stack, not recursion: a chain may be thousands long. Pushed in reverse, so that the first is on top.
        var stack = new Stack<(Node Node, string Lead, string Below)>();
        foreach (var root in nodes.Where(static n => n.After.Count == 0).Reverse())
        {
            stack.Push((root, "", ""));
        }

        while (stack.TryPop(out var at))
        {
            var isFirst = drawn.Add(at.Node.Id);
            var rest = isFirst ? at.Node.What : "(see above)";
            var head = at.Lead + at.Node.Id;
            var room = style.Width - Terminal.Width(head) - 2;
            rest = room > 0 ? Terminal.Truncate(rest, room, style.Ellipsis) : "";
            yield return rest.Length == 0 ? head : $"{head}  {style.Paint(Tone.Dim, rest)}";
            if (!isFirst)
            {
                continue;
            }

            var below = next[at.Node.Id].ToList();
            for (var i = below.Count - 1; i >= 0; i--)
            {
                var isLast = i == below.Count - 1;
                var (corner, line) = (isLast, style.Ascii) switch
                {
                    (true, true) => ("`- ", "   "),
                    (false, true) => ("|- ", "|  "),
                    (true, false) => ("└─ ", "   "),
                    (false, false) => ("├─ ", "│  "),
                };
                // Beyond what any screen shows a lead would only cost: a chain stays where it is.
                var lead = at.Below.Length > 300 ? at.Below : at.Below + corner;
                stack.Push((below[i], lead, at.Below.Length > 300 ? at.Below : at.Below + line));
            }
        }
    }

    public static void Write(Utf8JsonWriter w, Plan plan)
    {
        w.WriteString("goal"u8, plan.Goal);
        w.WriteStartArray("tasks"u8);
        foreach (var task in PlanGraph.InOrder(plan.Tasks))
        {
            w.WriteStartObject();
            w.WriteString("id"u8, task.Id);
            if (task.Agent is null)
            {
                w.WriteStartArray("cmd"u8);
                foreach (var word in task.Command)
                {
                    w.WriteStringValue(word);
                }

                w.WriteEndArray();
            }
            else
            {
                w.WriteString("agent"u8, task.Agent);
                w.WriteString("prompt"u8, task.Prompt);
            }

            w.WriteStartArray("dependsOn"u8);
            foreach (var dependency in task.DependsOn)
            {
                w.WriteStartObject();
                w.WriteString("id"u8, dependency.Id);
                w.WriteString("kind"u8, dependency.Kind.Word());
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    /// <summary>What a task does, in one line.</summary>
    public static string Describe(PlanTask task) =>
        Terminal.OneLine(
            task.Agent is { } agent ? $"{agent}: {task.Prompt}" : ShellWords.Join(task.Command)
        );
}
