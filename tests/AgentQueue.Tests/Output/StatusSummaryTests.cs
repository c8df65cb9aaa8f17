using AgentQueue.Cli.Output;

namespace AgentQueue.Tests.Output;

public class StatusSummaryTests
{
    [Fact]
    public void Everything_is_counted_in_three_lines() =>
        Assert.Equal(
            [
                "Total: 12 | Pending: 3 (1 held, 1 waiting) | Complete: 5 | Cancelled: 0",
                "Running: 2 (2 with timeouts, 1 nearing timeout)",
                "Failed: 2 (1 with auto-retry, 1 timed out)",
            ],
            Full.ToLines()
        );

    [Fact]
    public void What_is_not_there_is_not_broken_down() =>
        Assert.Equal(
            ["Total: 0 | Pending: 0 | Complete: 0 | Cancelled: 0", "Running: 0", "Failed: 0"],
            new StatusSummary().ToLines()
        );

    [Fact]
    public void What_is_left_out_is_said_first()
    {
        var summary = Full with { NotShown = 180 };
        Assert.Equal("… and 180 older finished tasks not shown (--all)", summary.ToLines()[0]);
        Assert.Equal(
            "... and 1 older finished task not shown (--all)",
            (summary with { NotShown = 1 }).ToLines(ascii: true)[0]
        );
        Assert.Equal(
            "… and 183 more tasks not shown (--all)",
            (summary with { UnfinishedNotShown = 3 }).ToLines()[0]
        );
    }

    private static StatusSummary Full =>
        new()
        {
            Pending = 3,
            Held = 1,
            Waiting = 1,
            Running = 2,
            WithTimeout = 2,
            NearTimeout = 1,
            Complete = 5,
            Failed = 2,
            AutoRetry = 1,
            TimedOut = 1,
        };
}
