using AgentQueue.Bench;

namespace AgentQueue.Tests.Bench;

public sealed class SyncsPerTaskTests
{
    [Fact]
    public void A_trace_is_counted_by_what_is_synced()
    {
        string[] trace =
        [
            "12 fsync(10</q/.agents/tasks/.task_1.json.tmp-3b6c-1>) = 0",
            "12 fsync(10</q/.agents/tasks> <unfinished ...>",
            "14 fdatasync(3</q/.agents/tasks/.task_2.exitcode.tmp-3b6c-3>) = 0",
            "12 <... fsync resumed>) = 0",
            "12 --- SIGCHLD {si_signo=SIGCHLD} ---",
            "12 syncfs(3</q/.agents/tasks>) = 0",
        ];

        Assert.Equal(new SyncsPerTask(1, 0.5, 0.5), SyncsPerTask.Read(trace, tasks: 2));
    }
}
