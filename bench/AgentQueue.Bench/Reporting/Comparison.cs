using System.Globalization;
using System.Text;

namespace AgentQueue.Bench;

/// <summary>
/// The ratios of this run beside the committed ones. A ratio is worse only beyond the noise: three times
/// what the noisier of the two runs measured, and never less than a tenth. What one of the two did not
/// measure is told, and fails nothing; that nothing at all could be compared does.
/// </summary>
internal sealed class Comparison
{
    private const double LeastAllowance = 0.1;
    private const double NoiseMultiple = 3;
    private readonly List<Line> _lines = [];
    private readonly List<string> _notMeasured = [];
    private readonly List<string> _notCommitted = [];

    public Comparison(Baseline committed, Baseline now)
    {
        var measured = now.Ratios.ToDictionary(r => r.Name);
        foreach (var old in committed.Ratios)
        {
            if (measured.Remove(old.Name, out var current))
            {
                _lines.Add(new Line(old, current));
            }
            else
            {
                _notMeasured.Add(old.Name);
            }
        }

        _notCommitted.AddRange(now.Ratios.Select(r => r.Name).Where(measured.ContainsKey));
    }

    public bool Holds => _lines.Count > 0 && _lines.TrueForAll(l => !l.IsWorse);

    public string Markdown()
    {
        var text = new StringBuilder(
            "| Ratio | Committed | Now | Allowed | |\n|---|---:|---:|---:|---|\n"
        );
        foreach (var line in _lines)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {line.Old.Name} | {Show.Number(line.Old.Ratio)} | {Show.Number(line.Now.Ratio)} "
            );
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {Show.Number(line.Allowed)} | {(line.IsWorse ? "**worse**" : "")} |\n"
            );
        }

        text.Append('\n');
        Tell("Not measured in this run", _notMeasured);
        Tell("Not in the baseline yet", _notCommitted);
        var worse = _lines.Count(l => l.IsWorse);
        return text.Append(
                CultureInfo.InvariantCulture,
                $"{_lines.Count} ratios compared, {worse} worse than committed.\n"
            )
            .ToString();

        void Tell(string what, List<string> names)
        {
            if (names.Count > 0)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{what}: {string.Join("; ", names)}.\n\n"
                );
            }
        }
    }

    private sealed record Line(BaselineRatio Old, BaselineRatio Now)
    {
        public double Allowed =>
            Old.Ratio
            * (1 + Math.Max(LeastAllowance, NoiseMultiple * Math.Max(Old.Noise, Now.Noise)));

        public bool IsWorse => Now.Ratio > Allowed;
    }
}
