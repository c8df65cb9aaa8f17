using System.CommandLine;
using AgentQueue.Cli.Output;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary><c>agents</c>: what is configured, and exactly what an agent is started with.</summary>
internal static class AgentsCommand
{
    private const string NotFound = "not found";

    private static readonly Argument<string?> s_name = new("NAME")
    {
        HelpName = "NAME",
        Description = "Show everything about this one",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { Completions.Agents },
    };

    private static readonly Option<bool> s_runs = Options.Flag(
        "--runs",
        "Instead, what each did last: its state, exit code, time and when"
    );

    public static Command Create()
    {
        var command = new Verb(
            "agents",
            "Show the configured agents, or all about one with its exact command",
            "agentq agents",
            "agentq agents shell",
            "agentq agents --runs"
        )
        {
            s_name,
            s_runs,
        };
        command.Runs(Execute);
        return command;
    }

    private static ExitCode Execute(Session session, ParseResult parsed)
    {
        if (parsed.GetValue(s_runs))
        {
            AgentRuns.Print(
                session,
                parsed.GetValue(s_name) is { } one
                    ? [session.Project.Config.Find(one)]
                    : session.Project.Config.Agents.Values
            );
            return ExitCode.Ok;
        }

        if (parsed.GetValue(s_name) is { } name)
        {
            var agent = session.Project.Config.Find(name);
            if (session.Json)
            {
                JsonOutput.PrintObject(
                    Session.Screen,
                    w => AgentReply.Write(w, "agent"u8, View(session, agent, withSample: true))
                );
            }
            else
            {
                AgentDetails.Print(Session.Screen, View(session, agent, withSample: true));
            }

            return ExitCode.Ok;
        }

        var agents = session
            .Project.Config.Agents.Values.Select(a => View(session, a, withSample: false))
            .ToList();
        if (session.Json)
        {
            JsonOutput.PrintObject(Session.Screen, w => AgentReply.WriteArray(w, agents));
        }
        else
        {
            PrintTable(session, agents);
        }

        return ExitCode.Ok;
    }

    private static AgentView View(Session session, AgentDefinition agent, bool withSample) =>
        AgentView.Of(
            agent,
            isBuiltIn: !session.Project.Config.Configured.ContainsKey(agent.Name),
            session.Queue,
            withSample ? () => session.Project.Settings : null,
            session.Project.Config
        );

    private static void PrintTable(Session session, List<AgentView> agents)
    {
        var table = new Table(
            new("Name"),
            new("Command") { Flexible = true, Narrowest = 8 },
            new("Found")
            {
                Flexible = true,
                Narrowest = 9,
                Rank = 2,
            },
            new("Via") { Rank = 4 },
            new("Limits") { Rank = 3 },
            new("Description")
            {
                Flexible = true,
                Narrowest = 12,
                Rank = 1,
            }
        );
        foreach (var view in agents)
        {
            var agent = view.Agent;
            table.Add(
                view.IsBuiltIn ? $"{agent.Name} (built-in)" : agent.Name,
                agent.Command,
                view.Found ?? new Cell(NotFound, Tone.Bad),
                AgentView.WordFor(agent.PromptVia),
                Limits(agent),
                agent.Description ?? ""
            );
        }

        TableOutput.Print(Session.Screen, table);
        if (session.Project.Config.HasFallback)
        {
            Session.Screen.Talk("Any other name is an agent of opencode", Tone.Dim);
        }
    }

    private static string Limits(AgentDefinition agent)
    {
        var limits = new List<string>();
        if (agent.Timeout is { } timeout)
        {
            limits.Add("timeout " + Duration.Format(timeout));
        }

        if (agent.IdleTimeout is { } idle)
        {
            limits.Add("idle " + Duration.Format(idle));
        }

        if (agent.MaxParallel is { } parallel)
        {
            limits.Add($"{parallel} at once");
        }

        return limits.Count == 0 ? "-" : string.Join(", ", limits);
    }
}
