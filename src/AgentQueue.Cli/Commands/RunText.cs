using System.Globalization;
using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Plans;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>A run of a plan as it is shown: lines for people, JSON for programs, boxes for diagrams.</summary>
internal static class RunText
{
    private const int BarWidth = 20;

    /// <summary>Why a run that is not over goes on by nobody's hand, and what to do.</summary>
    public static string WhyStopped(ProjectQueue project, RunId run) =>
        project.RunOf(run).FirstBar() is { } bar
            ? $"What is left of it is not started: {bar.Reason}. Once that is over: agentq plan resume {run}"
            : $"Nobody works on it: its supervisors are gone. Go on: agentq plan resume {run}";

    /// <summary>What has become of all of it, in one line.</summary>
    public static string Summary(RunView view, DateTimeOffset now)
    {
        var parts = new List<string>();
        foreach (var state in Enum.GetValues<NodeState>())
        {
            if (view.Count(state) is > 0 and var count)
            {
                parts.Add(Invariant($"{count} {Word(state)}"));
            }
        }

        var took = view.StartedAt is { } from
            ? $" in {Duration.FormatShort((view.EndedAt ?? now) - from)}"
            : "";
        return $"{RunView.WordOf(view.State)}: {string.Join(", ", parts)}{took}";
    }

    public static string Bar(RunView view, TextStyle style)
    {
        var over = view.Nodes.Count(static n => n.IsOver);
        var filled = view.Nodes.IsEmpty ? BarWidth : BarWidth * over / view.Nodes.Length;
        var (full, empty) = style.Ascii ? ('#', '.') : ('█', '░');
        return Invariant(
            $"{new string(full, filled)}{new string(empty, BarWidth - filled)} {over}/{view.Nodes.Length}"
        );
    }

    public static IReadOnlyList<string> Table(RunView view, TextStyle style, DateTimeOffset now)
    {
        var table = new Table(
            new Column("TASK") { Flexible = true, Narrowest = 12 },
            new Column("STATE"),
            new Column("ATTEMPTS") { AlignRight = true, Rank = 2 },
            new Column("TIME") { AlignRight = true },
            new Column("EXIT") { AlignRight = true, Rank = 1 },
            new Column("") { Flexible = true, Widest = 200 }
        );
        foreach (var node in view.Nodes)
        {
            table.Add(
                node.Id,
                new Cell(Word(node.State), ToneOf(node.State)),
                Ran(node).ToString(CultureInfo.InvariantCulture),
                node.Took(now) is { } took ? Duration.FormatShort(took) : "",
                ExitOf(node)?.ToString(CultureInfo.InvariantCulture) ?? "",
                node.Reason.Split('\n', 2)[0]
            );
        }

        return table.ToTerminal(style);
    }

    public static void Write(Utf8JsonWriter w, RunView view, QueueFolder queue)
    {
        w.WriteString("run"u8, view.Record.Id.Value);
        w.WriteString("plan"u8, view.Record.Plan);
        w.WriteString("goal"u8, view.Record.Goal);
        w.WriteString("state"u8, RunView.WordOf(view.State));
        w.WriteString("workdir"u8, view.Record.WorkingFolder);
        w.WriteString("folder"u8, queue.RunFolder(view.Record.Id));
        w.WriteNumber("maxParallel"u8, view.Record.Rules.Parallel);
        w.WriteBoolean("failFast"u8, view.Record.Rules.FailFast);
        WriteTime(w, "createdAt"u8, view.Record.CreatedAt);
        WriteTime(w, "startedAt"u8, view.StartedAt);
        WriteTime(w, "endedAt"u8, view.EndedAt);
        w.WriteStartArray("tasks"u8);
        foreach (var node in view.Nodes)
        {
            WriteNode(w, node, queue);
        }

        w.WriteEndArray();
    }

    private static void WriteNode(Utf8JsonWriter w, NodeView node, QueueFolder queue)
    {
        w.WriteStartObject();
        w.WriteString("id"u8, node.Id);
        w.WriteString("state"u8, Word(node.State));
        w.WriteString("reason"u8, node.Reason);
        w.WriteString("taskId"u8, node.Last?.Id.Value);
        w.WriteNumber("attempts"u8, Ran(node));
        WriteTime(w, "startedAt"u8, node.StartedAt);
        WriteTime(w, "endedAt"u8, node.EndedAt);
        if (node.EndedAt is { } end && node.Took(end) is { } took)
        {
            w.WriteNumber("durationSec"u8, Math.Round(took.TotalSeconds, 3));
        }
        else
        {
            w.WriteNull("durationSec"u8);
        }

        if (ExitOf(node) is { } exit)
        {
            w.WriteNumber("exitCode"u8, exit);
        }
        else
        {
            w.WriteNull("exitCode"u8);
        }

        w.WriteBoolean(
            "timedOut"u8,
            node.Last?.State is TaskState.Failed { Reason: Reason.Timeout }
        );
        w.WriteString("stdout"u8, node.Last is { } last ? queue.LogFile(last.Id) : null);
        w.WriteString("stderr"u8, node.Last is { } task ? queue.ErrorLogFile(task.Id) : null);
        w.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter w, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is { } at)
        {
            w.WriteString(
                name,
                at.UtcDateTime.ToString(
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                    CultureInfo.InvariantCulture
                )
            );
        }
        else
        {
            w.WriteNull(name);
        }
    }

    public static IReadOnlyList<Box> Boxes(RunView view, DateTimeOffset now)
    {
        var names = new Dictionary<TaskId, string>();
        for (var i = 0; i < view.Nodes.Length; i++)
        {
            names[view.Record.TaskOf(i)] = view.Nodes[i].Id;
        }

        return
        [
            .. view.Nodes.Select(node => new Box(
                node.Id,
                [Describe(node, now)],
                BoxOf(node.State),
                node.Attempts is [var first, ..]
                    ?
                    [
                        .. first
                            .DependsOn.Where(names.ContainsKey)
                            .Select(id => (names[id], DependencyText.Word(first.KindOf(id)))),
                    ]
                    : []
            )),
        ];
    }

    /// <summary>State and time of a node, in a few words.</summary>
    public static string Describe(NodeView node, DateTimeOffset now) =>
        node.Took(now) is { } took
            ? $"{Word(node.State)}, {Duration.FormatShort(took)}"
            : Word(node.State);

    private static BoxState BoxOf(NodeState state) =>
        state switch
        {
            NodeState.Running or NodeState.Retrying => BoxState.Running,
            NodeState.Complete => BoxState.Complete,
            NodeState.Failed => BoxState.Failed,
            NodeState.Cancelled => BoxState.Cancelled,
            NodeState.Skipped => BoxState.Skipped,
            _ => BoxState.Pending,
        };

    public static Tone ToneOf(NodeState state) =>
        state switch
        {
            NodeState.Complete => Tone.Good,
            NodeState.Failed => Tone.Bad,
            NodeState.Cancelled or NodeState.Retrying or NodeState.Approval or NodeState.Held =>
                Tone.Warn,
            NodeState.Running => Tone.Info,
            _ => Tone.Dim,
        };

    public static string Word(NodeState state) => RunView.WordOf(state);

    public static int Ran(NodeView node) =>
        node.Attempts.Count(static t => NodeView.StartOf(t) is not null);

    public static int? ExitOf(NodeView node) => (node.Last?.State as TaskState.Finished)?.ExitCode;

    private static string Invariant(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture);
}
