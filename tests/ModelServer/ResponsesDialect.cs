using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>OpenAI's responses: Codex.</summary>
internal sealed class ResponsesDialect : Dialect
{
    private const string Id = "resp_1";
    private const char Within = '.';

    public override bool Knows(ModelRequest request) => Ends(request, "/responses");

    // The tools of an MCP server are offered together, and called by two names.
    public override IEnumerable<string> Offered(JsonObject body) =>
        Items(body["tools"])
            .SelectMany(static t =>
                t["tools"] is { } tools ? Items(tools).Select(tool => Name(t) + Within + Name(tool))
                : t["name"] is null ? []
                : [Name(t)]
            );

    public override IEnumerable<string> Results(JsonObject body) =>
        Items(body["input"])
            .Where(static i => i["type"]?.GetValue<string>() == "function_call_output")
            .Select(static i => Joined(i["output"]));

    public override IEnumerable<string> Stream(Reply reply)
    {
        yield return Named("response.created", "response", Body("in_progress", [], null));
        if (reply.Call is null)
        {
            var begun = Item(reply with { Text = "" });
            begun["status"] = "in_progress";
            yield return Named("response.output_item.added", "item", begun);
            yield return Delta(reply.Halves.First);
            yield return Delta(reply.Halves.Second);
        }

        yield return Named("response.output_item.done", "item", Item(reply));
        yield return Named("response.completed", "response", Whole(reply));
    }

    public override JsonObject Whole(Reply reply) =>
        Body("completed", new JsonArray(Item(reply)), reply.Usage);

    public override JsonObject Error(int status) =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["message"] = Words(status),
                ["type"] = status switch
                {
                    429 => "rate_limit_exceeded",
                    >= 500 => "server_error",
                    _ => "invalid_request_error",
                },
                ["param"] = null,
                ["code"] = status == 401 ? "invalid_api_key" : null,
            },
        };

    public override (JsonObject, IEnumerable<(string, string)>) Limit(DateTimeOffset resets) =>
        (
            new()
            {
                ["error"] = new JsonObject
                {
                    ["type"] = "usage_limit_reached",
                    ["message"] = "The usage limit has been reached",
                    ["plan_type"] = "plus",
                    ["resets_at"] = resets.ToUnixTimeSeconds(),
                },
            },
            []
        );

    private static string Named(string type, string member, JsonObject value) =>
        Event(type, new JsonObject { ["type"] = type, [member] = value });

    private static string Delta(string text) =>
        Event(
            "response.output_text.delta",
            new JsonObject
            {
                ["type"] = "response.output_text.delta",
                ["item_id"] = "msg_1",
                ["output_index"] = 0,
                ["content_index"] = 0,
                ["delta"] = text,
            }
        );

    private static JsonObject Item(Reply reply) =>
        reply.Call is { } call
            ? Made(call)
            : new()
            {
                ["type"] = "message",
                ["id"] = "msg_1",
                ["role"] = "assistant",
                ["status"] = "completed",
                ["content"] = new JsonArray(
                    new JsonObject
                    {
                        ["type"] = "output_text",
                        ["text"] = reply.Text,
                        ["annotations"] = new JsonArray(),
                    }
                ),
            };

    private static string Name(JsonObject tool) => tool["name"]!.GetValue<string>();

    private static JsonObject Made(ToolCall call)
    {
        var names = call.Name.Split(Within, 2);
        var made = new JsonObject
        {
            ["type"] = "function_call",
            ["id"] = "fc_" + call.Id,
            ["call_id"] = call.Id,
            ["name"] = names[^1],
            ["arguments"] = call.Arguments.ToJsonString(),
            ["status"] = "completed",
        };
        if (names.Length > 1)
        {
            made["namespace"] = names[0];
        }

        return made;
    }

    private static JsonObject Body(string status, JsonArray output, ModelUsage? usage) =>
        new()
        {
            ["id"] = Id,
            ["object"] = "response",
            ["status"] = status,
            ["model"] = Model,
            ["output"] = output,
            ["usage"] = usage is { } u
                ? new JsonObject
                {
                    ["input_tokens"] = u.Input,
                    ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = u.Cached },
                    ["output_tokens"] = u.Output,
                    ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 },
                    ["total_tokens"] = u.Total,
                }
                : null,
        };
}
