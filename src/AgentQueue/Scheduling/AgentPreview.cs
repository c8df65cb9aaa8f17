using System.Collections.Immutable;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// What an agent would be started with, found out without starting or storing anything. Values of the environment are
/// not in it: where they would stand, stands <c>{{ env.NAME }}</c>.
/// </summary>
internal sealed record AgentPreview
{
    /// <summary>In the place of a prompt where none is configured.</summary>
    public const string AnyPrompt = "{" + Placeholders.UserPrompt + "}";

    public required AgentDefinition Agent { get; init; }

    /// <summary>The program's path, or its name if it is not found, then its arguments.</summary>
    public required ImmutableArray<string> Command { get; init; }

    /// <summary>Absolute, unless a value of the environment stands in it.</summary>
    public required string WorkingFolder { get; init; }

    public required TimeSpan? Timeout { get; init; }

    public required TimeSpan? IdleTimeout { get; init; }

    /// <summary>What an event would store as the task's prompt; null for an agent without one.</summary>
    public required string? Prompt { get; init; }

    /// <summary>What the agent would be told; null if nothing leads a prompt to it.</summary>
    public required string? PromptText { get; init; }

    public required ImmutableArray<PreviewVariable> Variables { get; init; }

    /// <summary>Why it cannot be started here and now; null if it can.</summary>
    public required string? Problem { get; init; }

    /// <param name="given">Variables as an event would bring them.</param>
    /// <exception cref="QueueException">A template cannot be filled in, whatever the environment.</exception>
    public static AgentPreview Of(
        AgentConfig config,
        AgentDefinition agent,
        QueueFolder queue,
        Settings settings,
        ImmutableSortedDictionary<string, string> given
    )
    {
        agent = config.Filled(agent);
        var cause = new TaskCause("", []) { Variables = WithEvent(given, agent, config) };
        var variables = new Variables(
            config.Variables,
            agent,
            cause,
            AgentTemplate.ShownEnvironment
        );
        var prompt = agent.Prompt is null
            ? null
            : Config.Variables.FillPrompt(config, agent, cause);
        var task = new AgentTask
        {
            Id = TaskId.Parse("task_00000000000000"),
            Agent = agent.Name,
            Prompt = prompt ?? AnyPrompt,
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
            Cause = cause,
        };
        var paths = ConfigPlanner.PathsOf(queue, task.Id);
        var text = Config.PromptText.Write(
            Config.PromptText.TemplateOf(agent, queue.ProjectRoot),
            task,
            paths
        );
        var found = ExecutableLookup.Find(
            agent.Command,
            Environment.GetEnvironmentVariable("PATH"),
            queue.ProjectRoot
        );
        var (plan, problem) = Resolve(config, task, agent, paths, settings);
        return new AgentPreview
        {
            Agent = agent,
            Command =
            [
                plan?.Executable ?? found ?? agent.Command,
                .. AgentTemplate.ResolveArguments(
                    agent,
                    found,
                    agent.Args,
                    text,
                    task,
                    paths,
                    variables
                ),
            ],
            WorkingFolder = WorkingFolderOf(config, agent, cause, queue.ProjectRoot),
            Timeout = agent.Timeout ?? settings.Timeout,
            IdleTimeout = agent.IdleTimeout ?? settings.IdleTimeout,
            Prompt = prompt,
            PromptText = agent.TakesPrompt ? text : null,
            Variables = [.. variables.Names.Select(v => ValueOf(variables, v.Name, v.From))],
            Problem = problem,
        };
    }

    // What only an event can tell stands for itself.
    private static ImmutableSortedDictionary<string, string> WithEvent(
        ImmutableSortedDictionary<string, string> given,
        AgentDefinition agent,
        AgentConfig config
    )
    {
        foreach (var name in (string[])[Config.Variables.Event, Config.Variables.CausingTask])
        {
            if (
                !given.ContainsKey(name)
                && !agent.Variables.ContainsKey(name)
                && !config.Variables.ContainsKey(name)
            )
            {
                given = given.Add(name, $"{{{{ {name} }}}}");
            }
        }

        return given;
    }

    private static (LaunchPlan? Plan, string? Problem) Resolve(
        AgentConfig config,
        AgentTask task,
        AgentDefinition agent,
        TaskPaths paths,
        Settings settings
    )
    {
        try
        {
            var plan = AgentTemplate.Resolve(
                agent,
                task,
                paths,
                settings,
                Environment.GetEnvironmentVariable,
                config.Variables
            );
            return (plan, null);
        }
        catch (QueueException e)
        {
            return (null, e.Message);
        }
    }

    private static string WorkingFolderOf(
        AgentConfig config,
        AgentDefinition agent,
        TaskCause cause,
        string projectRoot
    )
    {
        if (agent.Cwd is not { } cwd)
        {
            return projectRoot;
        }

        var variables = new Variables(
            config.Variables,
            agent,
            cause,
            AgentTemplate.ShownEnvironment
        );
        var folder = variables.Fill(cwd, $"agents.{agent.Name}.cwd");
        return variables.UsedEnvironment ? folder : Path.GetFullPath(folder, projectRoot);
    }

    private static PreviewVariable ValueOf(Variables variables, string name, string from)
    {
        try
        {
            return new PreviewVariable(name, from, variables.ValueOf(name), null);
        }
        catch (QueueException e)
        {
            // Not every variable is used by this agent.
            return new PreviewVariable(name, from, null, e.Message);
        }
    }
}

/// <param name="From"><c>event</c>, <c>agent</c>, <c>project</c> or <c>built-in</c>.</param>
/// <param name="Value">Null if it has none.</param>
/// <param name="Problem">Why.</param>
internal sealed record PreviewVariable(string Name, string From, string? Value, string? Problem);
