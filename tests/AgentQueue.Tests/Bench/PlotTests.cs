using System.Xml.Linq;
using AgentQueue.Bench;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Bench;

public sealed class PlotTests
{
    private static readonly PlotPoint[] s_points =
    [
        new("agentq status", 10, 4),
        new("agentq status", 1_000, 12.345),
        new("agentq status", 10_000, 70),
        new("agentq start", 10, 5),
        new("agentq start", 10_000, 5.5),
        new("a < b & c, list", 1_000, 0.5),
        new("a < b & c, list", 10_000, 5.4),
    ];

    [Fact]
    public void The_same_points_make_the_same_picture() => Snapshot.Verify(Plot.Svg(s_points));

    [Fact]
    public void It_is_well_formed_whatever_a_line_is_called()
    {
        var texts = XDocument.Parse(Plot.Svg(s_points)).Descendants().Select(e => e.Value);

        Assert.Contains(texts, t => t.StartsWith("a < b & c, list", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_at_the_right_never_cover_each_other()
    {
        var crowd = Enumerable
            .Range(0, 12)
            .SelectMany(i =>
                new[] { new PlotPoint($"l{i}", 10, 5 + i), new PlotPoint($"l{i}", 100, 9.99) }
            );

        var places = XDocument
            .Parse(Plot.Svg([.. crowd]))
            .Descendants()
            .Where(e => e.Name.LocalName == "text" && e.Value.StartsWith('l'))
            .Select(e => (double)e.Attribute("y")!)
            .Order()
            .ToList();

        Assert.Equal(12, places.Count);
        Assert.All(places.Zip(places.Skip(1)), pair => Assert.True(pair.Second - pair.First > 14));
    }

    [Fact]
    public void A_single_point_can_be_drawn() =>
        XDocument.Parse(Plot.Svg([new PlotPoint("agentq status", 10, 10)]));
}
