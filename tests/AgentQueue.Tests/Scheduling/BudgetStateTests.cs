using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class BudgetStateTests : IDisposable
{
    private readonly TimedQueue _temp = new();
    private readonly FakeTime _time = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Dollars_tokens_turns_and_time_each_have_an_end()
    {
        Used(
            1,
            "\"costUsd\":0.5,\"tokens\":{\"input\":60,\"output\":40},\"turns\":3,\"durationMs\":60000"
        );
        Used(2, "\"costUsd\":0.5,\"tokens\":{\"input\":100},\"turns\":null,\"durationMs\":30000");
        Assert.Equal("budget of all tasks: $1 of $1", Over(new() { Usd = 1 }));
        Assert.Equal("budget of all tasks: 200 of 200 tokens", Over(new() { Tokens = 200 }));
        Assert.Equal("budget of all tasks: 3 of 3 turns", Over(new() { Turns = 3 }));
        Assert.Equal(
            "budget of all tasks: 1m 30s of 1m 30s",
            Over(new() { Time = TimeSpan.FromSeconds(90) })
        );
        Assert.Null(
            Over(
                new()
                {
                    Usd = 1.01m,
                    Tokens = 201,
                    Turns = 4,
                    Time = TimeSpan.FromSeconds(91),
                }
            )
        );
    }

    [Fact]
    public void What_runs_will_use_what_others_have_used_on_average()
    {
        Used(1, "\"costUsd\":0.2,\"tokens\":{\"input\":1},\"durationMs\":1");
        Used(2, "\"costUsd\":0.4,\"tokens\":{\"input\":1},\"durationMs\":1");
        var budget = State(new() { Usd = 1 });
        budget.Reserve(TimedQueue.Running(3, elapsed: 1));
        Assert.Null(budget.Over(TimedQueue.Pending(4), tells: true));
        budget.Reserve(TimedQueue.Running(5, elapsed: 1));
        var bar = budget.Over(TimedQueue.Pending(4), tells: true)!;
        Assert.True(bar.IsPassing);
        Assert.StartsWith(
            "budget of all tasks: $1.2 of $1, with",
            bar.Reason,
            StringComparison.Ordinal
        );
        Assert.Empty(budget.UsedUp);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void As_long_as_nobody_knows_what_one_uses_only_one_runs_if_it_can_tell(bool tells)
    {
        Used(1, "\"durationMs\":500");
        var budget = State(new() { Usd = 1 });
        Assert.Null(budget.Over(TimedQueue.Pending(2), tells));
        budget.Reserve(TimedQueue.Running(3, elapsed: 1));
        Assert.Equal(
            tells ? "budget of all tasks: the first task finds out what one uses" : null,
            budget.Over(TimedQueue.Pending(2), tells)?.Reason
        );
    }

    [Fact]
    public void Of_days_before_only_what_one_uses_is_known()
    {
        var rule = new BudgetRule { Usd = 1, PerDay = true };
        Used(1, "\"costUsd\":5,\"durationMs\":1", FakeTime.Start.AddDays(-1));
        var budget = State(rule);
        Assert.Null(budget.Over(TimedQueue.Pending(2), tells: true));
        budget.Reserve(TimedQueue.Running(3, elapsed: 1));
        Assert.True(budget.Over(TimedQueue.Pending(2), tells: true)!.IsPassing);

        Used(4, "\"costUsd\":1,\"durationMs\":1");
        var bar = State(rule).Over(TimedQueue.Pending(2), tells: true)!;
        Assert.Equal("budget of a day: $1 of $1", bar.Reason);
        Assert.Equal(FakeTime.Start.Date.AddDays(1), bar.Until!.Value.DateTime);
    }

    private string? Over(BudgetRule rule) =>
        State(rule).Over(TimedQueue.Pending(9), tells: true)?.Reason;

    private BudgetState State(BudgetRule rule) =>
        Assert.Single(BudgetState.All(_temp.Queue, [rule], _time));

    private void Used(int task, string members, DateTimeOffset? at = null) =>
        File.AppendAllText(
            _temp.Queue.UsageLog,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"at\":\"{at ?? FakeTime.Start:O}\",\"taskId\":\"{TimedQueue.Id(task)}\",\"agent\":\"shell\",{members}}}\n"
            )
        );
}
