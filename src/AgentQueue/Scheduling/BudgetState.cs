using System.Globalization;
using AgentQueue.Agents;
using AgentQueue.Config;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Scheduling;

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
                state.Add(entry, counts: !state._rule.PerDay || entry.At >= midnight);
            }
        }

        return states;
    }

    /// <summary>Why no further task like this one is started; null if it may be.</summary>
    /// <param name="tells">Its agent tells what it uses, so that the first one shows what to expect.</param>
    public StartBar? Over(AgentTask task, bool tells)
    {
        if (KeyOf(task.Agent, task.Labels, RunId.Of(task.Id)?.Value) is not { } key)
        {
            return null;
        }

        var spent = _spent.GetValueOrDefault(key) ?? new Spent();
        return Over(spent.Cost, spent.Tokens) is { } reason
                ? new StartBar(reason, Renews, IsBudget: true)
            : Over(
                spent.Cost + (spent.Running * spent.AverageCost),
                spent.Tokens + (spent.Running * spent.AverageTokens)
            )
                is { } expected
                ? Passing(
                    $"{expected}, with what {(spent.Running == 1 ? "the one that runs" : "those that run")} will use on average"
                )
            : tells && spent is { Tasks.Count: 0, Running: > 0 }
                ? Passing($"budget of {_rule.Name}: the first task finds out what one uses")
            : null;
    }

    private static StartBar Passing(string reason) =>
        new(reason, Until: null, IsBudget: true) { IsPassing = true };

    /// <summary>What of it is used up, in words.</summary>
    public IEnumerable<string> UsedUp =>
        _spent
            .Select(s =>
                Over(s.Value.Cost, s.Value.Tokens) is { } reason
                    ? reason + (s.Key.Length > 0 ? $" ({s.Key})" : "")
                    : null
            )
            .OfType<string>();

    private string? Over(decimal cost, decimal tokens) =>
        _rule.Usd is { } usd && cost >= usd
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"budget of {_rule.Name}: ${cost.ToText()} of ${usd.ToText()}"
            )
        : _rule.Tokens is { } most && tokens >= most
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"budget of {_rule.Name}: {(long)tokens} of {most} tokens"
            )
        : null;

    /// <summary>One more runs, and will use what those before it have used on average.</summary>
    public void Reserve(AgentTask task)
    {
        if (KeyOf(task.Agent, task.Labels, RunId.Of(task.Id)?.Value) is { } key)
        {
            SpentOf(key).Running++;
        }
    }

    /// <param name="counts">Else it is of an earlier day, and only tells what to expect.</param>
    private void Add(UsageEntry entry, bool counts)
    {
        if (KeyOf(entry.Agent, entry.Labels, entry.Run) is not { } key)
        {
            return;
        }

        var spent = SpentOf(key);
        var (cost, tokens) = (entry.Usage.Cost ?? 0, entry.Usage.Tokens ?? 0);
        spent.Tasks.Add(entry.Task);
        spent.AllCost += cost;
        spent.AllTokens += tokens;
        if (counts)
        {
            spent.Cost += cost;
            spent.Tokens += tokens;
        }
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

        /// <summary>With that of earlier days.</summary>
        public decimal AllCost { get; set; }

        /// <inheritdoc cref="AllCost"/>
        public decimal AllTokens { get; set; }

        /// <summary>All that ever told.</summary>
        public HashSet<TaskId> Tasks { get; } = [];

        /// <summary>How many run now.</summary>
        public int Running { get; set; }

        public decimal AverageCost => Tasks.Count == 0 ? 0 : AllCost / Tasks.Count;
        public decimal AverageTokens => Tasks.Count == 0 ? 0 : AllTokens / Tasks.Count;
    }
}
