using System.Globalization;
using AgentQueue.Agents;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Why a ready task is not started now.</summary>
/// <param name="Until">When to look again; null if only somebody can change it.</param>
/// <param name="IsBudget">Else a usage limit.</param>
internal sealed record StartBar(string Reason, DateTimeOffset? Until, bool IsBudget = false);

/// <summary>
/// What keeps ready tasks from starting although slots are free: the usage limit of their account, and budgets that
/// are used up. Where there are neither limits nor budgets it costs one look at a folder.
/// </summary>
internal sealed class StartGate
{
    private readonly IAgentPlanner _planner;
    private readonly QueueFolder _queue;
    private readonly DateTimeOffset _now;
    private readonly IReadOnlyDictionary<string, int> _running;
    private readonly Dictionary<string, AccountLimit> _limits;
    private readonly HashSet<string> _probed = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<BudgetState> _budgets;

    private StartGate(
        QueueFolder queue,
        IAgentPlanner planner,
        IReadOnlyDictionary<string, int> running,
        DateTimeOffset now,
        Dictionary<string, AccountLimit> limits,
        IReadOnlyList<BudgetState> budgets
    ) =>
        (_queue, _planner, _running, _now, _limits, _budgets) = (
            queue,
            planner,
            running,
            now,
            limits,
            budgets
        );

    /// <summary>True if a task may have to wait for more than a slot.</summary>
    public static bool IsNeeded(QueueFolder queue, IAgentPlanner planner) =>
        new AccountLimits(queue).Any || planner.Budgets.Count > 0;

    /// <summary>The usage limits that stand, and the budgets that are used up.</summary>
    /// <param name="planner">Asked only if anything was ever used.</param>
    public static IReadOnlyList<StartBar> Standing(
        QueueFolder queue,
        Func<IAgentPlanner> planner,
        TimeProvider clock
    )
    {
        var now = clock.GetUtcNow();
        var bars = new List<StartBar>();
        foreach (var limit in new AccountLimits(queue).All())
        {
            bars.Add(
                new StartBar(
                    limit.Until > now
                        ? $"usage limit of {limit.Account} until {StartTime.Describe(limit.Until, now, clock.LocalTimeZone)}: {limit.Message}"
                        : $"usage limit of {limit.Account}: its time is over, and the next task of it finds out",
                    limit.Until
                )
            );
        }

        if (
            queue.Disk.Facts(queue.UsageLog) is not null
            && planner().Budgets is { Count: > 0 } rules
        )
        {
            bars.AddRange(
                BudgetState
                    .All(queue, rules, clock)
                    .SelectMany(static b =>
                        b.UsedUp.Select(reason => new StartBar(reason, b.Renews, IsBudget: true))
                    )
            );
        }

        return bars;
    }

    /// <summary>Null where nothing can be in the way.</summary>
    /// <param name="running">How many of each agent run now.</param>
    /// <param name="runningTasks">The tasks that run now; what they will use counts as what others used on average.</param>
    public static StartGate? Of(
        QueueFolder queue,
        IAgentPlanner planner,
        IReadOnlyDictionary<string, int> running,
        IReadOnlyList<TaskId> runningTasks,
        TimeProvider clock
    )
    {
        if (!IsNeeded(queue, planner))
        {
            return null;
        }

        var budgets =
            planner.Budgets.Count == 0 ? [] : BudgetState.All(queue, planner.Budgets, clock);
        var gate = new StartGate(
            queue,
            planner,
            running,
            clock.GetUtcNow(),
            new AccountLimits(queue)
                .All()
                .ToDictionary(static l => l.Account, StringComparer.Ordinal),
            budgets
        );
        if (budgets.Count > 0)
        {
            foreach (var id in runningTasks)
            {
                gate.Reserve(id);
            }
        }

        return gate;
    }

    /// <summary>Null if the task may start; who starts it then tells by <see cref="Take"/>.</summary>
    public StartBar? Bar(TaskSummary task)
    {
        if (
            _limits.Count > 0
            && _planner.AccountOf(task.Agent) is { } account
            && _limits.TryGetValue(account, out var limit)
            && _planner.WaitsAtLimit(task.Agent)
        )
        {
            if (limit.Until > _now)
            {
                return new StartBar($"usage limit of {account}: {limit.Message}", limit.Until);
            }

            if (_probed.Contains(account) || IsRunning(account))
            {
                return new StartBar($"one task finds out whether {account} is served again", null);
            }
        }

        if (_budgets.Count > 0 && _queue.Read(task.Id) is TaskRead.Found(var whole, _))
        {
            foreach (var budget in _budgets)
            {
                if (budget.Over(whole) is { } reason)
                {
                    return new StartBar(reason, budget.Renews, IsBudget: true);
                }
            }
        }

        return null;
    }

