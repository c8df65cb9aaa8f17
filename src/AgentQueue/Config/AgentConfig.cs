using System.Buffers;
using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>
/// The agents of a project: those of its <c>agent-config.json</c>, the built-in <c>shell</c>, and, where
/// opencode is installed, any other name as an agent of opencode. A missing file means the built-in
/// ones; a file with an error is refused as a whole.
/// </summary>
internal sealed class AgentConfig
{
    public const string FileName = "agent-config.json";
    private const string FallbackCommand = "opencode";
    private const int LongestName = 64;

    /// <summary>What may stand in the name of an agent.</summary>
    public static readonly SearchValues<char> InNames = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    private AgentConfig(
        string projectRoot,
        ImmutableSortedDictionary<string, AgentDefinition> configured
    )
    {
        ProjectRoot = projectRoot;
        Configured = configured;
        Agents = configured.ContainsKey(AgentDefinition.Shell)
            ? configured
            : configured.Add(AgentDefinition.Shell, Shell(OperatingSystem.IsWindows()));
    }

    /// <summary>Where its relative paths begin.</summary>
    public string ProjectRoot { get; }

    /// <summary>How agent CLIs are driven.</summary>
    public Adapters Adapters =>
        field ??= new Adapters(
            ProjectRoot,
            Adapters.UserFolder(Environment.GetEnvironmentVariable)
        );

    /// <summary>The agents that the file defines, and those that it includes.</summary>
    public ImmutableSortedDictionary<string, AgentDefinition> Configured { get; }

    /// <summary>All that can be listed: the configured ones and <c>shell</c>.</summary>
    public ImmutableSortedDictionary<string, AgentDefinition> Agents { get; }

    /// <summary>Variables of all templates.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>How many ended tasks of each agent that events started are kept; −1 for all.</summary>
    public int KeepHistory { get; init; } = -1;

    /// <summary>Of the worktrees of all agents' tasks.</summary>
    public WorktreeRule Worktrees { get; init; } = WorktreeRule.None;

    /// <summary>What is told of events.</summary>
    public ImmutableArray<HookRule> Hooks { get; init; } = [];

    /// <summary>What tasks together may use.</summary>
    public ImmutableArray<BudgetRule> Budgets { get; init; } = [];

    /// <summary>Changes of files that are events.</summary>
    public ImmutableArray<WatchRule> Watches { get; init; } = [];

    /// <summary>Events that come by the clock.</summary>
    public ImmutableArray<ScheduleRule> Schedule { get; init; } = [];

    /// <summary>Begins with a letter or digit; at most 64 of <c>[A-Za-z0-9._-]</c>.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName
        && char.IsAsciiLetterOrDigit(name[0])
        && !name.AsSpan().ContainsAnyExcept(InNames);

    /// <param name="opening">Told of each file, absolute, before it is read; also of those that are not there.</param>
    /// <exception cref="QueueException">A file cannot be read or has an error.</exception>
    public static AgentConfig Load(string projectRoot, Action<string>? opening = null)
    {
        var reader = new AgentConfigReader(FileName, OperatingSystem.IsWindows());
        reader.ReadFile(projectRoot, opening);
        ConfigProblem.ThrowIfError([.. reader.Problems]);
        return new AgentConfig(projectRoot, reader.Agents)
        {
            Variables = reader.Variables,
            KeepHistory = reader.KeepHistory,
            Worktrees = reader.Worktrees,
            Hooks = [.. reader.Hooks],
            Budgets = [.. reader.Budgets],
            Watches = [.. reader.Watches],
            Schedule = [.. reader.Schedule],
        };
    }

    /// <summary>
    /// All that is wrong or doubtful, file by file and in their order; empty if all is well or there is no file.
    /// Also looks for the commands on <paramref name="searchPath"/> and for the template files, and checks the
    /// adapters of the project and the user.
    /// </summary>
    public static ImmutableArray<ConfigProblem> Validate(
        string projectRoot,
        string? searchPath,
        bool? onWindows = null
    )
    {
        var adapters = new Adapters(
            projectRoot,
            Adapters.UserFolder(Environment.GetEnvironmentVariable)
        );
        var reader = new AgentConfigReader(FileName, onWindows ?? OperatingSystem.IsWindows());
        try
        {
            reader.ReadFile(projectRoot);
        }
        catch (QueueException e)
        {
            return
            [
                new ConfigProblem(FileName, 0, "", ProblemSeverity.Error, e.Message),
                .. adapters.Validate(),
            ];
        }

        reader.CheckSurroundings(adapters, projectRoot, searchPath);
        return
        [
            .. reader
                .Problems.GroupBy(static p => p.File)
                .SelectMany(static f => f.OrderBy(static p => p.Line)),
            .. adapters.Validate(),
        ];
    }

