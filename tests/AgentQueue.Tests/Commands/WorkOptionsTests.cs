using System.CommandLine;
using AgentQueue.Cli.Commands;

namespace AgentQueue.Tests.Commands;

public sealed class WorkOptionsTests
{
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void A_model_without_a_name_is_refused(string model)
    {
        var command = new Command("start");
        WorkOptions.AddTo(command);
        var refused = Assert.Throws<QueueException>(() =>
            WorkOptions.Options(command.Parse(["--model", model]))
        );
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("--model", refused.Hint, StringComparison.Ordinal);
    }
}
