using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class DrainTests
{
    private readonly World _world = new();

    public DrainTests() => _world.Put(_world.NewTask("a"));

    [Fact]
    public void It_stands_from_its_beginning_to_its_end()
    {
        Assert.Null(Drain().Rules?.Parallel);
        Drain().Begin(new(3));
        Assert.Equal(3, Drain().Rules?.Parallel);
        Drain().Begin(new(1));
        Assert.Equal(1, Drain().Rules?.Parallel);
        Assert.True(Drain().End());
        Assert.Null(Drain().Rules?.Parallel);
        Assert.False(Drain().End());
    }

    [Theory]
    [InlineData("3 HERE\n", 3)]
    [InlineData("1 HERE", 1)]
    [InlineData("0 HERE\n", null)]
    [InlineData("-1 HERE\n", null)]
    [InlineData("x HERE\n", null)]
    [InlineData("99999999999 HERE\n", null)]
    [InlineData("3 other-host/other-boot/-\n", null)]
    [InlineData("3\n", null)]
    [InlineData("", null)]
    [InlineData("HERE\n", null)]
    [InlineData("3 HERE more\n", null)]
    public void Only_a_number_of_slots_on_this_machine_is_a_drain(string text, int? parallel)
    {
        _world.Disk.Plant(
            World.Root + "/.agents/run/drain",
            text.Replace("HERE", ProcessIdentity.ThisMachine, StringComparison.Ordinal)
        );
        Assert.Equal(parallel, Drain().Rules?.Parallel);
    }

    [Fact]
    public void It_is_deserted_while_no_supervisor_has_joined()
    {
        Assert.True(Drain().IsDeserted);
        using (Drain().TryJoin())
        using (var second = Drain().TryJoin())
        {
            Assert.NotNull(second);
            Assert.False(Drain().IsDeserted);
        }

        Assert.True(Drain().IsDeserted);
    }

    [Fact]
    public void The_first_supervisor_of_a_queue_joins_at_once()
    {
        using var joined = Drain().TryJoin();

        Assert.NotNull(joined);
        Assert.Equal(TimeSpan.Zero, _world.Time.Elapsed);
    }

    [Fact]
    public void Who_asks_whether_it_is_deserted_keeps_nobody_from_joining()
    {
        var alone = Alone();
        _world.Time.Plan(TimeSpan.FromMilliseconds(50), alone.Dispose);

        using var joined = Drain().TryJoin();

        Assert.NotNull(joined);
        Assert.InRange(_world.Time.Elapsed.TotalMilliseconds, 50, 60);
    }

    [Fact]
    public void Who_is_kept_out_for_ever_gives_up_after_a_second()
    {
        using var alone = Alone();

        Assert.Null(Drain().TryJoin());
        Assert.Equal(1000, _world.Time.Elapsed.TotalMilliseconds);
    }

    [Fact]
    public void There_is_one_keeper()
    {
        using (var keeper = Drain().TryKeep())
        {
            Assert.NotNull(keeper);
            Assert.Null(Drain().TryKeep());
        }

        using var next = Drain().TryKeep();
        Assert.NotNull(next);
    }

    private AgentQueue.Storage.HeldLock Alone() =>
        _world.Disk.Process("asks").TryLock(World.Root + "/.agents/run/supervisors", create: true)!;

    private Drain Drain() => new(_world.Open().Queue, QueueScope.None);
}
