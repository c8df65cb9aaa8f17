using AgentQueue.Git;

namespace AgentQueue.Tests.Git;

public sealed class TreeStateTests : IDisposable
{
    private readonly GitStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [Fact]
    public void What_came_changed_and_went_is_told()
    {
        _stage.Write("gone.txt", "gone\n");
        _stage.Commit("more");
        var before = Now();
        _stage.Write("new ü file.txt", "new\n");
        _stage.Write("kept.txt", "longer than before\n");
        File.Delete(Path.Join(_stage.Root, "gone.txt"));

        Assert.Equal(
            ["gone.txt Deleted", "kept.txt Modified", "new ü file.txt Added"],
            Since(before)
        );
    }

    [Fact]
    public void What_was_committed_meanwhile_is_told_too()
    {
        var before = Now();
        _stage.Write("new.txt", "new\n");
        _stage.Write("kept.txt", "longer than before\n");
        _stage.Commit("work");
        _stage.Write("later.txt", "not committed\n");

        Assert.Equal(["kept.txt Modified", "later.txt Added", "new.txt Added"], Since(before));
        Assert.False(Now().IsClean);
    }

    [Fact]
    public void What_was_dirty_before_counts_only_if_it_changed_again()
    {
        _stage.Write("kept.txt", "dirty\n");
        _stage.Write("untracked.txt", "1\n");
        _stage.Write("other.txt", "1\n");
        var before = Now();
        Assert.Empty(Since(before));
        Assert.False(before.IsClean);

        _stage.Write("untracked.txt", "longer\n");
        File.Delete(Path.Join(_stage.Root, "other.txt"));

        Assert.Equal(["other.txt Deleted", "untracked.txt Modified"], Since(before));
    }

    [Fact]
    public void What_is_as_its_commit_has_it_again_is_changed()
    {
        _stage.Write("kept.txt", "dirty\n");
        var before = Now();
        _stage.Git("checkout", "--quiet", "--", "kept.txt");

        Assert.Equal(["kept.txt Modified"], Since(before));
        Assert.True(Now().IsClean);
    }

    [Fact]
    public void A_file_that_moved_is_told_by_both_of_its_names()
    {
        var before = Now();
        _stage.Git("mv", "kept.txt", "moved.txt");

        var changes = Since(before);

        Assert.Contains("kept.txt Deleted", changes);
        Assert.Contains(changes, static c => c.StartsWith("moved.txt ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_first_commit_of_all_tells_what_is_in_it()
    {
        var folder = Path.Join(_stage.Root, "empty");
        Directory.CreateDirectory(folder);
        GitStage.GitIn(folder, "init", "--quiet");
        GitStage.GitIn(folder, "config", "user.name", "Tester");
        GitStage.GitIn(folder, "config", "user.email", "tester@example.org");
        var repository = GitRepository.Find(folder)!;
        var before = TreeState.Of(repository);
        Assert.True(before.IsClean);
        File.WriteAllText(Path.Join(folder, "x"), "x");
        GitStage.GitIn(folder, "add", "x");
        GitStage.GitIn(folder, "commit", "--quiet", "-m", "first");

        Assert.Equal<ChangedFile>(
            [new ChangedFile("x", ChangeKind.Added)],
            TreeState.Changes(repository, before, TreeState.Of(repository))
        );
    }

    [Fact]
    public void What_is_ignored_or_kept_by_agentq_is_no_change()
    {
        _stage.Write(".gitignore", "*.tmp\n");
        _stage.Commit("ignore");
        var before = Now();
        _stage.Write("a.tmp", "ignored\n");
        _stage.Write(".agents/results/task_1.json", "{}");
        _stage.Write(".agents/usage.jsonl", "{}");

        Assert.Empty(Since(before));
        Assert.True(Now().IsClean);
    }

    [Fact]
    public void A_submodule_with_a_new_commit_is_modified_and_again_with_the_next()
    {
        var sub = AddSubmodule();
        var before = Now();
        GitStage.GitIn(sub, "commit", "--quiet", "--allow-empty", "-m", "one");

        Assert.Equal(["sub Modified"], Since(before));

        var later = Now();
        Assert.Empty(Since(later));
        GitStage.GitIn(sub, "commit", "--quiet", "--allow-empty", "-m", "two");

        Assert.Equal(["sub Modified"], Since(later));
    }

    [Fact]
    public void What_changes_inside_a_submodule_that_was_dirty_before_counts()
    {
        var sub = AddSubmodule();
        File.WriteAllText(Path.Join(sub, "a.txt"), "a\n");
        var before = Now();
        Assert.Empty(Since(before));
        File.WriteAllText(Path.Join(sub, "a.txt"), "longer\n");

        Assert.Equal(["sub Modified"], Since(before));
    }

    [Fact]
    public void A_repository_that_is_new_inside_is_added_and_one_that_is_gone_deleted()
    {
        var before = Now();
        GitStage.GitIn(_stage.Root, "init", "--quiet", "inside");
        _stage.Write("inside/x", "x\n");
        GitStage.GitIn(Path.Join(_stage.Root, "inside"), "add", "x");
        Identify(Path.Join(_stage.Root, "inside"));
        GitStage.GitIn(Path.Join(_stage.Root, "inside"), "commit", "--quiet", "-m", "first");

        Assert.Equal(["inside Added"], Since(before));

        AddSubmodule();
        var later = Now();
        _stage.Git("rm", "--quiet", "-r", "-f", "sub");

        Assert.Contains("sub Deleted", Since(later));
    }

    [Fact]
    public void A_folder_in_the_place_of_a_file_is_none_of_it()
    {
        var before = Now();
        File.Delete(Path.Join(_stage.Root, "kept.txt"));
        _stage.Write("kept.txt/x", "x\n");

        Assert.Equal(["kept.txt Deleted", "kept.txt/x Added"], Since(before));
    }

    private string AddSubmodule()
    {
        var sub = Path.Join(_stage.Repository.Top, "sub");
        _stage.Git("init", "--quiet", "sub");
        _stage.Write("sub/s.txt", "s\n");
        Identify(sub);
        GitStage.GitIn(sub, "add", "s.txt");
        GitStage.GitIn(sub, "commit", "--quiet", "-m", "first");
        _stage.Git("submodule", "--quiet", "add", "./sub", "sub");
        _stage.Commit("submodule");
        return sub;
    }

    private static void Identify(string folder)
    {
        GitStage.GitIn(folder, "config", "user.name", "Tester");
        GitStage.GitIn(folder, "config", "user.email", "tester@example.org");
    }

    private TreeState Now() => TreeState.Of(_stage.Repository);

    private List<string> Since(TreeState before) =>
        [
            .. TreeState
                .Changes(_stage.Repository, before, Now())
                .Select(static c => $"{c.Path} {c.Kind}"),
        ];
}
