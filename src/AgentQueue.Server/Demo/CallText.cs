using System.Globalization;
using System.Text.Json.Nodes;
using AgentQueue.Server.Mcp;

namespace AgentQueue.Server.Demo;

/// <summary>Calls of tools and what came back, each as one line for a person.</summary>
internal static class CallText
{
    private const int LongestText = 50;

    /// <summary>As in <c>agentq.start(agent: notes, prompt: "…")</c>.</summary>
    public static string Call(string tool, JsonObject arguments) =>
        $"agentq.{tool}({string.Join(", ", arguments.Select(static a => $"{a.Key}: {Value(a.Value)}"))})";

    /// <param name="text">As the model gets it: JSON, or a sentence that says why not.</param>
    public static string Reply(string tool, string text) =>
        Conversation.Parse(text) is not { } json
            ? AgentText.Line(text)!
            : tool switch
            {
                "list" => $"{Tasks(json["counts"]?["total"])}; agents: {Names(json["agents"])}",
                "start" => Started(json["task"]!),
                "retry" =>
                    $"{Started(json["task"]!)}, a retry of {(string?)json["task"]!["parentTaskId"]}",
                "wait" => Ended(json),
                "result" =>
                    $"{(string?)json["status"]}{After(json["durationMs"])}: {LastLine(json["answer"]?["text"])}",
                _ => AgentText.Line(text)!,
            };

    private static string Value(JsonNode? value) =>
        value switch
        {
            JsonArray all => $"[{string.Join(", ", all.Select(Value))}]",
            JsonValue one when one.TryGetValue<string>(out var text) => text.Contains(
                ' ',
                StringComparison.Ordinal
            )
                ? $"\"{AgentText.Line(text, LongestText)}\""
                : AgentText.Line(text, LongestText)!,
            _ => value?.ToJsonString() ?? "null",
        };

    private static string Started(JsonNode task) =>
        $"{(string?)task["taskId"]} is {(string?)task["status"]}";

    private static string Ended(JsonObject json)
    {
        var ended = (json["ended"] as JsonArray ?? [])
            .OfType<JsonObject>()
            .Select(static t => $"{(string?)t["taskId"]} {State(t)}")
            .ToList();
        return (ended.Count == 0 ? "none has ended" : string.Join(", ", ended))
            + ((bool?)json["timedOut"] == true ? "; the time is up" : "");
    }

    private static string State(JsonObject task) =>
        (int?)task["exitCode"] is { } code and not 0
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{(string?)task["status"]} with code {code}"
            )
            : (string?)task["status"] ?? "";

    private static string After(JsonNode? milliseconds) =>
        (int?)milliseconds is { } ms
            ? string.Create(CultureInfo.InvariantCulture, $" after {ms / 1000.0:0.0} s")
            : "";

    private static string Tasks(JsonNode? count) =>
        (int?)count switch
        {
            null or 0 => "no tasks",
            1 => "1 task",
            var many => string.Create(CultureInfo.InvariantCulture, $"{many} tasks"),
        };

    private static string Names(JsonNode? agents) =>
        string.Join(
            ", ",
            (agents as JsonArray ?? []).Select(static a => (string?)a?["name"]).Take(8)
        );

    private static string LastLine(JsonNode? text) =>
        AgentText.Line(((string?)text ?? "").TrimEnd().Split('\n')[^1])!;
}
