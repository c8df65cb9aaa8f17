using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Tasks;

public sealed class TaskIdTests
{
    [Fact]
    [Trait("Fault", "S1")]
    public void What_is_not_an_id_is_refused() =>
        Fault.Inject(
            "S1",
            fault =>
            {
                Assert.True(HostileIds.Corpus.Length >= 60);
                foreach (var text in HostileIds.Corpus)
                {
                    fault.Injected();
                    Assert.False(TaskId.TryParse(text, out var id), text);
                    Assert.Equal(default, id);
                    Assert.Throws<FormatException>(() => TaskId.Parse(text));
                }
            }
        );

    [Theory]
    [InlineData("task_1737000000000")]
    [InlineData("task_a")]
    [InlineData("task_-")]
    [InlineData("task_A-z0")]
    [InlineData("task_01j9x2c4kqm7ab")]
    public void Ids_of_this_tool_and_of_older_ones_are_read_as_they_stand(string text) =>
        Assert.Equal(text, TaskId.Parse(text).Value);

    [Fact]
    public void The_longest_token_has_59_characters() =>
        Assert.True(TaskId.TryParse("task_" + new string('z', 59), out _));

    [Theory]
    [InlineData("task_", true)]
    [InlineData("task_ab", true)]
    [InlineData("ab", true)]
    [InlineData("1", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("..", false)]
    [InlineData("a/b", false)]
    [InlineData("a.done", false)]
    [InlineData("*", false)]
    public void A_part_of_an_id_holds_nothing_that_an_id_cannot(string? text, bool isPart) =>
        Assert.Equal(isPart, TaskId.IsPart(text));

    [Fact]
    public void A_part_longer_than_an_id_is_none() =>
        Assert.False(TaskId.IsPart(new string('a', 65)));

    [Fact]
    public void New_ids_are_read_back()
    {
        for (var i = 0; i < 200; i++)
        {
            var id = TaskId.New(FakeTime.Start.AddMilliseconds(i));
            Assert.Equal(id, TaskId.Parse(id.Value));
            Assert.Equal(19, id.Value.Length);
        }
    }

    [Fact]
    public void New_ids_sort_by_the_time_they_were_made()
    {
        var times = new[]
        {
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddMilliseconds(31),
            DateTimeOffset.UnixEpoch.AddMilliseconds(32),
            DateTimeOffset.UnixEpoch.AddMilliseconds(1 << 20),
            FakeTime.Start,
            FakeTime.Start.AddMilliseconds(1),
            FakeTime.Start.AddYears(500),
        };
        var ids = times.Select(TaskId.New).ToList();
        Assert.Equal(ids, ids.Order());
    }

    [Fact]
    public void Ids_of_one_millisecond_hardly_ever_meet()
    {
        // 25 random bits: among 500 of the same millisecond a pair is expected once in 270 tries.
        var ids = Enumerable.Range(0, 500).Select(_ => TaskId.New(FakeTime.Start)).ToHashSet();
        Assert.InRange(ids.Count, 497, 500);
    }

    [Fact]
    public void A_series_ascends_in_the_order_of_the_batch_and_never_repeats()
    {
        for (var round = 0; round < 20; round++)
        {
            var ids = TaskId.NewSeries(FakeTime.Start, 1000);
            Assert.Equal(ids, ids.Order());
            Assert.Equal(1000, ids.Distinct().Count());
            Assert.All(ids, static id => Assert.Equal(19, id.Value.Length));
        }
    }

    [Fact]
    public void Case_matters() => Assert.NotEqual(TaskId.Parse("task_a"), TaskId.Parse("task_A"));

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void A_part_is_at_most_as_long_as_the_longest_id(int length, bool isPart) =>
        Assert.Equal(isPart, TaskId.IsPart(new string('a', length)));

    [Fact]
    public void Two_batches_of_the_same_millisecond_hardly_ever_share_an_id()
    {
        // 24 random bits for the first id of each: 50 such ids meet once in 13,000 tries.
        var firsts = Enumerable
            .Range(0, 50)
            .Select(_ => TaskId.NewSeries(FakeTime.Start, 1)[0])
            .ToHashSet();
        Assert.InRange(firsts.Count, 49, 50);
    }

    [Fact]
    public void A_batch_begins_in_the_lower_half_so_that_its_end_never_wraps_around()
    {
        for (var round = 0; round < 50; round++)
        {
            var random = TaskId.NewSeries(FakeTime.Start, 1)[0].Value[^5..];
            Assert.InRange(random[0], '0', 'f');
        }
    }
}
