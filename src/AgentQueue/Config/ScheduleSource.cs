using System.Globalization;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>Reads the <c>schedule</c> key of an <c>agent-config.json</c> alone.</summary>
internal static class ScheduleSource
{
    private static readonly JsonDocumentOptions s_options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>None if there is no such file or key.</summary>
    /// <exception cref="QueueException">It is no JSON, or a rule cannot be used.</exception>
    public static IReadOnlyList<ScheduleRule> Read(string projectRoot, string fileName)
    {
        var file = Path.Join(projectRoot, fileName);
        if (!File.Exists(file))
        {
            return [];
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file), s_options);
            return document.RootElement.TryGetProperty("schedule", out var rules)
                ? [.. rules.EnumerateArray().Select((rule, i) => ReadRule(rule, i, file))]
                : [];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException)
        {
            throw QueueException.Usage($"Cannot read the rules in {file}: {e.Message}");
        }
    }

    private static ScheduleRule ReadRule(JsonElement rule, int index, string file) =>
        ScheduleRule.TryMake(
            Text(rule, "event") ?? "",
            Text(rule, "cron"),
            Text(rule, "every"),
            out var read,
            out var problem
        )
            ? read
            : throw QueueException.Usage(
                string.Create(CultureInfo.InvariantCulture, $"{file}: schedule[{index}] {problem}")
            );

    private static string? Text(JsonElement rule, string name) =>
        rule.TryGetProperty(name, out var value) ? value.GetString() : null;
}
