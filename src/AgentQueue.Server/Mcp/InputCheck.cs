using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AgentQueue.Server.Mcp;

/// <summary>
/// Holds a tool's arguments against its published schema, as far as the schemas of <c>tools.json</c> go: what is
/// published is what is enforced. A keyword that is not known here is a bug, and never passed over.
/// </summary>
internal static class InputCheck
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>The first thing that is wrong, as a sentence; null if nothing is.</summary>
    public static string? Problem(JsonElement schema, JsonElement value, string at = "")
    {
        foreach (var keyword in schema.EnumerateObject())
        {
            if (Broken(schema, keyword, value, at) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static string? Broken(
        JsonElement schema,
        JsonProperty keyword,
        JsonElement value,
        string at
    )
    {
        var rule = keyword.Value;
        var name = at.Length == 0 ? "The arguments" : $"'{at}'";
        return keyword.Name switch
        {
            "title" or "description" => null,
            "type" => IsOf(rule.GetString()!, value)
                ? null
                : $"{name} must be {InWords(rule.GetString()!)}",
            "enum" => rule.EnumerateArray().Any(e => e.ValueEquals(value.GetString()))
                ? null
                : $"{name} must be one of {string.Join(", ", rule.EnumerateArray())}",
            "minimum" => value.GetDouble() >= rule.GetDouble()
                ? null
                : $"{name} must be {rule} or more",
            "maximum" => value.GetDouble() <= rule.GetDouble()
                ? null
                : $"{name} must be {rule} or less",
            "minLength" => value.GetString()!.Length >= rule.GetInt32()
                ? null
                : $"{name} must not be empty",
            "maxLength" => value.GetString()!.Length <= rule.GetInt32()
                ? null
                : $"{name} must be {rule} characters long at most",
            "pattern" => Regex.IsMatch(
                value.GetString()!,
                // Of ECMA 262, where $ is the very end; in .NET a line break may follow.
                rule.GetString()!.Replace("$", @"\z", StringComparison.Ordinal),
                RegexOptions.CultureInvariant,
                s_patience
            )
                ? null
                : $"{name} must look like {rule}",
            "minItems" => value.GetArrayLength() >= rule.GetInt32()
                ? null
                : $"{name} must have {rule} or more",
            "maxItems" => value.GetArrayLength() <= rule.GetInt32()
                ? null
                : $"{name} must have {rule} at most",
            "items" => value
                .EnumerateArray()
                .Select(item => Problem(rule, item, at))
                .FirstOrDefault(static p => p is not null),
            "required" => rule.EnumerateArray()
                .Where(r => !value.TryGetProperty(r.GetString()!, out _))
                .Select(static r => $"'{r}' is missing")
                .FirstOrDefault(),
            "properties" => rule.EnumerateObject()
                .Where(p => value.TryGetProperty(p.Name, out _))
                .Select(p => Problem(p.Value, value.GetProperty(p.Name), Below(at, p.Name)))
                .FirstOrDefault(static p => p is not null),
            "propertyNames" => value
                .EnumerateObject()
                .Select(p => Problem(rule, NameOf(p), $"{at}.{AgentText.Line(p.Name, 60)}"))
                .FirstOrDefault(static p => p is not null),
            "additionalProperties" => value
                .EnumerateObject()
                .Where(p =>
                    !schema.TryGetProperty("properties", out var known)
                    || !known.TryGetProperty(p.Name, out _)
                )
                .Select(p =>
                    rule.ValueKind == JsonValueKind.False
                        ? $"There is no argument '{Below(at, AgentText.Line(p.Name, 60)!)}'"
                        : Problem(rule, p.Value, Below(at, AgentText.Line(p.Name, 60)!))
                )
                .FirstOrDefault(static p => p is not null),
            _ => throw new NotSupportedException($"{keyword.Name} in a schema"),
        };
    }

    private static string Below(string at, string name) => at.Length == 0 ? name : $"{at}.{name}";

    private static bool IsOf(string type, JsonElement value) =>
        type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object
                && value.EnumerateObject().All(static p => IsText(() => p.Name)),
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String && IsText(() => value.GetString()!),
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
            _ => throw new NotSupportedException($"the type {type} in a schema"),
        };

    // Half a surrogate pair is valid JSON and no text. A NUL is where an argument of a program ends: what stands behind
    // it would be dropped, and another task be meant.
    private static bool IsText(Func<string> read)
    {
        try
        {
            return !read().Contains('\0');
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static string InWords(string type) =>
        type switch
        {
            "object" => "an object whose names are text",
            "array" => "a list",
            "string" => "text without NUL",
            "boolean" => "true or false",
            _ => "a whole number",
        };

    private static JsonElement NameOf(JsonProperty property)
    {
        using var document = JsonDocument.Parse(JsonValue.Create(property.Name).ToJsonString());
        return document.RootElement.Clone();
    }
}
