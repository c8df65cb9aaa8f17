using System.Text.Json.Nodes;
using AgentQueue.Server.Http;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Server.Mcp;

/// <summary><c>agentq mcp</c>: one client on standard input and output, or many over HTTP.</summary>
internal static class McpService
{
    /// <summary>Serves until the input ends, or until INT or TERM.</summary>
    /// <exception cref="QueueException">The port cannot be used, or the project's folder is not there.</exception>
    public static async Task<int> RunAsync(Arguments.Mcp arguments)
    {
        var folder = Environment.CurrentDirectory;
        using var program = new QueueProgram(
            arguments.Program,
            () => QueueLocator.Locate(arguments.Root, folder).Root
        );
        await (
            arguments.Port is { } port
                ? new HttpServer(
                    program,
                    port,
                    (url, file) => Tell(arguments.Json, url, file)
                ).RunAsync()
                : StdioServer.RunAsync(new QueueServer(program))
        );
        return (int)ExitCode.Ok;
    }

    private static void Tell(bool json, string url, string tokenFile)
    {
        var text = json
            ? new JsonObject
            {
                ["version"] = 1,
                ["url"] = url,
                ["tokenFile"] = tokenFile,
            }.ToJsonString()
            : $"{url}\ntoken in {SafeText.Clean(tokenFile)}";
        StandardOutput.WriteLine(text);
    }
}