    /// <summary>The task is being started.</summary>
    public void Take(TaskSummary task)
    {
        if (_limits.Count > 0 && _planner.AccountOf(task.Agent) is { } account)
        {
            _probed.Add(account);
        }

        if (_budgets.Count > 0)
        {
            Reserve(task.Id);
        }
    }

    private void Reserve(TaskId id)
    {
        if (_queue.Read(id) is TaskRead.Found(var task, _))
        {
            foreach (var budget in _budgets)
            {
                budget.Reserve(task);
            }
        }
    }

    private bool IsRunning(string account) =>
        _running.Any(r => r.Value > 0 && _planner.AccountOf(r.Key) == account);
}

/// <summary>A budget with what has been used of it.</summary>
internal sealed class BudgetState
{
    private readonly BudgetRule _rule;
    private readonly Dictionary<string, Spent> _spent = new(StringComparer.Ordinal);

    private BudgetState(BudgetRule rule, DateTimeOffset? renews) =>
        (_rule, Renews) = (rule, renews);

    /// <summary>When it begins anew; null for never.</summary>
    public DateTimeOffset? Renews { get; }

    public static IReadOnlyList<BudgetState> All(
        QueueFolder queue,
        IReadOnlyList<BudgetRule> rules,
        TimeProvider clock
    )
    {
        var now = clock.GetLocalNow();
        var midnight = new DateTimeOffset(now.Date, now.Offset);
        var states = rules
            .Select(r => new BudgetState(r, r.PerDay ? midnight.AddDays(1) : null))
            .ToList();
        foreach (var entry in new UsageLog(queue).Read())
        {
            foreach (var state in states)
            {
                if (!state._rule.PerDay || entry.At >= midnight)
                {
                    state.Add(entry);
                }
            }
        }

        return states;
    }

    /// <summary>Why no further task like this one is started, in words; null if it may be.</summary>
    public string? Over(AgentTask task)
    {
        if (KeyOf(task.Agent, task.Labels, RunId.Of(task.Id)?.Value) is not { } key)
        {
            return null;
        }

        return Over(_spent.GetValueOrDefault(key) ?? new Spent());
    }

    /// <summary>What of it is used up, in words.</summary>
    public IEnumerable<string> UsedUp =>
        _spent
            .Select(s =>
                Over(s.Value) is { } reason
                    ? reason + (s.Key.Length > 0 ? $" ({s.Key})" : "")
                    : null
            )
            .OfType<string>();

    private string? Over(Spent spent) =>
        _rule.Usd is { } usd && spent.Cost >= usd
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"budget of {_rule.Name}: ${spent.Cost.ToText()} of ${usd.ToText()}"
            )
        : _rule.Tokens is { } tokens && spent.Tokens >= tokens
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"budget of {_rule.Name}: {(long)spent.Tokens} of {tokens} tokens"
            )
        : null;

    /// <summary>One more runs, and will use what those before it have used on average.</summary>
    public void Reserve(AgentTask task)
    {
        if (KeyOf(task.Agent, task.Labels, RunId.Of(task.Id)?.Value) is { } key)
        {
            var spent = SpentOf(key);
            spent.Cost += spent.AverageCost;
            spent.Tokens += spent.AverageTokens;
        }
    }

    private void Add(UsageEntry entry)
    {
        if (KeyOf(entry.Agent, entry.Labels, entry.Run) is not { } key)
        {
            return;
        }

        var spent = SpentOf(key);
        spent.Cost += entry.Usage.Cost ?? 0;
        spent.Tokens += entry.Usage.Tokens ?? 0;
        spent.Tasks.Add(entry.Task);
        spent.AverageCost = spent.Cost / spent.Tasks.Count;
        spent.AverageTokens = spent.Tokens / spent.Tasks.Count;
    }

    private Spent SpentOf(string key)
    {
        if (!_spent.TryGetValue(key, out var spent))
        {
            _spent[key] = spent = new Spent();
        }

        return spent;
    }

    // Null for a task that it is not about.
    private string? KeyOf(string agent, IReadOnlyDictionary<string, string> labels, string? run) =>
        _rule.Agent is { } wanted && wanted != agent ? null
        : _rule.Label is { } label && !labels.Any(l => $"{l.Key}={l.Value}" == label) ? null
        : !_rule.PerPlan ? ""
        : run;

    private sealed class Spent
    {
        public decimal Cost { get; set; }
        public decimal Tokens { get; set; }
        public decimal AverageCost { get; set; }
        public decimal AverageTokens { get; set; }
        public HashSet<TaskId> Tasks { get; } = [];
    }
}
