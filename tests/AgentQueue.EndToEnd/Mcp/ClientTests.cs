using System.Text.Json;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>What the protocol's own clients make of the server: the TypeScript SDK, and the MCP Inspector.</summary>
public sealed class ClientTests
{
    private const double Patience = 120;

    private const string Tools =
        "cancel list logs plan_run plan_status result retry run show start trigger wait";

    [McpClient]
    public void The_official_client_calls_every_tool_over_standard_input_and_output()
    {
        using var box = McpBox.Open();
        using var client = Client(box, "stdio", Path.Join(box.Bin, "agentq"), "mcp");
        Assert.Equal(Tools, Sorted(client.End(Patience).Gives(0).Text));
        NobodyServesOrWaits(box);
    }

    [McpClient]
    public void The_official_client_calls_every_tool_over_http()
    {
        using var box = McpBox.Open();
        var (server, url, token) = box.Serve();
        using (server)
        {
            using var client = Client(box, "http", url.ToString(), token);
            Assert.Equal(Tools, Sorted(client.End(Patience).Gives(0).Text));
            Eventually.Holds(() => box.Waits() == 0, "no wait outlives its client");
            Processes.Signal(server.Pid, Processes.Term);
            server.End().Gives(0);
        }

        NobodyServesOrWaits(box);
    }

    [McpClient]
    public void The_inspector_has_nothing_to_complain_about()
    {
        using var box = McpBox.Open();
        var id = box.RunInBackground("echo hello");
        box.Ended(id);
        box.Run("plan", "run", "hello.yaml").Gives(0);

        var tools = Inspect(box, "--method", "tools/list", "--strict");
        Assert.DoesNotContain("Issue", tools.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("Schema portability", tools.Err, StringComparison.Ordinal);
        Assert.Equal(
            Tools,
            Sorted(
                string.Join(
                    ' ',
                    tools
                        .Json.GetProperty("tools")
                        .EnumerateArray()
                        .Select(static t => t.GetProperty("name").GetString())
                )
            )
        );
        foreach (
            var (call, expected) in new[]
            {
                ($"tools/call --tool-name result --tool-arg task={id}", "hello"),
                ($"tools/call --tool-name wait --tool-arg tasks=[\"{id}\"] seconds=1", "complete"),
                ("tools/call --tool-name plan_status", "hello.yaml"),
                ("resources/list", "agentq://tasks"),
                ("resources/templates/list", "agentq://plan-run/{id}"),
                ("resources/read --uri agentq://tasks", id),
                ($"resources/read --uri agentq://task/{id}/log", "hello"),
                ("prompts/list", "fan_out"),
                ("prompts/get --prompt-name recover", "failed tasks"),
            }
        )
        {
            var outcome = Inspect(box, ["--method", .. call.Split(' ')]);
            Assert.Contains(expected, outcome.Out, StringComparison.Ordinal);
            Assert.Equal("", outcome.Err);
        }
    }

    // Beside a link to what it imports: node looks for packages from where the script is.
    private static Running Client(Sandbox box, params string[] args)
    {
        var script = Path.Join(box.Outside, "client.mjs");
        File.Copy(Path.Join(Binaries.Repository, "tests", "McpClient", "client.mjs"), script);
        File.CreateSymbolicLink(Path.Join(box.Outside, "node_modules"), McpClientAttribute.Modules);
        return box.Program(Machine.Find("node")!, null, [script, .. args]);
    }

    private static Outcome Inspect(Sandbox box, params string[] args)
    {
        using var inspector = box.Program(
            Machine.Find("node")!,
            null,
            [McpClientAttribute.Inspector, "--cli", Path.Join(box.Bin, "agentq"), "mcp", .. args]
        );
        return inspector.End(Patience).Gives(0);
    }

    private static string Sorted(string words) =>
        string.Join(' ', words.Split(' ').Order(StringComparer.Ordinal));

    private static void NobodyServesOrWaits(Sandbox box) =>
        Eventually.Holds(
            () => box.Servers() == 0 && box.Waits() == 0,
            "no server and no wait is left"
        );
}
