using System.Text.Json;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>A project with something for every tool, and servers for it.</summary>
internal static class McpBox
{
    /// <summary>An agent that listens, one that prints its prompt, and a plan.</summary>
    public static Sandbox Open()
    {
        var box = new Sandbox();
        box.Configure(
            """
            "listener": { "command": "sh", "args": ["-c", "echo heard {{ file }}"], "triggers": ["saved"] },
            "echo": { "command": "cat", "promptTemplate": "{userPrompt}", "promptVia": "stdin" }
            """
        );
        box.Write(
            "hello.yaml",
            """
            goal: Greet
            params: {whom: "you"}
            tasks:
              - id: greet
                cmd: ["sh", "-c", "echo hello ${params.whom}"]
            """
        );
        return box;
    }

    /// <summary>Starts <c>agentq mcp --http</c> and returns when it serves; the caller ends it.</summary>
    public static (Running Server, Uri Url, string TokenFile) Serve(this Sandbox box)
    {
        var server = box.Begin("mcp", "--http", "--json");
        Eventually.Holds(
            () => server.Out.EndsWith('\n') || server.HasEnded,
            "it tells its address"
        );
        Assert.False(server.HasEnded, server.Err);
        using var told = JsonDocument.Parse(server.Out);
        return (
            server,
            new Uri(told.RootElement.GetProperty("url").GetString()!),
            told.RootElement.GetProperty("tokenFile").GetString()!
        );
    }

    /// <summary>Living <c>agentq wait</c> of this sandbox.</summary>
    public static int Waits(this Sandbox box) =>
        box.Mine.Count(static p =>
            Processes.CommandLine(p).Contains(" wait --json ", StringComparison.Ordinal)
        );

    /// <summary>Living servers of this sandbox.</summary>
    public static int Servers(this Sandbox box) =>
        box.Mine.Count(static p =>
            Processes.CommandLine(p).Contains("agentq-server mcp", StringComparison.Ordinal)
        );
}
