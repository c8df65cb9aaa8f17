// Starts one process, `agentq mcp`, which is a child of this one and ends when its input does.
#pragma warning disable RS0030

using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace AgentQueue.Server.Demo;

/// <summary>The queue as an assistant has it: the real server, over its standard input and output.</summary>
internal sealed class McpChild : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    // Longer than any call but wait takes.
    private static readonly TimeSpan s_longestChange = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private McpClient? _client;

    private McpChild(Process process) => _process = process;

    /// <param name="command">How to call agentq.</param>
    /// <exception cref="QueueException">It cannot be started.</exception>
    public static async Task<McpChild> StartAsync(
        IReadOnlyList<string> command,
        string project,
        CancellationToken stop
    )
    {
        var info = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
            WorkingDirectory = project,
        };
        foreach (var word in (IEnumerable<string>)[.. command.Skip(1), "--root", project, "mcp"])
        {
            info.ArgumentList.Add(word);
        }

        McpChild child;
        try
        {
            child = new McpChild(Process.Start(info)!);
        }
        catch (Win32Exception e)
        {
            throw new QueueException(
                $"{command[0]} cannot be started: {e.Message}",
                "Put agentq beside agentq-server, or on PATH",
                cause: e
            );
        }

        try
        {
            await child.ConnectAsync(stop);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    /// <summary>What it offers, as chat completions have it.</summary>
    public async Task<JsonArray> ToolsAsync(CancellationToken stop)
    {
        var tools = await _client!.ListToolsAsync(cancellationToken: stop);
        return new JsonArray([
            .. tools.Select(static t => new JsonObject
            {
                ["type"] = "function",
                ["function"] = new JsonObject
                {
                    ["name"] = t.Name,
                    ["description"] = t.Description,
                    ["parameters"] = JsonNode.Parse(t.JsonSchema.GetRawText()),
                },
            }),
        ]);
    }

    /// <summary>Calls a tool, and gives the text that a model gets to read.</summary>
    public async Task<string> CallAsync(string tool, JsonObject arguments, CancellationToken stop)
    {
        // A task that is being started is to be known before everything is put away: only waiting is given up.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(
            tool == "wait" ? stop : CancellationToken.None
        );
        if (tool != "wait")
        {
            over.CancelAfter(s_longestChange);
        }

        var result = await _client!.CallToolAsync(
            new CallToolRequestParams
            {
                Name = tool,
                Arguments = arguments.ToDictionary(static a => a.Key, static a => Element(a.Value)),
            },
            over.Token
        );
        return string.Concat(result.Content.OfType<TextContentBlock>().Select(static b => b.Text));
    }

    /// <summary>Ends its input, which is its end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has gone already.
        }

        using var patience = new CancellationTokenSource(s_patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private async Task ConnectAsync(CancellationToken stop) =>
        _client = await McpClient.CreateAsync(
            new StreamClientTransport(
                _process.StandardInput.BaseStream,
                _process.StandardOutput.BaseStream
            ),
            new McpClientOptions
            {
                ClientInfo = new Implementation { Name = "agentq-demo", Version = "1" },
            },
            cancellationToken: stop
        );

    private static JsonElement Element(JsonNode? node)
    {
        using var document = JsonDocument.Parse(node?.ToJsonString() ?? "null");
        return document.RootElement.Clone();
    }
}
