using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace AgentQueue.Server.Mcp;

/// <summary>The tools as they are published, read from <c>tools.json</c>.</summary>
internal static class ToolList
{
    public static IReadOnlyList<Tool> All { get; } = Read();

    public static Tool? Find(string name) => All.FirstOrDefault(t => t.Name == name);

    private static List<Tool> Read()
    {
        using var stream = typeof(ToolList).Assembly.GetManifestResourceStream("tools.json")!;
        var document = JsonNode.Parse(stream)!;
        var shared = document["$defs"]!.AsObject();
        return [.. document["tools"]!.AsArray().Select(t => Read(t!.AsObject(), shared))];
    }

    private static Tool Read(JsonObject tool, JsonObject shared)
    {
        var hints = tool["annotations"]!;
        return new Tool
        {
            Name = (string)tool["name"]!,
            Title = (string)tool["title"]!,
            Description = (string)tool["description"]!,
            InputSchema = Element(tool["inputSchema"]!),
            OutputSchema = Element(WithShared(tool["outputSchema"]!.AsObject(), shared)),
            Annotations = new ToolAnnotations
            {
                Title = (string)tool["title"]!,
                ReadOnlyHint = (bool)hints["readOnlyHint"]!,
                DestructiveHint = (bool?)hints["destructiveHint"] ?? false,
                IdempotentHint = (bool)hints["idempotentHint"]!,
                OpenWorldHint = (bool)hints["openWorldHint"]!,
            },
        };
    }

    // A schema stands for itself: what it refers to comes with it.
    private static JsonObject WithShared(JsonObject schema, JsonObject shared)
    {
        var text = schema.ToJsonString();
        var used = new JsonObject();
        foreach (var (name, definition) in shared)
        {
            if (text.Contains($"#/$defs/{name}\"", StringComparison.Ordinal))
            {
                used[name] = definition!.DeepClone();
            }
        }

        var whole = (JsonObject)schema.DeepClone();
        if (used.Count > 0)
        {
            whole["$defs"] = used;
        }

        return whole;
    }

    private static JsonElement Element(JsonNode node)
    {
        using var document = JsonDocument.Parse(node.ToJsonString());
        return document.RootElement.Clone();
    }
}
