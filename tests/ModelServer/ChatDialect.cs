using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>OpenAI's chat completions: OpenCode, Qwen Code, Copilot.</summary>
internal sealed class ChatDialect : Dialect
{
    private const string Id = "chatcmpl-1";

    public override bool Knows(ModelRequest request) => Ends(request, "/chat/completions");

    public override IEnumerable<string> Offered(JsonObject body) =>
        Items(body["tools"])
            .Select(static t => t["function"]?["name"]?.GetValue<string>())
            .OfType<string>();

    public override IEnumerable<string> Results(JsonObject body) =>
        Items(body["messages"])
            .Where(static m => m["role"]?.GetValue<string>() == "tool")
            .Select(static m => Joined(m["content"]));

    public override IEnumerable<string> Stream(Reply reply)
    {
        yield return Chunk(new() { ["role"] = "assistant", ["content"] = "" }, null);
        if (reply.Call is { } call)
        {
            var made = Made(call);
            made["index"] = 0;
            yield return Chunk(new() { ["tool_calls"] = new JsonArray(made) }, null);
        }
        else
        {
            yield return Chunk(new() { ["content"] = reply.Halves.First }, null);
            yield return Chunk(new() { ["content"] = reply.Halves.Second }, null);
        }

        yield return Chunk([], Reason(reply));
        var last = Body("chat.completion.chunk", []);
        last["usage"] = Told(reply.Usage);
        yield return Event(last);
        yield return "data: [DONE]\n\n";
    }

    public override JsonObject Whole(Reply reply)
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = reply.Text };
        if (reply.Call is { } call)
        {
            message["tool_calls"] = new JsonArray(Made(call));
        }

        var body = Body(
            "chat.completion",
            new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = message,
                    ["finish_reason"] = Reason(reply),
                }
            )
        );
        body["usage"] = Told(reply.Usage);
        return body;
    }

    public override JsonObject Error(int status) =>
        Error(
            Words(status),
            status switch
            {
                401 => "invalid_api_key",
                429 => "rate_limit_exceeded",
                >= 500 => "server_error",
                _ => "invalid_request_error",
            }
        );

    public override (JsonObject, IEnumerable<(string, string)>) Limit(DateTimeOffset resets) =>
        (
            Error(
                "You exceeded your current quota, please check your plan and billing details.",
                "insufficient_quota"
            ),
            [
                ("retry-after", Seconds(resets)),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", Seconds(resets) + "s"),
            ]
        );

    private static JsonObject Error(string message, string code) =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["message"] = message,
                ["type"] = code,
                ["param"] = null,
                ["code"] = code,
            },
        };

    private static string Chunk(JsonObject delta, string? reason) =>
        Event(
            Body(
                "chat.completion.chunk",
                new JsonArray(
                    new JsonObject
                    {
                        ["index"] = 0,
                        ["delta"] = delta,
                        ["finish_reason"] = reason,
                    }
                )
            )
        );

    private static JsonObject Body(string kind, JsonArray choices) =>
        new()
        {
            ["id"] = Id,
            ["object"] = kind,
            ["created"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            ["model"] = Model,
            ["choices"] = choices,
        };

    private static JsonObject Made(ToolCall call) =>
        new()
        {
            ["id"] = call.Id,
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = call.Name,
                ["arguments"] = call.Arguments.ToJsonString(),
            },
        };

    private static string Reason(Reply reply) => reply.Call is null ? "stop" : "tool_calls";

    private static JsonObject Told(ModelUsage usage) =>
        new()
        {
            ["prompt_tokens"] = usage.Input,
            ["completion_tokens"] = usage.Output,
            ["total_tokens"] = usage.Total,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.Cached },
        };
}
