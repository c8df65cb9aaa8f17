using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class TaskDetailsTests : IDisposable
{
    private static readonly TaskId s_id = TimedQueue.Id(1);

    private readonly TimedQueue _temp = new();

    public void Dispose() => _temp.Dispose();

    private QueueFolder Queue => _temp.Queue;

    private TaskDetails Details => TaskDetails.Of(Queue, s_id, TimedQueue.Now);

    [Fact]
    public void A_task_in_the_queue_is_shown_from_there_also_if_the_archive_has_one_of_its_name()
    {
        Directory.CreateDirectory(Queue.Archive);
        _temp.Put(TimedQueue.Complete(1, ago: 5));
        File.Move(Queue.TaskFile(s_id), Queue.ArchivedTask(s_id));
        _temp.Put(TimedQueue.Pending(1));
        TimedQueue.Write(Queue.PlanFile(s_id), "the plan");
        TimedQueue.Write(Queue.ArchivedSentinel(s_id, Sentinel.Done), "");

        Assert.False(Details.IsArchived);
        Assert.Equal(TaskStatus.Pending, Details.Task.Status);
        Assert.Equal(new FileFact(Queue.TaskFile(s_id), Exists: true), Details.TaskFile);
        Assert.Equal(new FileFact(Queue.PlanFile(s_id), Exists: true), Details.PlanFile);
        Assert.Empty(Details.Sentinels);
    }

    [Fact]
    public void A_dependency_that_ended_well_against_expectation_is_not_to_be_retried()
    {
        var done = TimedQueue.Id(2);
        _temp.Put(TimedQueue.Complete(2, ago: 5));
        _temp.Put(TimedQueue.Pending(1) with { DependsOn = [done], AfterNotOk = [done] });

        Assert.Equal(
            [$"agentq deps remove {s_id} {done}", $"agentq cancel {s_id}"],
            Details.Next.Select(n => n.Command)
        );
    }

    [Fact]
    public void An_archived_task_has_its_files_in_the_archive_and_can_be_brought_back()
    {
        Directory.CreateDirectory(Queue.Archive);
        _temp.Put(TimedQueue.Complete(1, ago: 5));
        File.Move(Queue.TaskFile(s_id), Queue.ArchivedTask(s_id));
        TimedQueue.Write(Queue.ArchivedPlan(s_id), "the plan");
        TimedQueue.Write(Queue.ArchivedLog(s_id), "the end\n");
        TimedQueue.Write(Queue.ArchivedSentinel(s_id, Sentinel.Done), "");
        TimedQueue.Write(Queue.SentinelFile(s_id, Sentinel.Error), "");

        Assert.True(Details.IsArchived);
        Assert.Equal(new FileFact(Queue.ArchivedTask(s_id), Exists: true), Details.TaskFile);
        Assert.Equal(new FileFact(Queue.ArchivedPlan(s_id), Exists: true), Details.PlanFile);
        Assert.Equal(new FileFact(Queue.ArchivedLog(s_id), Exists: true), Details.LogFile);
        Assert.Equal("the end", Details.LogTail);
        Assert.Equal([Sentinel.Done], Details.Sentinels);
        Assert.Equal(
            ["agentq logs task_1737000000001", "agentq archive restore task_1737000000001"],
            Details.Next.Select(n => n.Command)
        );
    }

    [Fact]
    public void A_task_that_is_neither_in_the_queue_nor_in_the_archive_is_not_there() =>
        Assert.Contains(s_id.Value, Assert.Throws<QueueException>(() => Details).Message);

    [Fact]
    public void A_link_in_the_place_of_the_log_is_not_followed()
    {
        _temp.Put(TimedQueue.Complete(1, ago: 5));
        var secret = Path.Join(Queue.ProjectRoot, "secret");
        TimedQueue.Write(secret, "not for show\n");
        File.CreateSymbolicLink(Queue.LogFile(s_id), secret);

        Assert.False(Details.LogFile.Exists);
        Assert.Equal("", Details.LogTail);
    }

    [Fact]
    public void Of_a_long_log_the_last_lines_are_shown()
    {
        _temp.Put(TimedQueue.Complete(1, ago: 5));
        TimedQueue.Write(
            Queue.LogFile(s_id),
            string.Concat(Enumerable.Range(0, 30).Select(i => $"line {i}\n"))
        );

        Assert.Equal(
            Enumerable.Range(20, TaskDetails.LogLines).Select(i => $"line {i}"),
            Details.LogTail.Split('\n')
        );
    }

    [Fact]
    public void Requests_are_those_of_this_task_in_the_order_of_their_names()
    {
        var world = new World();
        var queue = world.Open().Queue;
        var (id, other) = (TaskId.Parse("task_a"), TaskId.Parse("task_ab"));
        world.Put(world.NewTask("a") with { State = new TaskState.Running(FakeTime.Start) });
        world.Put(world.NewTask("ab") with { State = new TaskState.Running(FakeTime.Start) });
        string[] files = ["stalled", "expire", "extend-2", "extend-1", "cancel", "lock", "run"];
        foreach (var name in files)
        {
            world.Disk.Plant(queue.RequestFile(id, name), "");
        }

        world.Disk.Plant(queue.RequestFile(other, "cancel"), "");
        world.Disk.Plant(queue.RequestFile(TaskId.Parse("task_b"), "cancel"), "");
        world.Disk.Plant(Path.Join(queue.Run, "drain"), "");

        Assert.Equal(
            ["cancel", "expire", "extend", "extend", "stalled"],
            TaskDetails.Of(queue, id, FakeTime.Start).Requests
        );
        Assert.Equal(["cancel"], TaskDetails.Of(queue, other, FakeTime.Start).Requests);
    }

    [Fact]
    public void What_was_asked_for_on_a_full_disk_is_told_like_any_other_request()
    {
        _temp.Put(TimedQueue.Running(1, elapsed: 5));
        using var held = Queue.TryLockTask(s_id);
        Assert.Empty(Details.Requests);
        Queue.Say(s_id, LockWord.Expire);
        Assert.Equal(["expire"], Details.Requests);
        Queue.Say(s_id, LockWord.Cancel);
        Queue.Request(s_id, Requests.Cancel);
        Assert.Equal(["cancel", "expire"], Details.Requests);
    }

    [Fact]
    public void A_dependency_that_was_met_and_put_away_says_so_and_another_one_says_what_became_of_it()
    {
        _temp.Put(TimedQueue.Failed(2, ago: 5) with { State = Retried(by: 4) });
        _temp.Put(TimedQueue.Running(4, elapsed: 1));
        _temp.Put(
            TimedQueue.Pending(1) with
            {
                DependsOn = [TimedQueue.Id(3), TimedQueue.Id(2)],
                DependenciesMet = [TimedQueue.Id(3)],
            }
        );

        Assert.Equal(
            [
                new DependencyFact(
                    TimedQueue.Id(3),
                    TaskStatus.Complete,
                    TimedQueue.Id(3),
                    DependencyKind.AfterOk,
                    "completed and was put away"
                ),
                new DependencyFact(
                    TimedQueue.Id(2),
                    TaskStatus.Running,
                    TimedQueue.Id(4),
                    DependencyKind.AfterOk,
                    ""
                ),
            ],
            Details.Dependencies
        );
    }

    [Theory]
    [InlineData("pending", false, false, "")]
    [InlineData("pending", false, true, "")]
    [InlineData("running", true, true, "")]
    [InlineData("running", true, false, "")]
    [InlineData("running", false, false, "Its supervisor is gone")]
    [InlineData(
        "running",
        false,
        true,
        "Its supervisor is gone, but processes of the agent still live"
    )]
    [InlineData("complete", false, false, "")]
    [InlineData("complete", true, false, "")]
    [InlineData("complete", false, true, "It has ended, but processes of the agent still live")]
    public void What_lives_must_fit_what_the_file_says(
        string state,
        bool isLocked,
        bool isAlive,
        string conflict
    )
    {
        _temp.Put(
            state switch
            {
                "pending" => TimedQueue.Pending(1),
                "running" => TimedQueue.Running(1, elapsed: 5),
                _ => TimedQueue.Complete(1, ago: 5),
            }
        );
        using var held = isLocked ? Queue.TryLockTask(s_id) : null;
        using var alive = isAlive ? Queue.Disk.TryLock(Queue.AliveFile(s_id), create: true) : null;

        Assert.Equal((isLocked, isAlive), (Details.IsLocked, Details.IsAgentAlive));
        Assert.Equal(conflict, string.Concat(Details.Conflicts));
    }

    [Theory]
    [InlineData(".done .exitcode", "")]
    [InlineData(".cancelled .timeout", ".cancelled and .timeout stand")]
    [InlineData(".done .error .timeout", ".done and .error and .timeout stand")]
    public void Two_markers_of_which_each_says_something_else_contradict_each_other(
        string markers,
        string conflict
    )
    {
        _temp.Put(TimedQueue.Complete(1, ago: 5));
        foreach (var extension in markers.Split(' '))
        {
            TimedQueue.Write(Path.Join(Queue.Tasks, s_id.Value + extension), "");
        }

        Assert.Equal(markers, string.Join(' ', Details.Sentinels.Select(SentinelNames.Extension)));
        Assert.StartsWith(conflict, string.Concat(Details.Conflicts));
        Assert.Equal(conflict.Length > 0 ? 1 : 0, Details.Conflicts.Count);
    }

    [Fact]
    public void A_pending_task_can_be_started_or_cancelled() =>
        AssertNext(TimedQueue.Pending(1), "run ID", "cancel ID");

    [Fact]
    public void A_task_that_is_starting_can_be_followed()
    {
        using var held = Queue.TryLockTask(s_id);
        AssertNext(TimedQueue.Pending(1), "logs ID -f", "cancel ID");
        Assert.True(Details.View.IsStarting);
    }

    [Fact]
    public void A_held_task_is_to_be_released() =>
        AssertNext(
            TimedQueue.Pending(1) with
            {
                State = new TaskState.Pending(Held: true),
            },
            "release ID",
            "cancel ID"
        );

    [Fact]
    public void What_a_task_waits_for_is_started_by_a_drain()
    {
        _temp.Put(TimedQueue.Pending(2));
        AssertNext(
            TimedQueue.Pending(1) with
            {
                DependsOn = [TimedQueue.Id(2)],
            },
            "run --drain",
            "cancel ID"
        );
    }

    [Fact]
    public void A_blocked_task_needs_its_dependency_retried_or_removed()
    {
        _temp.Put(TimedQueue.Failed(2, ago: 5));
        AssertNext(
            TimedQueue.Pending(1) with
            {
                DependsOn = [TimedQueue.Id(2)],
            },
            "retry task_1737000000002 --run",
            "deps remove ID task_1737000000002",
            "cancel ID"
        );
    }

    [Fact]
    public void Only_a_running_task_with_a_limit_can_get_more_time()
    {
        var running = TimedQueue.Running(1, elapsed: 5);
        AssertNext(running, "logs ID -f", "cancel ID");
        AssertNext(
            running with
            {
                Timeout = TimeSpan.FromMinutes(5),
            },
            "logs ID -f",
            "cancel ID",
            "timeout extend ID 300"
        );
    }

    [Theory]
    [InlineData(0, 1, "retry ID --run")]
    [InlineData(2, 3, "retry ID --run")]
    [InlineData(3, 3, "retry ID --max-retries 4 --run")]
    [InlineData(5, 3, "retry ID --max-retries 6 --run")]
    [InlineData(0, 0, "retry ID --max-retries 1 --run")]
    public void A_failed_task_can_be_tried_again_once_more_than_was_allowed_if_it_must_be(
        int retries,
        int most,
        string next
    ) =>
        AssertNext(
            TimedQueue.Failed(1, ago: 5) with
            {
                RetryCount = retries,
                MaxRetries = most,
            },
            "logs ID",
            next
        );

    [Fact]
    public void A_failure_that_will_be_retried_by_itself_only_needs_somebody_who_starts_the_retry() =>
        AssertNext(
            TimedQueue.Failed(1, ago: 0) with
            {
                AutoRetry = true,
            },
            "run --drain",
            "logs ID"
        );

    [Fact]
    public void A_retried_failure_leads_to_its_retry() =>
        AssertNext(
            TimedQueue.Failed(1, ago: 5) with
            {
                AutoRetry = true,
                State = Retried(by: 4),
            },
            "show task_1737000000004",
            "logs ID"
        );

    [Fact]
    public void Of_what_is_complete_or_cancelled_only_the_log_is_left()
    {
        AssertNext(TimedQueue.Complete(1, ago: 5), "logs ID");
        AssertNext(
            TimedQueue.Pending(1) with
            {
                State = new TaskState.Cancelled(null, TimedQueue.Now),
            },
            "logs ID"
        );
    }

    private static TaskState.Failed Retried(int by) =>
        (TaskState.Failed)TimedQueue.Failed(1, ago: 5).State with
        {
            RetriedBy = TimedQueue.Id(by),
        };

    private void AssertNext(AgentTask task, params string[] commands)
    {
        _temp.Put(task);
        Assert.Equal(
            commands.Select(c => "agentq " + c.Replace("ID", s_id.Value, StringComparison.Ordinal)),
            Details.Next.Select(n => n.Command)
        );
    }
}
