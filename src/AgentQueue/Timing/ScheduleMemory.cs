using System.Globalization;
using System.Text.Json;
using AgentQueue.Config;

namespace AgentQueue.Timing;

/// <summary>What is remembered of a rule that was installed.</summary>
/// <param name="Since">When that was, to the minute: nothing was due before, and <c>every</c> counts from here.</param>
/// <param name="Due">The last due time that it fired for; null if it never did.</param>
/// <param name="FiredAt">When it did that.</param>
/// <param name="Missed">How many due times passed unheeded, as far as a later one has told.</param>
internal sealed record ScheduleMemory(
    string Key,
    string Event,
    string When,
    DateTimeOffset Since,
    DateTimeOffset? Due = null,
    DateTimeOffset? FiredAt = null,
    int Missed = 0
)
{
    public static ScheduleMemory Of(ScheduleRule rule, DateTimeOffset since) =>
        new(rule.Key, rule.Event, rule.When, since);
}

/// <summary>The text of <c>.agents/schedule.json</c>.</summary>
internal static class ScheduleJson
{
    public const string FileName = "schedule.json";
    public const int LongestFile = 16 << 20;
    private const int Version = 1;

    public static byte[] Write(IEnumerable<ScheduleMemory> rules)
    {
        using var stream = new MemoryStream();
        using (
            var w = new Utf8JsonWriter(
                stream,
                new JsonWriterOptions { Indented = true, NewLine = "\n" }
            )
        )
        {
            w.WriteStartObject();
            w.WriteNumber("version"u8, Version);
            w.WriteStartArray("rules"u8);
            foreach (var rule in rules)
            {
                w.WriteStartObject();
                w.WriteString("rule"u8, rule.Key);
                w.WriteString("event"u8, rule.Event);
                w.WriteString("when"u8, rule.When);
                w.WriteString("since"u8, Time(rule.Since));
                w.WriteString("due"u8, Time(rule.Due));
                w.WriteString("firedAt"u8, Time(rule.FiredAt));
                w.WriteNumber("missed"u8, rule.Missed);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <exception cref="FormatException">It is not what <see cref="Write"/> makes, or of a later version.</exception>
    public static IReadOnlyList<ScheduleMemory> Read(ReadOnlyMemory<byte> text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            if (root.GetProperty("version").GetInt32() != Version)
            {
                throw new FormatException("it is of another version");
            }

            return [.. root.GetProperty("rules").EnumerateArray().Select(ReadRule)];
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("it is damaged", e);
        }
    }

    private static ScheduleMemory ReadRule(JsonElement rule) =>
        new(
            Text(rule, "rule"),
            Text(rule, "event"),
            Text(rule, "when"),
            TimeOf(rule, "since") ?? throw new FormatException("it is damaged"),
            TimeOf(rule, "due"),
            TimeOf(rule, "firedAt"),
            rule.GetProperty("missed").GetInt32()
        );

    private static string Text(JsonElement rule, string name) =>
        rule.GetProperty(name).GetString() ?? throw new FormatException("it is damaged");

    private static DateTimeOffset? TimeOf(JsonElement rule, string name) =>
        rule.GetProperty(name) is { ValueKind: JsonValueKind.String } value
            ? DateTimeOffset.Parse(
                value.GetString()!,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal
            )
            : null;

    private static string? Time(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
