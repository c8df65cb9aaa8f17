using AgentQueue.Plans;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Plans;

public sealed class RunReportTests : IDisposable
{
    private readonly TempQueue _temp = new();
    private readonly RunStage _stage = new("a", "b");

    [Fact]
    public void A_report_has_a_row_for_each_node_and_tells_what_went_wrong()
    {
        Add(_stage.New("a") with { State = RunStage.Complete() });
        Add(_stage.New("b") with { State = RunStage.Failed() });
        WriteErrors("b", "first\nlast\n");
        var report = Report();
        Assert.StartsWith("# plan.yaml\n", report, StringComparison.Ordinal);
        Assert.Contains(
            "| 1 | a | complete | 1 | 2.0s | 0 |  |\n",
            report,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "| 2 | b | failed | 1 | 2.0s | 1 | it failed |\n",
            report,
            StringComparison.Ordinal
        );
        Assert.Contains("### b: failed\n\nit failed\n", report, StringComparison.Ordinal);
        Assert.Contains("```text\nfirst\nlast\n```\n", report, StringComparison.Ordinal);
        Assert.Contains("- **State:** failed\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("### a", report, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_agent_says_makes_no_row_no_cell_and_no_markup_of_its_own()
    {
        const string Hostile = "x | y\r\n# Title\n| 1 | z | complete | <img src=x> [a](b) `c` *d*";
        Add(_stage.New("a") with { State = RunStage.Failed() with { Message = Hostile } });
        Add(_stage.New("b") with { State = RunStage.Complete() with { Note = "a|b\u001b[2J<b>" } });
        var report = Report(r => r with { Goal = Hostile, Plan = "p|q\n## r.yaml" });
        var lines = report.Split('\n');
        Assert.Equal(4, lines.Count(static l => l.StartsWith('|')));
        Assert.All(
            lines.Where(static l => l.StartsWith('|')),
            static l => Assert.Equal(8, l.Replace("\\|", "", StringComparison.Ordinal).Count('|'))
        );
        Assert.Equal(
            ["# ", "## ", "## ", "## "],
            lines
                .Where(static l =>
                    l.StartsWith('#') && !l.StartsWith("###", StringComparison.Ordinal)
                )
                .Select(static l => l[..(l.IndexOf(' ', StringComparison.Ordinal) + 1)])
        );
        Assert.DoesNotContain('\u001b', report);
        Assert.DoesNotContain(
            "<img",
            report.Replace("\\<img", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Fences_in_what_a_task_wrote_do_not_end_its_block()
    {
        Add(_stage.New("a") with { State = RunStage.Failed() });
        WriteErrors("a", "```\n# not a title\n`````\nend\n");
        Assert.Contains(
            "``````text\n```\n# not a title\n`````\nend\n``````\n",
            Report(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Of_long_errors_the_end_is_kept()
    {
        Add(_stage.New("a") with { State = RunStage.Failed() });
        WriteErrors(
            "a",
            string.Concat(Enumerable.Range(0, 5000).Select(static i => $"line {i}\n"))
        );
        var report = Report();
        Assert.Contains("line 4999\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("line 4900\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_kept_is_listed_whatever_it_is_called()
    {
        Add(_stage.New("a") with { State = RunStage.Complete() });
        var folder = StepTexts.ArtifactsOf(_temp.Queue, RunStage.Run, "a");
        Directory.CreateDirectory(Path.Join(folder, "sub"));
        File.WriteAllText(Path.Join(folder, "sub", "x`<b>`\n- [y](z)"), "12345");
        for (var i = 0; i < 300; i++)
        {
            File.WriteAllText(Path.Join(folder, $"f{i:d3}"), "");
        }

        File.CreateSymbolicLink(Path.Join(folder, "link"), "/etc/passwd");
        var report = Report();
        Assert.Contains("- a: `f000` (0 bytes)\n", report, StringComparison.Ordinal);
        Assert.Contains("- … and more\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("link", report, StringComparison.Ordinal);
        Assert.DoesNotContain("\n- [y]", report, StringComparison.Ordinal);

        for (var i = 0; i < 300; i++)
        {
            File.Delete(Path.Join(folder, $"f{i:d3}"));
        }

        Assert.Contains(
            "- a: `sub/x'<b>' - [y](z)` (5 bytes)\n",
            Report(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_run_of_which_nothing_is_left_has_a_report_too()
    {
        var report = Report();
        Assert.Contains("its task is not there", report, StringComparison.Ordinal);
        Assert.DoesNotContain("## Timeline", report, StringComparison.Ordinal);
    }

    [Fact]
    public void The_timeline_is_drawn_to_scale_also_when_clocks_were_set()
    {
        Add(_stage.New("a") with { State = RunStage.Complete() });
        Add(
            _stage.New("b") with
            {
                State = new TaskState.Complete(
                    FakeTime.Start.AddDays(1),
                    FakeTime.Start.AddSeconds(-5)
                ),
            }
        );
        var lines = Report().Split('\n').Where(static l => l.EndsWith('|') && !l.StartsWith('|'));
        Assert.All(lines, static l => Assert.Equal("a |".Length + 41, l.Length));
        Assert.All(lines, static l => Assert.Contains('#', l));
    }

    private void Add(AgentTask task) => Assert.True(_temp.Queue.TryCreate(task));

    private void WriteErrors(string node, string text)
    {
        var log = _temp.Queue.ErrorLogFile(_stage.Id(node))!;
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        File.WriteAllText(log, text);
    }

    private string Report(Func<RunRecord, RunRecord>? change = null)
    {
        var record = change is null ? _stage.Record : change(_stage.Record);
        var now = FakeTime.Start.AddMinutes(1);
        return RunReport.Of(_temp.Queue, RunView.Of(_temp.Queue, record, now), now);
    }

    public void Dispose() => _temp.Dispose();
}