    /// <summary>
    /// The agent called <paramref name="name"/>, as a command: one of the file, one that an adapter describes, or one
    /// of opencode, which is looked for on this process's PATH.
    /// </summary>
    /// <param name="options">What its task asks of it.</param>
    /// <exception cref="QueueException">There is none, or its adapter cannot do what is asked.</exception>
    public AgentDefinition Find(string name, AgentOptions? options = null) =>
        Find(name, Environment.GetEnvironmentVariable("PATH"), options);

    /// <summary>With its adapter's command, if it has an adapter.</summary>
    /// <exception cref="QueueException">There is no such adapter, or it cannot do what is asked.</exception>
    public AgentDefinition Filled(AgentDefinition agent, AgentOptions? options = null) =>
        agent.Work.Adapter is { } adapter ? Adapters.Find(adapter).Fill(agent, options) : agent;

    /// <inheritdoc cref="Find(string, AgentOptions?)"/>
    public AgentDefinition Find(string name, string? searchPath, AgentOptions? options = null)
    {
        if (Agents.TryGetValue(name, out var agent))
        {
            return Filled(agent, options);
        }

        if (!IsName(name))
        {
            throw QueueException.Usage(
                $"'{name}' is not a name for an agent: it must begin with a letter or a digit and have at most {LongestName} of A-Z a-z 0-9 . _ -",
                $"There are {string.Join(", ", Agents.Keys)}"
            );
        }

        if (Adapters.Has(name))
        {
            return Filled(OfAdapter(name), options);
        }

        return HasFallbackOn(searchPath)
            ? Fallback(name)
            : throw new QueueException(
                $"There is no agent '{name}'{Nearest.Suggestion(name, [.. Agents.Keys, .. Adapters.Names.Select(static a => a.Name)])}",
                $"There are {string.Join(", ", Agents.Keys)}; add '{name}' to {FileName}, or install {FallbackCommand}, which takes any other name"
            );
    }

    /// <summary>What counts for the worktrees of an agent's tasks; those of an agent that is gone too.</summary>
    public WorktreeRule WorktreesOf(string agent) =>
        Agents.TryGetValue(agent, out var definition) && definition.Worktree is { } own
            ? own.Or(Worktrees)
            : Worktrees;

    /// <summary>True if any name is an agent, because opencode is on this process's PATH.</summary>
    public bool HasFallback => HasFallbackOn(Environment.GetEnvironmentVariable("PATH"));

    private bool HasFallbackOn(string? searchPath) => HasFallbackOn(searchPath, ProjectRoot);

    /// <inheritdoc cref="HasFallback"/>
    public static bool HasFallbackOn(string? searchPath, string projectRoot) =>
        ExecutableLookup.Find(FallbackCommand, searchPath, projectRoot) is not null;

    /// <summary>The built-in agent that runs its prompt as a command line, exactly as it is.</summary>
    public static AgentDefinition Shell(bool onWindows) =>
        new()
        {
            Name = AgentDefinition.Shell,
            Description = "Runs the prompt as a shell command",
            Command = onWindows ? "cmd" : "/bin/sh",
            Args = onWindows ? ["/c", "{prompt}"] : ["-c", "--", "{prompt}"],
            PromptTemplate = PromptText.Bare,
        };

    private static AgentDefinition OfAdapter(string name) =>
        new()
        {
            Name = name,
            Command = "",
            Work = new AgentWork { Adapter = name },
        };

    private static AgentDefinition Fallback(string name) =>
        new()
        {
            Name = name,
            Description = $"Agent '{name}' of {FallbackCommand}",
            Command = FallbackCommand,
            Args = ["run", "{prompt}", "--agent", "{agent}"],
            // With a prompt such as "--help" opencode prints its help and exits with 0: a success that
            // did nothing.
            ArgsForLeadingDash = ["run", "--agent", "{agent}", "--", "{prompt}"],
        };
}
