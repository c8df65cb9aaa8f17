using AgentQueue.Storage;

namespace AgentQueue.Tests.Storage;

/// <summary>The variable is the process's: no other test may look for a project meanwhile.</summary>
[Collection(nameof(QueueLocatorTests))]
public sealed class QueueLocatorTests : IDisposable
{
    private readonly string _top = Directory.CreateTempSubdirectory("agentq-locate-").FullName;
    private readonly string? _variable = Environment.GetEnvironmentVariable(
        QueueLocator.RootVariable
    );

    // A repository of its own, so that nothing above the temporary folder counts.
    public QueueLocatorTests()
    {
        Environment.SetEnvironmentVariable(QueueLocator.RootVariable, null);
        Folder("repo/.git");
        Folder("repo/src/deep");
    }

    [Fact]
    public void The_nearest_folder_with_a_queue_is_the_project()
    {
        Folder("repo/.agents");
        Assert.Equal((At("repo"), true), Locate("repo/src/deep"));
        Folder("repo/src/.agents");
        Assert.Equal((At("repo/src"), true), Locate("repo/src/deep"));
    }

    [Fact]
    public void A_configuration_alone_makes_a_project()
    {
        File("repo/agent-config.json", "{}");
        Assert.Equal((At("repo"), true), Locate("repo/src"));
    }

    [Fact]
    public void What_lies_above_the_repository_is_not_looked_at()
    {
        File("agent-config.json", "{}");
        Assert.Equal((At("repo/src"), false), Locate("repo/src"));
    }

    [Fact]
    public void A_worktree_uses_the_queue_of_its_main_checkout()
    {
        Folder("repo/.agents");
        Folder("repo/.git/worktrees/side");
        Folder("side/src");
        File("side/.git", $"gitdir: {At("repo/.git/worktrees/side")}\n");
        Assert.Equal((At("repo"), true), Locate("side/src"));
        Assert.Equal((At("repo"), true), Locate("side"));
    }

    [Fact]
    public void A_worktree_that_carries_committed_parts_still_uses_the_main_checkout()
    {
        Folder("repo/.agents");
        Folder("repo/.git/worktrees/side");
        Folder("side/.agents/skills");
        File("side/.git", "gitdir: ../repo/.git/worktrees/side\n");
        Assert.Equal((At("repo"), true), Locate("side"));
    }

    [Fact]
    public void A_worktree_of_a_repository_without_a_queue_uses_its_own()
    {
        Folder("repo/.git/worktrees/side");
        Folder("side/.agents");
        File("side/.git", $"gitdir: {At("repo/.git/worktrees/side")}\n");
        Assert.Equal((At("side"), true), Locate("side"));
    }

    [Fact]
    public void What_belongs_to_a_tree_goes_into_the_worktree_that_one_stands_in()
    {
        Folder("repo/.agents");
        Folder("repo/.git/worktrees/side");
        Folder("side/src/deep");
        File("side/.git", $"gitdir: {At("repo/.git/worktrees/side")}\n");
        Assert.Equal((At("side"), false), LocateTree("side/src"));
        Assert.Equal((At("repo"), true), LocateTree("repo/src"));
        Folder("side/src/.agents");
        Assert.Equal((At("side/src"), true), LocateTree("side/src/deep"));
        Assert.Equal((At("repo"), true), QueueLocator.LocateTree(At("repo"), At("side/src/deep")));
    }

    [Fact]
    public void What_belongs_to_a_tree_goes_to_its_top_if_there_is_no_project()
    {
        Assert.Equal((At("repo"), false), LocateTree("repo/src/deep"));
    }

    [Fact]
    public void The_git_file_of_a_submodule_is_a_boundary_like_any_repository()
    {
        Folder("repo/.agents");
        Folder("repo/.git/modules/sub");
        Folder("repo/sub");
        File("repo/sub/.git", "gitdir: ../.git/modules/sub\n");
        var (root, _) = Locate("repo/sub");
        Assert.StartsWith(At("repo"), root, StringComparison.Ordinal);
    }

    [Fact]
    public void A_git_file_of_rubbish_is_passed_over()
    {
        Folder("repo/.agents");
        Folder("repo/odd");
        File("repo/odd/.git", "\0\0\0");
        Assert.Equal((At("repo"), true), Locate("repo/odd"));
    }

    [Fact]
    public void The_variable_names_the_project_folder_and_an_option_wins_over_it()
    {
        Folder("repo/.agents");
        Folder("other");
        Environment.SetEnvironmentVariable(QueueLocator.RootVariable, At("other"));
        Assert.Equal((At("other"), true), Locate("repo"));
        Assert.Equal((At("repo"), true), QueueLocator.Locate("../repo/", At("other")));
    }

    [Fact]
    public void A_named_folder_that_does_not_exist_is_refused()
    {
        var e = Assert.Throws<QueueException>(() => QueueLocator.Locate("no/such", _top));
        Assert.Contains(At("no/such"), e.Message, StringComparison.Ordinal);
        Environment.SetEnvironmentVariable(QueueLocator.RootVariable, At("none"));
        e = Assert.Throws<QueueException>(() => Locate("repo"));
        Assert.Contains(QueueLocator.RootVariable, e.Hint, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(QueueLocator.RootVariable, _variable);
        Directory.Delete(_top, recursive: true);
    }

    private (string, bool) Locate(string from) => QueueLocator.Locate(null, At(from));

    private (string, bool) LocateTree(string from) => QueueLocator.LocateTree(null, At(from));

    private string At(string path) => Path.Join(_top, path);

    private void Folder(string path) => Directory.CreateDirectory(At(path));

    private void File(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path))!);
        System.IO.File.WriteAllText(At(path), text);
    }
}
