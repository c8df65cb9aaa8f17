using AgentQueue.Agents;
using AgentQueue.Scheduling;

namespace AgentQueue.Tests.Git;

public sealed class WorkTreeTests : IDisposable
{
    private readonly GitStage _stage = new();

    public void Dispose() => _stage.Dispose();

    [Theory]
    [InlineData(".agents")]
    [InlineData("part/of it/.agents")]
    public void What_agentq_keeps_in_its_folder_is_neither_changed_nor_uncommitted(string queue)
    {
        var tree = Before(queue);
        _stage.Write(queue + "/.gitignore", "*\n!.gitignore\n");
        _stage.Write(queue + "/settings.json", "{}\n");

        var seen = tree.Look()!.Value;

        Assert.Empty(seen.Files);
        Assert.Empty(seen.Uncommitted);
    }

    [Fact]
    public void What_was_committed_of_its_folder_is_not_changed_either()
    {
        var tree = Before(".agents");
        _stage.Write(".agents/.gitignore", "run\n");
        _stage.Write("new.txt", "new\n");
        _stage.Commit("all");

        var seen = tree.Look()!.Value;

        Assert.Equal<ResultFile>([new ResultFile("new.txt", "added")], seen.Files);
        Assert.Empty(seen.Uncommitted);
    }

    [Fact]
    public void What_only_begins_with_the_name_of_its_folder_counts()
    {
        var tree = Before(".agents");
        _stage.Write(".agents-own/x", "x\n");

        var seen = tree.Look()!.Value;

        Assert.Equal<string>([".agents-own/x"], seen.Uncommitted);
        Assert.Equal<ResultFile>([new ResultFile(".agents-own/x", "added")], seen.Files);
    }

    [Fact]
    public void A_repository_inside_of_the_queues_folder_counts_as_a_whole()
    {
        var tree = WorkTree.Of(
            _stage.Root,
            Path.GetDirectoryName(_stage.Root)!,
            TimeProvider.System
        )!;
        _stage.Write("b.txt", "b\n");
        _stage.Write("a.txt", "a\n");

        Assert.Equal<string>(["a.txt", "b.txt"], tree.Look()!.Value.Uncommitted);
    }

    private WorkTree Before(string queue)
    {
        var folder = Directory.CreateDirectory(Path.Join(_stage.Root, queue)).FullName;
        return WorkTree.Of(_stage.Root, folder, TimeProvider.System)!;
    }
}
