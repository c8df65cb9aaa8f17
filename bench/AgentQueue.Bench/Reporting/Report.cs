using System.Globalization;
using System.Text;

namespace AgentQueue.Bench;

/// <summary>The results for people, as Markdown.</summary>
internal static class Report
{
    public static string Markdown(Findings findings)
    {
        var text = new StringBuilder();
        WriteSummary(text, findings.Figures);
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

    /// <summary>The table of the targets: verbs against queue sizes, what misses its target in bold.</summary>
    private static void WriteSummary(StringBuilder text, List<Figure> figures)
    {
        var cells = figures.Where(f => f.Cell is not null).ToList();
        if (cells.Count == 0)
        {
            return;
        }

        var sizes = cells.Select(f => f.Cell!.QueueSize).Distinct().Order().ToList();
        Write(text, $"| CPU time, ms; tasks: | {string.Join(" | ", sizes.Select(Show.Count))} |\n");
        Write(text, $"|---|{string.Concat(Enumerable.Repeat("---:|", sizes.Count))}\n");
        foreach (var row in cells.GroupBy(f => f.Cell!.Row))
        {
            var values = sizes.Select(size =>
                row.FirstOrDefault(f => f.Cell!.QueueSize == size) is not { } figure ? ""
                : figure.IsMet ? Show.Number(figure.Samples.Median)
                : $"**{Show.Number(figure.Samples.Median)}**"
            );
            Write(text, $"| {row.Key} | {string.Join(" | ", values)} |\n");
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
