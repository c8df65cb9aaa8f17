using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Tasks;

public sealed class RetryPolicyTests
{
    private static readonly AgentTask s_failed = new()
    {
        Id = TaskId.Parse("task_a"),
        Agent = "coder",
        Prompt = "do it",
        CreatedAt = FakeTime.Start,
        AutoRetry = true,
        State = new TaskState.Failed(null, FakeTime.Start, Reason.Exit, "failed"),
    };

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(8, 256)]
    [InlineData(9, 300)]
    [InlineData(30, 300)]
    [InlineData(31, 300)]
    [InlineData(int.MaxValue, 300)]
    public void The_wait_doubles_up_to_five_minutes(int retries, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RetryPolicy.Backoff(retries));

    [Fact]
    public void A_failure_is_due_after_its_wait() =>
        Assert.Equal(
            FakeTime.Start.AddSeconds(4),
            RetryPolicy.DueAt(s_failed with { RetryCount = 2 })
        );

    [Fact]
    public void A_task_without_automatic_retry_is_never_due() =>
        Assert.Null(RetryPolicy.DueAt(s_failed with { AutoRetry = false }));

    [Fact]
    public void The_last_retry_is_not_retried() =>
        Assert.Null(RetryPolicy.DueAt(s_failed with { RetryCount = 3, MaxRetries = 3 }));

    [Fact]
    public void A_failure_that_has_a_retry_is_not_due_again()
    {
        var state = (TaskState.Failed)s_failed.State;
        var other = TaskId.Parse("task_b");
        Assert.Null(RetryPolicy.DueAt(s_failed with { State = state with { RetriedBy = other } }));
        Assert.Null(
            RetryPolicy.DueAt(s_failed with { State = state with { RetryIntent = other } })
        );
    }

    [Fact]
    public void Only_a_failure_is_due()
    {
        TaskState[] others =
        [
            new TaskState.Pending(),
            new TaskState.Running(FakeTime.Start),
            new TaskState.Complete(null, FakeTime.Start),
            new TaskState.Cancelled(null, FakeTime.Start),
        ];
        Assert.All(others, s => Assert.Null(RetryPolicy.DueAt(s_failed with { State = s })));
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(300_000, false)]
    [InlineData(300_001, true)]
    public void It_is_time_when_the_wait_is_over_or_longer_than_any_wait(
        int millisecondsLeft,
        bool isDue
    ) =>
        Assert.Equal(
            isDue,
            RetryPolicy.IsDue(
                s_failed,
                FakeTime.Start.AddMilliseconds(millisecondsLeft),
                FakeTime.Start
            )
        );

    [Fact]
    public void The_last_but_one_retry_is_followed_by_the_last() =>
        Assert.NotNull(RetryPolicy.DueAt(s_failed with { RetryCount = 2, MaxRetries = 3 }));

    [Theory]
    [InlineData(0, 1.5)]
    [InlineData(1, 0)]
    [InlineData(2, 1200)]
    [InlineData(3, 1200)]
    [InlineData(900, 1200)]
    public void A_plan_says_the_pauses_and_the_last_one_repeats(int retries, double seconds) =>
        Assert.Equal(
            FakeTime.Start.AddSeconds(seconds),
            RetryPolicy.DueAt(InPlan(1.5, 0, 1200) with { RetryCount = retries })
        );

    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 32)]
    [InlineData(6, 60)]
    [InlineData(900, 60)]
    public void In_a_plan_that_does_not_say_the_pause_doubles_up_to_a_minute(
        int retries,
        int seconds
    ) =>
        Assert.Equal(
            FakeTime.Start.AddSeconds(seconds),
            RetryPolicy.DueAt(InPlan() with { RetryCount = retries })
        );

    [Fact]
    public void What_could_not_be_started_is_not_tried_again_in_a_plan()
    {
        var state = (TaskState.Failed)s_failed.State with { Reason = Reason.Launch };
        Assert.Null(RetryPolicy.DueAt(InPlan(1) with { State = state }));
        Assert.NotNull(RetryPolicy.DueAt(s_failed with { State = state }));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(1200, false)]
    [InlineData(1201, true)]
    public void A_pause_of_a_plan_may_be_longer_than_five_minutes(int secondsLeft, bool isDue) =>
        Assert.Equal(
            isDue,
            RetryPolicy.IsDue(InPlan(1200), FakeTime.Start.AddSeconds(secondsLeft), FakeTime.Start)
        );

    private static AgentTask InPlan(params double[] pauses) =>
        s_failed with
        {
            MaxRetries = 1000,
            Step = new PlanStep { Node = "a", Backoff = [.. pauses.Select(TimeSpan.FromSeconds)] },
        };
}
