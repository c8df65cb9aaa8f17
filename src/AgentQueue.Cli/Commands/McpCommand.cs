using System.CommandLine;
using System.Globalization;

namespace AgentQueue.Cli.Commands;

/// <summary><c>mcp</c>: serve the queue to a coding assistant.</summary>
internal static class McpCommand
{
    private static readonly Option<bool> s_http = Options.Flag(
        "--http",
        "Serve many clients over HTTP on this machine, with a token, instead of one on stdin and stdout"
    );

    private static readonly Option<int?> s_port = Options.Number(
        "--port",
        "With --http: the port (default: one that is free)",
        1,
        ushort.MaxValue
    );

    public static Command Create()
    {
        var command = new Verb(
            "mcp",
            "Serve the queue to a coding assistant by the Model Context Protocol; ends when its stdin does",
            "agentq mcp",
            "agentq mcp --http --port 8765",
            "claude mcp add agentq -- agentq mcp"
        )
        {
            s_http,
            s_port,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        List<string> arguments = ["mcp"];
        if (parsed.GetValue(CommonOptions.Root) is not null)
        {
            arguments.AddRange(["--root", session.Project.Root]);
        }

        var port = parsed.GetValue(s_port);
        if (parsed.GetValue(s_http))
        {
            arguments.AddRange([
                "--http",
                "--port",
                (port ?? 0).ToString(CultureInfo.InvariantCulture),
            ]);
            if (session.Json)
            {
                arguments.Add("--json");
            }
        }
        else if (port is not null)
        {
            throw QueueException.Usage("--port is for --http", "agentq mcp --http --port N");
        }

        ServerProgram.Become(arguments);
        return ExitCode.Ok;
    }
}
