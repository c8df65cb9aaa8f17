using System.Collections.Immutable;
using AgentQueue.Plans;
using AgentQueue.Tests.Config;

namespace AgentQueue.Tests.Plans;

public sealed class PlanFileTests : IDisposable
{
    private readonly TempProject _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_folder_is_refused_with_what_to_type_next() =>
        Assert.Equal("Name a file in it: ls plan.yaml", Refusal(_temp.Root).Hint);

    [Fact]
    public void A_file_above_10_MB_is_refused_with_what_to_type_next() =>
        Assert.Equal(
            "Check that it is the file that was meant: ls -l plan.yaml",
            Refusal(_temp.Write("big.yaml", new string(' ', (10 * 1024 * 1024) + 1))).Hint
        );

    [Fact]
    public void What_is_no_regular_file_is_refused_with_what_to_do_next()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                "Write what comes out of it into a file, and name that one",
                Refusal("/dev/null").Hint
            );
        }
    }

    private static QueueException Refusal(string path) =>
        Assert.Throws<QueueException>(() =>
            PlanFile.Load(path, "plan.yaml", ImmutableDictionary<string, string>.Empty)
        );
}
