using System.Globalization;
using System.Text;

namespace AgentQueue.Bench;

/// <summary>The results for people, as Markdown.</summary>
internal static class Report
{
    public static string Markdown(Findings findings)
    {
        var text = new StringBuilder();
        WriteSummary(text, findings.Points);
        foreach (var section in findings.Figures.GroupBy(f => f.Section))
        {
            Write(text, $"### {section.Key}\n\n");
            Write(text, "| Figure | Median | Middle half | × | Runs | Target | |\n");
            Write(text, "|---|---:|---:|---:|---:|---:|---|\n");
            foreach (var figure in section)
            {
                WriteFigure(text, figure);
            }

            Write(text, "\n");
        }

        WritePeers(text, findings.Peers);
        WriteEnd(text, findings);
        return text.ToString();
    }

    private static void WriteFigure(StringBuilder text, Figure f)
    {
        var (low, high) = f.Samples.Spread;
        var ratio = f.Unit == "ms" && f.Ratio is { } r ? Show.Number(r.Median) : "";
        var verdict =
            f.Target is null ? ""
            : f.IsMet ? "met"
            : "**missed**";
        Write(text, $"| {f.Name} | {Show.Number(f.Samples.Median)} {f.Unit} ");
        Write(text, $"| {Show.Number(low)} to {Show.Number(high)} | {ratio} ");
        Write(text, $"| {f.Samples.Count} | {f.Target?.Text} | {verdict} |\n");
    }

    /// <summary>The verbs against the size of the queue, as in the plot.</summary>
    private static void WriteSummary(StringBuilder text, List<PlotPoint> points)
    {
        if (points.Count == 0)
        {
            return;
        }

        var sizes = points.Select(p => p.QueueSize).Distinct().Order().ToList();
        Write(text, $"### Wall time, ms, by the number of tasks\n\n");
        Write(text, $"| | {string.Join(" | ", sizes.Select(Show.Count))} |\n");
        Write(text, $"|---|{string.Concat(Enumerable.Repeat("---:|", sizes.Count))}\n");
        foreach (var line in points.GroupBy(p => p.Line))
        {
            var cells = sizes.Select(s =>
                line.FirstOrDefault(p => p.QueueSize == s) is { } point
                    ? Show.Number(point.Milliseconds)
                    : ""
            );
            Write(text, $"| {line.Key} | {string.Join(" | ", cells)} |\n");
        }

        Write(text, "\n");
    }

    private static void WritePeers(StringBuilder text, PeerTable peers)
    {
        if (peers.Works.Count == 0)
        {
            return;
        }

        Write(text, "### Beside other queues, wall time\n\n");
        Write(text, $"| | {string.Join(" | ", peers.Tools)} |\n");
        Write(text, $"|---|{string.Concat(Enumerable.Repeat("---:|", peers.Tools.Count))}\n");
        foreach (var work in peers.Works)
        {
            var cells = peers.Tools.Select(tool => peers[work, tool]);
            Write(text, $"| {work} | {string.Join(" | ", cells)} |\n");
        }

        Write(text, "\n");
        text.Append(Losses.Markdown);
        Write(text, "\n");
    }

    /// <summary>The sentence that tells whether all is well, and what is not.</summary>
    private static void WriteEnd(StringBuilder text, Findings findings)
    {
        foreach (var gap in findings.Gaps)
        {
            Write(text, $"Not measured: {gap.Name}: {gap.Reason.ReplaceLineEndings(" ")}\n\n");
        }

        var aimed = findings.Figures.Where(f => f.Target is not null).ToList();
        Write(text, $"{aimed.Count(f => f.IsMet)} of {aimed.Count} targets met.\n");
        foreach (var f in aimed.Where(f => !f.IsMet))
        {
            var bound = Show.Number(f.Target!.Bound);
            Write(
                text,
                $"* missed: {f.Name}: {Show.Number(f.Samples.Median)} {f.Unit}, and {bound} {f.Unit} is the bound\n"
            );
        }
    }

    private static void Write(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture));

    private static void Write(StringBuilder text, string line) => text.Append(line);
}
