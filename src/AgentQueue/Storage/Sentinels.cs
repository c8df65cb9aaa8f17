using System.Globalization;
using System.Text;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <summary>The marker files beside a task.</summary>
internal enum Sentinel
{
    Done,
    Error,
    Cancelled,
    Timeout,
    ExitCode,
}

internal static class SentinelNames
{
    public static readonly Sentinel[] All = Enum.GetValues<Sentinel>();

    public static string Extension(Sentinel kind) =>
        kind switch
        {
            Sentinel.Done => ".done",
            Sentinel.Error => ".error",
            Sentinel.Cancelled => ".cancelled",
            Sentinel.Timeout => ".timeout",
            Sentinel.ExitCode => ".exitcode",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
}

/// <summary>
/// Reading what was dropped beside a task, as evidence, and writing the marker of a verdict. Any content
/// is accepted from an agent; only a regular file counts, so that a planted folder or link says nothing.
/// </summary>
internal sealed class Sentinels(QueueFolder queue)
{
    private const int LongestRead = 1 << 20;
    private const int LongestMessage = 4000;

    public bool Exists(TaskId id, Sentinel kind) =>
        queue.Disk.Facts(queue.SentinelFile(id, kind)) is { IsRegular: true };

    /// <summary>True if anything was dropped that ends a task: all but the exit code.</summary>
    public bool AnyVerdict(TaskId id) =>
        Exists(id, Sentinel.Done)
        || Exists(id, Sentinel.Error)
        || Exists(id, Sentinel.Cancelled)
        || Exists(id, Sentinel.Timeout);

    /// <summary>
    /// The exit that was recorded, or null. Its content is not synced, so only a whole line counts: of 137 a
    /// loss of power could leave 13.
    /// </summary>
    public ExitStatus? ReadExit(TaskId id) =>
        ReadText(id, Sentinel.ExitCode) is { } text
        && text.EndsWith('\n')
        && ExitStatus.TryParse(text, out var exit)
            ? exit
            : null;

    /// <summary>What <c>.error</c> says: a JSON object with <c>error</c> and <c>details</c>, or plain text.</summary>
    public ErrorReport? ReadError(TaskId id) =>
        ReadText(id, Sentinel.Error) is { } text ? ParseError(text) : null;

    public static ErrorReport ParseError(string text)
    {
        var trimmed = text.Trim().TrimStart('\uFEFF');
        if (trimmed.Length == 0)
        {
            return new ErrorReport("The agent reported an error without a message");
        }

        if (trimmed[0] == '{')
        {
            try
            {
                using var document = JsonDocument.Parse(trimmed);
                var error = Member(document.RootElement, "error");
                return new ErrorReport(
                    Shorten(
                        string.IsNullOrWhiteSpace(error)
                            ? "The agent reported an error without a message"
                            : error
                    ),
                    Member(document.RootElement, "details"),
                    Member(document.RootElement, "reason")
                );
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                // Half-written, hand-written, or with half a character in it (which only shows when the
                // text is taken out): the file itself is the message.
            }
        }

        return new ErrorReport(Shorten(trimmed));
    }

    /// <summary>The limit that <c>.timeout</c> names, or null when it was forced by hand or says nothing.</summary>
    public TimeSpan? ReadTimeoutLimit(TaskId id) =>
        ParseTimeoutLimit(ReadText(id, Sentinel.Timeout) ?? "");

    public static TimeSpan? ParseTimeoutLimit(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return
                document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("timeout", out var limit)
                && limit.ValueKind == JsonValueKind.Number
                && limit.TryGetDouble(out var seconds)
                && seconds is > 0 and < 1e9
                ? TimeSpan.FromSeconds(seconds)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // An empty .timeout, made with touch, is as good as one with content.
            return null;
        }
    }

    public static byte[] ErrorContent(string message, string reason, DateTimeOffset now) =>
        Json(w =>
        {
            w.WriteString("error", message);
            w.WriteNull("details");
            w.WriteString("timestamp", Stamp(now));
            w.WriteString("reason", reason);
        });

    public static byte[] TimeoutContent(TimeSpan? limit, DateTimeOffset now) =>
        Json(w =>
        {
            if (limit is { } time)
            {
                w.WriteNumber("timeout", (long)Math.Ceiling(time.TotalSeconds));
            }
            else
            {
                w.WriteString("timeout", "manual");
            }

            w.WriteString("timestamp", Stamp(now));
        });

    public static byte[] ExitContent(ExitStatus exit) =>
        Encoding.ASCII.GetBytes(exit.Code.ToString(CultureInfo.InvariantCulture) + "\n");

    private string? ReadText(TaskId id, Sentinel kind) =>
        ReadText(queue.Disk, queue.SentinelFile(id, kind));

    /// <summary>The text of a regular file, null if there is none.</summary>
    public static string? ReadText(IDisk disk, string path)
    {
        var read = disk.Read(path, LongestRead);
        return read.Status switch
        {
            ReadStatus.Ok => Encoding.UTF8.GetString(read.Content),
            ReadStatus.TooLarge => "(too long to show)",
            _ => null,
        };
    }

    private static string? Member(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Null => null,
                _ => value.GetRawText(),
            }
            : null;

    private static string Shorten(string text) =>
        text.Length <= LongestMessage
            ? text
            : text[..(LongestMessage - (char.IsLowSurrogate(text[LongestMessage]) ? 1 : 0))] + "…";

    private static string Stamp(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static byte[] Json(Action<Utf8JsonWriter> members)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var w = new Utf8JsonWriter(buffer))
        {
            w.WriteStartObject();
            members(w);
            w.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }
}
