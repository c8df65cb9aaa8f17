using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <content>Writing.</content>
internal static partial class TaskJson
{
    private static readonly JsonWriterOptions s_write = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public static byte[] Write(AgentTask task)
    {
        var buffer = new ArrayBufferWriter<byte>(1024 + task.Prompt.Length);
        using (var w = new Utf8JsonWriter(buffer, s_write))
        {
            w.WriteStartObject();
            WriteRequest(w, task);
            WriteState(w, task);
            WriteLineage(w, task);
            WriteStep(w, task.Step);
            WriteChecks(w, task.Checks);
            WriteOptions(w, task.Options);
            WriteWorktree(w, task.Worktree);
            WriteCause(w, task.Cause);
            foreach (var (name, value) in task.Unknown)
            {
                w.WritePropertyName(name);
                // Byte for byte: the reader has looked at its form, not into its texts.
                w.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
            }

            w.WriteEndObject();
        }

        var bytes = new byte[buffer.WrittenCount + 1];
        buffer.WrittenSpan.CopyTo(bytes);
        bytes[^1] = (byte)'\n';
        return bytes;
    }

    private static void WriteRequest(Utf8JsonWriter w, AgentTask task)
    {
        w.WriteNumber("version"u8, AgentTask.CurrentVersion);
        w.WriteString("taskId"u8, task.Id.Value);
        w.WriteString("status"u8, NameOf(task.Status));
        WriteText(w, "reason"u8, (task.State as TaskState.Failed)?.Reason);
        w.WriteString("agent"u8, task.Agent);
        w.WriteString("prompt"u8, task.Prompt);
        WriteOptional(w, "name"u8, task.Name);
        if (!task.Labels.IsEmpty)
        {
            WriteMap(w, "labels"u8, task.Labels!);
        }

        WriteOptional(w, "cwd"u8, task.WorkingFolder);
        if (!task.Environment.IsEmpty)
        {
            WriteMap(w, "env"u8, task.Environment);
        }

        w.WriteString("planFile"u8, $".agents/plans/{task.Id}_plan.md");
        w.WriteString("logFile"u8, QueueFolder.LogName(task.Id));
        WriteTime(w, "createdAt"u8, task.CreatedAt);
    }

    private static void WriteState(Utf8JsonWriter w, AgentTask task)
    {
        var finished = task.State as TaskState.Finished;
        var failed = task.State as TaskState.Failed;
        var pending = task.State as TaskState.Pending;
        var running = task.State as TaskState.Running;
        WriteTime(w, "startedAt"u8, finished?.StartedAt ?? running?.StartedAt);
        WriteTime(w, "completedAt"u8, finished?.CompletedAt);
        WriteNumber(w, "pid"u8, running?.Pid);
        WriteNumber(w, "exitCode"u8, finished?.ExitCode);
        WriteText(w, "errorMessage"u8, failed?.Message);
        WriteOptional(w, "errorClass"u8, failed?.ErrorClass);
        WriteOptional(w, "noRetry"u8, failed?.NoRetry);
        WriteOptional(w, "fallbackTo"u8, failed?.FallbackTo);
        WriteOptional(w, "note"u8, (task.State as TaskState.Complete)?.Note);
        WriteOptional(w, "skipped"u8, (task.State as TaskState.Cancelled)?.Skipped);
        w.WriteNumber("attempt"u8, task.Attempt);
        w.WriteNumber("priority"u8, task.Priority);
        WriteSeconds(w, "timeout"u8, task.Timeout);
        WriteSeconds(w, "timeoutWarning"u8, task.TimeoutWarning);
        WriteSeconds(w, "idleTimeout"u8, task.IdleTimeout);
        WriteTime(w, "timedOutAt"u8, failed?.TimedOutAt);
        if (pending is { Held: true })
        {
            w.WriteBoolean("held"u8, true);
        }

        if (pending?.NotBefore is { } notBefore)
        {
            WriteTime(w, "notBefore"u8, notBefore);
        }

        WriteOptional(w, "question"u8, pending?.Question);
        WriteOptional(w, "limit"u8, pending?.Limit);

        WriteIds(w, "dependsOn"u8, task.DependsOn);
        WriteAnyIds(w, "afterAny"u8, task.AfterAny);
        WriteAnyIds(w, "afterNotOk"u8, task.AfterNotOk);
        WriteAnyIds(w, "dependenciesMet"u8, task.DependenciesMet);

        WriteText(w, "blockedBy"u8, pending?.BlockedBy?.Value);
        WriteText(w, "blockedReason"u8, pending?.BlockedReason);
    }

