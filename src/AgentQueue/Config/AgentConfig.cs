using System.Buffers;
using System.Collections.Immutable;

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

    private static readonly SearchValues<char> s_inNames = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    private readonly string _projectRoot;

    private AgentConfig(
        string projectRoot,
        ImmutableSortedDictionary<string, AgentDefinition> configured
    )
    {
        _projectRoot = projectRoot;
        Configured = configured;
        Agents = configured.ContainsKey(AgentDefinition.Shell)
            ? configured
            : configured.Add(AgentDefinition.Shell, Shell(OperatingSystem.IsWindows()));
    }

    /// <summary>The agents that the file defines.</summary>
    public ImmutableSortedDictionary<string, AgentDefinition> Configured { get; }

    /// <summary>All that can be listed: the configured ones and <c>shell</c>.</summary>
    public ImmutableSortedDictionary<string, AgentDefinition> Agents { get; }

    /// <summary>Variables of all templates.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>How many ended tasks of each agent that events started are kept; −1 for all.</summary>
    public int KeepHistory { get; init; } = -1;

    /// <summary>What is told of events.</summary>
    public ImmutableArray<HookRule> Hooks { get; init; } = [];

    /// <summary>Begins with a letter or digit; at most 64 of <c>[A-Za-z0-9._-]</c>.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName
        && char.IsAsciiLetterOrDigit(name[0])
        && !name.AsSpan().ContainsAnyExcept(s_inNames);

    /// <exception cref="QueueException">The file cannot be read or has an error.</exception>
    public static AgentConfig Load(string projectRoot)
    {
        var reader = new AgentConfigReader(FileName, OperatingSystem.IsWindows());
        reader.ReadFile(projectRoot);
        ConfigProblem.ThrowIfError(reader.Problems);
        return new AgentConfig(projectRoot, reader.Agents);
    }

    /// <summary>
    /// All that is wrong or doubtful, in the order of the file; empty if all is well or there is no file.
    /// Also looks for the commands on <paramref name="searchPath"/> and for the template files.
    /// </summary>
    public static ImmutableArray<ConfigProblem> Validate(
        string projectRoot,
        string? searchPath,
        bool? onWindows = null
    )
    {
        var reader = new AgentConfigReader(FileName, onWindows ?? OperatingSystem.IsWindows());
        try
        {
            reader.ReadFile(projectRoot);
        }
        catch (QueueException e)
        {
            return [new ConfigProblem(FileName, 0, "", ProblemSeverity.Error, e.Message)];
        }

        reader.CheckSurroundings(projectRoot, searchPath);
        return [.. reader.Problems.OrderBy(p => p.Line)];
    }

    /// <summary>The agent called <paramref name="name"/>; opencode is looked for on this process's PATH.</summary>
    /// <exception cref="QueueException">There is none.</exception>
    public AgentDefinition Find(string name) =>
        Find(name, Environment.GetEnvironmentVariable("PATH"));

    /// <inheritdoc cref="Find(string)"/>
    public AgentDefinition Find(string name, string? searchPath)
    {
        if (Agents.TryGetValue(name, out var agent))
        {
            return agent;
        }

        if (!IsName(name))
        {
            throw QueueException.Usage(
                $"'{name}' is not a name for an agent: it must begin with a letter or a digit and have at most {LongestName} of A-Z a-z 0-9 . _ -",
                $"There are {string.Join(", ", Agents.Keys)}"
            );
        }

        return HasFallbackOn(searchPath)
            ? Fallback(name)
            : throw new QueueException(
                $"There is no agent '{name}'{Nearest.Suggestion(name, Agents.Keys)}",
                $"There are {string.Join(", ", Agents.Keys)}; add '{name}' to {FileName}, or install {FallbackCommand}, which takes any other name"
            );
    }

    /// <summary>True if any name is an agent, because opencode is on this process's PATH.</summary>
    public bool HasFallback => HasFallbackOn(Environment.GetEnvironmentVariable("PATH"));

    private bool HasFallbackOn(string? searchPath) =>
        ExecutableLookup.Find(FallbackCommand, searchPath, _projectRoot) is not null;

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
