using System.Globalization;
using System.Text.Json;

namespace AgentQueue.Server.Mcp;

/// <summary>Reads arguments that fit their schema.</summary>
internal static class ToolInput
{
    public static string? Text(JsonElement input, string name) =>
        input.TryGetProperty(name, out var value) ? value.GetString() : null;

    public static int? Number(JsonElement input, string name) =>
        input.TryGetProperty(name, out var value) ? value.GetInt32() : null;

    public static bool IsOn(JsonElement input, string name, bool usually) =>
        input.TryGetProperty(name, out var value) ? value.GetBoolean() : usually;

    public static List<string> Words(JsonElement input, string name) =>
        input.TryGetProperty(name, out var value)
            ? [.. value.EnumerateArray().Select(static v => v.GetString()!)]
            : [];

    public static IEnumerable<(string Name, string Value)> Pairs(JsonElement input, string name) =>
        input.TryGetProperty(name, out var value)
            ? value.EnumerateObject().Select(static p => (p.Name, p.Value.GetString()!))
            : [];

    public static void AddOption(
        List<string> arguments,
        JsonElement input,
        string name,
        string option
    )
    {
        if (input.TryGetProperty(name, out var value))
        {
            arguments.Add(
                string.Create(CultureInfo.InvariantCulture, $"{option}={value.ToString()}")
            );
        }
    }
}
