using System.Text.Json;

namespace AgentQueue.EndToEnd;

/// <summary>A task as its public file tells it.</summary>
internal sealed class TaskFile(JsonElement root)
{
    public string Id => Text("taskId")!;
    public string Status => Text("status")!;
    public string? Reason => Text("reason");
    public string? Error => Text("errorMessage");
    public string? Note => Text("note");
    public int? ExitCode => Number("exitCode");
    public int? Pid => Number("pid");
    public int Attempt => Number("attempt") ?? 0;
    public int RetryCount => Number("retryCount") ?? 0;
    public string? Parent => Text("parentTaskId");
    public string? RetriedBy => Text("retriedBy");
    public string? BlockedBy => Text("blockedBy");
    public DateTimeOffset? StartedAt => Time("startedAt");
    public DateTimeOffset? CompletedAt => Time("completedAt");

    public bool IsFinished => Status is "complete" or "failed" or "cancelled";

    public string? Text(string name) =>
        root.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.String
            ? v.GetString()
            : null;

    public int? Number(string name) =>
        root.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.Number
            ? v.GetInt32()
            : null;

    public string[] Texts(string name) =>
        [.. root.GetProperty(name).EnumerateArray().Select(static e => e.GetString()!)];

    private DateTimeOffset? Time(string name) =>
        Text(name) is { } text
            ? DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
            : null;

    public override string ToString() => root.ToString();
}
