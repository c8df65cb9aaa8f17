using AgentQueue.Keeping;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Keeping;

public sealed class CleaningTests : IDisposable
{
    private static readonly TaskStatus[] s_all =
    [
        TaskStatus.Complete,
        TaskStatus.Failed,
        TaskStatus.Cancelled,
    ];

    private readonly KeepingProject _project = new();

    private QueueFolder Queue => _project.Queue;

    private Cleaning Cleaning => new(Queue, _project.Project.Reconciler, TimeProvider.System);

    public void Dispose() => _project.Dispose();

    [Fact]
    public void Nothing_of_a_cleaned_task_is_left()
    {
        var id = _project.Add(KeepingProject.Complete());
        foreach (var kind in SentinelNames.All)
        {
            File.WriteAllText(Queue.SentinelFile(id, kind), "");
        }

        File.WriteAllText(Path.Join(Queue.Tasks, id + ".pid"), "1");
        File.WriteAllText(Queue.RequestFile(id, "cancel"), "");

        var result = Cleaning.Clean([id]);

        Assert.Equal(id, Assert.Single(result.Cleaned).Id);
        Assert.Empty(_project.FilesOf(id));
    }

    [Fact]
    public void A_task_whose_id_begins_alike_keeps_its_files()
    {
        var id = _project.Add(KeepingProject.Complete());
        var longer = TaskId.Parse(id + "0");
        _project.Write(_project.Read(id) with { Id = longer });
        File.WriteAllText(Queue.LogFile(longer), "mine");

        Cleaning.Clean([id]);

        Assert.Equal(["logs/task_0010.log", "tasks/task_0010.json"], _project.FilesOf(longer));
    }

    [Fact]
    public void Pending_and_running_tasks_are_refused_and_stay()
    {
        var pending = _project.Add();
        var running = _project.Add(new TaskState.Running(KeepingProject.Now));
        var complete = _project.Add(KeepingProject.Complete());

        var result = Cleaning.Clean([pending, running, complete]);

        Assert.Equal([pending, running], result.Refused.Select(r => r.Id));
        Assert.Equal(complete, Assert.Single(result.Cleaned).Id);
        Assert.Equal(3, _project.FilesOf(pending).Count);
        Assert.Contains($"tasks/{running}.json", _project.FilesOf(running));
    }

    [Fact]
    public void Only_finished_tasks_are_chosen_by_their_state()
    {
        _project.Add();
        var complete = _project.Add(KeepingProject.Complete());
        var failed = _project.Add(KeepingProject.Failed());
        var cancelled = _project.Add(KeepingProject.Cancelled());

        Assert.Equal([complete], Cleaning.Select([TaskStatus.Complete], null).Ids);
        Assert.Equal(
            [complete, failed, cancelled],
            Cleaning.Select(s_all, null).Ids.Order().ToList()
        );
    }

    [Fact]
    public void Younger_tasks_are_left_by_older_than()
    {
        var old = _project.Add(KeepingProject.Complete(TimeSpan.FromDays(8)));
        _project.Add(KeepingProject.Complete(TimeSpan.FromDays(6)));

        Assert.Equal([old], Cleaning.Select(s_all, TimeSpan.FromDays(7)).Ids);
    }

    [Fact]
    public void A_failed_task_that_will_be_retried_by_itself_is_left_for_that()
    {
        var id = _project.Add(KeepingProject.Failed());
        _project.Change(id, t => t with { AutoRetry = true });

        var selection = Cleaning.Select(s_all, null);

        Assert.Empty(selection.Ids);
        Assert.Equal(1, selection.LeftForRetry);
    }

    [Fact]
    public void A_dependent_of_a_cleaned_complete_task_is_still_ready()
    {
        var done = _project.Add(KeepingProject.Complete());
        var waiting = _project.Add(null, done);

        var result = Cleaning.Clean([done]);

        Assert.Empty(result.Stranded);
        Assert.Equal(done, Assert.Single(_project.Read(waiting).DependenciesMet));
        Assert.IsType<Readiness.Ready>(Check(waiting));
    }

    [Fact]
    public void A_dependent_follows_the_retry_of_a_cleaned_failed_task()
    {
        var retry = _project.Add();
        var failed = _project.Add(KeepingProject.Failed(retry));
        var waiting = _project.Add(null, failed);

        Cleaning.Clean([failed]);

        Assert.Equal(retry, Assert.Single(_project.Read(waiting).DependsOn));
        Assert.IsType<Readiness.Waiting>(Check(waiting));
    }

