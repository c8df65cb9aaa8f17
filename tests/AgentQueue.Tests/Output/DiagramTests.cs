using System.Globalization;
using System.Xml.Linq;
using AgentQueue.Cli.Output;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Output;

public sealed class DiagramTests
{
    private static Box Box(string key, params string[] after) =>
        new(key, ["does it"], BoxState.Planned, [.. after.Select(static a => (a, ""))]);

    private static readonly Box[] s_release =
    [
        Box("lint"),
        Box("build"),
        Box("test", "build"),
        new("pack", ["tar"], BoxState.Complete, [("test", ""), ("lint", "")]),
        new("report", ["mail"], BoxState.Skipped, [("test", "afternotok")]),
    ];

    // What ends quotes, lines, markup or a comment in one of the three languages.
    private static readonly Box s_hostile = new(
        "a\"]; click x \"javascript:alert(1)\"",
        ["</text><script>x</script>&amp; --> \\\" \u001b[31m\nend"],
        BoxState.Failed,
        []
    );

    [Fact]
    public void In_mermaid_every_box_has_its_state_and_every_arrow_its_word() =>
        Snapshot.Verify(string.Join('\n', Diagram.Mermaid(s_release)));

    [Fact]
    public void In_dot_they_have_the_same() =>
        Snapshot.Verify(string.Join('\n', Diagram.Dot(s_release)));

    [Fact]
    public void As_a_picture_each_box_stands_right_of_what_it_waits_for()
    {
        var places = PlacesIn(s_release);
        foreach (var box in s_release)
        {
            foreach (var (key, _) in box.After)
            {
                Assert.True(places[box.Key].X > places[key].X, $"{box.Key} after {key}");
            }
        }

        Assert.Equal(places.Count, places.Values.Distinct().Count());
    }

    [Fact]
    public void The_boxes_of_a_column_stand_in_the_order_of_what_they_follow()
    {
        // Drawn as they come, the arrows of the second column would all cross.
        Box[] boxes =
        [
            Box("a"),
            Box("b"),
            Box("c"),
            Box("of-c", "c"),
            Box("of-b", "b"),
            Box("of-a", "a"),
        ];
        var places = PlacesIn(boxes);
        Assert.Equal(
            ["of-a", "of-b", "of-c"],
            places
                .Where(static p => p.Key.Length > 1)
                .OrderBy(static p => p.Value.Y)
                .Select(static p => p.Key)
        );
    }

    [Fact]
    public void Hostile_texts_are_texts_in_every_language()
    {
        var mermaid = Diagram.Mermaid([s_hostile]).ToList();
        Assert.Equal(3, mermaid.Count);
        Assert.Equal(2, mermaid[1].Count(static c => c == '"'));
        var dot = string.Join('\n', Diagram.Dot([s_hostile]));
        Assert.Contains("a\\\"]; click x \\\"javascript", dot, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", dot, StringComparison.Ordinal);
        var picture = Picture([s_hostile]);
        Assert.DoesNotContain(picture.Descendants(), static e => e.Name.LocalName == "script");
    }

    [Fact]
    public void A_chain_of_a_thousand_and_a_fan_of_a_hundred_are_pictures_too()
    {
        Box[] chain =
        [
            .. Enumerable
                .Range(0, 1000)
                .Select(static i => i == 0 ? Box("t0") : Box(Name(i), Name(i - 1))),
        ];
        Assert.Equal(1000, PlacesIn(chain).Values.Select(static p => p.X).Distinct().Count());
        Box[] fan =
        [
            Box("t0"),
            .. Enumerable.Range(1, 100).Select(static i => Box(Name(i), "t0")),
            Box("end", [.. Enumerable.Range(1, 100).Select(Name)]),
        ];
        Assert.Equal(3, PlacesIn(fan).Values.Select(static p => p.X).Distinct().Count());

        static string Name(int i) => string.Create(CultureInfo.InvariantCulture, $"t{i}");
    }

    private static XElement Picture(IReadOnlyList<Box> boxes) =>
        XElement.Parse(string.Join('\n', DiagramPicture.Svg(boxes)));

    private static Dictionary<string, (double X, double Y)> PlacesIn(IReadOnlyList<Box> boxes)
    {
        XNamespace svg = "http://www.w3.org/2000/svg";
        return Picture(boxes)
            .Elements(svg + "g")
            .ToDictionary(
                g => g.Element(svg + "title")!.Value.Split('\n')[0],
                static g =>
                {
                    var at = g.Attribute("transform")!.Value["translate(".Length..^1].Split(' ');
                    return (
                        double.Parse(at[0], CultureInfo.InvariantCulture),
                        double.Parse(at[1], CultureInfo.InvariantCulture)
                    );
                }
            );
    }
}
