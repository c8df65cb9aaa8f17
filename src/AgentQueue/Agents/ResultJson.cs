using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Agents;

/// <summary>The file <c>results/&lt;id&gt;.json</c> of docs/format.md.</summary>
internal static class ResultJson
{
    /// <summary>The answer of 1 Mi characters, each escaped, and a list of files.</summary>
    public const int LongestFile = 64 << 20;

    private static readonly JsonWriterOptions s_write = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static byte[] Write(AgentResult result)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var w = new Utf8JsonWriter(buffer, s_write))
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, 1);
            Members(w, result);
            w.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <summary>The members without the version, for an answer that has more.</summary>
    public static void Members(Utf8JsonWriter w, AgentResult result)
    {
        w.WriteString("taskId"u8, result.Task.Value);
        w.WriteNumber("attempt"u8, result.Attempt);
        w.WriteString("agent"u8, result.Agent);
        w.WriteString("adapter"u8, result.Adapter.Length > 0 ? result.Adapter : null);
        w.WriteString("model"u8, result.Model);
        w.WriteString("endedAt"u8, Time(result.EndedAt));
        w.WriteNumber("durationMs"u8, (long)result.Duration.TotalMilliseconds);
        w.WriteString("text"u8, result.Text);
        w.WriteString("sessionId"u8, result.Session);
        Number(w, "turns", result.Turns);
        Number(w, "toolCalls", result.ToolCalls);
        WriteFiles(w, result.Files);
        WriteUsage(w, result.Usage);
        if (!result.SessionUsage.IsEmpty)
        {
            w.WriteStartObject("session"u8);
            WriteUsage(w, result.SessionUsage);
            w.WriteEndObject();
        }

        w.WriteStartObject("exit"u8);
        Number(w, "code", result.Exit?.Code);
        Number(w, "signal", result.Exit?.Signal);
        w.WriteEndObject();
        w.WriteStartObject("agentSays"u8);
        w.WriteString("outcome"u8, Word(result.Word));
        w.WriteString("message"u8, result.WordMessage);
        w.WriteEndObject();
        w.WriteStartObject("verification"u8);
        w.WriteString("outcome"u8, Word(result.Verification));
        w.WriteString("message"u8, result.VerificationMessage);
        w.WriteNumber("fixAttempts"u8, result.FixAttempts);
        w.WriteEndObject();
        if (result.Error is { } error)
        {
            w.WriteStartObject("error"u8);
            w.WriteString("class"u8, error.Class);
            w.WriteString("confidence"u8, Word(error.Confidence));
            w.WriteString("message"u8, error.Message);
            w.WriteEndObject();
        }
        else
        {
            w.WriteNull("error"u8);
        }

        w.WriteString("resetsAt"u8, result.ResetsAt is { } at ? Time(at) : null);
    }

    /// <summary>The members <c>tokens</c> and <c>costUsd</c>.</summary>
    public static void WriteUsage(Utf8JsonWriter w, Usage usage)
    {
        w.WriteStartObject("tokens"u8);
        Number(w, "input", usage.Input);
        Number(w, "output", usage.Output);
        Number(w, "cacheRead", usage.CacheRead);
        Number(w, "cacheWrite", usage.CacheWrite);
        w.WriteEndObject();
        if (usage.Cost is { } cost)
        {
            w.WriteNumber("costUsd"u8, cost);
        }
        else
        {
            w.WriteNull("costUsd"u8);
        }
    }

    /// <summary>Null if it cannot be used; what is missing in it is not known.</summary>
    public static AgentResult? Read(ReadOnlyMemory<byte> json, TaskId id)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(document.RootElement, id);
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static AgentResult Read(JsonElement root, TaskId id)
    {
        var exit = Part(root, "exit");
        var says = Part(root, "agentSays");
        var verification = Part(root, "verification");
        var error = Part(root, "error");
        return new AgentResult
        {
            Task = id,
            Attempt = (int)(Whole(root, "attempt") ?? 0),
            Agent = Text(root, "agent") ?? "",
            Adapter = Text(root, "adapter") ?? "",
            Model = Text(root, "model"),
            EndedAt = TimeOf(root, "endedAt") ?? DateTimeOffset.UnixEpoch,
            Duration = TimeSpan.FromMilliseconds(Whole(root, "durationMs") ?? 0),
            Text = Text(root, "text"),
            Session = Text(root, "sessionId"),
            Turns = (int?)Whole(root, "turns"),
            ToolCalls = (int?)Whole(root, "toolCalls"),
            Files = FilesOf(root),
            Usage = ReadUsage(root),
            SessionUsage = ReadUsage(Part(root, "session")),
            Exit =
                Whole(exit, "signal") is { } signal ? ExitStatus.Killed((int)signal)
                : Whole(exit, "code") is { } code ? ExitStatus.Exited((int)code)
                : null,
            Word = Enum.GetValues<AgentWord>()
                .FirstOrDefault(w => Word(w) == Text(says, "outcome")),
            WordMessage = Text(says, "message"),
            Verification = Enum.GetValues<Verification>()
                .FirstOrDefault(v => Word(v) == Text(verification, "outcome")),
            VerificationMessage = Text(verification, "message"),
            FixAttempts = (int)(Whole(verification, "fixAttempts") ?? 0),
            Error = Text(error, "class") is { } word
                ? new ReadError(
                    word,
                    Enum.GetValues<Confidence>()
                        .FirstOrDefault(c => Word(c) == Text(error, "confidence")),
                    Text(error, "message")
                )
                : null,
            ResetsAt = TimeOf(root, "resetsAt"),
        };
    }

    /// <summary>The members that <see cref="WriteUsage"/> writes.</summary>
    public static Usage ReadUsage(JsonElement value)
    {
        var tokens = Part(value, "tokens");
        return new Usage
        {
            Input = Whole(tokens, "input"),
            Output = Whole(tokens, "output"),
            CacheRead = Whole(tokens, "cacheRead"),
            CacheWrite = Whole(tokens, "cacheWrite"),
            Cost =
                value.ValueKind == JsonValueKind.Object
                && value.TryGetProperty("costUsd", out var cost)
                && cost.ValueKind == JsonValueKind.Number
                && cost.TryGetDecimal(out var amount)
                    ? amount
                    : null,
        };
    }

    public static string Word(AgentWord word) =>
        word switch
        {
            AgentWord.Success => "success",
            AgentWord.Error => "error",
            AgentWord.Incomplete => "incomplete",
            _ => "none",
        };

    public static string Word(Verification verification) =>
        verification switch
        {
            Verification.Passed => "passed",
            Verification.Failed => "failed",
            Verification.Unavailable => "unavailable",
            _ => "none",
        };

    public static string Word(Confidence confidence) =>
        confidence switch
        {
            Confidence.Certain => "certain",
            Confidence.Likely => "likely",
            _ => "guess",
        };

    private static void WriteFiles(Utf8JsonWriter w, ImmutableArray<ResultFile>? files)
    {
        if (files is not { } known)
        {
            w.WriteNull("files"u8);
            return;
        }

        w.WriteStartArray("files"u8);
        foreach (var file in known)
        {
            w.WriteStartObject();
            w.WriteString("path"u8, file.Path);
            w.WriteString("change"u8, file.Change);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static ImmutableArray<ResultFile>? FilesOf(JsonElement root) =>
        root.TryGetProperty("files", out var files) && files.ValueKind == JsonValueKind.Array
            ?
            [
                .. files
                    .EnumerateArray()
                    .Select(static f => new ResultFile(
                        Text(f, "path") ?? "",
                        Text(f, "change") ?? ""
                    )),
            ]
            : null;

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static void Number(Utf8JsonWriter w, string name, long? value)
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

    private static JsonElement Part(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var part)
            ? part
            : default;

    private static string? Text(JsonElement value, string name) =>
        Part(value, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static long? Whole(JsonElement value, string name) =>
        Part(value, name) is { ValueKind: JsonValueKind.Number } number
        && number.TryGetInt64(out var whole)
            ? whole
            : null;

    private static DateTimeOffset? TimeOf(JsonElement value, string name) =>
        Text(value, name) is { } text
        && DateTimeOffset.TryParse(
            text,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time
            : null;
}