    [Fact]
    public void A_dependent_is_ready_when_a_whole_line_of_retries_was_cleaned_that_ended_well()
    {
        var second = _project.Add(KeepingProject.Complete());
        var first = _project.Add(KeepingProject.Failed(second));
        var waiting = _project.Add(null, first);

        Cleaning.Clean([second]);
        Cleaning.Clean([first]);

        Assert.IsType<Readiness.Ready>(Check(waiting));
    }

    [Fact]
    public void A_dependent_follows_when_the_middle_of_a_line_of_retries_is_cleaned()
    {
        var third = _project.Add();
        var second = _project.Add(KeepingProject.Failed(third));
        var first = _project.Add(KeepingProject.Failed(second));
        var waiting = _project.Add(null, first);

        Cleaning.Clean([second]);

        Assert.Equal(third, Assert.Single(_project.Read(waiting).DependsOn));
    }

    [Fact]
    public void The_task_before_a_cleaned_retry_leads_on_to_the_next_one()
    {
        var third = _project.Add();
        var second = _project.Add(KeepingProject.Failed(third));
        var first = _project.Add(KeepingProject.Failed(second));
        _project.Change(
            second,
            t => t with { RetryHistory = [new RetryRecord(1, KeepingProject.Now, "no", first)] }
        );

        Cleaning.Clean([second]);

        Assert.Equal(third, ((TaskState.Failed)_project.Read(first).State).RetriedBy);
    }

    [Fact]
    public void Dependents_of_what_failed_for_good_are_told_of()
    {
        var failed = _project.Add(KeepingProject.Failed());
        var waiting = _project.Add(null, failed);

        var result = Cleaning.Clean([failed]);

        Assert.Equal([waiting], result.Stranded);
        Assert.Equal(failed, Assert.Single(_project.Read(waiting).DependsOn));
        Assert.IsType<Readiness.Blocked>(Check(waiting));
    }

    [Fact]
    public void A_dependent_that_waited_for_any_end_or_a_failure_is_still_ready()
    {
        var failed = _project.Add(KeepingProject.Failed());
        var waiting = _project.Add(null, failed);
        Queue.Write(_project.Read(waiting) with { AfterNotOk = [failed] });
        var idle = _project.Add(null, failed);
        Queue.Write(_project.Read(idle) with { AfterAny = [failed] });

        Assert.Empty(Cleaning.Clean([failed]).Stranded);

        Assert.IsType<Readiness.Ready>(Check(waiting));
        Assert.IsType<Readiness.Ready>(Check(idle));
        Assert.Equal(
            DependencyKind.AfterNotOk,
            _project.Read(waiting).KindOf(Assert.Single(_project.Read(waiting).DependsOn))
        );
    }

    [Fact]
    public void A_dependent_that_waits_for_any_end_still_waits_for_a_retry_that_is_to_come()
    {
        var last = _project.Add(KeepingProject.Failed());
        Queue.Write(_project.Read(last) with { AutoRetry = true });
        var first = _project.Add(KeepingProject.Failed(last));
        var waiting = _project.Add(null, first);
        Queue.Write(_project.Read(waiting) with { AfterAny = [first] });

        Cleaning.Clean([first]);

        Assert.Equal(last, Assert.Single(_project.Read(waiting).DependsOn));
        Assert.Equal(DependencyKind.AfterAny, _project.Read(waiting).KindOf(last));
        Assert.Empty(_project.Read(waiting).DependenciesMet);
        Assert.IsType<Readiness.Waiting>(Check(waiting));
    }

    [Fact]
    public void A_retry_does_not_wait_for_what_was_cleaned_since_its_original_started()
    {
        var done = _project.Add(KeepingProject.Complete());
        var failed = _project.Add(KeepingProject.Failed(), done);

        Cleaning.Clean([done]);
        var retry = _project.Project.Retries.Create(failed, new RetryOptions());

        Assert.IsType<Readiness.Ready>(Check(retry.Id));
    }

    [Fact]
    public void What_a_planted_link_leads_to_stays()
    {
        var outside = Path.Join(_project.Root, "precious.txt");
        File.WriteAllText(outside, "keep");
        var id = _project.Add(KeepingProject.Complete());
        File.Delete(Queue.LogFile(id));
        File.CreateSymbolicLink(Queue.LogFile(id), outside);

        Cleaning.Clean([id]);

        Assert.Empty(_project.FilesOf(id));
        Assert.Equal("keep", File.ReadAllText(outside));
    }

