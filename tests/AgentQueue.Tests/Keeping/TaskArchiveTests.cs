using AgentQueue.Keeping;
using AgentQueue.Scheduling;
using AgentQueue.Storage;

namespace AgentQueue.Tests.Keeping;

public sealed class TaskArchiveTests : IDisposable
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    private readonly KeepingProject _project = new();

    private QueueFolder Queue => _project.Queue;

    private TaskArchive Archive => new(Queue, _project.Project.Reconciler, TimeProvider.System);

    public void Dispose() => _project.Dispose();

    [Fact]
    public void Each_state_has_an_age_of_its_own()
    {
        var complete = _project.Add(KeepingProject.Complete(5 * s_day));
        _project.Add(KeepingProject.Failed(ago: 5 * s_day));
        _project.Add(KeepingProject.Complete(2 * s_day));
        _project.Add();

        Assert.Equal([complete], Archive.Select(new ArchiveAges(4 * s_day, 6 * s_day, s_day)).Ids);
    }

    [Fact]
    public void A_failed_task_that_will_be_retried_is_not_archived()
    {
        var id = _project.Add(KeepingProject.Failed(ago: 5 * s_day));
        _project.Change(id, t => t with { AutoRetry = true });

        Assert.Empty(Archive.Select(ArchiveAges.All(s_day)).Ids);
    }

    [Fact]
    public void A_task_goes_into_the_archive_with_all_that_belongs_to_it_and_comes_back_the_same()
    {
        var id = _project.Add(KeepingProject.Complete());
        var before = Contents(id);

        Archive.Store([id]);

        Assert.Equal(
            [
                $"archive/{id}.exitcode",
                $"archive/{id}.json",
                $"archive/{id}.log",
                $"archive/{id}_plan.md",
            ],
            _project.FilesOf(id)
        );
        Archive.Restore([id]);
        Assert.Equal(before, Contents(id));
    }

    [Theory]
    [InlineData("archive", ".log")]
    [InlineData("archive", ".json")]
    [InlineData("run", ".lock")]
    public void A_planted_folder_stops_only_its_own_task(string folder, string ending)
    {
        var bad = _project.Add(KeepingProject.Complete());
        var good = _project.Add(KeepingProject.Complete());
        Directory.CreateDirectory(Path.Join(Queue.Folder, folder, bad + ending));
        var before = Contents(bad);

        var result = Archive.Store([bad, good]);

        Assert.Equal(bad, Assert.Single(result.Refused).Id);
        Assert.Equal(good, Assert.Single(result.Moved).Id);
        Assert.Equal(before, Contents(bad));
    }

    [Fact]
    public void A_task_is_not_restored_over_a_folder_and_the_others_are()
    {
        var bad = _project.Add(KeepingProject.Complete());
        var good = _project.Add(KeepingProject.Complete());
        Archive.Store([bad, good]);
        Directory.CreateDirectory(Queue.LogFile(bad));
        var before = Contents(bad);

        var result = Archive.Restore([bad, good]);

        Assert.Equal(bad, Assert.Single(result.Refused).Id);
        Assert.Equal(good, Assert.Single(result.Moved).Id);
        Assert.Equal(before, Contents(bad));
    }

    [Fact]
    public void An_archived_task_is_found_and_so_is_its_log()
    {
        var id = _project.Add(KeepingProject.Complete());
        Archive.Store([id]);

        Assert.Equal(id, _project.Project.Lookup.Find(id.Value[5..], archived: true));
        Assert.Equal($"log of {id}", File.ReadAllText(Queue.FindLog(id)));
        Assert.IsType<TaskRead.Found>(Queue.ReadArchived(id));
    }

    [Fact]
    public void A_dependency_that_completed_counts_in_the_archive_too()
    {
        var done = _project.Add(KeepingProject.Complete());
        var waiting = _project.Add(null, done);
        Archive.Store([done]);

        Assert.IsType<Readiness.Ready>(
            new Dependencies(Queue, QueueSnapshot.Take(Queue)).Check(_project.Read(waiting))
        );
    }

    [Fact]
    public void A_dependent_stays_ready_when_the_dependency_is_archived_and_then_cleaned()
    {
        var done = _project.Add(KeepingProject.Complete());
        var waiting = _project.Add(null, done);
        Archive.Store([done]);
        new Cleaning(Queue, _project.Project.Reconciler, TimeProvider.System).Clean([done]);

        Assert.Equal(done, Assert.Single(_project.Read(waiting).DependenciesMet));
    }

    [Fact]
    public void An_interrupted_move_leaves_the_task_readable_and_is_finished_by_the_next()
    {
        var id = _project.Add(KeepingProject.Complete(2 * s_day));
        Directory.CreateDirectory(Queue.Archive);
        File.Move(Queue.LogFile(id), Queue.ArchivedLog(id));

        Assert.Equal($"log of {id}", File.ReadAllText(Queue.FindLog(id)));
        Archive.Store(Archive.Select(ArchiveAges.All(s_day)).Ids);
        Assert.All(_project.FilesOf(id), f => Assert.StartsWith("archive/", f));
    }

    [Fact]
    public void An_unfinished_task_is_refused()
    {
        var id = _project.Add();

        Assert.Equal(id, Assert.Single(Archive.Store([id]).Refused).Id);
        Assert.Equal(id, Assert.Single(Archive.Restore([id]).Refused).Id);
        Assert.Contains($"tasks/{id}.json", _project.FilesOf(id));
    }

    [Fact]
    public void The_list_begins_with_the_newest_and_the_statistics_count_each_state()
    {
        var old = _project.Add(KeepingProject.Complete(3 * s_day));
        var young = _project.Add(KeepingProject.Failed(ago: s_day));
        Archive.Store([old, young]);
        File.WriteAllText(Path.Join(Queue.Archive, "task_torn.json"), "{");

        var (tasks, unreadable) = Archive.List();
        var stats = Archive.Stats();

        Assert.Equal([young, old], tasks.Select(t => t.Id));
        Assert.Equal(1, unreadable);
        Assert.Equal(
            (1, 1, 0, 1),
            (stats.Completed, stats.Failed, stats.Cancelled, stats.Unreadable)
        );
        Assert.True(stats.Bytes > 0);
    }

    private Dictionary<string, string> Contents(AgentQueue.Tasks.TaskId id) =>
        _project
            .FilesOf(id)
            .ToDictionary(f => f, f => File.ReadAllText(Path.Join(Queue.Folder, f)));
}
