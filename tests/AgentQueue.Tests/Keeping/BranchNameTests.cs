using AgentQueue.Keeping;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Keeping;

public sealed class BranchNameTests
{
    [Theory]
    [InlineData(null, "task/task_a1")]
    [InlineData("Build the Parser", "task/build-the-parser")]
    [InlineData("  a -- b  ", "task/a-b")]
    [InlineData("v1.2_x", "task/v1.2_x")]
    [InlineData("a..b", "task/a.b")]
    [InlineData(".hidden.", "task/hidden")]
    [InlineData("x.lock", "task/x")]
    [InlineData("x.lock.-.LOCK", "task/x")]
    [InlineData(".lock", "task/lock")]
    [InlineData("日本", "task/task_a1")]
    [InlineData("-._", "task/_")]
    public void A_branch_is_named_for_its_task(string? name, string branch) =>
        Assert.Equal(branch, BranchName.Of(Task(name)));

    [Fact]
    public void A_long_name_is_cut_to_what_is_still_a_name() =>
        Assert.Equal(
            "task/" + new string('a', 95),
            BranchName.Of(Task(new string('a', 95) + ".lock.lock"))
        );

    private static AgentTask Task(string? name) =>
        new()
        {
            Id = TempQueue.Id("a1"),
            Agent = "shell",
            Prompt = "p",
            Name = name,
            CreatedAt = DateTimeOffset.UnixEpoch,
            State = new TaskState.Pending(),
        };
}