    [Theory]
    [InlineData("tasks", ".done")]
    [InlineData("tasks", ".pid")]
    [InlineData("logs", ".log")]
    [InlineData("plans", "_plan.md")]
    [InlineData("archive", ".error")]
    [InlineData("run", ".lock")]
    public void A_planted_folder_stops_only_its_own_task_which_stays_whole(
        string folder,
        string ending
    )
    {
        var ids = new[] { Finished(), Finished(), Finished() };
        var path = Path.Join(Queue.Folder, folder, ids[1] + ending);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        Directory.CreateDirectory(path);
        var before = _project.FilesOf(ids[1]);

        var result = Cleaning.Clean(Cleaning.Select(s_all, null).Ids);

        Assert.Equal([ids[0], ids[2]], result.Cleaned.Select(static t => t.Id).Order());
        var refusal = Assert.Single(result.Refused);
        Assert.Equal(ids[1], refusal.Id);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"agentq clean {ids[1]}", refusal.Hint, StringComparison.Ordinal);
        Assert.Equal(before, _project.FilesOf(ids[1]));
        Assert.Empty(_project.FilesOf(ids[0]).Concat(_project.FilesOf(ids[2])));

        Directory.Delete(path);
        Assert.Empty(Cleaning.Clean([ids[1]]).Refused);
        Assert.Empty(_project.FilesOf(ids[1]));

        TaskId Finished() => _project.Add(KeepingProject.Complete());
    }

    [Fact]
    public void A_dependent_still_waits_for_a_task_that_was_left()
    {
        var done = _project.Add(KeepingProject.Complete());
        var waiting = _project.Add(null, done);
        Directory.CreateDirectory(Queue.SentinelFile(done, Sentinel.Error));

        Assert.Equal(done, Assert.Single(Cleaning.Clean([done]).Refused).Id);

        Assert.Empty(_project.Read(waiting).DependenciesMet);
    }

    [Fact]
    public void A_folder_of_the_queue_that_is_a_link_stops_the_cleaning()
    {
        var elsewhere = Path.Join(_project.Root, "elsewhere");
        Directory.Move(Queue.Logs, elsewhere);
        Directory.CreateSymbolicLink(Queue.Logs, elsewhere);
        var id = _project.Add(KeepingProject.Complete());

        Assert.Throws<QueueException>(() => Cleaning.Clean([id]));
        Assert.True(File.Exists(Path.Join(elsewhere, id + ".log")));
    }

    [Fact]
    public void Paths_that_stand_in_a_task_file_mean_nothing()
    {
        var outside = Path.Join(_project.Root, "precious.txt");
        File.WriteAllText(outside, "keep");
        var id = _project.Add(KeepingProject.Complete());
        var text = File.ReadAllText(Queue.TaskFile(id));
        File.WriteAllText(
            Queue.TaskFile(id),
            text.Replace($".agents/logs/{id}.log", "../precious.txt", StringComparison.Ordinal)
        );

        Cleaning.Clean([id]);

        Assert.Equal("keep", File.ReadAllText(outside));
    }

    [Fact]
    public void A_task_that_another_agentq_holds_is_left()
    {
        var id = _project.Add(KeepingProject.Complete());
        using var held = Queue.TryLockTask(id);

        var result = Cleaning.Clean([id]);

        Assert.Equal(id, Assert.Single(result.Refused).Id);
        Assert.Contains($"tasks/{id}.json", _project.FilesOf(id));
    }

    [Fact]
    public void A_cleaning_that_was_interrupted_is_finished_by_the_next_one()
    {
        var id = _project.Add(KeepingProject.Complete());
        File.Delete(Queue.LogFile(id));
        File.Delete(Queue.SentinelFile(id, Sentinel.ExitCode));
        var gone = TaskId.Parse("task_gone");
        File.WriteAllText(Queue.LockFile(gone), "");

        Cleaning.Clean(Cleaning.Select(s_all, null).Ids);

        Assert.Empty(_project.FilesOf(id));
        Assert.Empty(_project.FilesOf(gone));
    }

    [Fact]
    public void An_archived_task_is_cleaned_by_its_id()
    {
        var id = _project.Add(KeepingProject.Complete());
        new TaskArchive(Queue, _project.Project.Reconciler, TimeProvider.System).Store([id]);

        Cleaning.Clean([id]);

        Assert.Empty(_project.FilesOf(id));
    }

    [Fact]
    public void More_tasks_than_are_held_at_once_all_go()
    {
        for (var i = 0; i < HeldTasks.Most + 5; i++)
        {
            _project.Add(KeepingProject.Complete());
        }

        Cleaning.Clean(Cleaning.Select(s_all, null).Ids);

        Assert.Empty(Directory.EnumerateFiles(Queue.Tasks));
        Assert.Equal(
            ["index", "queue.lock"],
            NamesIn(Queue.Run).Append("index").Distinct().Order()
        );
    }

    private static string[] NamesIn(string folder) =>
        [.. Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Order()];

    private Readiness Check(TaskId id) =>
        new Dependencies(Queue, QueueSnapshot.Take(Queue)).Check(_project.Read(id));
}
