using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;
using TaskStatus = AgentQueue.Tasks.TaskStatus;

namespace AgentQueue.Tests.Scheduling;

public sealed class StatusFilterTests
{
    private static readonly AgentTask s_task = TimedQueue.Pending(1) with
    {
        Agent = "coder",
        Labels = TimedQueue.Pending(1).Labels.Add("area", "parser").Add("team", "red"),
    };

    [Fact]
    public void Nothing_asked_for_is_anything()
    {
        Assert.True(Matches(new StatusFilter()));
        Assert.False(new StatusFilter().NeedsFile);
        Assert.All(
            Enum.GetValues<TaskStatus>(),
            static s => Assert.True(new StatusFilter().MayMatch(s))
        );
    }

    [Fact]
    public void An_id_an_agent_or_a_state_leaves_out_all_others()
    {
        Assert.True(Matches(new StatusFilter { Ids = [TimedQueue.Id(1), TimedQueue.Id(2)] }));
        Assert.False(Matches(new StatusFilter { Ids = [TimedQueue.Id(2)] }));
        Assert.True(Matches(new StatusFilter { Agents = ["coder", "tester"] }));
        Assert.False(Matches(new StatusFilter { Agents = ["tester"] }));
        Assert.True(Matches(new StatusFilter { States = [StateView.Pending, StateView.Failed] }));
        Assert.False(Matches(new StatusFilter { States = [StateView.Failed] }));
    }

    [Fact]
    public void All_of_the_labels_must_be_there_with_their_values()
    {
        Assert.True(Matches(Labels(("area", "parser"))));
        Assert.True(Matches(Labels(("area", "parser"), ("team", "red"))));
        Assert.False(Matches(Labels(("area", "parser"), ("team", "blue"))));
        Assert.False(Matches(Labels(("area", "lexer"), ("team", "red"))));
        Assert.False(Matches(Labels(("other", "parser"))));
    }

    [Fact]
    public void Every_condition_must_hold()
    {
        var all = Labels(("area", "parser")) with
        {
            Ids = [TimedQueue.Id(1)],
            Agents = ["coder"],
            States = [StateView.Pending],
        };
        Assert.True(Matches(all));
        Assert.False(Matches(all with { Ids = [TimedQueue.Id(2)] }));
        Assert.False(Matches(all with { Agents = ["tester"] }));
        Assert.False(Matches(all with { States = [StateView.Held] }));
        Assert.False(Matches(Labels(("area", "x")) with { Agents = ["coder"] }));
    }

    [Fact]
    public void Held_and_waiting_are_pending_too()
    {
        var held = View(new TaskState.Pending(Held: true));
        var waiting = View(new TaskState.Pending()) with
        {
            Readiness = new Readiness.Waiting([TimedQueue.Id(2)]),
        };
        foreach (
            var (view, state, matches) in new[]
            {
                (held, StateView.Held, true),
                (held, StateView.Waiting, false),
                (held, StateView.Pending, true),
                (waiting, StateView.Waiting, true),
                (waiting, StateView.Held, false),
                (waiting, StateView.Pending, true),
                (waiting, StateView.Running, false),
            }
        )
        {
            Assert.Equal(matches, new StatusFilter { States = [state] }.Matches(view));
        }
    }

    [Fact]
    public void An_agent_or_a_label_stands_only_in_the_file()
    {
        Assert.True(new StatusFilter { Agents = ["coder"] }.NeedsFile);
        Assert.True(Labels(("area", "parser")).NeedsFile);
        Assert.False(
            new StatusFilter { Ids = [TimedQueue.Id(1)], States = [StateView.Held] }.NeedsFile
        );
    }

    [Theory]
    [InlineData("held", true)]
    [InlineData("failed", true)]
    [InlineData("pending", false)]
    [InlineData("waiting", false)]
    [InlineData("new", false)]
    [InlineData("", false)]
    public void A_word_is_named_if_its_state_is_asked_for(string word, bool named) =>
        Assert.Equal(
            named,
            new StatusFilter { States = [StateView.Held, StateView.Failed] }.Names(word)
        );

    [Fact]
    public void The_first_word_of_all_is_named_like_the_others() =>
        Assert.True(new StatusFilter { States = [StateView.Pending] }.Names("pending"));

    [Fact]
    public void Without_a_wish_the_next_hundred_and_the_newest_twenty_are_shown()
    {
        Assert.Equal((100, 20), Most(new StatusFilter(), unfinished: 50));
        Assert.Equal((int.MaxValue, int.MaxValue), Most(new StatusFilter { All = true }, 50));
        Assert.Equal(
            (int.MaxValue, int.MaxValue),
            Most(new StatusFilter { Ids = [TimedQueue.Id(1)] }, 50)
        );
    }

    [Theory]
    [InlineData(0, 7)]
    [InlineData(3, 4)]
    [InlineData(7, 0)]
    [InlineData(8, 0)]
    public void A_limit_leaves_for_the_ends_what_the_unfinished_leave(int unfinished, int ends)
    {
        Assert.Equal((7, ends), Most(new StatusFilter { Limit = 7 }, unfinished));
        Assert.Equal((7, ends), Most(new StatusFilter { Limit = 7, All = true }, unfinished));
    }

    private static (int, int) Most(StatusFilter filter, int unfinished) =>
        (filter.MostUnfinished, filter.MostFinished(unfinished));

    private static bool Matches(StatusFilter filter) =>
        filter.Matches(new TaskView(s_task, TimedQueue.Now));

    private static TaskView View(TaskState state) =>
        new(s_task with { State = state }, TimedQueue.Now);

    private static StatusFilter Labels(params (string Key, string Value)[] labels) =>
        new()
        {
            Labels = labels.Aggregate(
                new StatusFilter().Labels,
                static (all, l) => all.Add(l.Key, l.Value)
            ),
        };
}
