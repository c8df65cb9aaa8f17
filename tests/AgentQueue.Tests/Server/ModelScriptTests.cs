using System.Text.Json.Nodes;
using AgentQueue.Server.Demo;

namespace AgentQueue.Tests.Server;

/// <summary>What the demo's model says is decided by what comes back, whatever that is.</summary>
public sealed class ModelScriptTests
{
    private const string Agents =
        """{ "agents": [{ "name": "links" }, { "name": "tests" }, { "name": "shell" }] }""";

    [Fact]
    public void It_starts_the_agents_that_are_there_and_reads_what_each_of_them_said()
    {
        var (calls, last) = Play(
            (tool, arguments) =>
                tool switch
                {
                    "wait" => Ended(
                        arguments["tasks"]!.AsArray().Select(static t => ((string)t!, "complete"))
                    ),
                    "result" => Result((string)arguments["task"]!, "complete", "well\ndone"),
                    _ => null,
                }
        );

        Assert.Equal(["list", "start links", "start tests", "wait", "result", "result"], calls);
        Assert.Contains("All of it is done", last, StringComparison.Ordinal);
        Assert.Contains("- tests: done (id-tests complete)", last, StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_that_ends_first_is_read_first_and_the_others_are_waited_for()
    {
        var waits = 0;
        var (calls, _) = Play(
            (tool, arguments) =>
                tool switch
                {
                    "wait" => Ended([(waits++ == 0 ? "id-tests" : "id-links", "complete")]),
                    "result" => Result((string)arguments["task"]!, "complete", "done"),
                    _ => null,
                }
        );

        Assert.Equal(
            ["list", "start links", "start tests", "wait", "result", "wait", "result"],
            calls
        );
    }

    [Theory]
    [InlineData("The server is just ending; try again", 1)]
    [InlineData("2 tests failed", 0)]
    public void A_failure_is_retried_only_if_it_says_that_it_passes_and_only_once(
        string said,
        int retries
    )
    {
        var (calls, last) = Play(
            (tool, arguments) =>
                tool switch
                {
                    "wait" => Ended(
                        arguments["tasks"]!.AsArray().Select(static t => ((string)t!, "failed"))
                    ),
                    "result" => Result(
                        (string)arguments["task"]!,
                        "failed",
                        (string)arguments["task"]! == "id-links" ? "no links" : said
                    ),
                    _ => null,
                }
        );

        Assert.Equal(retries, calls.Count(static c => c == "retry"));
        Assert.Contains("Not all of it is done", last, StringComparison.Ordinal);
        Assert.Contains(said, last, StringComparison.Ordinal);
    }

    [Fact]
    public void Tasks_that_do_not_end_are_not_waited_for_for_ever()
    {
        var (calls, last) = Play(
            static (tool, _) => tool == "wait" ? """{ "ended": [], "timedOut": true }""" : null
        );

        Assert.InRange(calls.Count(static c => c == "wait"), 2, 10);
        Assert.Contains("- links: still at work", last, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("start")]
    [InlineData("wait")]
    public void A_refusal_ends_its_work_and_is_told(string refused)
    {
        var (calls, last) = Play(
            (tool, _) => tool == refused ? "The disk is full. Make room." : null
        );

        Assert.StartsWith(refused, calls[^1], StringComparison.Ordinal);
        Assert.Contains("The disk is full. Make room.", last, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_agents_or_tools_it_says_what_it_lacks()
    {
        Assert.Contains(
            "no agent",
            Play(static (_, _) => """{ "agents": [] }""").Last,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no tool list",
            (string?)ModelScript.Answer([], [])["content"],
            StringComparison.Ordinal
        );
    }

    // Does what the model asks for, until it asks for nothing more. Null: what a queue says where all goes well.
    private static (List<string> Calls, string Last) Play(Func<string, JsonObject, string?> queue)
    {
        var tools = new JsonArray([
            .. new[] { "list", "start", "wait", "result", "retry" }.Select(
                static n => new JsonObject { ["function"] = new JsonObject { ["name"] = n } }
            ),
        ]);
        var messages = new JsonArray();
        var calls = new List<string>();
        for (var turn = 0; turn < 50; turn++)
        {
            var message = ModelScript.Answer(messages, tools);
            messages.Add((JsonNode)message);
            if (message["tool_calls"] is not JsonArray asked)
            {
                return (calls, (string)message["content"]!);
            }

            foreach (var call in asked)
            {
                var tool = (string)call!["function"]!["name"]!;
                var arguments = JsonNode.Parse((string)call["function"]!["arguments"]!)!.AsObject();
                calls.Add(arguments["agent"] is { } agent ? $"{tool} {agent}" : tool);
                messages.Add(
                    (JsonNode)
                        new JsonObject
                        {
                            ["role"] = "tool",
                            ["tool_call_id"] = (string)call["id"]!,
                            ["content"] = queue(tool, arguments) ?? Usual(tool, arguments),
                        }
                );
            }
        }

        throw new InvalidOperationException("The model does not come to an end");
    }

    private static string Usual(string tool, JsonObject arguments) =>
        tool switch
        {
            "list" => Agents,
            "start" => Task($"id-{arguments["agent"]}", (string)arguments["agent"]!, null),
            "retry" => Task($"again-{arguments["task"]}", "tests", (string)arguments["task"]!),
            _ => throw new ArgumentOutOfRangeException(nameof(tool), tool, null),
        };

    private static string Task(string id, string agent, string? parent) =>
        new JsonObject
        {
            ["task"] = new JsonObject
            {
                ["taskId"] = id,
                ["agent"] = agent,
                ["status"] = "running",
                ["parentTaskId"] = parent,
            },
        }.ToJsonString();

    private static string Ended(IEnumerable<(string Id, string State)> tasks) =>
        new JsonObject
        {
            ["ended"] = new JsonArray([
                .. tasks.Select(static t => new JsonObject
                {
                    ["taskId"] = t.Id,
                    ["status"] = t.State,
                }),
            ]),
            ["timedOut"] = false,
        }.ToJsonString();

    private static string Result(string id, string state, string text) =>
        new JsonObject
        {
            ["taskId"] = id,
            ["status"] = state,
            ["answer"] = new JsonObject { ["text"] = text },
        }.ToJsonString();
}
