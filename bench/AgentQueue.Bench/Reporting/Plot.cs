using System.Globalization;
using System.Text;

namespace AgentQueue.Bench;

/// <summary>
/// Time against the length of the queue as SVG, both axes logarithmic. Text stays text, and the colours
/// follow the reader's light or dark page; agentq's lines are solid, other tools' are dashed, so
/// that they are told apart without colour as well.
/// </summary>
internal static class Plot
{
    private const double Width = 860,
        Height = 500,
        Left = 64,
        Right = 660,
        Top = 56,
        Bottom = 440,
        LabelHeight = 15;

    // Dark enough for white, light enough for black.
    private static readonly string[] s_colours =
    [
        "#2f7fd6",
        "#d9622b",
        "#2e9e5b",
        "#a15ad1",
        "#c79000",
        "#d23f77",
        "#14919b",
        "#8a7a5c",
        "#6a7fdb",
    ];

    public static string Svg(IReadOnlyList<PlotPoint> points)
    {
        var scale = new Scale(points);
        var text = new StringBuilder();
        Begin(text);
        Grid(text, scale);
        var lines = points
            .GroupBy(p => p.Line)
            .Select((g, i) => new Curve(g.Key, i, [.. g.OrderBy(p => p.QueueSize)]))
            .ToList();
        lines.ForEach(l => Draw(text, scale, l));
        Label(text, scale, lines);
        return text.Append("</svg>\n").ToString();
    }

    private static void Begin(StringBuilder text)
    {
        Add(
            text,
            $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" role="img" aria-labelledby="title">"""
        );
        Add(
            text,
            $"""<title id="title">How long a call takes, by the number of tasks in the queue</title>"""
        );
        text.Append(
            """
            <style>
              .page { fill: #ffffff; }
              text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f; }
              .heading { font-size: 15px; font-weight: 600; }
              .grid { stroke: #d0d7de; stroke-width: 1; }
              .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
              .peer { stroke-dasharray: 5 4; }
              .leader { stroke-width: 1; opacity: 0.5; }
              @media (prefers-color-scheme: dark) {
                .page { fill: #0d1117; }
                text { fill: #e6edf3; }
                .grid { stroke: #3d444d; }
              }
            </style>
            <rect class="page" width="100%" height="100%" rx="6"/>

            """
        );
        Add(
            text,
            $"""<text class="heading" x="{Left}" y="26">How long a call takes (wall time, median)</text>"""
        );
        Add(
            text,
            $"""<text x="{Left}" y="44">solid: agentq, every change synced to the disk · dashed: other tools</text>"""
        );
        Add(
            text,
            $"""<text x="{(Left + Right) / 2}" y="{Height - 16}" text-anchor="middle">tasks in the queue</text>"""
        );
        Add(
            text,
            $"""<text x="18" y="{(Top + Bottom) / 2}" text-anchor="middle" transform="rotate(-90 18 {(Top + Bottom) / 2})">milliseconds</text>"""
        );
    }

    private static void Grid(StringBuilder text, Scale scale)
    {
        foreach (var size in Powers(scale.LeastSize, scale.MostSize))
        {
            var x = scale.X(size);
            Add(
                text,
                $"""<line class="grid" x1="{x:0.#}" y1="{Top}" x2="{x:0.#}" y2="{Bottom}"/>"""
            );
            Add(
                text,
                $"""<text x="{x:0.#}" y="{Bottom + 20}" text-anchor="middle">{size:#,0}</text>"""
            );
        }

        foreach (var time in Powers(scale.LeastTime, scale.MostTime))
        {
            var y = scale.Y(time);
            Add(
                text,
                $"""<line class="grid" x1="{Left}" y1="{y:0.#}" x2="{Right}" y2="{y:0.#}"/>"""
            );
            Add(
                text,
                $"""<text x="{Left - 8}" y="{y + 4:0.#}" text-anchor="end">{time:#,0.##}</text>"""
            );
        }
    }

