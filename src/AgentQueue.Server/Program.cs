using System.Text.Json.Nodes;
using AgentQueue.Server.Http;
using AgentQueue.Server.Mcp;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Server;

/// <summary>
/// What needs the Model Context Protocol or a web server, apart from <c>agentq</c>: whoever starts a task does not
/// wait until these are loaded, and no supervisor carries them.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        try
        {
            if (args is not ["mcp", .. var rest])
            {
                throw QueueException.Usage("agentq-server is started by agentq", Arguments.Usage);
            }

            await ServeAsync(Arguments.Parse(rest));
            return (int)ExitCode.Ok;
        }
        catch (QueueException e)
        {
            Say($"agentq-server: {e.Message}");
            if (e.Hint is not null)
            {
                Say($"  hint: {e.Hint}");
            }

            return (int)e.ExitCode;
        }
    }

    private static async Task ServeAsync(Arguments arguments)
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
    }

#pragma warning disable RS0030 // The one place of this executable that talks to a person.
    private static void Tell(bool json, string url, string tokenFile) =>
        Console.Out.WriteLine(
            json
                ? new JsonObject
                {
                    ["version"] = 1,
                    ["url"] = url,
                    ["tokenFile"] = tokenFile,
                }.ToJsonString()
                : $"{url}\ntoken in {SafeText.Clean(tokenFile)}"
        );

    private static void Say(string text) =>
        Console.Error.WriteLine(SafeText.Clean(text, multiline: true));
#pragma warning restore RS0030
}
