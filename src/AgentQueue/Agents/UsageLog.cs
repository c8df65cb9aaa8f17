using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Agents;

/// <summary>What a task has used since its line before; of its first line, since its beginning.</summary>
/// <param name="Run">The run of a plan that it belongs to; null for none.</param>
/// <param name="Usage">Null members are not known.</param>
internal sealed record UsageEntry(
    DateTimeOffset At,
    TaskId Task,
    string Agent,
    string Adapter,
    string? Model,
    string? Run,
    ImmutableSortedDictionary<string, string> Labels,
    Usage Usage,
    int? Turns,
    TimeSpan Duration
);

/// <summary>
/// <c>usage.jsonl</c>: what every task with a result has used, a line at the end of each attempt. A line tells the whole
/// of its task so far, so one that was written twice counts once, and what it tells outlives the task.
/// </summary>
internal sealed class UsageLog(QueueFolder queue)
{
    private const int LongestLog = 256 << 20;

    private static readonly JsonWriterOptions s_write = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Adds the line of a task whose result is there, and was read from an agent. The caller holds the task's lock.</summary>
    public void Add(AgentTask task)
    {
        if (
            queue.Disk.Facts(queue.ResultFile(task.Id)) is null
            || new Results(queue).Read(task.Id) is not { Adapter.Length: > 0 } result
        )
        {
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(512);
        using (var w = new Utf8JsonWriter(buffer, s_write))
        {
            w.WriteStartObject();
            w.WriteString(
                "at"u8,
                result.EndedAt.UtcDateTime.ToString(
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                    CultureInfo.InvariantCulture
                )
            );
            w.WriteString("taskId"u8, task.Id.Value);
            w.WriteNumber("attempt"u8, result.Attempt);
            w.WriteString("agent"u8, task.Agent);
            w.WriteString("adapter"u8, result.Adapter);
            w.WriteString("model"u8, result.Model);
            w.WriteString("run"u8, RunId.Of(task.Id)?.Value);
            w.WriteStartObject("labels"u8);
            foreach (var (key, value) in task.Labels)
            {
                w.WriteString(key, value);
            }

            w.WriteEndObject();
            ResultJson.WriteUsage(w, result.Usage);
            if (result.Turns is { } turns)
            {
                w.WriteNumber("turns"u8, turns);
            }
            else
            {
                w.WriteNull("turns"u8);
            }

            w.WriteNumber("durationMs"u8, (long)result.Duration.TotalMilliseconds);
            w.WriteEndObject();
        }

        queue.Disk.Append(queue.UsageLog, [.. buffer.WrittenSpan, (byte)'\n']);
    }

    /// <summary>All lines that can be read, in their order, each with what is new in it.</summary>
    public IEnumerable<UsageEntry> Read()
    {
        var read = queue.Disk.Read(queue.UsageLog, LongestLog);
        if (read.Status != ReadStatus.Ok)
        {
            yield break;
        }

        var before = new Dictionary<TaskId, UsageEntry>();
        foreach (var line in Encoding.UTF8.GetString(read.Content).Split('\n'))
        {
            if (line.Length == 0 || Parse(line) is not { } all)
            {
                continue;
            }

            yield return before.TryGetValue(all.Task, out var last)
                ? all with
                {
                    Usage = all.Usage - last.Usage,
                    Turns = all.Turns is { } turns ? Math.Max(0, turns - (last.Turns ?? 0)) : null,
                    Duration =
                        all.Duration > last.Duration ? all.Duration - last.Duration : TimeSpan.Zero,
                }
                : all;
            before[all.Task] = all;
        }
    }

    private static UsageEntry? Parse(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            return
                TaskId.TryParse(Text(root, "taskId") ?? "", out var id)
                && DateTimeOffset.TryParse(
                    Text(root, "at"),
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal,
                    out var at
                )
                ? new UsageEntry(
                    at,
                    id,
                    Text(root, "agent") ?? "",
                    Text(root, "adapter") ?? "",
                    Text(root, "model"),
                    Text(root, "run"),
                    root.TryGetProperty("labels", out var labels)
                    && labels.ValueKind == JsonValueKind.Object
                        ? labels
                            .EnumerateObject()
                            .ToImmutableSortedDictionary(
                                static l => l.Name,
                                static l => l.Value.GetString() ?? "",
                                StringComparer.Ordinal
                            )
                        : ImmutableSortedDictionary<string, string>.Empty,
                    ResultJson.ReadUsage(root),
                    root.TryGetProperty("turns", out var turns)
                    && turns.ValueKind == JsonValueKind.Number
                    && turns.TryGetInt32(out var number)
                        ? number
                        : null,
                    TimeSpan.FromMilliseconds(
                        root.TryGetProperty("durationMs", out var length)
                        && length.ValueKind == JsonValueKind.Number
                        && length.TryGetInt64(out var milliseconds)
                            ? milliseconds
                            : 0
                    )
                )
                : null;
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object
        && value.TryGetProperty(name, out var found)
        && found.ValueKind == JsonValueKind.String
            ? found.GetString()
            : null;
}
