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

    /// <summary>Below each task those that wait for it; one that waits for several stands in full below the first.</summary>
    public static IEnumerable<string> Tree(Plan plan, TextStyle style)
    {
        var tasks = plan.Tasks.ToDictionary(static t => t.Id, StringComparer.Ordinal);
        var next = plan
            .Tasks.SelectMany(static t => t.DependsOn.Select(d => (d.Id, Task: t)))
            .ToLookup(static d => d.Id, static d => d.Task, StringComparer.Ordinal);
        var drawn = new HashSet<string>(StringComparer.Ordinal);
        // A stack, not recursion: a chain may be thousands long. Pushed in reverse, so that the first is on top.
        var stack = new Stack<(PlanTask Task, string Lead, string Below)>();
        foreach (var root in plan.Tasks.Where(static t => t.DependsOn.IsEmpty).Reverse())
        {
            stack.Push((root, "", ""));
        }

        while (stack.TryPop(out var at))
        {
            var isFirst = drawn.Add(at.Task.Id);
            var rest = isFirst ? Describe(at.Task) : "(see above)";
            var head = at.Lead + at.Task.Id;
            var room = style.Width - Terminal.Width(head) - 2;
            rest = room > 0 ? Terminal.Truncate(rest, room, style.Ellipsis) : "";
            yield return rest.Length == 0 ? head : $"{head}  {style.Paint(Tone.Dim, rest)}";
            if (!isFirst)
            {
                continue;
            }

            var below = next[at.Task.Id].ToList();
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

    private static string Describe(PlanTask task) =>
        Terminal.OneLine(
            task.Agent is { } agent
                ? $"{agent}: {task.Prompt}"
                : string.Join(' ', task.Command.Select(CommandText.Quote))
        );
}
