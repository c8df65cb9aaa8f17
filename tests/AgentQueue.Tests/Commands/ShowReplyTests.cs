using System.Collections.Immutable;
using AgentQueue.Cli.Commands;
using AgentQueue.Cli.Output;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Output;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Commands;

public sealed class ShowReplyTests : IDisposable
{
    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_failed_retry_is_shown_with_its_past_and_its_evidence() =>
        Snapshot.Verify(Text(Failed()));

    [Fact]
    public void Json_holds_everything() => Snapshot.Verify(Json(Failed()));

    [Fact]
    public void A_waiting_task_shows_its_dependencies_and_what_to_type()
    {
        _temp.Put(TimedQueue.Running(1, elapsed: 5));
        _temp.Put(TimedQueue.Failed(2, ago: 5));
        _temp.Put(
            TimedQueue.Pending(3) with
            {
                Prompt = "first line\nsecond line \e[2J",
                DependsOn = [TimedQueue.Id(1), TimedQueue.Id(2), TimedQueue.Id(9)],
            }
        );
        Snapshot.Verify(Text(Details(3)));
    }

    [Fact]
    public void A_running_task_without_a_supervisor_is_a_conflict()
    {
        _temp.Put(TimedQueue.Running(1, elapsed: 5) with { Timeout = TimeSpan.FromMinutes(5) });
        _temp.Queue.Disk.WriteNew(
            _temp.Queue.RequestFile(TimedQueue.Id(1), Requests.Cancel),
            [],
            sync: false
        );
        Snapshot.Verify(Text(Details(1)));
    }

    [Fact]
    public void An_archived_task_is_shown_from_there()
    {
        Directory.CreateDirectory(_temp.Queue.Archive);
        _temp.Put(TimedQueue.Complete(1, ago: 7200));
        var id = TimedQueue.Id(1);
        File.Move(_temp.Queue.TaskFile(id), _temp.Queue.ArchivedTask(id));
        TimedQueue.Write(_temp.Queue.ArchivedLog(id), "all went well\n");
        TimedQueue.Write(_temp.Queue.ArchivedSentinel(id, Sentinel.Done), "");
        Snapshot.Verify(Text(Details(1)));
    }

    [Fact]
    public void A_long_prompt_is_cut_and_says_so()
    {
        _temp.Put(TimedQueue.Pending(1) with { Prompt = new string('x', 5000) });
        var text = Text(Details(1));
        Assert.Contains("(5000 characters in all)", text, StringComparison.Ordinal);
        Assert.DoesNotContain(new string('x', 2001), text, StringComparison.Ordinal);
    }

    private TaskDetails Failed()
    {
        var id = TimedQueue.Id(2);
        _temp.Put(
            TimedQueue.Failed(2, ago: 90) with
            {
                Name = "nightly",
                Attempt = 1,
                RetryCount = 1,
                MaxRetries = 1,
                Timeout = TimeSpan.FromMinutes(5),
                Parent = TimedQueue.Id(1),
                RetryHistory =
                [
                    new(1, TimedQueue.Now.AddSeconds(-200), "Exited with code 1", TimedQueue.Id(1)),
                ],
                Labels = ImmutableSortedDictionary<string, string>.Empty.Add("area", "parser"),
                Environment = ImmutableSortedDictionary<string, string?>
                    .Empty.Add("TOKEN", "very secret")
                    .Add("HOME", null),
            }
        );
        TimedQueue.Write(_temp.Queue.SentinelFile(id, Sentinel.Done), "");
        TimedQueue.Write(_temp.Queue.SentinelFile(id, Sentinel.ExitCode), "3\n");
        TimedQueue.Write(
            _temp.Queue.SentinelFile(id, Sentinel.Error),
            """{"error": "Exited with code 3", "details": "see the log"}"""
        );
        TimedQueue.Write(_temp.Queue.LogFile(id), "begun\n\e[31mfailed\e[0m\n");
        return Details(2);
    }

    private TaskDetails Details(int number) =>
        TaskDetails.Of(_temp.Queue, TimedQueue.Id(number), TimedQueue.Now);

    private static string Text(TaskDetails details) =>
        string.Join('\n', ShowReply.ToLines(details, "/bin/sh -c true", new TextStyle(100)));

    private static string Json(TaskDetails details)
    {
        var output = new MemoryStandardStream();
        var screen = new Screen(output, new MemoryStandardStream(), static _ => null);
        JsonOutput.PrintObject(
            screen,
            w => ShowReply.Write(w, details, more => more.WriteString("workingFolder", "/here"))
        );
        screen.Flush();
        return output.Text;
    }
}
