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
        _list = new ReadyList(_world.Open().Queue, QueueScope.None, _world.Time);
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
        Plant($"{machine} {now + 1} {now + 900}\ntask_a 5 0\n=\n");
        Assert.Null(Take());
        Plant($"{machine} {now} {now + 900}\ntask_a 5 0\n=\n");
        Assert.Equal("task_a", Take());
    }

    [Theory]
    [InlineData("other-host/other-boot/- 0 99999999\ntask_a 5 0\n=\n")]
    [InlineData("HERE x 99999999\ntask_a 5 0\n=\n")]
    [InlineData("HERE 0 x\ntask_a 5 0\n=\n")]
    [InlineData("HERE 0\ntask_a 5 0\n=\n")]
    [InlineData("HERE 0 99999999\ntask_a 5 0\n")]
    [InlineData("HERE 0 99999999\n../a 5 0\n=\n")]
    [InlineData("HERE 0 99999999\n=\n")]
    [InlineData("")]
    [InlineData("=")]
    [InlineData("x")]
    [InlineData("HERE 0 99999999\ntask_a\n=\n")]
    [InlineData("HERE 0 99999999\ntask_a 5\n=\n")]
    [InlineData("HERE 0 99999999\ntask_a 5 -1\n=\n")]
    [InlineData("HERE 0 99999999\ntask_a five 0\n=\n")]
    public void What_is_not_whole_or_not_of_this_machine_has_nothing(string text)
    {
        Plant(text.Replace("HERE", ProcessIdentity.ThisMachine, StringComparison.Ordinal));
        Assert.Null(Take());
        _list.Forget();
    }

    [Fact]
    public void It_tells_who_waits_for_a_task_and_that_nobody_does()
    {
        Write(["a"], awaited: ["w", "v"]);

        Assert.Equal("task_after-w", Assert.Single(FreedBy("w")!).Value);
        Assert.Empty(FreedBy("w")!);
        Assert.Equal("task_after-v", Assert.Single(FreedBy("v")!).Value);
        Assert.Empty(FreedBy("other")!);
        _world.Time.Advance(TimeSpan.FromMilliseconds(1001));
        Assert.Null(FreedBy("other"));
    }

    [Fact]
    public void Who_waits_for_several_is_free_after_the_last_of_them()
    {
        _list.Write(
            [_world.NewTask("a")],
            new Dictionary<TaskId, List<TaskId>>
            {
                [Id("u")] = [Id("join"), Id("one")],
                [Id("v")] = [Id("join")],
                [Id("w")] = [Id("join")],
            },
            TimeSpan.Zero
        );

        Assert.Equal("task_one", Assert.Single(FreedBy("u")!).Value);
        Assert.Empty(FreedBy("w")!);
        Assert.Equal("task_a", Take());
        Assert.Equal("task_join", Assert.Single(FreedBy("v")!).Value);
    }

    [Fact]
    public void What_has_become_ready_comes_in_its_place_and_is_waited_for_no_more()
    {
        var a = _world.NewTask("a");
        var b = _world.NewTask("b") with { Priority = 9 };
        var c = _world.NewTask("c") with { CreatedAt = a.CreatedAt.AddSeconds(-1) };
        var d = _world.NewTask("d") with { CreatedAt = a.CreatedAt.AddSeconds(1) };
        _list.Write(
            [_world.NewTask("taken"), a],
            new Dictionary<TaskId, List<TaskId>> { [Id("w")] = [b.Id, c.Id, d.Id] },
            TimeSpan.Zero
        );
        Assert.Equal("task_taken", Take());

        Assert.Equal(3, FreedBy("w")!.Count);

        Assert.Equal(4, _list.Add([d, c, b]));

        Assert.Empty(FreedBy("w")!);
        Assert.Equal(
            ("task_b", "task_c", "task_a", "task_d", null),
            (Take(), Take(), Take(), Take(), Take())
        );
    }

    [Fact]
    public void Nothing_is_added_to_a_list_that_is_too_old()
    {
        Write(["a"], awaited: ["w"]);
        _world.Time.Advance(TimeSpan.FromMilliseconds(1001));

        Assert.Equal(0, _list.Add([_world.NewTask("b")]));
        Assert.Null(Take());
    }

    [Fact]
    public void Who_waits_is_known_also_while_nothing_is_ready()
    {
        Write([], awaited: ["w"]);

        Assert.Null(Take());
        Assert.Single(FreedBy("w")!);
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
    [InlineData(5000, true)]
    [InlineData(5001, false)]
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
            (awaited ?? []).ToDictionary(Id, static t => new List<TaskId> { Id("after-" + t) }),
            cost
        );

    private string? Take() => _list.Take()?.Value;

    private IReadOnlyList<TaskId>? FreedBy(string ended) => _list.FreedBy(Id(ended));

    private static TaskId Id(string token) => TaskId.Parse("task_" + token);

    private void Plant(string text) => _world.Disk.Plant(File, text);
}
