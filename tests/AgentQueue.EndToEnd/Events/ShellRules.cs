using System.Text.Json;

namespace AgentQueue.EndToEnd.Events;

/// <summary>Rules whose agents are scripts of the shell, and what becomes of them.</summary>
internal static class ShellRules
{
    /// <summary>Writes agents, each a shell script with more of its members: <c>("lint", "true", "\"triggers\": [\"saved\"]")</c>.</summary>
    public static void Rules(
        this Sandbox box,
        params (string Name, string Script, string More)[] agents
    ) =>
        box.Configure(
            string.Join(
                ", ",
                agents.Select(static a =>
                    $"\"{a.Name}\": {{\"command\": \"sh\", \"args\": [\"-c\", {JsonSerializer.Serialize(a.Script)}]{(a.More.Length > 0 ? ", " + a.More : "")}}}"
                )
            )
        );

    /// <summary>A script that notes its agent's name at start and end.</summary>
    public static string Note(this Sandbox box, string name, string between = "true") =>
        $"echo start {name} $AGENTQ_TASK_ID >> '{box.Journal.Path}'; {between}; echo stop {name} $AGENTQ_TASK_ID >> '{box.Journal.Path}'";

    /// <summary>Tasks of an agent, the oldest first.</summary>
    public static List<TaskFile> Of(this Sandbox box, string agent) =>
        [.. box.Tasks.Where(t => t.Text("agent") == agent)];

    /// <summary>Waits until nothing of the sandbox lives and every task has ended.</summary>
    public static void Rests(this Sandbox box, double seconds = 60) =>
        Eventually.Holds(
            () => box.Tasks.All(static t => t.IsFinished) && box.Supervisors.Count == 0,
            "everything has ended: " + string.Join("\n", box.Tasks),
            seconds
        );

    /// <summary>The log of events, each line as it stands in the file.</summary>
    public static List<JsonElement> Log(this Sandbox box)
    {
        var file = Path.Join(box.Queue, "events", "log.jsonl");
        return File.Exists(file)
            ?
            [
                .. File.ReadAllLines(file)
                    .Select(static l => JsonDocument.Parse(l).RootElement.Clone()),
            ]
            : [];
    }

    public static List<string> Names(this Sandbox box) =>
        [.. box.Log().Select(static e => e.GetProperty("event").GetString()!)];
}
