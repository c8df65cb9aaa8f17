using System.Text.Json.Nodes;

namespace AgentQueue.Server.Mcp;

/// <summary>What a tool answers with.</summary>
/// <param name="Content">A member that is null is left out: schemas of one type each are what every client reads.</param>
/// <param name="IsRefusal">Nothing, or not all, of what was asked for could be done; the content says why.</param>
internal sealed record ToolReply(JsonObject Content, bool IsRefusal = false)
{
    public JsonObject Content { get; } = WithoutNulls(Content);

    private static JsonObject WithoutNulls(JsonObject json)
    {
        foreach (var (name, value) in json.ToList())
        {
            if (value is null)
            {
                json.Remove(name);
            }

            Clear(value);
        }

        return json;
    }

    private static void Clear(JsonNode? node)
    {
        if (node is JsonObject json)
        {
            WithoutNulls(json);
        }

        foreach (var item in node as JsonArray ?? [])
        {
            Clear(item);
        }
    }
}