    private static void Draw(StringBuilder text, Scale scale, Curve curve)
    {
        var places = curve.Points.Select(p =>
            FormattableString.Invariant($"{scale.X(p.QueueSize):0.#},{scale.Y(p.Milliseconds):0.#}")
        );
        Add(
            text,
            $"""<polyline class="curve{(curve.IsPeer ? " peer" : "")}" stroke="{curve.Colour}" points="{string.Join(' ', places)}"/>"""
        );
        foreach (var point in curve.Points)
        {
            Add(
                text,
                $"""<circle cx="{scale.X(point.QueueSize):0.#}" cy="{scale.Y(point.Milliseconds):0.#}" r="3" fill="{curve.Colour}"><title>{Escape(curve.Name)}, {point.QueueSize:#,0}: {point.Milliseconds:0.##} ms</title></circle>"""
            );
        }
    }

    /// <summary>Each curve's name stands at the right, as near to its end as the other names leave room.</summary>
    private static void Label(StringBuilder text, Scale scale, List<Curve> curves)
    {
        var ordered = curves.OrderBy(c => scale.Y(c.Points[^1].Milliseconds)).ToList();
        var places = ordered.Select(c => scale.Y(c.Points[^1].Milliseconds)).ToArray();
        for (var i = 1; i < places.Length; i++)
        {
            places[i] = Math.Max(places[i], places[i - 1] + LabelHeight);
        }

        if (places.Length > 0)
        {
            places[^1] = Math.Min(places[^1], Bottom);
        }

        for (var i = places.Length - 2; i >= 0; i--)
        {
            places[i] = Math.Min(places[i], places[i + 1] - LabelHeight);
        }

        for (var i = 0; i < places.Length; i++)
        {
            var (curve, y) = (ordered[i], places[i]);
            var end = curve.Points[^1];
            var (endX, endY) = (scale.X(end.QueueSize), scale.Y(end.Milliseconds));
            Add(
                text,
                $"""<line class="leader{(curve.IsPeer ? " peer" : "")}" stroke="{curve.Colour}" x1="{endX + 5:0.#}" y1="{endY:0.#}" x2="{Right + 16}" y2="{y:0.#}"/>"""
            );
            Add(text, $"""<circle cx="{Right + 20}" cy="{y:0.#}" r="4" fill="{curve.Colour}"/>""");
            Add(
                text,
                $"""<text x="{Right + 30}" y="{y + 4:0.#}">{Escape(curve.Name)}, {Show.Number(end.Milliseconds)} ms</text>"""
            );
        }
    }

    private static IEnumerable<double> Powers(double least, double most)
    {
        for (var power = least; power <= most * 1.001; power *= 10)
        {
            yield return power;
        }
    }

    private static void Add(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal);

    private sealed record Curve(string Name, int Number, IReadOnlyList<PlotPoint> Points)
    {
        public bool IsPeer => !Name.StartsWith("agentq", StringComparison.Ordinal);

        public string Colour => s_colours[Number % s_colours.Length];
    }

    /// <summary>Both axes reach from one power of ten to another.</summary>
    private sealed class Scale(IReadOnlyList<PlotPoint> points)
    {
        public double LeastSize { get; } = Floor(points.Min(p => p.QueueSize));

        public double MostSize { get; } = Ceiling(points.Max(p => p.QueueSize));

        public double LeastTime { get; } = Floor(points.Min(p => p.Milliseconds));

        public double MostTime { get; } = Ceiling(points.Max(p => p.Milliseconds));

        public double X(double size) => Left + (Right - Left) * Part(size, LeastSize, MostSize);

        public double Y(double time) => Bottom - (Bottom - Top) * Part(time, LeastTime, MostTime);

        private static double Part(double value, double least, double most) =>
            most > least ? Math.Log(value / least) / Math.Log(most / least) : 0.5;

        private static double Floor(double value) => Math.Pow(10, Math.Floor(Math.Log10(value)));

        private static double Ceiling(double value) =>
            Math.Pow(10, Math.Ceiling(Math.Log10(value)));
    }
}
