using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentQueue.Tests.Support;

/// <summary>
/// The part of JSON Schema 2020-12 that the schemas in docs/ are written in. A keyword that it does not know is a
/// bug of the schema or of this, and never passed over.
/// </summary>
internal sealed class JsonSchema(JsonElement root)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>What is wrong with a value: one line for each, with the path of its place; none if it is valid.</summary>
    public IReadOnlyList<string> Problems(JsonElement value) => [.. Check(root, value, "$")];

    private IEnumerable<string> Check(JsonElement schema, JsonElement value, string at) =>
        schema.ValueKind switch
        {
            JsonValueKind.True => [],
            JsonValueKind.False => [$"{at}: nothing may stand here"],
            _ => schema.EnumerateObject().SelectMany(keyword => Check(schema, keyword, value, at)),
        };

    private IEnumerable<string> Check(
        JsonElement schema,
        JsonProperty keyword,
        JsonElement value,
        string at
    )
    {
        var rule = keyword.Value;
        return keyword.Name switch
        {
            "$schema" or "$defs" or "title" or "description" or "default" => [],
            "$ref" => Check(Resolve(rule.GetString()!), value, at),
            "type" => Unless(OneOrMany(rule).Any(t => IsOf(t.GetString()!, value)), "type"),
            "enum" => Unless(
                rule.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)),
                "enum"
            ),
            "anyOf" => Unless(rule.EnumerateArray().Any(s => !Check(s, value, at).Any()), "anyOf"),
            "pattern" => Unless(
                value.ValueKind != JsonValueKind.String
                    || Matches(rule.GetString()!, value.GetString()!),
                "pattern"
            ),
            "minimum" => Unless(
                value.ValueKind != JsonValueKind.Number || value.GetDouble() >= rule.GetDouble(),
                "minimum"
            ),
            "maximum" => Unless(
                value.ValueKind != JsonValueKind.Number || value.GetDouble() <= rule.GetDouble(),
                "maximum"
            ),
            "minItems" => Unless(
                value.ValueKind != JsonValueKind.Array || value.GetArrayLength() >= rule.GetInt32(),
                "minItems"
            ),
            "items" => Items(value).SelectMany((item, i) => Check(rule, item, $"{at}[{i}]")),
            "required" => rule.EnumerateArray()
                .Where(name =>
                    value.ValueKind == JsonValueKind.Object
                    && !value.TryGetProperty(name.GetString()!, out _)
                )
                .Select(name => $"{at}: {name} is missing"),
            "properties" => Members(value)
                .Where(m => rule.TryGetProperty(m.Name, out _))
                .SelectMany(m => Check(rule.GetProperty(m.Name), m.Value, $"{at}.{m.Name}")),
            "additionalProperties" => Members(value)
                .Where(m =>
                    !schema.TryGetProperty("properties", out var known)
                    || !known.TryGetProperty(m.Name, out _)
                )
                .SelectMany(m => Check(rule, m.Value, $"{at}.{m.Name}")),
            "propertyNames" => Members(value)
                .Where(m => !Matches(rule.GetProperty("pattern").GetString()!, m.Name))
                .Select(m => $"{at}.{m.Name}: propertyNames"),
            _ => throw new UnreachableException($"{keyword.Name} is not known here"),
        };

        IEnumerable<string> Unless(bool holds, string word) =>
            holds ? [] : [string.Create(CultureInfo.InvariantCulture, $"{at}: {word}")];
    }

    private JsonElement Resolve(string reference) =>
        reference.Split('/').Skip(1).Aggregate(root, static (at, name) => at.GetProperty(name));

    private static JsonElement[] OneOrMany(JsonElement rule) =>
        rule.ValueKind == JsonValueKind.Array ? Items(rule) : [rule];

    private static JsonElement[] Items(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [];

    private static JsonProperty[] Members(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? [.. value.EnumerateObject()] : [];

    private static bool Matches(string pattern, string text) =>
        Regex.IsMatch(text, pattern, RegexOptions.ECMAScript, s_patience);

    private static bool IsOf(string type, JsonElement value) =>
        type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "number" => value.ValueKind == JsonValueKind.Number,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "null" => value.ValueKind == JsonValueKind.Null,
            _ => throw new UnreachableException($"{type} is no type"),
        };
}
