using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class RequestsTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();
    private readonly QueueFolder _queue;
    private readonly HeldLock? _held;

    public RequestsTests()
    {
        _world.Put(_world.NewTask("a") with { State = new TaskState.Running(FakeTime.Start) });
        _held = _world.Open("supervisor").Queue.TryLockTask(s_id);
        _queue = _world.Open().Queue;
    }

    [Theory]
    [InlineData(Requests.Cancel, false)]
    [InlineData(Requests.Cancel, true)]
    [InlineData(Requests.Expire, false)]
    [InlineData(Requests.Expire, true)]
    public void What_is_asked_for_is_heard_with_room_for_a_file_and_without(
        string request,
        bool isFull
    )
    {
        Assert.NotNull(_held);
        _world.Disk.Capacity = isFull ? 0 : long.MaxValue;
        Requests.AskToEnd(_queue, s_id, request);
        Assert.Equal(!isFull, _world.Disk.Has(_queue.RequestFile(s_id, request)));
        Assert.Equal(
            [request],
            ((string[])[Requests.Cancel, Requests.Expire, Requests.Stalled]).Where(r =>
                Requests.Has(_queue, s_id, r)
            )
        );
    }

    [Fact]
    public void What_there_is_no_word_for_needs_room()
    {
        _world.Disk.Capacity = 0;
        Assert.True(
            Assert
                .Throws<QueueException>(() =>
                    Requests.AskToEnd(_queue, s_id, Requests.ExtendPrefix + "1")
                )
                .IsNoRoom
        );
    }

    [Fact]
    public void Whoever_asks_on_a_disk_that_fails_is_told()
    {
        _world.Disk.Before = static step =>
        {
            if (step.Kind == "write")
            {
                throw new QueueException("Input/output error");
            }
        };
        Assert.Throws<QueueException>(() => Requests.AskToEnd(_queue, s_id, Requests.Cancel));
        Assert.False(Requests.Has(_queue, s_id, Requests.Cancel));
    }
}
