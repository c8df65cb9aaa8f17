using AgentQueue.Cli.Output;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Output;

public class StatusTableTests
{
    private static readonly StatusRow s_pending = new(
        Id: "task_01jd3k9m2p0001",
        IsRetry: false,
        Agent: "coder",
        Status: TaskStatus.Pending,
        Held: false,
        Waiting: false,
        Reason: null,
        Prompt: "Refactor the parser so that it reports every error with its line",
        Name: null,
        Elapsed: null,
        Limit: null,
        Warning: TimeSpan.FromSeconds(60),
        RetryCount: 0,
        MaxRetries: 3,
        Info: ""
    );

    private static readonly StatusRow[] s_rows =
    [
        s_pending,
        s_pending with
        {
            Id = "task_01jd3k9m2p0002",
            Held = true,
            Name = "nightly",
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0003",
            Waiting = true,
            Info = "waits for task_01jd3k9m2p0001",
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0004",
            Status = TaskStatus.Running,
            Elapsed = TimeSpan.FromSeconds(330),
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0005",
            Agent = "an-agent-with-a-long-name",
            Status = TaskStatus.Running,
            Elapsed = TimeSpan.FromSeconds(330),
            Limit = TimeSpan.FromHours(1),
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0006",
            Status = TaskStatus.Running,
            Elapsed = TimeSpan.FromMinutes(59.5),
            Limit = TimeSpan.FromHours(1),
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0007",
            Status = TaskStatus.Complete,
            Prompt = "日本語の文書を書く | and a pipe\nand a second line",
            Elapsed = TimeSpan.FromSeconds(42),
            Limit = TimeSpan.FromHours(1),
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0008",
            IsRetry = true,
            Status = TaskStatus.Failed,
            Reason = "exit",
            Prompt = "\e[2Jclear",
            Elapsed = TimeSpan.FromSeconds(7),
            RetryCount = 1,
            Info = "Exited with code 3: the test suite found two failures; retry in 4s",
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0009",
            Status = TaskStatus.Failed,
            Reason = "lost",
            Prompt = "Short",
        },
        s_pending with
        {
            Id = "task_01jd3k9m2p0010",
            Status = TaskStatus.Cancelled,
        },
    ];

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    public void The_table_fits_the_terminal(int width) =>
        Verify(StatusTable.ToTerminal(s_rows, new(width)), $"width={width}");

    [Fact]
    public void States_have_colours_on_a_terminal() =>
        Verify(
            StatusTable
                .ToTerminal(s_rows, new(120, Color: true))
                .Select(line => line.Replace('\e', '←'))
        );

    [Fact]
    public void A_terminal_without_utf8_gets_ascii_icons() =>
        Verify(
            StatusTable.ToTerminal(
                s_rows.Select(row => row with { Prompt = "plain prompt of some length" }),
                new(100, Ascii: true)
            )
        );

    [Fact]
    public void Elsewhere_it_is_plain_markdown() => Verify(StatusTable.ToMarkdown(s_rows));

    [Fact]
    public void Scripts_get_full_ids() =>
        Assert.Equal(s_rows.Select(row => row.Id), StatusTable.ToIds(s_rows));

    [Theory]
    [InlineData(539, false)]
    [InlineData(540, true)]
    [InlineData(601, true)]
    public void A_limit_is_near_from_the_warning_on(int elapsed, bool near) =>
        Assert.Equal(
            near,
            (
                s_pending with
                {
                    Status = TaskStatus.Running,
                    Elapsed = TimeSpan.FromSeconds(elapsed),
                    Limit = TimeSpan.FromMinutes(10),
                }
            ).IsNearLimit
        );

    [Fact]
    public void A_finished_task_is_never_near_its_limit() =>
        Assert.False(
            (
                s_pending with
                {
                    Status = TaskStatus.Failed,
                    Elapsed = TimeSpan.FromMinutes(10),
                    Limit = TimeSpan.FromMinutes(10),
                }
            ).IsNearLimit
        );

    private static void Verify(
        IEnumerable<string> lines,
        string? parameters = null,
        [System.Runtime.CompilerServices.CallerMemberName] string member = ""
    ) => Snapshot.Verify(string.Join('\n', lines), parameters, member: member);
}
