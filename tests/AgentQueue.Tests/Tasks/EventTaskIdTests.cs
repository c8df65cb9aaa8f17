using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Tasks;

public sealed class EventTaskIdTests
{
    [Fact]
    public void The_same_occurrence_gives_an_agent_the_same_id_and_others_another_one()
    {
        var id = EventTaskId.Of("task_a/end", FakeTime.Start, "lint");

        Assert.Equal(id, EventTaskId.Of("task_a/end", FakeTime.Start, "lint"));
        Assert.NotEqual(id, EventTaskId.Of("task_b/end", FakeTime.Start, "lint"));
        Assert.NotEqual(id, EventTaskId.Of("task_a/1", FakeTime.Start, "lint"));
        Assert.NotEqual(id, EventTaskId.Of("task_a/end", FakeTime.Start, "test"));
        Assert.EndsWith("-e-lint", id.Value);
    }

    [Fact]
    public void Its_scope_is_that_of_events_and_so_is_that_of_its_retry()
    {
        var id = EventTaskId.Of("task_a/end", FakeTime.Start, "a.b_c");
        var retry = EventTaskId.New(FakeTime.Start.AddSeconds(1), id);

        Assert.Equal(QueueScope.Events, QueueScope.Of(id));
        Assert.Equal(QueueScope.Events, QueueScope.Of(retry));
        Assert.NotEqual(id, retry);
        Assert.EndsWith("-e-a-b-c", retry.Value);
        Assert.Equal(QueueScope.None, QueueScope.Of(TaskId.New(FakeTime.Start)));
        Assert.Equal(QueueScope.None, QueueScope.Of(TaskId.Parse("task_short-e-x")));
    }

    [Fact]
    public void A_long_name_is_cut_to_what_an_id_may_hold()
    {
        var id = EventTaskId.Of("x", FakeTime.Start, new string('n', 64));

        Assert.Equal(TaskId.Longest, id.Value.Length);
    }

    [Fact]
    public void A_scope_is_read_back_from_its_word()
    {
        var run = RunId.New(FakeTime.Start);
        foreach (var scope in (QueueScope[])[QueueScope.None, QueueScope.Events, run])
        {
            Assert.Equal(scope, QueueScope.Parse(scope.Word));
        }

        Assert.Equal((QueueScope)run, QueueScope.Parse(run.TaskOf(1, 2, "a").Value));
    }
}
