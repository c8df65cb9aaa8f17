using System.Text;
using AgentQueue.Events;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Events;

public sealed class EventLogTests
{
    private readonly World _world = new();

    [Fact]
    public void Numbers_go_on_from_the_last_whole_line()
    {
        var log = Log();
        Assert.Equal(0, log.LastSequence);
        Add(log, "a");
        Add(log, "b");
        Assert.Equal(2, log.LastSequence);

        Queue.Disk.Append(log.File, "{\"seq\":3,\"at\""u8);
        Assert.Equal(2, log.LastSequence);
        Add(log, "c");

        Assert.Equal(["a", "b", "c"], log.Since(0).Select(static r => r.Names[0]));
        Assert.Equal([1, 2, 3], log.Since(0).Select(static r => r.Sequence));
    }

    [Fact]
    public void A_full_file_is_put_aside_and_nothing_is_missing()
    {
        var log = new EventLog(Queue) { FullAt = 300 };
        log.Create();
        for (var i = 0; i < 20; i++)
        {
            Add(log, $"event {i}");
        }

        Assert.True(Queue.Disk.List(Queue.Events).Count(static n => n.StartsWith("log-")) > 2);
        Assert.Equal(20, log.LastSequence);
        Assert.Equal(
            Enumerable.Range(1, 20).Select(static i => (long)i),
            log.Since(0).Select(static r => r.Sequence)
        );
        Assert.Equal([19, 20], log.Since(18).Select(static r => r.Sequence));
        Assert.True(log.Has("id of event 19"));
        Assert.True(log.Has("id of event 18"));
    }

    [Fact]
    public void A_line_that_is_longer_than_one_look_is_found()
    {
        var log = Log();
        Add(log, "a");
        Add(log, new string('x', 40_000));
        Add(log, new string('y', 40_000));

        Assert.Equal(3, log.LastSequence);
    }

    [Fact]
    public void What_is_written_is_read_as_it_was()
    {
        var log = Log();
        var record = new EventRecord
        {
            Sequence = 1,
            At = FakeTime.Start,
            Id = "x/end",
            Names = ["task_failed:a \"b\"", "task_finished:a \"b\""],
            Chain = ["→", "\u001b[31m"],
            Task = AgentQueue.Tasks.TaskId.Parse("task_a"),
            Agent = "a",
            ExitCode = 3,
            Variables = AgentQueue.Config.AgentDefinition.NoVariables.Add("k", "v\n"),
            Started = [new AffectedTask("b", AgentQueue.Tasks.TaskId.Parse("task_b"))],
            Cancelled = [new AffectedTask("c", AgentQueue.Tasks.TaskId.Parse("task_c"))],
            Ignored = [new PassedOver("d", "why")],
            Problem = "p",
        };

        log.Append(record);

        var read = Assert.Single(log.Since(0));
        Assert.Equal(
            Encoding.UTF8.GetString(record.ToLine()),
            Encoding.UTF8.GetString(read.ToLine())
        );
        Assert.Equal(record.Chain.AsEnumerable(), read.Chain.AsEnumerable());
        Assert.Equal(record.Ignored.AsEnumerable(), read.Ignored.AsEnumerable());
    }

    [Fact]
    public void Lines_of_somebody_else_are_passed_over()
    {
        var log = Log();
        Add(log, "a");
        Queue.Disk.Append(log.File, "rubbish\n[]\n{\"seq\":\"x\"}\n"u8);

        Assert.Single(log.Since(0));
        Assert.Equal(1, log.LastSequence);
    }

    private AgentQueue.Storage.QueueFolder Queue { get; }

    public EventLogTests()
    {
        Queue = _world.Open().Queue;
        Queue.Create();
    }

    private EventLog Log()
    {
        var log = new EventLog(Queue);
        log.Create();
        return log;
    }

    private static void Add(EventLog log, string name) =>
        log.Append(
            new EventRecord
            {
                Sequence = log.LastSequence + 1,
                At = FakeTime.Start,
                Id = "id of " + name,
                Names = [name],
            }
        );
}
