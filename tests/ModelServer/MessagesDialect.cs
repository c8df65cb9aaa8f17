using System.Globalization;
using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>Anthropic's messages: Claude Code.</summary>
internal sealed class MessagesDialect : Dialect
{
    public override bool Knows(ModelRequest request) => Ends(request, "/messages");

    public override IEnumerable<string> Offered(JsonObject body) =>
        Items(body["tools"]).Select(static t => t["name"]?.GetValue<string>()).OfType<string>();

    public override IEnumerable<string> Results(JsonObject body) =>
        Items(body["messages"])
            .SelectMany(static m => Items(m["content"]))
            .Where(static b => b["type"]?.GetValue<string>() == "tool_result")
            .Select(static b => Joined(b["content"]));

    public override IEnumerable<string> Stream(Reply reply)
    {
        var begun = Whole(reply with { Usage = reply.Usage with { Output = 1 } });
        begun["content"] = new JsonArray();
        begun["stop_reason"] = null;
        yield return Named("message_start", ("message", begun));

        var block = Block(reply with { Text = "" });
        if (reply.Call is { } call)
        {
            block["input"] = new JsonObject();
            yield return Start(block);
            yield return Delta("input_json_delta", "partial_json", call.Arguments.ToJsonString());
        }
        else
        {
            yield return Start(block);
            yield return Delta("text_delta", "text", reply.Halves.First);
            yield return Delta("text_delta", "text", reply.Halves.Second);
        }

        yield return Named("content_block_stop", ("index", 0));
        yield return Named(
            "message_delta",
            ("delta", new JsonObject { ["stop_reason"] = Reason(reply), ["stop_sequence"] = null }),
            ("usage", new JsonObject { ["output_tokens"] = reply.Usage.Output })
        );
        yield return Named("message_stop");
    }

    public override JsonObject Whole(Reply reply) =>
        new()
        {
            ["id"] = "msg_1",
            ["type"] = "message",
            ["role"] = "assistant",
            ["model"] = Model,
            ["content"] = new JsonArray(Block(reply)),
            ["stop_reason"] = Reason(reply),
            ["stop_sequence"] = null,
            ["usage"] = new JsonObject
            {
                ["input_tokens"] = reply.Usage.Fresh,
                ["cache_creation_input_tokens"] = 0,
                ["cache_read_input_tokens"] = reply.Usage.Cached,
                ["output_tokens"] = reply.Usage.Output,
            },
        };

    public override JsonObject Error(int status) =>
        Error(
            Words(status),
            status switch
            {
                401 => "authentication_error",
                403 => "permission_error",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                >= 500 => "api_error",
                _ => "invalid_request_error",
            }
        );

    public override (JsonObject, IEnumerable<(string, string)>) Limit(DateTimeOffset resets) =>
        (
            Error(
                "This request would exceed your account's rate limit. Please try again later.",
                "rate_limit_error"
            ),
            [
                ("retry-after", Seconds(resets)),
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
                (
                    "anthropic-ratelimit-unified-reset",
                    resets.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)
                ),
            ]
        );

    private static JsonObject Error(string message, string type) =>
        new()
        {
            ["type"] = "error",
            ["error"] = new JsonObject { ["type"] = type, ["message"] = message },
        };

    private static string Named(string type, params (string Name, JsonNode Value)[] members)
    {
        var data = new JsonObject { ["type"] = type };
        foreach (var (name, value) in members)
        {
            data[name] = value;
        }

        return Event(type, data);
    }

    private static string Start(JsonObject block) =>
        Named("content_block_start", ("index", 0), ("content_block", block));

    private static string Delta(string type, string member, string text) =>
        Named(
            "content_block_delta",
            ("index", 0),
            ("delta", new JsonObject { ["type"] = type, [member] = text })
        );

    private static JsonObject Block(Reply reply) =>
        reply.Call is { } call
            ? new()
            {
                ["type"] = "tool_use",
                ["id"] = "toolu_" + call.Id,
                ["name"] = call.Name,
                ["input"] = call.Arguments.DeepClone(),
            }
            : new() { ["type"] = "text", ["text"] = reply.Text };

    private static string Reason(Reply reply) => reply.Call is null ? "end_turn" : "tool_use";
}
