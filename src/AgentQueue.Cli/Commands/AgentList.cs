using System.Collections.Immutable;
using AgentQueue.Config;
using AgentQueue.Scheduling;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// The agents that there are: those that are configured and <c>shell</c>, then what is installed of those that an
/// adapter describes, which are agents by themselves.
/// </summary>
/// <param name="NotInstalled">The names of adapters whose program is not there.</param>
internal sealed record AgentList(
    ImmutableArray<AgentView> Agents,
    ImmutableArray<string> NotInstalled
)
{
    public static AgentList Of(Session session)
    {
        var config = session.Project.Config;
        var others = config.Adapters.Names.Where(n => !config.Agents.ContainsKey(n.Name)).ToList();
        var views = config
            .Agents.Values.Concat(others.Select(static n => AgentOf(n.Name)))
            .Select(agent => View(session, agent))
            .ToList();
        var versions = Versions(session, views);
        var missing = others
            .Select(static n => n.Name)
            .Where(name =>
                views.Exists(v => v.Agent.Name == name && v is { Found: null, Problem: null })
            )
            .ToImmutableArray();
        return new AgentList(
            [
                .. views
                    .Where(v => !missing.Contains(v.Agent.Name))
                    .Select(v => v with { Version = VersionOf(v, versions) }),
            ],
            missing
        );
    }

    /// <summary>One of them, with the command of a sample.</summary>
    /// <exception cref="QueueException">There is no such agent, or its adapter cannot be used.</exception>
    public static AgentView One(Session session, string name)
    {
        var config = session.Project.Config;
        var agent = config.Find(name);
        var view = AgentView.Of(
            agent,
            IsBuiltIn(config, agent),
            session.Queue,
            () => session.Project.Settings,
            config
        ) with
        {
            Adapter = agent.Work.Adapter is { } adapter ? config.Adapters.Find(adapter) : null,
            File = FileOf(config, agent),
        };
        return view with { Version = VersionOf(view, Versions(session, [view])) };
    }

    private static AgentView View(Session session, AgentDefinition agent)
    {
        var config = session.Project.Config;
        try
        {
            return AgentView.Of(
                config.Filled(agent),
                IsBuiltIn(config, agent),
                session.Queue,
                settings: null,
                config
            ) with
            {
                Adapter = agent.Work.Adapter is { } adapter ? config.Adapters.Find(adapter) : null,
                File = FileOf(config, agent),
            };
        }
        catch (QueueException e)
        {
            return AgentView.Broken(agent, e.Message) with { File = FileOf(config, agent) };
        }
    }

    private static bool IsBuiltIn(AgentConfig config, AgentDefinition agent) =>
        !config.Configured.ContainsKey(agent.Name) && FileOf(config, agent) is null;

    // The project's as seen from its root.
    private static string? FileOf(AgentConfig config, AgentDefinition agent) =>
        config.Configured.ContainsKey(agent.Name)
        || agent.Work.Adapter is not { } adapter
        || config.Adapters.FileOf(adapter) is not { } file
            ? null
        : config.Adapters.IsOfProject(adapter) ? Path.GetRelativePath(config.ProjectRoot, file)
        : file;

    private static AgentDefinition AgentOf(string name) =>
        new()
        {
            Name = name,
            Command = "",
            Work = new AgentWork { Adapter = name },
        };

    private static ImmutableSortedDictionary<string, string> Versions(
        Session session,
        IEnumerable<AgentView> views
    ) =>
        new AgentVersions(session.Queue, session.Project.Clock).Ask(
            session.Project.Config.Adapters,
            views.Select(static v => v.Adapter).OfType<Adapter>().DistinctBy(static a => a.Name),
            Environment.GetEnvironmentVariable("PATH")
        );

    // An agent with a command of its own is another program than the adapter's.
    private static string? VersionOf(
        AgentView view,
        ImmutableSortedDictionary<string, string> versions
    ) =>
        view.Adapter is { } adapter && view.Agent.Command == adapter.Command
            ? versions.GetValueOrDefault(adapter.Name)
            : null;
}
