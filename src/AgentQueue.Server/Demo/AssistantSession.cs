using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentQueue.Server.Demo;

/// <summary>
/// The loop that every coding assistant is: ask the model, do what it asks for, tell it what came back, until it asks
/// for nothing more.
/// </summary>
internal sealed class AssistantSession(Transcript told, McpChild queue, Uri model) : IDisposable
{
    // The script needs 9; a model that goes on and on is stopped.
    private const int MostTurns = 30;

    // No proxy of the environment stands between this process and its own port.
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    /// <summary>Tells all of it; returns when the model has said its last word.</summary>
    /// <exception cref="QueueException">The model does not come to an end.</exception>
    public async Task RunAsync(string sentence, CancellationToken stop)
    {
        var tools = await queue.ToolsAsync(stop);
        var messages = new JsonArray(
            new JsonObject
            {
                ["role"] = "system",
                ["content"] =
                    "You are a coding assistant. Use the queue for work that other agents can do.",
            },
            new JsonObject { ["role"] = "user", ["content"] = sentence }
        );
        await told.SayAsync("you", sentence);
        for (var turn = 0; turn < MostTurns; turn++)
        {
            var message = await AskAsync(messages, tools, stop);
            await told.SayAsync("assistant", (string?)message["content"] ?? "");
            messages.Add((JsonNode)message);
            if (message["tool_calls"] is not JsonArray { Count: > 0 } calls)
            {
                return;
            }

            foreach (var call in calls.OfType<JsonObject>())
            {
                messages.Add((JsonNode)await DoAsync(call, stop));
            }
        }

        throw new QueueException($"The model has not come to an end in {MostTurns} turns");
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonObject> AskAsync(
        JsonArray messages,
        JsonArray tools,
        CancellationToken stop
    )
    {
        var question = new JsonObject
        {
            ["model"] = "loopback",
            ["messages"] = messages.DeepClone(),
            ["tools"] = tools.DeepClone(),
        };
        using var content = new StringContent(
            question.ToJsonString(),
            Encoding.UTF8,
            "application/json"
        );
        using var response = await _http.PostAsync(model, content, stop);
        response.EnsureSuccessStatusCode();
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(stop));
        return answer?["choices"]?[0]?["message"]?.DeepClone() as JsonObject
            ?? throw new JsonException("The model's answer has no message");
    }

    private async Task<JsonObject> DoAsync(JsonObject call, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var tool = (string)call["function"]!["name"]!;
        var arguments =
            Conversation.Parse((string)call["function"]!["arguments"]!)
            ?? throw new JsonException($"The model calls {tool} with arguments that are no object");
        await told.CallAsync(CallText.Call(tool, arguments));
        var text = await queue.CallAsync(tool, arguments, stop);
        await told.CameBackAsync(CallText.Reply(tool, text));
        return new JsonObject
        {
            ["role"] = "tool",
            ["tool_call_id"] = (string?)call["id"],
            ["content"] = text,
        };
    }
}
