using System.Text.Json;

namespace AgentQueue.EndToEnd.Agents;

/// <summary>What all tasks together have used.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly Sandbox _box = new();
    private readonly FakeCli _claude;

    public UsageTests() => _claude = new FakeCli(_box, "claude");

    public void Dispose() => _box.Dispose();

    [Fact]
    public void Tasks_are_added_up_by_what_they_have_in_common()
    {
        _claude.Plays(ClaudeLine.Run("Done."));
        Work("--label", "area=parser", "--label", "size=small");
        Work("--label", "area=parser");
        Work();

        var byLabel = Usage("--by", "label");

        Assert.Equal(
            ["area=parser: 2 0.10", "size=small: 1 0.05", ": 1 0.05"],
            byLabel
                .GetProperty("groups")
                .EnumerateArray()
                .Select(static g =>
                    $"{g.GetProperty("key").GetString()}: {g.GetProperty("tasks")} {g.GetProperty("costUsd")}"
                )
        );
        // A task with two labels is one task.
        var total = byLabel.GetProperty("total");
        Assert.Equal(3, total.GetProperty("tasks").GetInt32());
        Assert.Equal(3000, total.GetProperty("tokens").GetProperty("input").GetInt32());
        Assert.Equal("model-1", Keys(Usage("--by", "model")));
        Assert.Equal("claude", Keys(Usage()));
        Assert.Equal(
            2,
            Usage("--label", "area=parser").GetProperty("total").GetProperty("tasks").GetInt32()
        );
    }

    [Fact]
    public void A_cost_that_is_not_known_is_named_and_not_counted_as_nothing()
    {
        _claude.Plays(ClaudeLine.Run("Done.", cost: null));
        Work();
        Assert.Matches("(?m)^[|] claude .*[|] - [|] 2 ", _box.Run("usage").Gives(0).Out);

        _claude.Plays(ClaudeLine.Run("Done.", cost: 0.25m));
        Work();
        Assert.Contains("$0.25 + 1 unknown", _box.Run("usage").Gives(0).Out);
    }

    [Fact]
    public void What_was_used_stays_known_when_the_task_is_gone()
    {
        _claude.Plays(ClaudeLine.Run("Done."));
        Work();
        _box.Run("clean", "all", "--yes").Gives(0);
        Assert.Empty(_box.Ids);

        Assert.Contains("$0.05", _box.Run("usage", "--since", "1h").Gives(0).Out);
        var none = _box.Run("usage", "--since", "2100-01-01").Gives(0);
        Assert.Empty(none.Out);
        Assert.Contains("--since wants", _box.Run("usage", "--since", "yesterday").Gives(2).Err);
    }

    [Fact]
    public void A_queue_in_which_nobody_told_anything_says_so()
    {
        var none = _box.Run("usage").Gives(0);
        Assert.Empty(none.Out);
        Assert.Contains("No task has told", none.Err);
        Assert.Equal(0, Usage().GetProperty("total").GetProperty("tasks").GetInt32());
    }

    private void Work(params string[] options) =>
        _box.Run(["start", "claude", "Do it", "--wait", .. options]).Gives(0);

    private JsonElement Usage(params string[] options) =>
        _box.Run(["usage", "--json", .. options]).Gives(0).Json;

    private static string Keys(JsonElement usage) =>
        string.Join(
            ' ',
            usage
                .GetProperty("groups")
                .EnumerateArray()
                .Select(static g => g.GetProperty("key").GetString())
        );
}
