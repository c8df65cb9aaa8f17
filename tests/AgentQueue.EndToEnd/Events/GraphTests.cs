using System.Xml.Linq;
using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

/// <summary>What would follow from what, shown without doing it.</summary>
public sealed class GraphTests
{
    private static readonly string s_rules = string.Join(
        ",",
        Job("lint", "true", Triggers("saved", "lint"), "\"cancelOn\": [\"typing\"]"),
        Job("test", "true", Triggers("task_success:lint"), "\"onRetrigger\": \"ignore\""),
        Job("tell", "true", Triggers("task_failed:*")),
        Job("ship", "true", "\"allOf\": [\"task_success:test\", \"approved\"], \"debounceMs\": 50")
    );

    [Fact]
    public void The_rules_are_a_table_for_people_and_a_list_for_programs()
    {
        using var box = new Sandbox();
        box.Rules(s_rules);

        Assert.Equal(
            [
                "approved joins ship",
                "lint starts lint",
                "saved starts lint",
                "task_failed:* starts tell",
                "task_success:lint starts test",
                "task_success:test joins ship",
                "typing cancels lint",
            ],
            Rules(box)
        );
        Assert.Equal(["task_failed:* starts tell"], Rules(box, "task_failed:lint"));
        Assert.Equal(["saved starts lint"], Rules(box, "saved"));
        Assert.Empty(Rules(box, "unheard"));
        Assert.Equal(8, box.Run("triggers").Gives(0).Lines.Count(static l => !l.Contains("---")));
        Assert.Contains("'saved'", box.Run("triggers", "savd").Gives(0).Err);
        box.Run("triggers", "sa\nved").Gives(2);
    }

    [Fact]
    public void A_tree_tells_what_would_follow_and_where_it_would_go_round()
    {
        using var box = new Sandbox();
        box.Rules(s_rules + "," + Job("again", "true", Triggers("task_success:again", "loop")));

        var whole = box.Run("triggers", "--graph", "tree").Gives(0).Out;
        foreach (var agent in new[] { "lint", "test", "tell", "ship", "again" })
        {
            Assert.Contains(agent, whole);
        }

        var saved = box.Run("triggers", "--graph", "tree", "saved").Gives(0).Lines;
        Assert.Equal("saved", saved[0]);
        Assert.Equal("└─ starts lint", saved[1]);
        Assert.Contains("   ├─ starts test  (task_success:lint)", saved);
        Assert.DoesNotContain(saved, static l => l.Contains("again", StringComparison.Ordinal));
        Assert.Contains(
            "it would go round",
            box.Run("triggers", "--graph", "tree", "loop").Gives(0).Out
        );
        Assert.Empty(box.Ids);
        Assert.Empty(box.Happened());
    }

    [Fact]
    public void A_picture_is_xml_and_names_every_agent_and_event_from_outside()
    {
        using var box = new Sandbox();
        box.Rules(s_rules);

        var words = Words(box);

        foreach (
            var word in new[]
            {
                "saved",
                "typing",
                "approved",
                "agent lint",
                "agent test",
                "agent tell",
                "agent ship",
            }
        )
        {
            Assert.Contains(word, words);
        }

        Assert.DoesNotContain("agent ship", Words(box, "task_failed:x"));
    }

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("a & b ]]> --> <!-- \"quoted\" 'x'")]
    [InlineData("\"]; drop; %% [\" (x) {y} |z|")]
    [InlineData("ünï \u202e \ud83d\ude00 ｆｕｌｌ")]
    public void A_name_cannot_break_out_of_a_picture(string name)
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers(name), "\"description\": " + Quoted(name)));

        Assert.Contains("agent a", Words(box));
        Assert.Contains("agent a", Words(box, name));
        var mermaid = box.Run("triggers", "--graph", "mermaid").Gives(0).Lines;
        Assert.StartsWith("graph ", mermaid[0]);
        Assert.All(mermaid[1..], static l => Assert.StartsWith("  ", l));
        Assert.All(
            mermaid.Where(static l => l.Contains("[\"", StringComparison.Ordinal)),
            static l => Assert.Equal(2, l.Count(static c => c == '"'))
        );
        Assert.DoesNotContain("<script", string.Concat(mermaid));
    }

    [Fact]
    public void A_configuration_without_rules_makes_an_empty_picture()
    {
        using var box = new Sandbox();
        box.Rules("\"a\": { \"command\": \"sh\", \"args\": [\"-c\", \"{prompt}\"] }");

        Words(box);
        box.Run("triggers", "--graph", "mermaid").Gives(0);
        box.Run("triggers", "--graph", "tree").Gives(0);
        Assert.Empty(Rules(box));
        Assert.Contains("triggers", box.Run("triggers").Gives(0).Err);
        Assert.Contains("'svgg'", box.Run("triggers", "--graph", "svgg").Gives(2).Err);
    }

    private static IEnumerable<string> Rules(Sandbox box, params string[] more) =>
        box.Run(["triggers", "--json", .. more])
            .Gives(0)
            .Json.GetProperty("rules")
            .EnumerateArray()
            .Select(static r =>
                $"{r.GetProperty("event").GetString()} {r.GetProperty("does").GetString()} {r.GetProperty("agent").GetString()}"
            );

    // Fails if it is not well-formed.
    private static List<string> Words(Sandbox box, params string[] more)
    {
        var root = XDocument
            .Parse(box.Run(["triggers", "--graph", "svg", .. more]).Gives(0).Out)
            .Root!;
        Assert.Equal("svg", root.Name.LocalName);
        Assert.DoesNotContain(root.Descendants(), static e => e.Name.LocalName == "script");
        return
        [
            .. root.Descendants()
                .Where(static e => e.Name.LocalName == "text")
                .Select(static e => e.Value),
        ];
    }
}
