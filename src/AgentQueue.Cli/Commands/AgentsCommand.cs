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
            "Show the agents that there are, or all about one with its exact command",
            "agentq agents",
            "agentq agents claude",
            "agentq agents --runs",
            "agentq agents check mine.json"
        )
        {
            s_name,
            s_runs,
            AgentsCheckCommand.Create(),
            AgentsShowCommand.Create(),
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
            var view = AgentList.One(session, name);
            if (session.Json)
            {
                JsonOutput.PrintObject(Session.Screen, w => AgentReply.Write(w, "agent"u8, view));
            }
            else
            {
                AgentDetails.Print(Session.Screen, view);
            }

            return ExitCode.Ok;
        }

        var list = AgentList.Of(session);
        if (session.Json)
        {
            JsonOutput.PrintObject(
                Session.Screen,
                w => AgentReply.WriteArray(w, list.Agents, list.NotInstalled)
            );
        }
        else
        {
            PrintTable(session, list);
        }

        return ExitCode.Ok;
    }

    private static void PrintTable(Session session, AgentList list)
    {
        var table = new Table(
            new("Name"),
            new("Command") { Flexible = true, Narrowest = 8 },
            new("Found")
            {
                Flexible = true,
                Narrowest = 9,
                Rank = 3,
            },
            new("Version") { Rank = 4 },
            new("Adapter")
            {
                Flexible = true,
                Narrowest = 9,
                Rank = 5,
            },
            new("Via") { Rank = 7 },
            new("Limits") { Rank = 6 },
            new("Description")
            {
                Flexible = true,
                Narrowest = 12,
                Rank = 1,
            }
        );
        foreach (var view in list.Agents)
        {
            var agent = view.Agent;
            table.Add(
                view.ShownName,
                agent.Command,
                view.Found ?? new Cell(NotFound, Tone.Bad),
                view.Version ?? "-",
                StandingOf(view),
                AgentView.WordFor(agent.PromptVia),
                Limits(agent),
                view.Problem is { } problem
                    ? new Cell(problem, Tone.Bad)
                    : agent.Description ?? view.Adapter?.Title ?? ""
            );
        }

        TableOutput.Print(Session.Screen, table);
        if (!list.NotInstalled.IsEmpty)
        {
            Session.Screen.Line($"not installed: {string.Join(", ", list.NotInstalled)}", Tone.Dim);
        }

        if (session.Project.Config.HasFallback)
        {
            Session.Screen.Talk("Any other name is an agent of opencode", Tone.Dim);
        }
    }

    private static Cell StandingOf(AgentView view) =>
        new(
            view.Adapter?.Version?.Describe(view.Standing) ?? "-",
            view.Standing switch
            {
                VersionStanding.Unsupported => Tone.Bad,
                VersionStanding.Newer or VersionStanding.Older or VersionStanding.Untried =>
                    Tone.Warn,
                _ => Tone.Plain,
            }
        );

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
