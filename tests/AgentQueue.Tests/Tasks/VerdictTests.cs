using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Tasks;

public sealed class VerdictTests
{
    public static TheoryData<int, string> Cells()
    {
        var cells = new TheoryData<int, string>();
        for (var row = 0; row < VerdictTable.Rows.Length; row++)
        {
            foreach (var completion in Enum.GetNames<Completion>())
            {
                cells.Add(row, completion);
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_single_piece_of_evidence_gives_the_verdict_of_its_cell(int row, string completion)
    {
        var evidence = VerdictTable
            .Rows[row]
            .Add(new Evidence { Completion = Enum.Parse<Completion>(completion) });
        Assert.Equal(VerdictTable.Expected(evidence), VerdictTable.Judged(evidence));
    }

    [Fact]
    public void Every_combination_of_evidence_gets_the_verdict_of_the_first_row_that_holds()
    {
        var rows = VerdictTable.Rows;
        foreach (var completion in Enum.GetValues<Completion>())
        {
            for (var mask = 0; mask < 1 << rows.Length; mask++)
            {
                var evidence = new Evidence { Completion = completion };
                // From the last row up, so that where two rows set the same fact either may win.
                for (var i = 0; i < rows.Length; i++)
                {
                    var row = mask % 2 == 0 ? i : rows.Length - 1 - i;
                    if ((mask & (1 << row)) != 0)
                    {
                        evidence = rows[row].Add(evidence);
                    }
                }

                Assert.Equal(VerdictTable.Expected(evidence), VerdictTable.Judged(evidence));
            }
        }
    }

    [Fact]
    public void The_table_in_the_design_is_the_one_in_the_code()
    {
        const string Begin = "<!-- verdict -->";
        const string End = "<!-- /verdict -->";
        var design = File.ReadAllText(Repository.PathOf("docs/design.md"));
        var begin = design.IndexOf(Begin, StringComparison.Ordinal);
        var end = design.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, $"docs/design.md lacks {Begin} … {End}");
        Assert.Equal(
            VerdictTable.Markdown().Trim(),
            design[(begin + Begin.Length)..end].ReplaceLineEndings("\n").Trim()
        );
    }

    [Theory]
    [InlineData(3, null, "wrote .done, then exited with code 3")]
    [InlineData(137, 9, "wrote .done, then ended by signal 9 (KILL)")]
    [InlineData(0, null, null)]
    public void A_bad_exit_after_done_is_noted_and_changes_nothing(
        int code,
        int? signal,
        string? note
    )
    {
        var verdict = Verdict.Judge(
            new Evidence { Done = true, Exit = new ExitStatus(code, signal) }
        );
        Assert.Equal(new Verdict.Complete(note), verdict);
    }

    [Fact]
    public void Exit_124_is_an_exit_like_any_other() =>
        Assert.Equal(
            new Verdict.Failed("exit", "Exited with code 124"),
            Verdict.Judge(new Evidence { Exit = ExitStatus.Exited(124) })
        );

    [Fact]
    public void A_signal_that_adds_up_to_success_is_none() =>
        Assert.False(new ExitStatus(0, 1).IsSuccess);

    [Fact]
    public void A_failure_by_exit_quotes_the_end_of_the_log() =>
        Assert.Equal(
            "Ended by signal 11 (SEGV): Segmentation fault",
            Message(new Evidence { Exit = ExitStatus.Killed(11), LogTail = "Segmentation fault\n" })
        );

    [Theory]
    [InlineData(90, "Timed out after 1m 30s")]
    [InlineData(null, "Timed out by hand")]
    public void A_timeout_names_the_limit_or_the_hand(int? limit, string message) =>
        Assert.Equal(
            message,
            Message(
                new Evidence
                {
                    TimedOut = true,
                    TimeoutLimit = limit is { } s ? TimeSpan.FromSeconds(s) : null,
                }
            )
        );

    [Fact]
    public void A_stall_names_the_idle_limit() =>
        Assert.Equal(
            "No output for 5m",
            Message(new Evidence { Stalled = true, IdleLimit = TimeSpan.FromMinutes(5) })
        );

    [Fact]
    public void An_error_that_agentq_wrote_keeps_its_reason() =>
        Assert.Equal(
            new Verdict.Failed("launch", "no such program"),
            Verdict.Judge(
                new Evidence { Error = new ErrorReport("no such program", Reason: "launch") }
            )
        );

    [Fact]
    public void A_loss_says_what_more_is_known() =>
        Assert.Equal("killed", Message(new Evidence { LostDetail = "killed" }));

    [Fact]
    public void A_loss_of_which_nothing_is_known_is_put_into_words_too() =>
        Assert.Equal(
            "The supervisor and the agent ended without a record",
            Message(new Evidence())
        );

    [Theory]
    [InlineData(null)]
    [InlineData(" \n ")]
    public void A_failure_by_exit_without_output_is_one_sentence(string? tail) =>
        Assert.Equal(
            "Exited with code 3",
            Message(new Evidence { Exit = ExitStatus.Exited(3), LogTail = tail })
        );

    [Fact]
    public void A_stall_whose_limit_is_unknown_is_still_a_stall() =>
        Assert.Equal("No output for the idle limit", Message(new Evidence { Stalled = true }));

    private static string Message(Evidence evidence) =>
        Assert.IsType<Verdict.Failed>(Verdict.Judge(evidence)).Message;
}
