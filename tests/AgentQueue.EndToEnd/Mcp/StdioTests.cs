using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>How a server on standard input and output lives with its client, and ends with it.</summary>
public sealed class StdioTests
{
    private const int ManyWaits = 64;

    /// <summary>In seconds, from the end of its input to its own.</summary>
    private const double SoonOver = 5;

    [Fact]
    public void A_request_by_echo_is_answered_before_the_server_ends()
    {
        using var box = McpBox.Open();
        foreach (var end in new[] { @"\n", "" })
        {
            var request = StdioClient
                .Request("1", "tools/call", new() { ["name"] = "list" })
                .Replace("\"", "\\\"", StringComparison.Ordinal);
            var outcome = box.Sh($"printf '%b' \"{request}{end}\" | agentq mcp").Gives(0);

            var reply = Assert.Single(outcome.Lines);
            using var document = JsonDocument.Parse(reply);
            Assert.False(
                document.RootElement.GetProperty("result").GetProperty("isError").GetBoolean()
            );
            Assert.Equal("", outcome.Err);
        }
    }

    [Fact]
    [Trait("Fault", "F28")]
    public void A_server_whose_client_closes_its_input_or_vanishes_in_a_wait_ends_and_leaves_nothing() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                using var box = McpBox.Open();
                var id = box.RunInBackground("exec sleep 300");
                foreach (
                    var leave in new Action<StdioClient>[]
                    {
                        static c => c.CloseInput(),
                        static c => c.Vanish(),
                        static c => Processes.Signal(c.Pid, Processes.Term),
                        static c => Processes.Signal(c.Pid, Processes.Interrupt),
                    }
                )
                {
                    fault.Injected();
                    using var client = new StdioClient(box).Hello();
                    WaitFor(client, id);
                    WaitFor(client, id);
                    Eventually.Holds(() => box.Waits() == 2, "it waits");

                    leave(client);

                    Assert.Equal(0, client.Ended(SoonOver));
                    Eventually.Holds(() => box.Waits() == 0, "no wait is left", SoonOver);
                    Assert.Equal("running", box.Task(id).Status);
                }
            }
        );

    [Needs(Machine.Bash)]
    [Trait("Fault", "F28")]
    public void A_server_whose_client_is_killed_ends_and_leaves_nothing() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                using var box = McpBox.Open();
                var id = box.RunInBackground("exec sleep 300");
                var request = StdioClient.Request(
                    "1",
                    "tools/call",
                    new()
                    {
                        ["name"] = "wait",
                        ["arguments"] = new JsonObject { ["tasks"] = new JsonArray(id) },
                    }
                );
                box.Write("request", request + "\n");
                using var client = box.Program(
                    "/bin/bash",
                    null,
                    "-c",
                    "coproc agentq mcp; cat request >&${COPROC[1]}; while read -r line; do :; done <&${COPROC[0]}"
                );
                Eventually.Holds(() => box.Waits() == 1, "it waits");

                fault.Injected();
                box.KillAtOnce(client.Pid);

                Eventually.Holds(
                    () => box.Waits() == 0 && box.Servers() == 0,
                    "the server has ended, and its wait",
                    SoonOver
                );
            }
        );

    [Fact]
    public void A_wait_that_its_client_gives_up_ends_and_the_conversation_goes_on()
    {
        using var box = McpBox.Open();
        var id = box.RunInBackground("exec sleep 300");
        using var client = new StdioClient(box).Hello();
        var wait = WaitFor(client, id);
        Eventually.Holds(() => box.Waits() == 1, "it waits");

        client.Send(
            $$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"{{{wait}}}"}}"""
        );

        Eventually.Holds(() => box.Waits() == 0, "it waits no more");
        client.Call("list", []);
        Assert.False(client.HasReply(wait));
        client.EndsWell();
    }

    [Fact]
    [Trait("Fault", "F28")]
    public void A_request_that_is_given_up_while_it_is_answered_breaks_no_other_answer() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                using var box = McpBox.Open();
                using var client = new StdioClient(box).Hello();
                for (var i = 0; i < Fault.Count(3000, 100_000); i++)
                {
                    fault.Injected();
                    var id = client.Begin("prompts/list", []);
                    client.Send(
                        $$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"{{{id}}}"}}"""
                    );
                }

                client.Call("list", []);
                client.EndsWell();
            }
        );

    [Fact]
    public void Many_open_waits_hold_up_no_other_call()
    {
        using var box = McpBox.Open();
        var id = box.RunInBackground("exec sleep 300");
        using var client = new StdioClient(box).Hello();
        // More than may wait at once: the others take their turn.
        var waits = Enumerable.Range(0, ManyWaits + 8).Select(_ => WaitFor(client, id)).ToList();
        Eventually.Holds(() => box.Waits() == ManyWaits, "as many wait as may");

        client.Call("list", []);
        var task = client
            .Call("start", new() { ["agent"] = "shell", ["prompt"] = "true" })
            .GetProperty("task");
        box.Ended(task.GetProperty("taskId").GetString()!);
        Assert.DoesNotContain(waits, client.HasReply);

        client.Call("cancel", new() { ["tasks"] = new JsonArray(id) });

        Assert.All(
            waits,
            w =>
                Assert.False(
                    client
                        .Reply(w)
                        .GetProperty("result")
                        .GetProperty("structuredContent")
                        .GetProperty("timedOut")
                        .GetBoolean()
                )
        );
        client.EndsWell();
    }

    [Fact]
    [Trait("Fault", "F28")]
    public void Two_servers_on_one_queue_agree_and_start_no_task_twice() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                using var box = McpBox.Open();
                using var one = new StdioClient(box).Hello();
                using var other = new StdioClient(box).Hello();
                StdioClient[] both = [one, other];
                const int Tasks = 24;
                for (var i = 0; i < Tasks; i++)
                {
                    fault.Injected();
                    both[i % 2]
                        .Call(
                            "start",
                            new()
                            {
                                ["agent"] = "shell",
                                ["prompt"] = box.Journal.Around("true"),
                                ["run"] = false,
                            }
                        );
                }

                var ids = box.Ids.ToList();
                Assert.Equal(Tasks, ids.Count);
                // At the same time: each task by name, by both, and whatever is left, by both.
                var calls = ids.SelectMany(id =>
                        both.Select(c =>
                            (c, c.BeginCall("run", new() { ["tasks"] = new JsonArray(id) }))
                        )
                    )
                    .Concat(
                        both.Select(static c =>
                            (c, c.BeginCall("run", new() { ["drain"] = true, ["parallel"] = 4 }))
                        )
                    )
                    .ToList();
                foreach (var (client, call) in calls)
                {
                    client.Reply(call);
                }

                foreach (var client in both)
                {
                    var ended = client.Call(
                        "wait",
                        new()
                        {
                            ["tasks"] = new JsonArray([.. ids.Select(static id => (JsonNode)id)]),
                            ["seconds"] = 50,
                        }
                    );
                    Assert.Equal(Tasks, ended.GetProperty("ended").GetArrayLength());
                }

                box.Journal.ShowsNoSecondStart();
                Assert.Equal(Tasks, box.Journal.Starts.Count());
                var input = new JsonObject { ["limit"] = 100 };
                Assert.Equal(
                    one.Call("list", input).ToString(),
                    other.Call("list", input).ToString()
                );
                one.EndsWell();
                other.EndsWell();
            }
        );

    private static string WaitFor(StdioClient client, string id) =>
        client.BeginCall("wait", new() { ["tasks"] = new JsonArray(id), ["seconds"] = 50 });
}
