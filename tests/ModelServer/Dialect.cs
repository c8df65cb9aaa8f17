using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>What a model says: a text or a call.</summary>
internal sealed record Reply(string Text, ToolCall? Call, ModelUsage Usage)
{
    /// <summary>The text in two pieces, as streams carry it.</summary>
    public (string First, string Second) Halves =>
        (Text[..(Text.Length / 2)], Text[(Text.Length / 2)..]);
}

/// <summary>One of the APIs in which agents ask models.</summary>
internal abstract class Dialect
{
    /// <summary>What every answer says its model is, where the API has it say so.</summary>
    public const string Model = "test-model";

    /// <summary>Whether it asks a model for text in this API.</summary>
    public abstract bool Knows(ModelRequest request);

    /// <summary>The names of the tools on offer.</summary>
    public abstract IEnumerable<string> Offered(JsonObject body);

    /// <summary>What the tools that were called have answered so far, oldest first, each in one text.</summary>
    public abstract IEnumerable<string> Results(JsonObject body);

    public virtual bool IsStreamed(ModelRequest request) =>
        request.Json["stream"] is JsonValue value && value.TryGetValue<bool>(out var on) && on;

    /// <summary>The events of an answer, each one with the empty line at its end.</summary>
    public abstract IEnumerable<string> Stream(Reply reply);

    /// <summary>The same answer in one piece.</summary>
    public abstract JsonObject Whole(Reply reply);

    public abstract JsonObject Error(int status);

    /// <summary>How an account's limit is told, with the time of its end in the body or in headers.</summary>
    public abstract (JsonObject Body, IEnumerable<(string Name, string Value)> Headers) Limit(
        DateTimeOffset resets
    );

    protected static bool Ends(ModelRequest request, string path) =>
        request.Method == "POST"
        && request.Path.Split('?')[0].EndsWith(path, StringComparison.Ordinal);

    protected static IEnumerable<JsonObject> Items(JsonNode? array) =>
        (array as JsonArray)?.OfType<JsonObject>() ?? [];

    /// <summary>A text, or the texts of an array of parts, one a line.</summary>
    protected static string Joined(JsonNode? content) =>
        content is JsonValue value && value.TryGetValue<string>(out var text)
            ? text
            : string.Join(
                '\n',
                Items(content).Select(static p => p["text"]?.GetValue<string>()).OfType<string>()
            );

    protected static string Event(JsonNode data) => $"data: {data.ToJsonString()}\n\n";

    protected static string Event(string name, JsonNode data) =>
        $"event: {name}\ndata: {data.ToJsonString()}\n\n";

    protected static string Words(int status) => $"the test wants status {status}";

    protected static string Seconds(DateTimeOffset until) =>
        Math.Max(1, (long)Math.Ceiling((until - DateTimeOffset.UtcNow).TotalSeconds))
            .ToString(System.Globalization.CultureInfo.InvariantCulture);
}
