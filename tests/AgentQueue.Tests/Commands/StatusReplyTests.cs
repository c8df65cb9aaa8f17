using AgentQueue.Cli.Commands;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Output;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Commands;

public sealed class StatusReplyTests : IDisposable
{
    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Json_has_the_task_files_and_what_follows_from_the_moment()
    {
        Fill();
        Snapshot.Verify(Json(_temp.View()));
    }

    [Fact]
    public void Rows_are_what_the_table_shows()
    {
        Fill();
        var rows = _temp.View().Tasks.Select(static t => StatusReply.RowOf(t));
        Snapshot.Verify(string.Join('\n', StatusTable.ToMarkdown(rows)));
    }

    private void Fill()
    {
        _temp.Put(
            TimedQueue.Running(1, elapsed: 330) with
            {
                Name = "nightly",
                Timeout = TimeSpan.FromSeconds(360),
            }
        );
        _temp.Put(TimedQueue.Pending(2) with { DependsOn = [TimedQueue.Id(1)] });
        _temp.Put(
            TimedQueue.Failed(3, ago: 1) with
            {
                AutoRetry = true,
                RetryCount = 1,
                Parent = TimedQueue.Id(0),
            }
        );
        TimedQueue.Write(_temp.Queue.TaskFile(TimedQueue.Id(4)), "[]");
    }

    private string Json(StatusView view)
    {
        var output = new MemoryStandardStream();
        var screen = new Screen(output, new MemoryStandardStream(), static _ => null);
        JsonOutput.PrintObject(screen, w => StatusReply.Write(w, _temp.Queue, view));
        screen.Flush();
        return output.Text;
    }
}
