using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// Moments at which something was to be done, and nobody looked: the machine slept over many of them, or the
/// wall clock was turned. Each is made up for once, and never twice.
/// </summary>
[Trait("Fault", "F24")]
public sealed class MissedMomentsTests
{
    // Berlin, the night in which two o'clock does not come, and the one in which it comes twice.
    private const string Gap = "2027-03-28T0";
    private const string Repeat = "2026-10-25T0";

    [Fact]
    public void A_machine_that_slept_over_many_back_offs_makes_one_retry_of_each_failure() =>
        Fault.Inject(
            "F24",
            fault =>
            {
                var random = new Random(Fault.Seed);
                for (var i = 0; i < Fault.Count(200, 20_000); i++)
                {
                    var world = new World();
                    var failed = random.Next(1, 5);
                    for (var f = 0; f < failed; f++)
                    {
                        world.Put(Failure(world, $"f{f}", retries: random.Next(3)));
                    }

                    var due = TimeSpan.FromSeconds(Math.Pow(2, 2));
                    world.Time.Advance(due * (1 + random.NextDouble() * 10_000));
                    // A clock that was turned by an hour, or put right by a little, in either direction.
                    world.Time.SetWall(TimeSpan.FromSeconds(random.Next(-3600, 3600)));
                    fault.Injected();

                    LookTwiceAtOnce(world, random);
                    world.Time.SetWall(TimeSpan.FromHours(random.Next(-1, 2)));
                    LookTwiceAtOnce(world, random);
                    // Whatever the wall clock says, no wait is longer than the longest.
                    world.Time.Advance(TimeSpan.FromHours(3));
                    LookTwiceAtOnce(world, random);

                    Assert.Equal(2 * failed, QueueSnapshot.Take(world.Open().Queue).Count);
                    for (var f = 0; f < failed; f++)
                    {
                        var state = Assert.IsType<TaskState.Failed>(
                            world.Read(TaskId.Parse($"task_f{f}")).State
                        );
                        Assert.Null(state.RetryIntent);
                        Assert.Equal(
                            TaskId.Parse($"task_f{f}"),
                            world.Read(state.RetriedBy!.Value).Parent
                        );
                    }
                }
            },
            seeded: true
        );

    [Theory]
    // In the gap a wall says 03:00 where it would have said 02:00: the same moment, written in two ways.
    [InlineData(Gap + "1:59:59+01:00", Gap + "0:59:59Z")]
    [InlineData(Gap + "2:30:00+01:00", Gap + "1:30:00Z")]
    [InlineData(Gap + "3:30:00+02:00", Gap + "1:30:00Z")]
    // Half past two twice: two moments, an hour apart.
    [InlineData(Repeat + "2:30:00+02:00", Repeat + "0:30:00Z")]
    [InlineData(Repeat + "2:30:00+01:00", Repeat + "1:30:00Z")]
    [InlineData(Repeat + "3:00:00+01:00", Repeat + "2:00:00Z")]
    public void A_moment_around_a_change_of_the_clocks_comes_once(string written, string utc) =>
        Fault.Inject(
            "F24",
            fault =>
            {
                var world = new World();
                world.Put(world.NewTask("other"));
                world.Disk.Plant(
                    World.Root + "/.agents/tasks/task_later.json",
                    $$"""
                    {"taskId": "task_later", "status": "pending", "agent": "coder", "prompt": "x", "priority": 10, "notBefore": "{{written}}"}
                    """
                );
                var moment = DateTimeOffset.Parse(utc, CultureInfo.InvariantCulture);
                world.Time.SetWall(moment - world.Time.GetUtcNow() - TimeSpan.FromMilliseconds(1));
                fault.Injected();

                Assert.DoesNotContain("task_later", Started(world));
                world.Time.Advance(TimeSpan.FromMilliseconds(1));
                Assert.Equal(["task_later"], Started(world));
                // The hour that comes again starts nothing again.
                world.Time.SetWall(TimeSpan.FromHours(-1));
                Assert.Empty(Started(world));
                world.Time.SetWall(TimeSpan.FromHours(1));
                Assert.Empty(Started(world));
            }
        );

    // Two processes, the second in the middle of the first.
    private static void LookTwiceAtOnce(World world, Random random)
    {
        var first = world.Open("first");
        var left = random.Next(40);
        world.Disk.Before = step =>
        {
            if (step.Process == first.Disk && left-- == 0)
            {
                Look(world.Open("second"));
            }
        };
        Look(first);
        world.Disk.Before = null;
    }

    private static void Look(AgentqProcess process)
    {
        try
        {
            process.Reconciler.Reconcile(autoRetry: true);
        }
        catch (QueueException)
        {
            // The other one holds what it needs, and does it.
        }
    }

    private static IEnumerable<string> Started(World world) =>
        world.Open().Run.Fill(5).Started.Select(static s => s.Task.Id.Value);

    private static AgentTask Failure(World world, string token, int retries) =>
        world.NewTask(token) with
        {
            AutoRetry = true,
            RetryCount = retries,
            State = new TaskState.Failed(null, world.Time.GetUtcNow(), Reason.Exit, "it failed"),
        };
}
