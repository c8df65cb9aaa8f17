using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Simulation;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// F19: <c>timeout extend</c> meets the deadline. Whoever was told that the time is extended has it; whoever
/// was refused finds a task that ran out of time; there is nothing in between.
/// </summary>
[Trait("Fault", "F19")]
public sealed class ExtensionRaceTests
{
    private static readonly TaskId s_id = TaskId.Parse("task_a");
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_more = TimeSpan.FromSeconds(30);

    [Fact]
    public void Around_the_deadline_it_counts_or_comes_too_late() =>
        Fault.Inject(
            "F19",
            fault =>
            {
                var outcomes = new HashSet<bool>();
                for (var micros = -5_000; micros <= 5_000; micros += 100)
                {
                    outcomes.Add(Race(TimeSpan.FromMicroseconds(micros), seed: 0));
                    fault.Injected();
                }

                Assert.Equal(2, outcomes.Count);
            }
        );

    [Fact]
    public void Whichever_steps_of_the_two_alternate_it_counts_or_comes_too_late() =>
        Fault.Inject(
            "F19",
            fault =>
            {
                var outcomes = new HashSet<bool>();
                for (var i = 0; i < Fault.Count(1_500, 100_000); i++)
                {
                    var seed = Fault.Seed + i;
                    outcomes.Add(Race(TimeSpan.FromMilliseconds(-20 + (i % 30)), seed));
                    fault.Injected();
                }

                Assert.Equal(2, outcomes.Count);
            },
            seeded: true
        );

    [Fact]
    public void An_extender_that_is_killed_at_any_step_leaves_one_or_the_other() =>
        Fault.Inject(
            "F19",
            fault =>
            {
                for (var step = 0; step < 12; step++)
                {
                    for (var i = 0; i < 10; i++)
                    {
                        Race(TimeSpan.FromMilliseconds(-5 + i), 100 + i, killAt: step);
                        fault.Injected();
                    }
                }
            }
        );

    // True: extended.
    private static bool Race(TimeSpan fromDeadline, int seed, int? killAt = null)
    {
        var world = new World();
        var random = new Random(seed);
        using var turns = new Turns(world.Time, random);
        world.Host.Script = static _ => new FakeAgent().Exit(25);
        world.Put(world.NewTask("a", static t => t with { Timeout = s_limit }));
        var extender = world.Open("extend");
        (TimeSpan Before, TimeSpan After)? granted = null;
        QueueException? refused = null;
        var steps = 0;
        world.Disk.Before = step =>
        {
            if (step.Process == extender.Disk && step.Changes && steps++ == killAt)
            {
                extender.Disk.Die();
            }

            if (seed > 0)
            {
                turns.MayYield(2);
            }
        };
        var supervisor = world.Open("supervisor");
        turns.Add("supervisor", () => supervisor.Supervise(s_id));
        world.Time.Plan(
            s_limit + fromDeadline,
            () =>
                turns.Add(
                    "extend",
                    () =>
                    {
                        try
                        {
                            granted = extender.Control.Extend(s_id, s_more);
                        }
                        catch (QueueException e)
                        {
                            refused = e;
                        }
                    }
                )
        );
        Assert.True(turns.Play(100_000), "somebody waits for ever");
        // The task may have ended before anybody thought of extending it.
        world.Time.AdvanceTo(s_limit + s_more);
        Assert.True(turns.Play(100_000), "somebody waits for ever");
        world.Disk.Before = null;

        var task = world.Read(s_id);
        var isTimedOut = task.State is TaskState.Failed { Reason: Reason.Timeout };
        Assert.True(isTimedOut || task.State is TaskState.Complete, task.State.ToString());
        Assert.Equal(
            isTimedOut,
            world.Disk.Has(supervisor.Queue.SentinelFile(s_id, Sentinel.Timeout))
        );
        Assert.Equal(isTimedOut ? s_limit : s_limit + s_more, task.Timeout);
        Assert.DoesNotContain(
            world.Disk.Files(),
            f => f.Path.Contains("/run/task_a.", StringComparison.Ordinal) && !extender.Disk.IsDead
        );
        if (killAt is null)
        {
            Assert.True(granted is null != refused is null, "it was neither granted nor refused");
            Assert.Equal(isTimedOut, refused is not null);
            Assert.True(granted is null || granted == (s_limit, s_limit + s_more));
        }

        return !isTimedOut;
    }
}
