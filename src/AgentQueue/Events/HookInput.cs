using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <summary>
/// What a hook is told: one JSON object on one line, the members of the event's line in the log and, as
/// <c>taskFile</c>, the file of its task. Pure.
/// </summary>
internal static class HookInput
{
    public const int Version = 1;

    /// <summary>In the place of a value of <c>env</c>.</summary>
    private const string Masked = "***";

    private static readonly JsonWriterOptions s_write = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <param name="task">As it is now; null if the event is about none, or it is gone.</param>
    public static byte[] Of(EventRecord record, AgentTask? task)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var w = new Utf8JsonWriter(buffer, s_write))
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, Version);
            record.WriteMembers(w, whole: true);
            if (task is not null)
            {
                // Written as its file is, and put on one line.
                using var file = JsonDocument.Parse(TaskJson.Write(WithoutValues(task)));
                w.WritePropertyName("taskFile"u8);
                file.RootElement.WriteTo(w);
            }

            w.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static AgentTask WithoutValues(AgentTask task)
    {
        var names = task.Environment.ToBuilder();
        foreach (var (name, value) in task.Environment)
        {
            names[name] = value is null ? null : Masked;
        }

        return task with
        {
            Environment = names.ToImmutable(),
        };
    }
}
