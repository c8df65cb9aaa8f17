using AgentQueue.Git;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Git;

public sealed class GitRepositoryTests : IDisposable
{
    private readonly GitStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [Fact]
    public void A_folder_outside_of_any_repository_has_none()
    {
        var folder = Directory.CreateTempSubdirectory("agentq-nogit-").FullName;
        try
        {
            Assert.Null(GitRepository.Find(folder));
            Assert.Null(GitRepository.Find(Path.Join(folder, "missing")));
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    [Fact]
    public void A_folder_inside_belongs_to_the_repository_around_it()
    {
        _stage.Write("a/b/c.txt", "c");
        var found = GitRepository.Find(Path.Join(_stage.Root, "a", "b"));
        Assert.Equal(_stage.Repository.Top, found?.Top);
        Assert.False(found?.IsLinked);
        Assert.Equal("main", found?.Branch());
        Assert.Equal(_stage.Git("rev-parse", "HEAD"), found?.Head());
    }

    [Fact]
    public void What_came_changed_went_and_moved_is_told()
    {
        _stage.Write("gone.txt", "gone\n");
        _stage.Write("old name.txt", string.Concat(Enumerable.Range(0, 50)));
        _stage.Commit("more");
        var repository = _stage.Repository;
        var before = repository.Snapshot();
        _stage.Write("kept.txt", "changed\n");
        _stage.Write("new\tfile ü.txt", "new\n");
        File.Delete(Path.Join(_stage.Root, "gone.txt"));
        File.Move(Path.Join(_stage.Root, "old name.txt"), Path.Join(_stage.Root, "new name.txt"));
        Assert.Equal(
            [
                new ChangedFile("gone.txt", ChangeKind.Deleted),
                new ChangedFile("kept.txt", ChangeKind.Modified),
                new ChangedFile("new\tfile ü.txt", ChangeKind.Added),
                new ChangedFile("new name.txt", ChangeKind.Renamed, "old name.txt"),
            ],
            Changes(repository, before)
        );
    }

    [Fact]
    public void What_was_changed_before_is_no_change()
    {
        _stage.Write("kept.txt", "dirty\n");
        _stage.Write("untracked.txt", "1\n");
        var repository = _stage.Repository;
        var before = repository.Snapshot();
        Assert.Empty(Changes(repository, before));
        _stage.Write("untracked.txt", "2\n");
        Assert.Equal(
            [new ChangedFile("untracked.txt", ChangeKind.Modified)],
            Changes(repository, before)
        );
    }

    [Fact]
    public void A_snapshot_leaves_the_index_as_it_is()
    {
        _stage.Write("staged.txt", "staged\n");
        _stage.Git("add", "staged.txt");
        _stage.Write("untracked.txt", "untracked\n");
        var index = Path.Join(_stage.Root, ".git", "index");
        var before = File.ReadAllBytes(index);
        _stage.Repository.Snapshot();
        Assert.Equal(before, File.ReadAllBytes(index));
        Assert.Equal("A  staged.txt\n?? untracked.txt", _stage.Git("status", "--porcelain"));
        Assert.DoesNotContain(
            Directory.GetFiles(Path.Join(_stage.Root, ".git")),
            static f => Path.GetFileName(f).StartsWith("agentq", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void What_is_ignored_or_kept_by_agentq_is_not_looked_at()
    {
        _stage.Write(".gitignore", "*.tmp\n");
        _stage.Commit("ignore");
        var repository = _stage.Repository;
        var before = repository.Snapshot();
        _stage.Write("a.tmp", "ignored\n");
        _stage.Write(".agents/logs/task_1.log", "log\n");
        _stage.Write("sub/.agents/tasks/task_1.json", "{}");
        _stage.Write(".agents/usage.jsonl", "{}");
        Assert.Equal(before, repository.Snapshot());
        _stage.Write(".agents/adapters/own.json", "{}");
        Assert.Equal(
            [new ChangedFile(".agents/adapters/own.json", ChangeKind.Added)],
            Changes(repository, before)
        );
    }

    [Fact]
    public void A_repository_inside_without_a_commit_is_passed_over()
    {
        var repository = _stage.Repository;
        var before = repository.Snapshot();
        var inner = Path.Join(_stage.Root, "inner");
        Directory.CreateDirectory(inner);
        GitStage.GitIn(inner, "init", "--quiet");
        _stage.Write("inner/x", "x");
        _stage.Write("other", "x");
        Assert.Equal([new ChangedFile("other", ChangeKind.Added)], Changes(repository, before));
    }

    [Fact]
    public void A_repository_without_a_commit_can_be_looked_at()
    {
        var folder = Path.Join(_stage.Root, "empty");
        Directory.CreateDirectory(folder);
        GitStage.GitIn(folder, "init", "--quiet");
        var repository = GitRepository.Find(folder)!;
        Assert.Null(repository.Head());
        var before = repository.Snapshot();
        _stage.Write("empty/x", "x");
        Assert.Equal([new ChangedFile("x", ChangeKind.Added)], Changes(repository, before));
    }

    [LinuxFact]
    public void A_link_in_the_place_of_a_file_is_told_as_such()
    {
        var repository = _stage.Repository;
        var before = repository.Snapshot();
        File.Delete(Path.Join(_stage.Root, "kept.txt"));
        File.CreateSymbolicLink(Path.Join(_stage.Root, "kept.txt"), "/etc/hostname");
        Assert.Equal(
            [new ChangedFile("kept.txt", ChangeKind.TypeChanged)],
            Changes(repository, before)
        );
    }

    [LinuxFact]
    public void A_hook_of_the_repository_does_not_run_for_a_look()
    {
        var hook = _stage.Write(".git/hooks/post-index-change", "#!/bin/sh\ntouch hooked\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(hook, (UnixFileMode)0b111_101_101);
        }

        _stage.Write("untracked.txt", "1\n");
        _stage.Repository.Snapshot();
        _stage.Repository.Status();
        Assert.False(File.Exists(Path.Join(_stage.Root, "hooked")));
    }

    [LinuxFact]
    public void A_git_that_takes_too_long_is_ended()
    {
        _stage.Git("config", "alias.sit", "!sleep 600");
        var slow = GitProgram.Find(TimeProvider.System)!;
        var problem = Assert.Throws<QueueException>(() =>
            slow.Run(_stage.Root, ["sit"], limit: TimeSpan.FromMilliseconds(200))
        );
        Assert.Contains("took longer", problem.Message, StringComparison.Ordinal);
    }

    private static List<ChangedFile> Changes(GitRepository repository, string before) =>
        [
            .. repository
                .Changes(before, repository.Snapshot())
                .OrderBy(static c => c.Path, StringComparer.Ordinal),
        ];
}