    private static void WriteAnyIds(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        ImmutableArray<TaskId> ids
    )
    {
        if (!ids.IsEmpty)
        {
            WriteIds(w, name, ids);
        }
    }

    private static void WriteLineage(Utf8JsonWriter w, AgentTask task)
    {
        var failed = task.State as TaskState.Unsuccessful;
        w.WriteNumber("retryCount"u8, task.RetryCount);
        w.WriteNumber("maxRetries"u8, task.MaxRetries);
        w.WriteBoolean("autoRetry"u8, task.AutoRetry);
        WriteText(w, "parentTaskId"u8, task.Parent?.Value);
        WriteText(w, "retriedBy"u8, failed?.RetriedBy?.Value);
        WriteTime(w, "retriedAt"u8, failed?.RetriedAt);
        WriteOptional(w, "retryIntent"u8, failed?.RetryIntent?.Value);
        w.WriteStartArray("retryHistory"u8);
        foreach (var r in task.RetryHistory)
        {
            w.WriteStartObject();
            w.WriteNumber("attempt"u8, r.Attempt);
            WriteTime(w, "timestamp"u8, r.Timestamp);
            WriteText(w, "error"u8, r.Error);
            WriteText(w, "retriedFrom"u8, r.RetriedFrom?.Value);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void WriteCause(Utf8JsonWriter w, TaskCause? cause)
    {
        if (cause is null)
        {
            return;
        }

        w.WriteString("triggerEvent"u8, cause.Event);
        WriteOptional(w, "triggerTask"u8, cause.Task?.Value);
        w.WriteStartArray("triggerChain"u8);
        foreach (var name in cause.Chain)
        {
            w.WriteStringValue(name);
        }

        w.WriteEndArray();
        if (!cause.Variables.IsEmpty)
        {
            WriteMap(w, "vars"u8, cause.Variables!);
        }
    }

    private static void WriteText(Utf8JsonWriter w, ReadOnlySpan<byte> name, string? value)
    {
        if (value is null)
        {
            w.WriteNull(name);
        }
        else
        {
            w.WriteString(name, value);
        }
    }

    private static void WriteOptional(Utf8JsonWriter w, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            w.WriteString(name, value);
        }
    }

    private static void WriteNumber(Utf8JsonWriter w, ReadOnlySpan<byte> name, int? value)
    {
        if (value is { } number)
        {
            w.WriteNumber(name, number);
        }
        else
        {
            w.WriteNull(name);
        }
    }

    // A fraction only where a plan asks for one: older tools read whole numbers.
    private static void WriteSeconds(Utf8JsonWriter w, ReadOnlySpan<byte> name, TimeSpan? value)
    {
        if (value is { } time && time.Ticks % TimeSpan.TicksPerSecond != 0)
        {
            w.WriteNumber(name, time.TotalSeconds);
        }
        else
        {
            WriteNumber(w, name, (int?)value?.TotalSeconds);
        }
    }

    private static void WriteTime(Utf8JsonWriter w, ReadOnlySpan<byte> name, DateTimeOffset? value)
    {
        if (value is { } time)
        {
            Span<char> text = stackalloc char[24];
            time.UtcDateTime.TryFormat(
                text,
                out var length,
                "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                CultureInfo.InvariantCulture
            );
            w.WriteString(name, text[..length]);
        }
        else
        {
            w.WriteNull(name);
        }
    }

    private static void WriteIds(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        ImmutableArray<TaskId> ids
    )
    {
        w.WriteStartArray(name);
        foreach (var id in ids)
        {
            w.WriteStringValue(id.Value);
        }

        w.WriteEndArray();
    }

    private static void WriteMap(
        Utf8JsonWriter w,
        ReadOnlySpan<byte> name,
        IEnumerable<KeyValuePair<string, string?>> map
    )
    {
        w.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            w.WriteString(key, value);
        }

        w.WriteEndObject();
    }
}
