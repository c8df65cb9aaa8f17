using System.CommandLine;

namespace AgentQueue.Cli.Commands;

/// <summary><c>demo</c>: show agentq at work, in a folder that is gone afterwards.</summary>
internal static class DemoCommand
{
    private static readonly Option<bool> s_agents = Options.Flag(
        "--agents",
        "Show a coding assistant that uses the queue, with a scripted model"
    );

    public static Command Create()
    {
        var command = new Verb(
            "demo",
            "Show agentq at work, in a temporary project; nothing of yours is touched and nothing is left",
            "agentq demo",
            "agentq demo --agents"
        )
        {
            s_agents,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        if (session.Json)
        {
            throw QueueException.Usage("demo is for people, and has no --json", "agentq demo");
        }

        List<string> arguments = ["demo"];
        if (parsed.GetValue(s_agents))
        {
            arguments.Add("--agents");
        }

        if (parsed.GetValue(CommonOptions.NoColor))
        {
            arguments.Add("--no-color");
        }

        ServerProgram.Become(arguments);
        return ExitCode.Ok;
    }
}
