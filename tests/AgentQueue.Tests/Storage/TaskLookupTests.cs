using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Storage;

public sealed class TaskLookupTests
{
    [Theory, OnEachDisk]
    public void Any_part_that_fits_only_one_task_is_enough(string disk)
    {
        using var stage = Stage(disk);
        var lookup = new TaskLookup(stage.Queue);
        Assert.Equal("task_01abc", lookup.Find("task_01abc").Value);
        Assert.Equal("task_01abc", lookup.Find("01abc").Value);
        Assert.Equal("task_01abc", lookup.Find("ABC").Value);
        Assert.Equal("task_01ab", lookup.Find("task_01ab").Value);
        Assert.Equal("task_02xy", lookup.Find("2").Value);
    }

    [Theory, OnEachDisk]
    public void A_part_that_fits_several_lists_them(string disk)
    {
        using var stage = Stage(disk);
        var e = Assert.Throws<QueueException>(() => new TaskLookup(stage.Queue).Find("01"));
        Assert.Contains("task_01ab, task_01abc", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zzz")]
    [InlineData("../../x")]
    [InlineData("")]
    [InlineData("task_01ab.json")]
    [InlineData("*")]
    public void What_fits_nothing_is_said_so(string part)
    {
        using var stage = Stage("memory");
        var e = Assert.Throws<QueueException>(() => new TaskLookup(stage.Queue).Find(part));
        Assert.Contains($"'{part}'", e.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, e.ExitCode);
    }

    private static DiskStage Stage(string disk)
    {
        var stage = DiskStage.On(disk);
        stage.Queue.Create();
        foreach (var token in (string[])["01ab", "01abc", "02xy"])
        {
            stage.Queue.TryCreate(
                new AgentTask
                {
                    Id = TaskId.Parse("task_" + token),
                    Agent = "coder",
                    Prompt = "do it",
                    CreatedAt = FakeTime.Start,
                    State = new TaskState.Pending(),
                }
            );
        }

        return stage;
    }
}
