using AgentQueue.Agents;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

/// <summary>Why a ready task is not started now.</summary>
/// <param name="Until">When to look again; null if only somebody can change it.</param>
/// <param name="IsBudget">Else a usage limit.</param>
internal sealed record StartBar(string Reason, DateTimeOffset? Until, bool IsBudget = false)
{
    /// <summary>The end of a task that runs now will tell.</summary>
    public bool IsPassing { get; init; }
}

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
            && _queue.Read(task.Id) is TaskRead.Found(var limited, _)
            && _planner.WaitsAtLimit(limited)
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

        // What a command uses, nobody knows.
        if (
            _budgets.Count > 0
            && _planner.HasAdapter(task.Agent)
            && _queue.Read(task.Id) is TaskRead.Found(var whole, _)
        )
        {
            foreach (var budget in _budgets)
            {
                if (budget.Over(whole, _planner.TellsUsage(task.Agent)) is { } bar)
                {
                    return bar;
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
