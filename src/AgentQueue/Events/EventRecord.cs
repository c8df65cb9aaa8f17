using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <summary>A task that an event did something with.</summary>
internal readonly record struct AffectedTask(string Agent, TaskId Id);

/// <summary>A rule that an event met and that did nothing.</summary>
internal readonly record struct PassedOver(string Agent, string Why);

/// <summary>One line of the log: what happened, and what followed from it.</summary>
internal sealed record EventRecord
{
    /// <summary>From 1, each one more than the one before it.</summary>
    public required long Sequence { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>See <see cref="Occurrence.Id"/>.</summary>
    public required string Id { get; init; }

    public required ImmutableArray<string> Names { get; init; }
    public ImmutableArray<string> Chain { get; init; } = [];
    public TaskId? Task { get; init; }
    public string? Agent { get; init; }
    public int? ExitCode { get; init; }
    public ImmutableSortedDictionary<string, string> Variables { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
    public ImmutableArray<AffectedTask> Started { get; init; } = [];
    public ImmutableArray<AffectedTask> Cancelled { get; init; } = [];
    public ImmutableArray<PassedOver> Ignored { get; init; } = [];

    /// <summary>Why no rule could be looked at, or how the hook failed that this is about; else null.</summary>
    public string? Problem { get; init; }

    private static readonly JsonWriterOptions s_write = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>With the line's end.</summary>
    public byte[] ToLine()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var w = new Utf8JsonWriter(buffer, s_write))
        {
            w.WriteStartObject();
            WriteMembers(w);
            w.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <param name="whole">Empty lists too: for programs that ask.</param>
    public void WriteMembers(Utf8JsonWriter w, bool whole = false)
    {
        w.WriteNumber("seq"u8, Sequence);
        w.WriteString(
            "at"u8,
            At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)
        );
        w.WriteString("event"u8, Names[0]);
        w.WriteString("id"u8, Id);
        WriteTexts(w, "also"u8, Names[1..], whole);
        if (Task is { } task)
        {
            w.WriteString("task"u8, task.Value);
        }

        if (Agent is not null)
        {
            w.WriteString("agent"u8, Agent);
        }

        if (ExitCode is { } exit)
        {
            w.WriteNumber("exitCode"u8, exit);
        }

        WriteTexts(w, "chain"u8, Chain, whole);
        if (!Variables.IsEmpty)
        {
            w.WriteStartObject("vars"u8);
            foreach (var (name, value) in Variables)
            {
                w.WriteString(name, value);
            }

            w.WriteEndObject();
        }

        WriteTasks(w, "started"u8, Started, whole);
        WriteTasks(w, "cancelled"u8, Cancelled, whole);
        if (whole || !Ignored.IsEmpty)
        {
            w.WriteStartArray("ignored"u8);
            foreach (var (agent, why) in Ignored)
            {
                w.WriteStartObject();
                w.WriteString("agent"u8, agent);
                w.WriteString("why"u8, why);
                w.WriteEndObject();
            }

            w.WriteEndArray();
        }

        if (Problem is not null)
        {
            w.WriteString("problem"u8, Problem);
        }
    }

    private static void WriteTexts(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        ImmutableArray<string> texts,
        bool whole
    )
    {
        if (texts.IsEmpty && !whole)
        {
            return;
        }

        w.WriteStartArray(name);
        foreach (var text in texts)
        {
            w.WriteStringValue(text);
        }

        w.WriteEndArray();
    }

    private static void WriteTasks(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        ImmutableArray<AffectedTask> tasks,
        bool whole
    )
    {
        if (tasks.IsEmpty && !whole)
        {
            return;
        }

        w.WriteStartArray(name);
        foreach (var (agent, id) in tasks)
        {
            w.WriteStartObject();
            w.WriteString("agent"u8, agent);
            w.WriteString("task"u8, id.Value);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    /// <summary>Null if the line is none of ours.</summary>
    public static EventRecord? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var o = document.RootElement;
            return new EventRecord
            {
                Sequence = o.GetProperty("seq").GetInt64(),
                At = o.GetProperty("at").GetDateTimeOffset(),
                Id = o.GetProperty("id").GetString()!,
                Names = [o.GetProperty("event").GetString()!, .. Texts(o, "also")],
                Chain = Texts(o, "chain"),
                Task = TaskOf(o, "task"),
                Agent = Text(o, "agent"),
                ExitCode = o.TryGetProperty("exitCode", out var exit) ? exit.GetInt32() : null,
                Variables = o.TryGetProperty("vars", out var vars)
                    ? vars.EnumerateObject()
                        .ToImmutableSortedDictionary(
                            static p => p.Name,
                            static p => p.Value.GetString() ?? "",
                            StringComparer.Ordinal
                        )
                    : ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal),
                Started = Tasks(o, "started"),
                Cancelled = Tasks(o, "cancelled"),
                Ignored = o.TryGetProperty("ignored", out var ignored)
                    ?
                    [
                        .. ignored
                            .EnumerateArray()
                            .Select(static i => new PassedOver(
                                Text(i, "agent") ?? "",
                                Text(i, "why") ?? ""
                            )),
                    ]
                    : [],
                Problem = Text(o, "problem"),
            };
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
                        or FormatException
            )
        {
            return null;
        }
    }

    private static string? Text(JsonElement o, string name) =>
        o.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static TaskId? TaskOf(JsonElement o, string name) =>
        Text(o, name) is { } text && TaskId.TryParse(text, out var id) ? id : null;

    private static ImmutableArray<string> Texts(JsonElement o, string name) =>
        o.TryGetProperty(name, out var texts)
            ? [.. texts.EnumerateArray().Select(static t => t.GetString() ?? "")]
            : [];

    private static ImmutableArray<AffectedTask> Tasks(JsonElement o, string name) =>
        o.TryGetProperty(name, out var tasks)
            ?
            [
                .. tasks
                    .EnumerateArray()
                    .Where(static t => TaskOf(t, "task") is not null)
                    .Select(static t => new AffectedTask(
                        Text(t, "agent") ?? "",
                        TaskOf(t, "task")!.Value
                    )),
            ]
            : [];
}
