using System.Text;
using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>What an agent asked the model server, as it came.</summary>
/// <param name="Path">With the query.</param>
/// <param name="Headers">Names in lower case.</param>
internal sealed record ModelRequest(
    string Method,
    string Path,
    IReadOnlyDictionary<string, string> Headers,
    byte[] Body
)
{
    /// <summary>An empty object if the body is none.</summary>
    public JsonObject Json { get; } = Parse(Body);

    /// <summary>Every text anywhere in the body; a prompt is one of them, or stands within one.</summary>
    public IReadOnlyList<string> Texts
    {
        get
        {
            var texts = new List<string>();
            Collect(Json, texts);
            return texts;
        }
    }

    /// <summary>Whether somewhere in the body stands exactly this, nothing escaped and nothing left out.</summary>
    public bool Holds(string text) => Texts.Any(t => t.Contains(text, StringComparison.Ordinal));

    public override string ToString() => $"{Method} {Path}, {Body.Length} bytes";

    private static JsonObject Parse(byte[] body)
    {
        if (body.Length == 0)
        {
            return [];
        }

        try
        {
            return JsonNode.Parse(Encoding.UTF8.GetString(body)) as JsonObject ?? [];
        }
        catch (System.Text.Json.JsonException)
        {
            // No JSON: whatever it is, no model is asked with it.
            return [];
        }
    }

    private static void Collect(JsonNode? node, List<string> texts)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (_, member) in members)
                {
                    Collect(member, texts);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    Collect(item, texts);
                }

                break;
            case JsonValue value when value.TryGetValue<string>(out var text):
                texts.Add(text);
                break;
        }
    }
}
