using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>F14: the wall clock jumps; what counts is the monotonic one.</summary>
[Trait("Fault", "F14")]
public sealed class ClockTests
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    public static TheoryData<string> Jumps => [.. s_jumps.Keys];

    private static readonly Dictionary<string, Action<FakeTime>> s_jumps = new()
    {
        ["an hour back"] = static t => t.SetWall(TimeSpan.FromHours(-1)),
        ["an hour ahead"] = static t => t.SetWall(TimeSpan.FromHours(1)),
        ["ten years back"] = static t => t.SetWall(TimeSpan.FromDays(-3653)),
        ["ten years ahead"] = static t => t.SetWall(TimeSpan.FromDays(3653)),
        ["a leap second"] = static t => t.SetWall(TimeSpan.FromSeconds(-1)),
        ["to the end of daylight saving time"] = static t =>
            t.SetWall(new DateTimeOffset(2026, 10, 25, 0, 59, 58, TimeSpan.Zero) - FakeTime.Start),
        ["slewed by 500 ppm"] = static t =>
        {
            for (var i = 1; i <= 100; i++)
            {
                t.Plan(
                    TimeSpan.FromMilliseconds(100 * i),
                    () => t.SetWall(TimeSpan.FromTicks(500))
                );
            }
        },
        ["there and back, over and over"] = static t =>
        {
            for (var i = 1; i <= 100; i++)
            {
                var by = TimeSpan.FromHours(i % 2 == 0 ? 5 : -5);
                t.Plan(TimeSpan.FromMilliseconds(100 * i), () => t.SetWall(by));
            }
        },
    };

    [Theory, MemberData(nameof(Jumps))]
    public void A_deadline_counts_on_the_monotonic_clock(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                foreach (var at in (double[])[0, 0.5, 3, 9.9])
                {
                    var world = new World();
                    var ended = TimeSpan.Zero;
                    world.Host.Script = _ =>
                        new FakeAgent().At(at, _ => Jump(world, jump)).Exit(1000);
                    world.Put(world.NewTask("a", WithTimeout));
                    var began = world.Time.Elapsed;
                    var task = world.Open().Supervise(TaskId.Parse("task_a"));
                    ended = world.Time.Elapsed - began;
                    Assert.Equal(
                        Reason.Timeout,
                        Assert.IsType<TaskState.Failed>(task!.State).Reason
                    );
                    Assert.InRange(
                        ended,
                        TimeSpan.FromSeconds(10),
                        TimeSpan.FromSeconds(10) + s_tick
                    );
                    Assert.False(Assert.Single(world.Host.Started).IsAlive);
                    fault.Injected();
                }
            }
        );

    [Theory, MemberData(nameof(Jumps))]
    public void A_quiet_agent_is_stalled_on_the_monotonic_clock(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                var world = new World();
                world.Host.Script = _ =>
                    new FakeAgent().Print(2).At(3, _ => Jump(world, jump)).Print(6).Exit(1000);
                world.Put(
                    world.NewTask("a", static t => t with { IdleTimeout = TimeSpan.FromSeconds(5) })
                );
                var task = world.Open().Supervise(TaskId.Parse("task_a"));
                Assert.Equal(Reason.Stalled, Assert.IsType<TaskState.Failed>(task!.State).Reason);
                Assert.InRange(
                    world.Time.Elapsed,
                    TimeSpan.FromSeconds(11),
                    TimeSpan.FromSeconds(11) + s_tick
                );
                fault.Injected();
            }
        );

    [Theory, MemberData(nameof(Jumps))]
    public void Nothing_is_ended_early(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                var world = new World();
                world.Host.Script = _ => new FakeAgent().At(1, _ => Jump(world, jump)).Exit(9.5);
                world.Put(world.NewTask("a", WithTimeout));
                world.Put(world.NewTask("b"));
                world.Open().Run.Fill(2);
                // Whoever else looks at the queue meanwhile ends nothing either.
                world.Time.Plan(
                    TimeSpan.FromSeconds(2),
                    () => world.Open("status").Reconciler.Reconcile(autoRetry: true)
                );
                world.Backend.LiveAll();
                Assert.Equal(2, world.Host.Started.Count);
                Assert.All(
                    (string[])["task_a", "task_b"],
                    id => Assert.IsType<TaskState.Complete>(world.Read(TaskId.Parse(id)).State)
                );
                fault.Injected();
            }
        );

    [Theory, MemberData(nameof(Jumps))]
    public void A_back_off_ends_and_is_retried_once(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                var world = new World();
                var runs = 0;
                world.Host.Script = _ => new FakeAgent().Exit(1, code: runs++ == 0 ? 3 : 0);
                world.Put(world.NewTask("a", static t => t with { AutoRetry = true }));
                world.Open().Run.Fill(1);
                world.Backend.LiveAll();
                Jump(world, jump);
                var began = world.Time.Elapsed;
                for (var i = 0; runs < 2 && i < 1000; i++)
                {
                    world.Time.Advance(TimeSpan.FromSeconds(1));
                    world.Open().Run.Fill(1);
                    world.Backend.LiveAll();
                }

                Assert.Equal(2, runs);
                Assert.InRange(
                    world.Time.Elapsed - began,
                    TimeSpan.Zero,
                    RetryPolicy.LongestBackoff + TimeSpan.FromSeconds(5)
                );
                world.Time.Advance(TimeSpan.FromDays(1));
                world.Open().Run.Fill(1);
                world.Backend.LiveAll();
                Assert.Equal(2, runs);
                fault.Injected();
            }
        );

    [Theory, MemberData(nameof(Jumps))]
    public void A_drain_waits_out_a_back_off(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                var world = new World();
                var runs = 0;
                world.Host.Script = _ => new FakeAgent().Exit(1, code: runs++ < 3 ? 3 : 0);
                world.Put(
                    world.NewTask("a", static t => t with { AutoRetry = true, MaxRetries = 5 })
                );
                world.Time.Plan(TimeSpan.FromSeconds(2.5), () => Jump(world, jump));
                world.Open().Run.BeginDrain(new(1));
                world.Backend.LiveAll();
                Assert.Equal(4, runs);
                Assert.InRange(world.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(15));
                fault.Injected();
            }
        );

    [Theory, MemberData(nameof(Jumps))]
    public void Tasks_start_in_the_order_of_their_creation_as_recorded(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                var world = new World();
                world.Time.TicksWhenLookedAt = true;
                var ids = new List<TaskId>();
                for (var i = 0; i < 6; i++)
                {
                    ids.Add(world.Open().NewTasks.Create(new NewTask("coder", $"{i}")).Id);
                    world.Time.Advance(TimeSpan.FromMilliseconds(200));
                    if (i == 2)
                    {
                        Jump(world, jump);
                    }
                }

                var expected = ids.Select(world.Read)
                    .OrderBy(static t => t.CreatedAt)
                    .ThenBy(static t => t.Id)
                    .Select(static t => t.Id);
                world.Open().Run.BeginDrain(new(1));
                world.Backend.LiveAll();
                Assert.Equal(expected, world.Host.Started.Select(static a => a.Task));
                Assert.Equal(6, ids.Distinct().Count());
                fault.Injected();
            }
        );

    [Fact]
    public void A_machine_that_slept_ends_nothing_for_the_time_that_it_slept() =>
        Fault.Inject(
            "F14",
            fault =>
            {
                // CLOCK_MONOTONIC stands still meanwhile, and so does the agent: only the wall clock has moved.
                var world = new World();
                world.Host.Script = _ =>
                    new FakeAgent().At(5, _ => world.Time.SetWall(TimeSpan.FromHours(9))).Exit(9);
                world.Put(world.NewTask("a", WithTimeout));
                var task = world.Open().Supervise(TaskId.Parse("task_a"));
                Assert.IsType<TaskState.Complete>(task!.State);
                fault.Injected();
            }
        );

    private static AgentTask WithTimeout(AgentTask task) =>
        task with
        {
            Timeout = TimeSpan.FromSeconds(10),
        };

    private static void Jump(World world, string jump) => s_jumps[jump](world.Time);
}
