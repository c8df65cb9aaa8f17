using System.Globalization;
using AgentQueue.EndToEnd.Plans;
using static AgentQueue.EndToEnd.Events.EventBox;

namespace AgentQueue.EndToEnd.Events;

/// <summary>How many of an agent's ended tasks are kept that events started.</summary>
public sealed class RetentionTests
{
    [Theory]
    [InlineData("", "\"keepHistory\": 2", "2 3")]
    [InlineData("", "\"keepHistory\": 1", "3")]
    [InlineData("", "\"keepHistory\": -1", "0 1 2 3")]
    [InlineData("", "", "0 1 2 3")]
    [InlineData("\"keepHistory\": 2,", "", "2 3")]
    [InlineData("\"keepHistory\": 1,", "\"keepHistory\": 3", "1 2 3")]
    [InlineData("\"keepHistory\": 1,", "\"keepHistory\": -1", "0 1 2 3")]
    public void The_newest_are_kept_and_so_many(string ofProject, string ofAgent, string kept)
    {
        using var box = new Sandbox();
        string[] more = ofAgent.Length > 0 ? [Triggers("go"), ofAgent] : [Triggers("go")];
        box.Rules(Job("a", "echo {{ n }}", more), ofProject);

        for (var i = 0; i < 4; i++)
        {
            box.TriggerWhole("go", "--var", string.Create(CultureInfo.InvariantCulture, $"n={i}"));
        }

        box.Settles();
        Assert.Equal(kept, string.Join(' ', box.TasksOf("a").Select(t => box.Log(t.Id).Trim())));
        Assert.Equal(
            box.Ids,
            Directory
                .EnumerateFiles(Path.Join(box.Queue, "logs"), "*.log")
                .Select(static f => Path.GetFileNameWithoutExtension(f))
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void With_none_to_keep_the_last_goes_when_the_next_has_begun()
    {
        using var box = new Sandbox();
        box.Rules(Job("a", "true", Triggers("go"), "\"keepHistory\": 0"));
        box.TriggerWhole("go");
        box.TriggerWhole("go");
        box.Settles();
        var last = box.Happened("go")[1].Started[0];

        Assert.All(box.Ids, id => Assert.Equal(last, id));
    }

    [Fact]
    public void Nothing_goes_before_the_new_one_has_truly_begun()
    {
        using var box = new Sandbox();
        box.Rules(
            Job(
                "a",
                $"test {{{{ n }}}} = 1 || {box.Gate()}",
                Triggers("go"),
                "\"keepHistory\": 1, \"onRetrigger\": \"queue\""
            )
        );
        box.TriggerWhole("go", "--var", "n=1");
        var first = box.Ids[0];

        // It has no value for its script, so it never begins.
        box.TriggerWhole("go");
        Assert.Equal("complete failed", box.StatesOf("a"));

        box.Trigger("go", "--var", "n=2");
        var second = box.Runs("a");
        Eventually.Holds(() => !box.Ids.Contains(first), "the first goes when the next runs", 60);
        box.Trigger("go", "--var", "n=3");
        box.Trigger("go", "--var", "n=4");
        Assert.Contains(second, box.Ids);
        Assert.Equal(2, box.TasksOf("a").Count(static t => t.Status == "pending"));
        box.Open();
        box.Settles();
        Assert.Equal("4", box.Happened("go")[^1].Variable("n"));
        Assert.Equal([box.Happened("go")[^1].Started[0]], box.Ids);
    }

    [Fact]
    public void What_something_depends_on_and_what_a_person_started_stays()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go"), "\"keepHistory\": 1")
                + ","
                + Job("b", "true", Triggers("go"))
        );
        var mine = box.Run("start", "a", "x", "--quiet").Gives(0).Text;
        box.Run("run", mine, "--wait").Gives(0);
        box.TriggerWhole("go");
        var needed = box.TasksOf("a")[^1].Id;
        box.Enqueue("true", "--depends-on", needed, "--hold");

        for (var i = 0; i < 3; i++)
        {
            box.TriggerWhole("go");
        }

        Assert.Equal(4, box.TasksOf("b").Count);
        Assert.Equal(
            [mine, needed, box.Happened("go")[^1].Started[0]],
            box.TasksOf("a").Select(static t => t.Id)
        );
    }

    [Fact]
    public void What_follows_from_one_that_goes_still_happens_once()
    {
        using var box = new Sandbox();
        box.Rules(
            Job("a", "true", Triggers("go"), "\"keepHistory\": 1, \"onRetrigger\": \"queue\"")
                + ","
                + Job(
                    "b",
                    $"echo {{{{ task }}}} >> {box.Notes()}",
                    Triggers("task_success:a"),
                    "\"keepHistory\": 1, \"onRetrigger\": \"queue\""
                )
        );
        for (var i = 0; i < 5; i++)
        {
            box.Trigger("go");
        }

        box.Settles();
        for (var i = 0; i < 2; i++)
        {
            box.Run("status").Gives(0);
        }

        Assert.Equal(5, box.Noted().Length);
        Assert.Equal(5, box.Noted().Distinct().Count());
        Assert.Single(box.TasksOf("a"));
    }
}
