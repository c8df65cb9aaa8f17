using System.Text.Json;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>What a task waits for and what waits for it, as <c>deps show</c> tells it.</summary>
internal sealed record DependencyView(
    AgentTask Task,
    Readiness Readiness,
    IReadOnlyList<DependencyLine> DependsOn,
    IReadOnlyList<DependentLine> Dependents
)
{
    public static DependencyView Of(AgentTask task, DependencyCheck check) =>
        new(task, check.Readiness(task), check.Of(task), check.WaitingFor(task.Id));

    public void Print(Screen screen)
    {
        var ascii = screen.Style.Ascii;
        screen.Line($"{Task.Id} {GraphText.StateOf(Task.Status, ascii).Text}");
        screen.Line(DependsOn.Count == 0 ? "Depends on nothing" : "Depends on");
        foreach (var line in DependsOn)
        {
            var (state, tone) = GraphText.StateOf(line.Status, ascii);
            var retry = line.StandsFor == line.Id ? "" : $"retried as {line.StandsFor} ";
            screen.Line($"  {DependencyText.Of(line.Id, line.Kind)} {retry}{state}", tone);
        }

        if (Waits is { } waits)
        {
            screen.Line(waits, Readiness is Readiness.Blocked ? Tone.Bad : Tone.Plain);
        }

        if (Dependents.Count > 0)
        {
            screen.Line(
                Dependents.All(d => d.Task.KindOf(Task.Id) == DependencyKind.AfterOk)
                    ? "When it is complete"
                    : "When it has ended as they want it"
            );
        }

        foreach (var line in Dependents)
        {
            screen.Line(
                line.StillWaitsFor.Count > 0
                    ? $"  {line.Task.Id} still waits for {string.Join(", ", line.StillWaitsFor)}"
                : line.Task.State is TaskState.Pending { Held: true }
                    ? $"  {line.Task.Id} may start once it is released"
                : $"  {line.Task.Id} may start"
            );
        }
    }

    // Only a pending task waits for anything.
    private string? Waits =>
        Task.State is not TaskState.Pending
            ? null
            : Readiness switch
            {
                Readiness.Waiting waiting => $"Waits for {string.Join(", ", waiting.For)}",
                Readiness.Blocked blocked => $"Blocked: {blocked.Reason}",
                _ when DependsOn.Count > 0 => "Waits for none of them",
                _ => null,
            };

    public void Write(Utf8JsonWriter w)
    {
        w.WriteString("taskId"u8, Task.Id.Value);
        w.WriteString("status"u8, TaskJson.NameOf(Task.Status));
        w.WriteStartArray("dependsOn"u8);
        foreach (var line in DependsOn)
        {
            w.WriteStartObject();
            w.WriteString("taskId"u8, line.Id.Value);
            WriteStatus(w, line.Status);
            w.WriteString("standsFor"u8, line.StandsFor.Value);
            w.WriteString("kind"u8, line.Kind.Word());
            w.WriteBoolean("met"u8, line.Met);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        WriteIds(w, "waitsFor"u8, Readiness is Readiness.Waiting waiting ? waiting.For : []);
        w.WriteString("blockedReason"u8, (Readiness as Readiness.Blocked)?.Reason);
        w.WriteStartArray("dependents"u8);
        foreach (var line in Dependents)
        {
            w.WriteStartObject();
            w.WriteString("taskId"u8, line.Task.Id.Value);
            WriteIds(w, "stillWaitsFor"u8, line.StillWaitsFor);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter w, TaskGraph graph)
    {
        w.WriteStartArray("tasks"u8);
        foreach (var node in graph.Nodes)
        {
            w.WriteStartObject();
            w.WriteString("taskId"u8, node.Id.Value);
            WriteStatus(w, node.Status);
            w.WriteString("standsFor"u8, node.StandsFor.Value);
            w.WriteString("agent"u8, node.Task?.Agent);
            w.WriteString("prompt"u8, node.Task?.Prompt);
            WriteIds(w, "dependsOn"u8, node.DependsOn);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter w, IReadOnlyList<DependencyProblem> problems)
    {
        w.WriteBoolean("valid"u8, problems.Count == 0);
        w.WriteStartArray("problems"u8);
        foreach (var problem in problems)
        {
            w.WriteStartObject();
            w.WriteString("kind"u8, WordFor(problem.Fault));
            w.WriteString("taskId"u8, problem.Task.Value);
            w.WriteString("message"u8, problem.Message);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static string WordFor(DependencyFault fault) =>
        fault switch
        {
            DependencyFault.Cycle => "cycle",
            DependencyFault.Unknown => "unknown",
            DependencyFault.Blocked => "blocked",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static void WriteStatus(Utf8JsonWriter w, Tasks.TaskStatus? status) =>
        w.WriteString("status"u8, status is { } known ? TaskJson.NameOf(known) : null);

    private static void WriteIds(Utf8JsonWriter w, ReadOnlySpan<byte> name, IEnumerable<TaskId> ids)
    {
        w.WriteStartArray(name);
        foreach (var id in ids)
        {
            w.WriteStringValue(id.Value);
        }

        w.WriteEndArray();
    }
}
