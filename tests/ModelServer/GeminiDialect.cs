using System.Text.Json.Nodes;

namespace AgentQueue.Models;

/// <summary>Google's generateContent: Gemini CLI.</summary>
internal sealed class GeminiDialect : Dialect
{
    public override bool Knows(ModelRequest request) =>
        Ends(request, ":streamGenerateContent") || Ends(request, ":generateContent");

    public override bool IsStreamed(ModelRequest request) =>
        Ends(request, ":streamGenerateContent");

    public override IEnumerable<string> Offered(JsonObject body) =>
        Items(body["tools"])
            .SelectMany(static t => Items(t["functionDeclarations"]))
            .Select(static t => t["name"]?.GetValue<string>())
            .OfType<string>();

    // The answer is an object: its text, or what went wrong.
    public override IEnumerable<string> Results(JsonObject body) =>
        Items(body["contents"])
            .SelectMany(static c => Items(c["parts"]))
            .Select(static p => p["functionResponse"]?["response"])
            .OfType<JsonObject>()
            .Select(static r => Joined(r["output"] ?? r["error"]));

    public override IEnumerable<string> Stream(Reply reply)
    {
        if (reply.Call is null)
        {
            yield return Event(Body(reply with { Text = reply.Halves.First }, isLast: false));
            yield return Event(Body(reply with { Text = reply.Halves.Second }, isLast: true));
        }
        else
        {
            yield return Event(Body(reply, isLast: true));
        }
    }

    public override JsonObject Whole(Reply reply) => Body(reply, isLast: true);

    public override JsonObject Error(int status) =>
        new()
        {
            ["error"] = new JsonObject
            {
                ["code"] = status,
                ["message"] = Words(status),
                ["status"] = status switch
                {
                    401 => "UNAUTHENTICATED",
                    403 => "PERMISSION_DENIED",
                    429 => "RESOURCE_EXHAUSTED",
                    >= 500 => "INTERNAL",
                    _ => "INVALID_ARGUMENT",
                },
            },
        };

    public override (JsonObject, IEnumerable<(string, string)>) Limit(DateTimeOffset resets)
    {
        var body = Error(429);
        var error = body["error"]!.AsObject();
        error["message"] =
            "You exceeded your current quota. Please retry in " + Seconds(resets) + "s.";
        error["details"] = new JsonArray(
            new JsonObject
            {
                ["@type"] = "type.googleapis.com/google.rpc.QuotaFailure",
                ["violations"] = new JsonArray(
                    new JsonObject
                    {
                        ["quotaMetric"] =
                            "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                        ["quotaId"] = "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                        ["quotaValue"] = "50",
                    }
                ),
            },
            new JsonObject
            {
                ["@type"] = "type.googleapis.com/google.rpc.RetryInfo",
                ["retryDelay"] = Seconds(resets) + "s",
            }
        );
        return (body, []);
    }

    private static JsonObject Body(Reply reply, bool isLast)
    {
        var candidate = new JsonObject
        {
            ["index"] = 0,
            ["content"] = new JsonObject
            {
                ["role"] = "model",
                ["parts"] = new JsonArray(Part(reply)),
            },
        };
        var body = new JsonObject
        {
            ["candidates"] = new JsonArray(candidate),
            ["modelVersion"] = Model,
            ["responseId"] = "response-1",
        };
        if (isLast)
        {
            candidate["finishReason"] = "STOP";
            body["usageMetadata"] = new JsonObject
            {
                ["promptTokenCount"] = reply.Usage.Input,
                ["cachedContentTokenCount"] = reply.Usage.Cached,
                ["candidatesTokenCount"] = reply.Usage.Output,
                ["totalTokenCount"] = reply.Usage.Total,
            };
        }

        return body;
    }

    private static JsonObject Part(Reply reply) =>
        reply.Call is { } call
            ? new()
            {
                ["functionCall"] = new JsonObject
                {
                    ["name"] = call.Name,
                    ["args"] = call.Arguments.DeepClone(),
                },
            }
            : new() { ["text"] = reply.Text };
}
