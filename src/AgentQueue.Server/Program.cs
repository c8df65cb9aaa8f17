using AgentQueue.Server.Demo;
using AgentQueue.Server.Mcp;
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
            return Arguments.Parse(args) switch
            {
                Arguments.Mcp mcp => await McpService.RunAsync(mcp),
                Arguments.Demo { Agents: true } demo => await AgentsDemo.RunAsync(demo),
                Arguments.Demo demo => Tour.Become(demo),
                var other => throw new NotSupportedException(other.ToString()),
            };
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

#pragma warning disable RS0030 // Errors of this executable; what agents and models say is cleaned.
    private static void Say(string text) =>
        Console.Error.WriteLine(SafeText.Clean(text, multiline: true));
#pragma warning restore RS0030
}
