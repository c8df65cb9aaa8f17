using AgentQueue.Scheduling;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class RetryableTests : IDisposable
{
    private readonly TempQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Only_a_failure_without_a_retry_and_with_one_left_is_retryable()
    {
        _temp.Add("open", TempQueue.Failed());
        _temp.Add("retried", TempQueue.Failed(retriedBy: "r"));
        _temp.Add("complete", TempQueue.Complete());
        _temp.Add("cancelled", TempQueue.Cancelled());
        _temp.Add("pending");
        _temp.Queue.Write(
            _temp.Add("used") with
            {
                RetryCount = 3,
                MaxRetries = 3,
                State = TempQueue.Failed(),
            }
        );

        Assert.Equal([TempQueue.Id("open")], Find(new RetryOptions()));
        Assert.Equal([TempQueue.Id("open"), TempQueue.Id("used")], Find(new RetryOptions(4)));
    }

    [Fact]
    public void What_is_found_is_taken()
    {
        _temp.Add("a", TempQueue.Failed());
        _temp.Add("b", TempQueue.Failed());
        var retries = new Retries(_temp.Queue, TimeProvider.System);
        var options = new RetryOptions();

        foreach (var id in Find(options))
        {
            retries.Create(id, options);
        }

        Assert.Empty(Find(options));
    }

    private IReadOnlyList<AgentQueue.Tasks.TaskId> Find(RetryOptions options) =>
        new Retries(_temp.Queue, TimeProvider.System).FindRetryable(_temp.Snapshot, options);
}
