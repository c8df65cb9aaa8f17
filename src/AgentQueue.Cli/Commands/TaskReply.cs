using System.Text.Json;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>A task in a <c>--json</c> answer: the members of its file, environment values left out.</summary>
internal static class TaskReply
{
    public static void WriteArray(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        IReadOnlyList<AgentTask> tasks
    )
    {
        w.WriteStartArray(name);
        foreach (var task in tasks)
        {
            Write(w, task);
        }

        w.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter w, AgentTask task, Action<Utf8JsonWriter>? more = null)
    {
        using var document = JsonDocument.Parse(TaskJson.Write(Masked(task)));
        w.WriteStartObject();
        foreach (var member in document.RootElement.EnumerateObject())
        {
            member.WriteTo(w);
        }

        more?.Invoke(w);
        w.WriteEndObject();
    }

    /// <summary>The values that <c>--env</c> stored are for the agent alone.</summary>
    public static AgentTask Masked(AgentTask task) =>
        task with
        {
            Environment = task.Environment.SetItems(
                task.Environment.Where(static e => e.Value is not null)
                    .Select(static e => KeyValuePair.Create(e.Key, (string?)"***"))
            ),
        };
}
