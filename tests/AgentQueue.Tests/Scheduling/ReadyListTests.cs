using AgentQueue.Processes;
using AgentQueue.Scheduling;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Scheduling;

public sealed class ReadyListTests
{
    private const string File = World.Root + "/.agents/run/ready";

    private readonly World _world = new();
    private readonly ReadyList _list;

    public ReadyListTests()
    {
        _world.Put(_world.NewTask("first"));
        // A monotonic clock that has run for a while, so that there is a before.
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        _list = new ReadyList(_world.Open().Queue, null, _world.Time);
    }

    [Fact]
    public void Each_task_is_taken_once_and_in_order()
    {
        Write(["a", "b", "c"]);

        Assert.Equal(("task_a", "task_b", "task_c"), (Take(), Take(), Take()));
        Assert.Null(Take());
        Assert.Null(Take());
    }

    [Fact]
    public void A_list_that_was_never_written_or_is_forgotten_has_nothing()
    {
        Assert.Null(Take());
        Write(["a"]);
        _list.Forget();
        Assert.Null(Take());
        _list.Forget();
    }

    [Fact]
    public void Nothing_that_is_ready_takes_the_place_of_an_older_list()
    {
        Write(["a"]);
        Write([]);
        Assert.False(_world.Disk.Has(File));
    }

    [Theory]
    [InlineData(0, 1000, true)]
    [InlineData(0, 1001, false)]
    [InlineData(50, 1000, true)]
    [InlineData(50, 1001, false)]
    [InlineData(51, 1020, true)]
    [InlineData(51, 1021, false)]
    [InlineData(200, 4000, true)]
    [InlineData(200, 4001, false)]
    public void It_is_good_for_a_second_or_twenty_times_what_the_look_took(
        int cost,
        int age,
        bool good
    )
    {
        Write(["a"], cost: TimeSpan.FromMilliseconds(cost));
        _world.Time.Advance(TimeSpan.FromMilliseconds(age));

        Assert.Equal(good ? "task_a" : null, Take());
    }

    [Fact]
    public void A_list_from_the_future_is_of_another_clock()
    {
        var machine = ProcessIdentity.ThisMachine;
        var now = (long)_world.Time.Elapsed.TotalMilliseconds;
        Plant($"{machine} {now + 1} {now + 900}\ntask_a\n=\n");
        Assert.Null(Take());
        Plant($"{machine} {now} {now + 900}\ntask_a\n=\n");
        Assert.Equal("task_a", Take());
    }

    [Theory]
    [InlineData("other-host/other-boot/- 0 99999999\ntask_a\n=\n")]
    [InlineData("HERE x 99999999\ntask_a\n=\n")]
    [InlineData("HERE 0 x\ntask_a\n=\n")]
    [InlineData("HERE 0\ntask_a\n=\n")]
    [InlineData("HERE 0 99999999\ntask_a\n")]
    [InlineData("HERE 0 99999999\n../a\n=\n")]
    [InlineData("HERE 0 99999999\n=\n")]
    [InlineData("")]
    [InlineData("=")]
    [InlineData("x")]
    public void What_is_not_whole_or_not_of_this_machine_has_nothing(string text)
    {
        Plant(text.Replace("HERE", ProcessIdentity.ThisMachine, StringComparison.Ordinal));
        Assert.Null(Take());
        _list.Forget();
    }

    [Fact]
    public void After_a_task_that_was_waited_for_only_a_look_at_everything_tells()
    {
        Write(["a", "b"], awaited: ["w", "v"]);

        Assert.Null(Take(ended: "w"));
        Assert.Null(Take(ended: "v"));
        Assert.Equal("task_a", Take(ended: "other"));
        Assert.Equal("task_b", Take());
    }

    [Fact]
    public void What_is_waited_for_is_never_taken_as_if_it_were_ready()
    {
        Write(["a"], awaited: ["w"]);

        Assert.Equal("task_a", Take());
        Assert.Null(Take());
    }

    [Fact]
    public void More_than_256_are_not_kept()
    {
        Write([.. Enumerable.Range(0, 300).Select(static i => $"{i:d3}")]);
        var taken = Enumerable.Range(0, 300).Select(_ => Take()).OfType<string>().ToList();

        Assert.Equal(256, taken.Count);
        Assert.Equal(("task_000", "task_255"), (taken[0], taken[^1]));
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    public void With_too_many_that_are_waited_for_there_is_no_list(int awaited, bool kept)
    {
        Write(["older"]);
        Write(["a"], [.. Enumerable.Range(0, awaited).Select(static i => $"w{i}")]);

        Assert.Equal(kept ? "task_a" : null, Take());
    }

    [Fact]
    public void A_full_disk_leaves_no_older_list_behind()
    {
        Write(["older"]);
        _world.Disk.Capacity = 0;
        Write(["a"]);
        _world.Disk.Capacity = long.MaxValue;

        Assert.Null(Take());
    }

    private void Write(string[] ready, string[]? awaited = null, TimeSpan cost = default) =>
        _list.Write(
            ready.Select(t => _world.NewTask(t)),
            (awaited ?? []).Select(static t => TaskId.Parse("task_" + t)).ToHashSet(),
            cost
        );

    private string? Take(string? ended = null) =>
        _list.Take(ended is null ? null : TaskId.Parse("task_" + ended))?.Value;

    private void Plant(string text) => _world.Disk.Plant(File, text);
}
