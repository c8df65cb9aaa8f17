using System.Collections.Immutable;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Turns a task and the configuration into what is to be started.</summary>
internal interface IAgentPlanner
{
    /// <exception cref="QueueException">
    /// The task cannot be started as things are; with <see cref="ExitCode.Usage"/> nothing can, because the
    /// configuration itself is unusable.
    /// </exception>
    AgentPlan Plan(AgentTask task);

    /// <summary>How many of this agent may run at once; null for any number.</summary>
    int? MaxParallel(string agent);

    /// <summary>What tasks together may use.</summary>
    IReadOnlyList<BudgetRule> Budgets => [];

    /// <summary>The account whose usage limit holds for the agent; null for an agent that has none.</summary>
    string? AccountOf(string agent) => null;

    /// <summary>False if its tasks are not to wait for a usage limit: then they are started, and find out.</summary>
    bool WaitsAtLimit(AgentTask task) => true;

    /// <summary>True if an adapter says how the agent is read.</summary>
    bool HasAdapter(string agent) => false;

    /// <summary>True if the agent tells what it uses.</summary>
    bool TellsUsage(string agent) => false;

    /// <summary>How the output of the task's agent is read; null for an agent that is only a command.</summary>
    /// <exception cref="QueueException">The configuration is unusable, or knows no such agent.</exception>
    AgentReader? ReaderOf(AgentTask task) => null;

    /// <summary>How many of its tasks that events started may run at once; null for any number.</summary>
    int? MaxConcurrent(string agent) => null;
}

/// <summary>What is needed to read an agent's output.</summary>
/// <param name="Shared">Error patterns that all adapters share.</param>
/// <param name="Account">Agents of one account share its usage limit.</param>
/// <param name="UsageFile">Where the agent tells what it has used, if its stream does not.</param>
internal sealed record AgentReader(
    Adapter Adapter,
    ImmutableArray<ErrorPattern> Shared,
    string Account,
    string UsageFile
);

/// <summary>One execution, decided: nothing in it depends on the configuration any more.</summary>
internal sealed record AgentPlan
{
    /// <summary>Absolute path.</summary>
    public required string Executable { get; init; }

    /// <summary>Without the program's own name.</summary>
    public required ImmutableArray<string> Arguments { get; init; }

    /// <summary>The same for people to see, without values of the environment.</summary>
    public ImmutableArray<string> ShownArguments
    {
        get => field.IsDefault ? Arguments : field;
        init;
    }

    /// <summary>The whole environment, as <c>KEY=VALUE</c>.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    public required string WorkingFolder { get; init; }

    /// <summary>Written to the prompt file before the start; null if the agent needs none.</summary>
    public string? PromptFileContent { get; init; }

    /// <summary>The prompt file becomes standard input.</summary>
    public bool PromptOnInput { get; init; }

    /// <summary>Commands that must succeed after it, each with its program's path; null where none was found.</summary>
    public ImmutableArray<(
        string? Executable,
        ImmutableArray<string> Words
    )> Checks { get; init; } = [];

    /// <summary>How what it prints is read; null for an agent that is only a command.</summary>
    public AgentReader? Reader { get; init; }

    /// <summary>How a worktree for it is made, and whether it has one without being asked for it.</summary>
    public WorktreeRule Worktrees { get; init; } = WorktreeRule.None;

    public Completion Completion { get; init; }

    public TimeSpan? Timeout { get; init; }

    /// <summary>How long before its limit the task counts as near it.</summary>
    public TimeSpan TimeoutWarning { get; init; } = AgentTask.DefaultTimeoutWarning;

    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>How long it may print nothing at first.</summary>
    public TimeSpan? StartTimeout { get; init; }

    /// <summary>What its task may use; null for no limit.</summary>
    public decimal? MaxUsd { get; init; }

    /// <inheritdoc cref="MaxUsd"/>
    public long? MaxTokens { get; init; }

    /// <inheritdoc cref="MaxUsd"/>
    public int? MaxTurns { get; init; }

    /// <summary>At a usage limit of its account.</summary>
    public LimitPolicy OnLimit { get; init; } = new(Waits: true);

    /// <summary>Error classes that are retried by themselves; null for all that may pass.</summary>
    public ImmutableArray<string>? RetryOn { get; init; }

    /// <summary>Agents that a failed task is given to, one after the other.</summary>
    public ImmutableArray<string> Fallback { get; init; } = [];

    /// <summary>How long an agent may live on after its <c>.done</c> or <c>.error</c>.</summary>
    public TimeSpan ExitGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between TERM and KILL.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes beyond which the older half of the log is dropped; 0 for no limit.</summary>
    public long LogLimit { get; init; }

    /// <summary>Leave alone what the agent left running when it ended by itself.</summary>
    public bool KeepChildren { get; init; }
}
