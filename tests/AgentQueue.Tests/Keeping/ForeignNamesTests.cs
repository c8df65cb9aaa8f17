using AgentQueue.Config;
using AgentQueue.Keeping;

namespace AgentQueue.Tests.Keeping;

public class ForeignNamesTests
{
    [Theory]
    [InlineData("name with spaces", "name-with-spaces")]
    [InlineData("--- x ---", "x")]
    [InlineData("a::b", "a-b")]
    [InlineData("v1.2_x", "v1.2_x")]
    [InlineData("Übung", "bung")]
    [InlineData("日本", "command")]
    public void A_name_keeps_what_it_can(string command, string agent) =>
        Assert.Equal(agent, new ForeignNames([command]).AgentOf(command));

    [Fact]
    public void Long_names_that_begin_alike_stay_apart()
    {
        var one = new string('a', 70) + "1";
        var two = new string('a', 70) + "2";

        var names = new ForeignNames([one, two]);

        Assert.Equal((64, 64), (names.AgentOf(one).Length, names.AgentOf(two).Length));
        Assert.NotEqual(names.AgentOf(one), names.AgentOf(two));
    }

    [Theory]
    [InlineData("command_started:a b", "task_started:a-b")]
    [InlineData("command_success:a b", "task_success:a-b")]
    [InlineData("command_failed:c", "task_failed:c")]
    [InlineData("command_cancelled:not imported", "task_cancelled:not imported")]
    [InlineData("command_finished:a b", "task_finished:a-b")]
    [InlineData("command_sucess:a b", "command_sucess:a b")]
    [InlineData("a b", "a b")]
    public void An_event_of_a_command_is_one_of_its_agent(string there, string here) =>
        Assert.Equal(here, new ForeignNames(["a b", "c"]).EventOf(there));

    [Fact]
    public void A_name_that_needs_no_other_keeps_it_whatever_stands_before_it()
    {
        var names = new ForeignNames(["a b", "a-b", "a:b"]);

        Assert.Equal(
            ["a-b-2", "a-b", "a-b-3"],
            new[] { "a b", "a-b", "a:b" }.Select(names.AgentOf)
        );
        Assert.All(["a-b-2", "a-b-3"], n => Assert.True(AgentConfig.IsName(n)));
    }
}
