using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Config;

/// <summary>How the prompt reaches the agent.</summary>
internal enum PromptVia
{
    /// <summary>As <c>{prompt}</c> in its arguments.</summary>
    Arg,

    /// <summary>On its standard input, which then ends.</summary>
    Stdin,

    /// <summary>In a file whose path is <c>{promptFile}</c> in its arguments.</summary>
    File,
}

/// <summary>
/// An agent: a named command template, as <c>agent-config.json</c> holds it. Nothing in it has been
/// resolved: placeholders, environment references and paths stand as they were written.
/// </summary>
internal sealed record AgentDefinition
{
    /// <summary>The agent that hands its prompt to the system's shell, built in unless it is configured.</summary>
    public const string Shell = "shell";

    public static readonly ImmutableSortedDictionary<string, string> NoVariables =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public static readonly TimeSpan DefaultExitGrace = TimeSpan.FromSeconds(10);

    public required string Name { get; init; }

    /// <summary>A name to look up on PATH, or a path relative to the project root.</summary>
    public required string Command { get; init; }

    public ImmutableArray<string> Args { get; init; } = [];

    public string? Description { get; init; }

    /// <summary>What to make of the user's prompt; null for <see cref="PromptText.DefaultTemplate"/>.</summary>
    public string? PromptTemplate { get; init; }

    /// <summary>A file with the template, relative to the project root; wins over <see cref="PromptTemplate"/>.</summary>
    public string? PromptTemplateFile { get; init; }

    public PromptVia PromptVia { get; init; }

    /// <summary>
    /// Set for the agent beside what it inherits. A value may hold <c>${NAME}</c> references to the
    /// environment of whoever runs the task; null takes the variable away.
    /// </summary>
    public ImmutableSortedDictionary<string, string?> Environment { get; init; } =
        AgentEnvironment.NoOverrides;

    /// <summary>The working folder, relative to the project root; null for the root itself.</summary>
    public string? Cwd { get; init; }

    public TimeSpan? Timeout { get; init; }

    public TimeSpan? IdleTimeout { get; init; }

    public Completion Completion { get; init; }

    /// <summary>How long an agent that reported its end may take to exit.</summary>
    public TimeSpan ExitGrace { get; init; } = DefaultExitGrace;

    /// <summary>How many tasks of this agent run at once; null for no limit of its own.</summary>
    public int? MaxParallel { get; init; }

    /// <summary>Leave running what the agent left behind when it ended by itself.</summary>
    public bool KeepChildren { get; init; }

    /// <summary>The prompt of the tasks that events start, with variables in it; null for an agent that needs none.</summary>
    public string? Prompt { get; init; }

    /// <summary>Variables of its templates; they win over those of the project.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } = NoVariables;

    /// <summary>Its adapter, and what holds for the work of its tasks.</summary>
    public AgentWork Work { get; init; } = new();

    /// <summary>Of its tasks' worktrees; null where nothing is said about them.</summary>
    public WorktreeRule? Worktree { get; init; }

    /// <summary>What events do with it.</summary>
    public EventRule Events { get; init; } = new();

    /// <summary>
    /// False for a named job: nothing of its template leads to a prompt, so it is started without one.
    /// </summary>
    public bool TakesPrompt =>
        Work.Adapter is not null
        || PromptVia != PromptVia.Arg
        || Args.Any(static a =>
            Placeholders.InArgument(a, Placeholders.Prompt)
            || Placeholders.InArgument(a, Placeholders.PromptFile)
            || Placeholders.InArgument(a, Placeholders.PlanFile)
        );

    /// <summary>
    /// Taken in place of <see cref="Args"/> when the prompt begins with a dash and would be read as an
    /// option. Only the built-in fallback has it; configured agents are launched as they are written.
    /// </summary>
    public ImmutableArray<string>? ArgsForLeadingDash { get; init; }
}
