using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class PlanFilesTests
{
    private readonly World _world = new();
    private readonly AgentTask _task;
    private readonly QueueFolder _queue;

    public PlanFilesTests()
    {
        _task = _world.Put(_world.NewTask("a"));
        _queue = _world.Open().Queue;
    }

    [Fact]
    public void A_plan_begins_with_the_task_and_its_prompt()
    {
        PlanFiles.Write(_queue, _task);
        Assert.Equal("# Task: task_a\n\n## Prompt\n\ndo it\n", Plan());
    }

    [Fact]
    public void A_plan_names_what_its_task_waits_for()
    {
        PlanFiles.Write(
            _queue,
            _task with
            {
                DependsOn = [TaskId.Parse("task_x"), TaskId.Parse("task_y")],
            }
        );
        Assert.Equal(
            "# Task: task_a\n\n## Dependencies\n\n- task_x\n- task_y\n\n## Prompt\n\ndo it\n",
            Plan()
        );
    }

    [Fact]
    public void The_plan_of_a_retry_says_what_went_wrong_before()
    {
        PlanFiles.Write(
            _queue,
            _task with
            {
                RetryCount = 2,
                MaxRetries = 3,
                Parent = TaskId.Parse("task_first"),
            },
            "it failed"
        );
        Assert.Equal(
            "# Retry Attempt 2/3\n\n- Task: task_a\n- Original: task_first\n\n"
                + "## Previous error\n\nit failed\n\n## Prompt\n\ndo it\n",
            Plan()
        );
    }

    [Fact]
    public void A_plan_that_is_there_is_the_agents_own()
    {
        _world.Disk.Plant(_queue.PlanFile(_task.Id), "my plan");
        PlanFiles.Write(_queue, _task);
        Assert.Equal("my plan", Plan());
    }

    [Fact]
    public void A_plan_that_finds_no_room_is_missed_by_nobody()
    {
        _world.Disk.Capacity = 0;
        PlanFiles.Write(_queue, _task);
        Assert.False(_world.Disk.Has(_queue.PlanFile(_task.Id)));
    }

    private string Plan() => _world.Disk.Text(_queue.PlanFile(_task.Id));
}
