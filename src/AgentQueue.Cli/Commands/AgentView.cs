using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Cli.Commands;

/// <summary>An agent as <c>agents</c> shows it.</summary>
/// <param name="Found">The program that its command is, or null.</param>
/// <param name="Plan">What it would be started with for <see cref="SamplePrompt"/>.</param>
/// <param name="Problem">Why it cannot be started.</param>
internal sealed record AgentView(
    AgentDefinition Agent,
    bool IsBuiltIn,
    string? Found,
    LaunchPlan? Plan,
    string? Problem
)
{
    public const string SamplePrompt = "Say hello";

    /// <summary>Null for an agent that is only a command.</summary>
    public Adapter? Adapter { get; init; }

    /// <summary>The user's or the project's file that makes it an agent; null for one that is configured or built in.</summary>
    public string? File { get; init; }

    /// <summary>With where it comes from, unless that is the configuration.</summary>
    public string ShownName =>
        File is { } file ? $"{Agent.Name} ({file})"
        : IsBuiltIn ? $"{Agent.Name} (built-in)"
        : Agent.Name;

    /// <summary>Of the installed program; null if it does not tell.</summary>
    public string? Version { get; init; }

    public VersionStanding Standing => Adapter?.Version?.Judge(Version) ?? VersionStanding.Unknown;

    /// <summary>What it may do by itself; null where nothing holds it.</summary>
    public Permission? Permission =>
        Adapter is { Permissions.IsEmpty: false }
            ? Agent.Work.Permission ?? Tasks.Permission.Edit
            : null;

    /// <param name="settings">For the sample; null for none.</param>
    public static AgentView Of(
        AgentDefinition agent,
        bool isBuiltIn,
        QueueFolder queue,
        Func<Settings>? settings,
        AgentConfig config
    )
    {
        var found = ExecutableLookup.Find(
            agent.Command,
            Environment.GetEnvironmentVariable("PATH"),
            queue.ProjectRoot
        );
        if (settings is null)
        {
            return new AgentView(agent, isBuiltIn, found, null, null);
        }

        var sample = new AgentTask
        {
            Id = TaskId.Parse("task_00000000000000"),
            Agent = agent.Name,
            Prompt = SamplePrompt,
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
        };
        try
        {
            var plan = AgentTemplate.Resolve(
                agent,
                sample,
                ConfigPlanner.PathsOf(queue, sample.Id),
                settings(),
                Environment.GetEnvironmentVariable,
                config.Variables
            );
            return new AgentView(agent, isBuiltIn, plan.Executable, plan, null);
        }
        catch (QueueException e)
        {
            return new AgentView(agent, isBuiltIn, found, null, e.Message);
        }
    }

    /// <summary>One whose adapter cannot be used.</summary>
    public static AgentView Broken(AgentDefinition agent, string problem) =>
        new(agent, IsBuiltIn: false, Found: null, Plan: null, problem);

    /// <summary>Null where nothing is known.</summary>
    public static string? WordFor(VersionStanding standing) =>
        standing switch
        {
            VersionStanding.Unknown => null,
            VersionStanding.Untried => "untried",
            VersionStanding.Tested => "tested",
            VersionStanding.Newer => "newer",
            VersionStanding.Older => "older",
            VersionStanding.Unsupported => "unsupported",
        };

    public static string WordFor(PromptVia via) =>
        via switch
        {
            PromptVia.Arg => "arg",
            PromptVia.Stdin => "stdin",
            PromptVia.File => "file",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    public static string WordFor(OnRetrigger choice) =>
        Array.Find(EventRuleReader.OnRetriggers, c => c.Choice == choice).Word;

    public static string WordFor(DebounceMode mode) =>
        Array.Find(EventRuleReader.DebounceModes, c => c.Choice == mode).Word;

    public static string WordFor(Completion completion) =>
        completion switch
        {
            Completion.Auto => "auto",
            Completion.Exit => "exit",
            Completion.Sentinel => "sentinel",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
