using System.Globalization;
using System.Text.Json.Nodes;

namespace AgentQueue.Server.Demo;

/// <summary>
/// What the loopback model does, by nothing but the conversation so far: which tasks there are, how they ended and
/// what they said. It assumes no id, no order and no outcome.
/// </summary>
internal static class ModelScript
{
    private const int MostWaits = 6;
    private const int SecondsOfWait = 20;

    private static readonly string[] s_needed = ["list", "start", "wait", "result", "retry"];

    private static readonly (string Agent, string Prompt)[] s_work =
    [
        ("notes", "Write RELEASE.md for users from the newest part of CHANGELOG.md"),
        ("links", "Check every link in docs/*.md and name those that lead nowhere; change nothing"),
        ("tests", "Run the tests in tests/ and tell what failed, and why"),
    ];

    /// <summary>The next message of the assistant.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="tools">What the assistant may call.</param>
    public static JsonObject Answer(JsonArray messages, JsonArray tools)
    {
        var offered = tools.Select(static t => (string?)t?["function"]?["name"]).ToHashSet();
        if (s_needed.FirstOrDefault(n => !offered.Contains(n)) is { } missing)
        {
            return Say($"I cannot do that: I have no tool {missing}.");
        }

        var heard = new Conversation(messages);
        if (heard.Calls.FirstOrDefault(static c => c.Reply is null) is { } refused)
        {
            return Say($"{refused.Tool} was refused, so I stop here: {refused.Text}");
        }

        return heard.Calls.LastOrDefault(static c => c.Tool == "list")?.Reply is not { } list
                ? Ask(
                    "These three do not depend on each other, so they can go on side by side. I see who is there for them.",
                    messages.Count,
                    ("list", [])
                )
            : heard.Tasks.Count == 0 ? Begin(list, messages.Count)
            : GoOn(heard, messages.Count);
    }

    private static JsonObject Begin(JsonObject list, int turn)
    {
        var agents = (list["agents"] as JsonArray ?? [])
            .Select(static a => (string?)a?["name"])
            .ToHashSet();
        var work = s_work.Where(w => agents.Contains(w.Agent)).ToArray();
        return work.Length == 0
            ? Say(
                "This project has no agent for any of that; agentq init adds those that you have."
            )
            : Ask(
                $"There is an agent for {(work.Length == s_work.Length ? "each of them" : Names(work.Select(static w => w.Agent)))}. I start them; none of them has to wait for another.",
                turn,
                [
                    .. work.Select(static w =>
                        ("start", new JsonObject { ["agent"] = w.Agent, ["prompt"] = w.Prompt })
                    ),
                ]
            );
    }

    private static JsonObject GoOn(Conversation heard, int turn)
    {
        var tasks = heard.Tasks;
        if (tasks.Where(static t => t.IsOver && t.Answer is null).ToList() is { Count: > 0 } unread)
        {
            return Ask(
                $"Over: {Names(unread.Select(static t => t.Agent))}. I read what came of it.",
                turn,
                [.. unread.Select(static t => ("result", new JsonObject { ["task"] = t.Id }))]
            );
        }

        var open = tasks.Where(static t => !t.IsOver).ToList();
        if (tasks.FirstOrDefault(t => IsWorthARetry(t, tasks)) is { } failed)
        {
            return Ask(
                $"Agent {failed.Agent} failed and says: “{failed.Answer}”. That passes, so I let it try again"
                    + (open.Count == 0 ? "." : "; what else is at work is not held up by it."),
                turn,
                ("retry", new JsonObject { ["task"] = failed.Id })
            );
        }

        var waits = heard.Calls.Count(static c => c.Tool == "wait");
        if (open.Count == 0 || waits >= MostWaits)
        {
            return Say(Summary(tasks));
        }

        var wait = new JsonObject
        {
            ["tasks"] = new JsonArray([.. open.Select(static t => JsonValue.Create(t.Id))]),
            ["seconds"] = SecondsOfWait,
        };
        if (waits == 0 && open.Count > 1)
        {
            wait["any"] = true;
            return Ask("I wait for the first one that ends.", turn, ("wait", wait));
        }

        return Ask(
            $"Now I wait for {Names(open.Select(static t => t.Agent))}.",
            turn,
            ("wait", wait)
        );
    }

    // What failed for a reason fails again; this one says itself that it need not. And never more than once.
    private static bool IsWorthARetry(
        Conversation.KnownTask task,
        IReadOnlyList<Conversation.KnownTask> tasks
    ) =>
        task is { State: "failed", Parent: null }
        && task.Answer?.Contains("try again", StringComparison.OrdinalIgnoreCase) == true
        && tasks.All(t => t.Parent != task.Id);

    private static string Summary(IReadOnlyList<Conversation.KnownTask> tasks)
    {
        // A task that was retried is told by its retry.
        var last = tasks.Where(t => tasks.All(r => r.Parent != t.Id)).ToList();
        var lines = last.Select(t =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"- {t.Agent}: {(t.IsOver ? t.Answer : "still at work")}{After(t, tasks)} ({t.Id} {t.State})"
            )
        );
        var all = last.All(static t => t.State == "complete");
        return $"{(all ? "All of it is done" : "Not all of it is done")}:\n{string.Join('\n', lines)}";
    }

    private static string After(
        Conversation.KnownTask task,
        IReadOnlyList<Conversation.KnownTask> tasks
    ) => tasks.Any(t => t.Id == task.Parent) ? ", at the second try" : "";

    private static JsonObject Say(string text) =>
        new() { ["role"] = "assistant", ["content"] = text };

    private static JsonObject Ask(
        string text,
        int turn,
        params (string Tool, JsonObject Arguments)[] calls
    ) =>
        new()
        {
            ["role"] = "assistant",
            ["content"] = text,
            ["tool_calls"] = new JsonArray([
                .. calls.Select(
                    (c, i) =>
                        new JsonObject
                        {
                            ["id"] = string.Create(
                                CultureInfo.InvariantCulture,
                                $"call_{turn}_{i}"
                            ),
                            ["type"] = "function",
                            ["function"] = new JsonObject
                            {
                                ["name"] = c.Tool,
                                ["arguments"] = c.Arguments.ToJsonString(),
                            },
                        }
                ),
            ]),
        };

    private static string Names(IEnumerable<string> names)
    {
        var all = names.Distinct().ToList();
        return all.Count < 2 ? string.Concat(all) : $"{string.Join(", ", all[..^1])} and {all[^1]}";
    }
}
