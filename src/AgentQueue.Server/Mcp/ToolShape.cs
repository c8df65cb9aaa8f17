using System.Text.Json.Nodes;

namespace AgentQueue.Server.Mcp;

/// <summary>What the program prints, as the tools' output schemas have it: less of it, bounded, and cleaned.</summary>
internal static class ToolShape
{
    // What a reply's tasks may take in all, in characters of JSON.
    private const int LongestTasks = 44 << 10;

    public static JsonNode IdOf(JsonNode one) =>
        JsonValue.Create(
            one is JsonObject row
                ? (string?)(row["taskId"] ?? row["task"] ?? row["id"])
                : (string?)one
        )!;

    public static string NameOf(JsonNode file) =>
        file is JsonObject row ? (string?)row["path"] ?? "" : (string)file!;

    public static JsonObject LogOf(JsonObject json) =>
        AgentText.Tail(
            string.Join('\n', json["lines"]!.AsArray().Select(static l => (string)l!)),
            (bool)json["cut"]!,
            (string?)json["logFile"]
        );

    public static JsonObject RunOf(JsonNode run) =>
        new()
        {
            ["run"] = Copy(run["run"]),
            ["plan"] = AgentText.Line((string?)run["plan"]),
            ["goal"] = AgentText.Line((string?)run["goal"]),
            ["state"] = Copy(run["state"]),
            ["folder"] = Copy(run["folder"]),
            ["startedAt"] = Copy(run["startedAt"]),
            ["endedAt"] = Copy(run["endedAt"]),
            ["report"] = Copy(run["report"]),
            ["tasks"] = ArrayOf(
                run["tasks"],
                static t => new JsonObject
                {
                    ["id"] = AgentText.Line((string?)t["id"]),
                    ["state"] = Copy(t["state"]),
                    ["reason"] = AgentText.Line((string?)t["reason"]),
                    ["taskId"] = Copy(t["taskId"]),
                    ["exitCode"] = Copy(t["exitCode"]),
                    ["durationSec"] = Copy(t["durationSec"]),
                },
                100
            ),
        };

    public static (JsonArray Tasks, int Left) TasksOf(JsonNode? tasks)
    {
        var array = new JsonArray();
        var size = 0;
        var all = (tasks as JsonArray)?.OfType<JsonObject>().ToList() ?? [];
        foreach (var task in all)
        {
            var shown = TaskOf(task);
            size += shown.ToJsonString().Length;
            if (size > LongestTasks)
            {
                break;
            }

            array.Add((JsonNode?)shown);
        }

        return (array, all.Count - array.Count);
    }

    // Members that are null or empty are left out: most are, and a model reads them all.
    public static JsonObject TaskOf(JsonObject task)
    {
        var shown = new JsonObject
        {
            ["taskId"] = Copy(task["taskId"]),
            ["status"] = Copy(task["status"]),
            ["agent"] = AgentText.Line((string?)task["agent"]),
            ["prompt"] = AgentText.Line((string?)task["prompt"]),
        };
        foreach (
            var name in (ReadOnlySpan<string>)
                [
                    "reason",
                    "createdAt",
                    "startedAt",
                    "completedAt",
                    "exitCode",
                    "parentTaskId",
                    "retriedBy",
                    "logFile",
                ]
        )
        {
            if (task[name] is { } value)
            {
                shown[name] = value.DeepClone();
            }
        }

        foreach (var name in (ReadOnlySpan<string>)["name", "errorMessage", "info", "question"])
        {
            if (task[name] is JsonValue value && (string?)value is { Length: > 0 } text)
            {
                shown[name] = AgentText.Line(text, 500);
            }
        }

        if (task["dependsOn"] is JsonArray { Count: > 0 } dependsOn)
        {
            shown["dependsOn"] = dependsOn.DeepClone();
        }

        return shown;
    }

    public static JsonArray ArrayOf(
        JsonNode? items,
        Func<JsonNode, JsonNode> show,
        int most = int.MaxValue
    )
    {
        var array = new JsonArray();
        foreach (var item in (items as JsonArray ?? []).Take(most))
        {
            array.Add((JsonNode?)show(item!));
        }

        return array;
    }

    public static JsonNode? Copy(JsonNode? node) => node?.DeepClone();
}
