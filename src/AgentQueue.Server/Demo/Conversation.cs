using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentQueue.Server.Demo;

/// <summary>What a model knows: the calls that it has asked for, what came back, and the tasks that these tell of.</summary>
internal sealed class Conversation
{
    private readonly List<Call> _calls = [];
    private readonly List<KnownTask> _tasks = [];

    /// <param name="messages">As chat completions have them.</param>
    public Conversation(JsonArray messages)
    {
        var asked = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var message in messages.OfType<JsonObject>())
        {
            foreach (var call in (message["tool_calls"] as JsonArray ?? []).OfType<JsonObject>())
            {
                asked[(string)call["id"]!] = (string)call["function"]!["name"]!;
            }

            if (
                (string?)message["role"] == "tool"
                && asked.TryGetValue((string?)message["tool_call_id"] ?? "", out var tool)
            )
            {
                var text = (string?)message["content"] ?? "";
                var heard = new Call(tool, Parse(text), text);
                _calls.Add(heard);
                Learn(heard);
            }
        }
    }

    /// <summary>What came back, oldest first.</summary>
    public IReadOnlyList<Call> Calls => _calls;

    /// <summary>The tasks that were started, a retry after what it retries.</summary>
    public IReadOnlyList<KnownTask> Tasks => _tasks;

    /// <summary>What the text is as JSON, or null.</summary>
    public static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Learn(Call call)
    {
        switch (call)
        {
            case { Tool: "start" or "retry", Reply: { } reply }
                when reply["task"] is JsonObject task:
                _tasks.Add(
                    new KnownTask(
                        (string)task["taskId"]!,
                        (string)task["agent"]!,
                        (string?)task["parentTaskId"]
                    )
                    {
                        State = (string)task["status"]!,
                    }
                );
                break;
            case { Tool: "wait", Reply: { } reply }:
                foreach (var task in (reply["ended"] as JsonArray ?? []).OfType<JsonObject>())
                {
                    if (Find(task["taskId"]) is { } known)
                    {
                        known.State = (string)task["status"]!;
                    }
                }

                break;
            case { Tool: "result", Reply: { } reply } when Find(reply["taskId"]) is { } known:
                known.State = (string)reply["status"]!;
                known.Answer = LastLine((string?)reply["answer"]?["text"] ?? "");
                break;
        }
    }

    private KnownTask? Find(JsonNode? id) => _tasks.Find(t => t.Id == (string?)id);

    private static string LastLine(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault("it said nothing");

    /// <param name="Reply">Null if it was refused; then <paramref name="Text"/> says why.</param>
    internal sealed record Call(string Tool, JsonObject? Reply, string Text);

    /// <param name="id">As agentq gave it.</param>
    /// <param name="parent">The task that it retries.</param>
    internal sealed class KnownTask(string id, string agent, string? parent)
    {
        public string Id => id;
        public string Agent => agent;
        public string? Parent => parent;
        public required string State { get; set; }

        /// <summary>The last line of what it came to; null until that has been read.</summary>
        public string? Answer { get; set; }

        public bool IsOver => State is "complete" or "failed" or "cancelled";
    }
}
