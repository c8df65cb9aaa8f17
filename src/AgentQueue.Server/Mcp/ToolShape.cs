using System.Text.Json.Nodes;

namespace AgentQueue.Server.Mcp;

/// <summary>What the program prints, as the tools' output schemas have it: less of it, bounded, and cleaned.</summary>
internal static class ToolShape
{
    // What a reply's tasks may take in all, and what another list may beside them, in bytes of JSON. A reply has 64 KiB.
    private const int LongestTasks = 40 << 10;
    private const int LongestList = 9 << 10;

    public static JsonNode IdOf(JsonNode one) =>
        JsonValue.Create(
            one is JsonObject row
                ? (string?)(row["taskId"] ?? row["task"] ?? row["id"])
                : (string?)one
        )!;

    public static string NameOf(JsonNode file) =>
        file is JsonObject row ? (string?)row["path"] ?? "" : (string)file!;

    /// <param name="lines">So many are shown; one more says that there are more.</param>
    /// <param name="longest">In bytes.</param>
    public static JsonObject LogOf(JsonObject json, int lines, int longest = AgentText.LongestText)
    {
        var all = json["lines"]!.AsArray();
        return AgentText.Tail(
            string.Join('\n', all.Skip(all.Count - lines).Select(static l => (string)l!)),
            (bool)json["cut"]! || all.Count > lines,
            (string?)json["logFile"],
            longest
        );
    }

    /// <param name="share">Among so many runs the tasks of a reply are divided.</param>
    public static JsonObject RunOf(JsonNode run, int share = 1)
    {
        var (tasks, left) = Fitting(
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
            LongestTasks / share
        );
        return new()
        {
            ["run"] = Copy(run["run"]),
            ["note"] = AgentText.Note,
            ["plan"] = AgentText.Line((string?)run["plan"]),
            ["goal"] = AgentText.Line((string?)run["goal"]),
            ["state"] = Copy(run["state"]),
            ["folder"] = Copy(run["folder"]),
            ["startedAt"] = Copy(run["startedAt"]),
            ["endedAt"] = Copy(run["endedAt"]),
            ["report"] = Copy(run["report"]),
            ["tasks"] = tasks,
            ["notShown"] = left > 0 ? left : null,
        };
    }

    public static (JsonArray Tasks, int Left) TasksOf(JsonNode? tasks) =>
        Fitting(tasks, static t => TaskOf(t.AsObject()), LongestTasks);

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

        if (shown.ContainsKey("errorMessage") || shown.ContainsKey("question"))
        {
            shown["note"] = AgentText.Note;
        }

        if (task["dependsOn"] is JsonArray { Count: > 0 } dependsOn)
        {
            shown["dependsOn"] = dependsOn.DeepClone();
        }

        return shown;
    }

    /// <summary>The items that a list has room for.</summary>
    public static JsonArray ArrayOf(JsonNode? items, Func<JsonNode, JsonNode> show) =>
        Fitting(items, show, LongestList).Items;

    // Measured as it is escaped the most, which is more than what counts.
    private static (JsonArray Items, int Left) Fitting(
        JsonNode? items,
        Func<JsonNode, JsonNode> show,
        int longest
    )
    {
        var array = new JsonArray();
        var all = items as JsonArray ?? [];
        foreach (var item in all)
        {
            var shown = show(item!);
            longest -= shown.ToJsonString().Length;
            if (longest < 0)
            {
                break;
            }

            array.Add((JsonNode?)shown);
        }

        return (array, all.Count - array.Count);
    }

    public static JsonNode? Copy(JsonNode? node) => node?.DeepClone();
}
