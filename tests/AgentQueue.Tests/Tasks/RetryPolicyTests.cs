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
}
