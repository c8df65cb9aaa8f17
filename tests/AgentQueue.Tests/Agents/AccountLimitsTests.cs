using AgentQueue.Agents;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Agents;

public sealed class AccountLimitsTests
{
    private static readonly DateTimeOffset s_until = new(2026, 11, 21, 22, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_was_on_its_way_when_the_limit_came_does_not_lift_it()
    {
        using var temp = new TempQueue();
        var queue = temp.Queue;
        var limits = new AccountLimits(queue);
        Assert.False(limits.Any);
        limits.Set(new AccountLimit("a", s_until, "used up"));

        Assert.False(limits.Lift("a", s_until.AddMinutes(-1)));
        Assert.Equal(s_until, limits.Find("a")!.Until);
        Assert.True(limits.Lift("a", s_until));
        Assert.Null(limits.Find("a"));
    }
}
