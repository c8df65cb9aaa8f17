using AgentQueue.Events;
using AgentQueue.Storage;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Events;

public sealed class RuleMemoryTests
{
    private static readonly string[] s_both = ["a", "b"];
    private readonly World _world = new();
    private readonly QueueFolder _queue;

    public RuleMemoryTests()
    {
        _queue = _world.Open().Queue;
        _queue.Create();
        new EventLog(_queue).Create();
    }

    [Fact]
    public void A_join_fires_when_all_have_come_and_then_begins_anew()
    {
        Assert.False(Come("a", "1"));
        Assert.False(Come("a", "2"));
        Assert.True(Come("b", "3"));
        Assert.False(Come("b", "4"));
        Assert.True(Come("a", "5"));
    }

    [Fact]
    public void What_a_join_has_used_up_does_not_count_when_it_is_told_again()
    {
        Come("a", "1");
        Come("b", "2");

        Assert.False(Come("a", "1"));
        Assert.False(Come("b", "2"));
        Assert.False(Come("b", "3"));
    }

    [Fact]
    public void Moments_are_counted_on_the_clock_that_nobody_sets()
    {
        var memory = Read();
        Assert.Null(memory.SinceStart);
        memory.NoteStart();
        memory.Store();

        _world.Time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(TimeSpan.FromSeconds(5), Read().SinceStart);
        Assert.Null(Read().SinceEnd);
    }

    [Fact]
    public void A_file_that_somebody_else_wrote_means_that_nothing_is_remembered()
    {
        Come("a", "1");
        var file = Path.Join(_queue.Events, "rules", "agent.json");
        _queue.Unsynced.ReplaceUnsynced(file, "{\"machine\": 3}"u8.ToArray());

        Assert.Empty(Read().Joined);
        Assert.Null(Read().SinceStart);
    }

    private RuleMemory Read() => RuleMemory.Of(_queue, "agent", _world.Time);

    private bool Come(string name, string occurrence)
    {
        var memory = Read();
        var fires = memory.Join(s_both, [name], occurrence);
        if (fires)
        {
            memory.Fired(occurrence);
        }

        memory.Store();
        return fires;
    }
}
