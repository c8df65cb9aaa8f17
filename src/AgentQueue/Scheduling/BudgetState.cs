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
        return Over(spent.Used) is { } reason ? new StartBar(reason, Renews, IsBudget: true)
            : Over(spent.Used + (spent.Average * spent.Running)) is { } expected
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
                Over(s.Value.Used) is { } reason
                    ? reason + (s.Key.Length > 0 ? $" ({s.Key})" : "")
                    : null
            )
            .OfType<string>();

    private string? Over(Amounts used)
    {
        var over =
            _rule.Usd is { } usd && used.Usd >= usd ? $"${used.Usd.ToText()} of ${usd.ToText()}"
            : _rule.Tokens is { } tokens && used.Tokens >= tokens
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(long)used.Tokens} of {tokens} tokens"
                )
            : _rule.Turns is { } turns && used.Turns >= turns
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(long)used.Turns} of {turns} turns"
                )
            : _rule.Time is { } time && used.Seconds >= (decimal)time.TotalSeconds
                ? $"{Duration.Format(TimeSpan.FromSeconds((double)used.Seconds))} of {Duration.Format(time)}"
            : null;
        return over is null ? null : $"budget of {_rule.Name}: {over}";
    }

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
        var used = new Amounts(
            entry.Usage.Cost ?? 0,
            entry.Usage.Tokens ?? 0,
            entry.Turns ?? 0,
            (decimal)entry.Duration.TotalSeconds
        );
        spent.Ever += used;
        if (counts)
        {
            spent.Used += used;
        }

        if (!entry.Usage.IsEmpty || entry.Turns is not null)
        {
            spent.Tasks.Add(entry.Task);
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

    private readonly record struct Amounts(
        decimal Usd,
        decimal Tokens,
        decimal Turns,
        decimal Seconds
    )
    {
        public static Amounts operator +(Amounts a, Amounts b) =>
            new(a.Usd + b.Usd, a.Tokens + b.Tokens, a.Turns + b.Turns, a.Seconds + b.Seconds);

        public static Amounts operator *(Amounts a, decimal times) =>
            new(a.Usd * times, a.Tokens * times, a.Turns * times, a.Seconds * times);
    }

    private sealed class Spent
    {
        public Amounts Used { get; set; }

        /// <summary>With that of earlier days.</summary>
        public Amounts Ever { get; set; }

        /// <summary>All that ever told what they used.</summary>
        public HashSet<TaskId> Tasks { get; } = [];

        /// <summary>How many run now.</summary>
        public int Running { get; set; }

        public Amounts Average => Tasks.Count == 0 ? default : Ever * (1m / Tasks.Count);
    }
}
