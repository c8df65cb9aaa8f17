using AgentQueue.Bench;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Bench;

public sealed class ReportTests
{
    [Fact]
    public void People_see_medians_spread_targets_and_what_is_missed() =>
        Snapshot.Verify(Report.Markdown(Some()));

    [Fact]
    public void Programs_see_the_same() => Snapshot.Verify(JsonReport.Write(Some()));

    private static Findings Some()
    {
        var findings = new Findings();
        var empty = new Samples([2, 2, 2]);
        findings.AddCpu(
            "CPU",
            "`status`, 10 tasks",
            new Samples([4, 4.5, 5]),
            empty,
            Target.AtMostTimes(3, empty),
            new Cell("`status`", 10)
        );
        findings.AddCpu(
            "CPU",
            "`status`, 1,000 tasks",
            new Samples([20]),
            empty,
            Target.AtMost(15, "ms"),
            new Cell("`status`", 1_000)
        );
        var rate = new Samples([700, 650]);
        findings.Add(
            new Figure("Draining", "fast", "a second", rate, Target.AtLeast(600, "a second"))
        );
        findings.Points.Add(new PlotPoint("agentq status", 10, 6.25));
        findings.Peers.Set("list 1,000 entries", "agentq", new Samples([3, 5]), "ms");
        findings.Peers.Set("list 1,000 entries", "tsp", "none");
        findings.Gaps.Add(
            new Gap("nq, beside agentq", "nq is missing here: apt-get install nq", true)
        );
        return findings;
    }
}
