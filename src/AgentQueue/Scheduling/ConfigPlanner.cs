using System.Collections;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>
/// Plans by <c>agent-config.json</c> and the settings, read when first needed; the former again when it, or a
/// file that it includes, has changed, because the supervisors of a drain may live for days.
/// </summary>
internal sealed class ConfigPlanner(QueueFolder queue, Func<Settings> settings) : IAgentPlanner
{
    private const string UsageExtension = "usage";

    // An agent that can be read says something when it begins; hours of silence at the start are a known fault.
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromMinutes(10);

    // Long, because a model may think and a command of its may take its time.
    private static readonly TimeSpan s_idleTimeout = TimeSpan.FromMinutes(30);

    private (Dictionary<string, FileFacts?> Facts, AgentConfig Config)? _read;

    public AgentConfig Config
    {
        get
        {
            if (_read is not { } read || read.Facts.Any(f => queue.Disk.Facts(f.Key) != f.Value))
            {
                // Looked at before it is read: what changes in between is read again.
                var facts = new Dictionary<string, FileFacts?>(StringComparer.Ordinal);
                var config = AgentConfig.Load(
                    queue.ProjectRoot,
                    path => facts[path] = queue.Disk.Facts(path)
                );
                _read = read = (facts, config);
            }

            return read.Config;
        }
    }

    /// <summary>The files that the configuration was read from, or would be if they were there; absolute.</summary>
    public IReadOnlyCollection<string> Files
    {
        get
        {
            _ = Config;
            return _read!.Value.Facts.Keys;
        }
    }

    public AgentPlan Plan(AgentTask task)
    {
        var runner = RunnerEnvironment();
        task = StepTexts.Fill(queue, task);
        var agent = task.Step is { Command.IsEmpty: false }
            ? null
            : Config.Find(task.Agent, task.Options);
        var plan = agent is null
            ? AgentTemplate.ResolveCommand(
                task,
                queue.ProjectRoot,
                settings(),
                name => runner.GetValueOrDefault(name)
            )
            : AgentTemplate.Resolve(
                agent,
                task.Options?.FollowUp is { } more ? task with { Prompt = more } : task,
                PathsOf(queue, task.Id),
                settings(),
                name => runner.GetValueOrDefault(name),
                Config.Variables
            );
        var reader = agent is null ? null : ReaderOf(task, agent);
        var adapter = reader?.Adapter;
        return new AgentPlan
        {
            Reader = reader,
            StartTimeout =
                task.Options?.StartTimeout
                ?? agent?.Work.StartTimeout
                ?? (adapter?.Stream is null ? null : s_startTimeout),
            MaxUsd = task.Options?.MaxUsd ?? agent?.Work.MaxUsd,
            MaxTokens = task.Options?.MaxTokens ?? agent?.Work.MaxTokens,
            MaxTurns = task.Options?.MaxTurns ?? agent?.Work.MaxTurns,
            OnLimit = task.Options?.OnLimit ?? agent?.Work.OnLimit ?? settings().OnLimit,
            RetryOn = agent?.Work.RetryOn,
            Fallback = task.Options?.Fallback ?? agent?.Work.Fallback ?? [],
            Executable = plan.Executable,
            Arguments = plan.Arguments,
            ShownArguments = plan.ShownArguments,
            Environment = AgentEnvironment.Build(
                runner,
                plan.Environment,
                task.Id,
                queue.TaskFile(task.Id),
                queue.ProjectRoot
            ),
            WorkingFolder = plan.WorkingFolder,
            PromptFileContent = plan.NeedsPromptFile ? plan.PromptText : null,
            PromptOnInput = plan.PromptVia == PromptVia.Stdin,
            Checks =
            [
                .. (task.Checks?.Commands ?? []).Select(words =>
                    (
                        AgentTemplate.FindProgram(
                            words[0],
                            plan,
                            name => runner.GetValueOrDefault(name)
                        ),
                        words
                    )
                ),
            ],
            // A command needs no configuration, and must not fail for it.
            Worktrees =
                task.Step is { Command.IsEmpty: false } && task.Worktree is null
                    ? WorktreeRule.None
                    : Config.WorktreesOf(task.Agent),
            Completion = plan.Completion,
            Timeout = plan.Timeout,
            TimeoutWarning = settings().TimeoutWarning,
            IdleTimeout = plan.IdleTimeout ?? (adapter?.Stream is null ? null : s_idleTimeout),
            ExitGrace = plan.ExitGrace,
            Grace = settings().Grace,
            LogLimit = (long)settings().LogLimit << 20,
            KeepChildren = plan.KeepChildren,
        };
    }

    public bool TellsUsage(string agent) =>
        HasAdapter(agent)
        && Config.Find(agent).Work.Adapter is { } name
        && Config.Adapters.Find(name).Stream is { TellsUsage: true };

    public AgentReader? ReaderOf(AgentTask task) =>
        task.Step is { Command.IsEmpty: false }
            ? null
            : ReaderOf(task, Config.Find(task.Agent, task.Options));

    private AgentReader? ReaderOf(AgentTask task, AgentDefinition agent) =>
        agent.Work.Adapter is { } name && Config.Adapters.Find(name) is var adapter
            ? new AgentReader(
                adapter,
                Config.Adapters.Errors,
                agent.Work.Account ?? adapter.Name,
                queue.RequestFile(task.Id, UsageExtension)
            )
            : null;

    public int? MaxParallel(string agent) =>
        agent == PlanStep.CommandAgent ? null
        : Config.Agents.TryGetValue(agent, out var definition) ? definition.MaxParallel
        : null;

    public IReadOnlyList<BudgetRule> Budgets => Config.Budgets;

    public string? AccountOf(string agent) =>
        agent == PlanStep.CommandAgent ? null
        : Config.Agents.TryGetValue(agent, out var definition)
            ? definition.Work.Account ?? definition.Work.Adapter
        : Config.Adapters.Has(agent) ? agent
        : null;

    public bool WaitsAtLimit(AgentTask task) =>
        (
            task.Options?.OnLimit
            ?? (
                Config.Agents.TryGetValue(task.Agent, out var definition)
                    ? definition.Work.OnLimit
                    : null
            )
            ?? settings().OnLimit
        ).Waits;

    public bool HasAdapter(string agent) =>
        agent != PlanStep.CommandAgent
        && (
            Config.Agents.TryGetValue(agent, out var definition)
                ? definition.Work.Adapter is not null
                : Config.Adapters.Has(agent)
        );

    public int? MaxConcurrent(string agent) =>
        Config.Agents.TryGetValue(agent, out var definition) ? definition.Events.MaxConcurrent : 1;

    /// <summary>The files that a task's agent is told about.</summary>
    public static TaskPaths PathsOf(QueueFolder queue, TaskId id) =>
        new(
            queue.ProjectRoot,
            queue.PlanFile(id),
            queue.LogFile(id),
            queue.Workspace,
            queue.PromptFile(id),
            queue.SentinelFile(id, Sentinel.Done),
            queue.SentinelFile(id, Sentinel.Error),
            queue.RequestFile(id, UsageExtension)
        );

    private static Dictionary<string, string> RunnerEnvironment()
    {
        var environment = new Dictionary<string, string>(AgentEnvironment.Names);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            environment[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return environment;
    }
}
