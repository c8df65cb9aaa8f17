using AgentQueue.Tasks;

namespace AgentQueue.Tests.Tasks;

public sealed class TimeLimitTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(239, false, false)]
    [InlineData(240, true, false)]
    [InlineData(300, true, false)]
    [InlineData(301, false, true)]
    public void A_task_is_near_its_limit_and_then_over_it(int seconds, bool near, bool overdue)
    {
        var limit = TimeLimit.Of(Task(new TaskState.Running(s_start)), s_start.AddSeconds(seconds));

        Assert.Equal((near, overdue), (limit!.Value.IsNear, limit.Value.IsOverdue));
        Assert.Equal(300 - seconds, limit.Value.Remaining.TotalSeconds);
    }

    [Fact]
    public void Before_the_start_the_whole_time_is_left()
    {
        var limit = TimeLimit.Of(Task(new TaskState.Pending()), s_start.AddDays(1))!.Value;

        Assert.Null(limit.Elapsed);
        Assert.Equal(300, limit.Remaining.TotalSeconds);
        Assert.False(limit.IsNear || limit.IsOverdue);
    }

    [Fact]
    public void Without_a_limit_or_after_the_end_there_is_none()
    {
        Assert.Null(TimeLimit.Of(Task(new TaskState.Pending()) with { Timeout = null }, s_start));
        Assert.Null(TimeLimit.Of(Task(new TaskState.Complete(s_start, s_start)), s_start));
    }

    private static AgentTask Task(TaskState state) =>
        new()
        {
            Id = TaskId.Parse("task_1"),
            Agent = "shell",
            Prompt = "x",
            CreatedAt = s_start,
            Timeout = TimeSpan.FromSeconds(300),
            State = state,
        };

    [Theory]
    [InlineData(289, false)]
    [InlineData(290, true)]
    public void A_task_that_has_a_warning_of_its_own_is_near_by_that(int seconds, bool near)
    {
        var task = Task(new TaskState.Running(s_start)) with
        {
            TimeoutWarning = TimeSpan.FromSeconds(10),
        };

        Assert.Equal(near, TimeLimit.Of(task, s_start.AddSeconds(seconds))!.Value.IsNear);
    }
}
