using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class RunIdentityTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private readonly World _world = new();
    private readonly QueueFolder _queue;

    public RunIdentityTests()
    {
        _world.Put(_world.NewTask("a"));
        _queue = _world.Open().Queue;
    }

    [Fact]
    public void What_was_written_is_read_again()
    {
        var written = new RunIdentity(
            new ProcessIdentity("host boot ns", 77, 1),
            new ProcessIdentity("host boot ns", 78, 2),
            Completion.Sentinel
        )
        {
            Calls = [new AgentCall(new(0, 3), new(9, 4), 2), new AgentCall(new(long.MaxValue, 0))],
        };
        written.Write(_queue, s_id);
        var read = RunIdentity.Read(_queue, s_id);
        Assert.Equal(written with { Calls = [] }, read! with { Calls = [] });
        Assert.Equal(written.Calls.AsEnumerable(), read.Calls.AsEnumerable());
    }

    [Theory]
    [InlineData("77 1 host\n78 2 host\nExit", true)]
    [InlineData("77 1 host\n78 2 host\nExit\nmore\n", true)]
    [InlineData("77 1 host\n78 2 host", false)]
    [InlineData("77 1 host\n78 2 host\nSoon\n", false)]
    [InlineData("x 1 host\n78 2 host\nExit\n", false)]
    [InlineData("77 1 host\nx 2 host\nExit\n", false)]
    [InlineData("", false)]
    public void Only_three_lines_that_can_all_be_read_say_who_runs(string text, bool isKnown)
    {
        _world.Disk.Plant(_queue.IdentityFile(s_id), text);
        var read = RunIdentity.Read(_queue, s_id);
        Assert.Equal(
            isKnown ? (77, 78, Completion.Exit) : default((int, int, Completion)?),
            read is null ? null : (read.Supervisor.Pid, read.Agent.Pid, read.Completion)
        );
    }

    [Fact]
    public void Where_there_is_no_file_nobody_is_known() =>
        Assert.Null(RunIdentity.Read(_queue, s_id));
}
