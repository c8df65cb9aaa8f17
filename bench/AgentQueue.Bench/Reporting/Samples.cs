namespace AgentQueue.Bench;

/// <summary>Repeated measurements of one thing, in its unit.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public Samples() { }

    public Samples(IEnumerable<double> values) => _values.AddRange(values);

    public int Count => _values.Count;

    public double Median => Quantile(0.5);

    /// <summary>Half of the measurements lie between the two.</summary>
    public (double Low, double High) Spread => (Quantile(0.25), Quantile(0.75));

    /// <summary>How far a measurement usually lies from the median, as a part of it.</summary>
    public double Noise => Median == 0 ? 0 : (Spread.High - Spread.Low) / 2 / Median;

    public void Add(double value) => _values.Add(value);

    public void Add(TimeSpan time) => _values.Add(time.TotalMilliseconds);

    public Samples Select(Func<double, double> change) => new(_values.Select(change));

    public Samples RelativeTo(Samples unit) => Select(v => v / unit.Median);

    private double Quantile(double part)
    {
        var sorted = _values.Order().ToArray();
        var place = part * (sorted.Length - 1);
        var below = (int)place;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
    }
}
