using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class QueueEventsTests : IDisposable
{
    private readonly TempQueue _temp = new();
    private readonly QueueEvents _events;

    public QueueEventsTests() =>
        _events = new QueueEvents(_temp.Queue, TempQueue.Running().StartedAt);

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void What_is_there_at_the_first_look_is_no_news()
    {
        _temp.Add("a");
        _temp.Add("b", TempQueue.Running());
        _temp.Add("c", TempQueue.Complete());

        Assert.Empty(Look());
        Assert.Empty(Look());
    }

    [Fact]
    public void A_task_is_followed_from_its_arrival_to_its_end()
    {
        Look();
        var task = _temp.Add("a");
        Assert.Equal(["Queued a"], Look());

        task = _temp.Change(task, TempQueue.Running());
        Assert.Equal(["Started a"], Look());
        Assert.Empty(Look());

        _temp.Change(task, TempQueue.Complete());
        Assert.Equal(["Ended a"], Look());
        Assert.Empty(Look());
    }

    [Fact]
    public void What_happened_between_two_looks_is_told_in_its_order()
    {
        var task = _temp.Add("a");
        Look();
        _temp.Change(task, TempQueue.Complete());
        _temp.Add("b", TempQueue.Failed());

        Assert.Equal(["Started a", "Ended a", "Queued b", "Started b", "Ended b"], Look());
    }

    [Fact]
    public void A_task_that_never_ran_ends_without_having_started()
    {
        var task = _temp.Add("a");
        Look();
        _temp.Change(task, TempQueue.Cancelled());

        Assert.Equal(["Ended a"], Look());
    }

    [Fact]
    public void An_end_comes_before_the_start_that_it_made_room_for()
    {
        var first = _temp.Add("z", TempQueue.Running());
        var next = _temp.Add("a");
        Look();
        _temp.Change(first, TempQueue.Complete());
        _temp.Change(next, TempQueue.Running());

        Assert.Equal(["Ended z", "Started a"], Look());
    }

    [Fact]
    public void A_retry_says_what_it_retries()
    {
        Look();
        var task = _temp.Add("r");
        _temp.Queue.Write(
            task with
            {
                RetryCount = 1,
                Parent = TempQueue.Id("a"),
                RetryHistory = [new RetryRecord(1, task.CreatedAt, "no", TempQueue.Id("a"))],
            }
        );

        var news = Assert.IsType<QueueEvent.Retried>(Assert.Single(_events.Look(_temp.Snapshot)));

        Assert.Equal(TempQueue.Id("a"), news.Of);
    }

    [Fact]
    public void A_task_that_was_restored_from_the_archive_is_no_news()
    {
        var late = new QueueEvents(_temp.Queue, DateTimeOffset.MaxValue);
        late.Look(_temp.Snapshot);
        _temp.Add("old", TempQueue.Complete());

        Assert.Empty(late.Look(_temp.Snapshot));
    }

    private IEnumerable<string> Look() =>
        _events
            .Look(_temp.Snapshot)
            .Select(e => $"{e.GetType().Name} {e.Task.Id.Value[TaskId.Prefix.Length..]}");
}
