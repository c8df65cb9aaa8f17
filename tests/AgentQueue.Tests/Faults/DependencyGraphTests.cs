using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>F23: graphs of dependencies of every shape, sound and broken.</summary>
[Trait("Fault", "F23")]
public sealed class DependencyGraphTests
{
    /// <summary>
    /// Random edges are asked for one by one. Those that would close a circle are refused; the others
    /// hold when the queue is drained: nobody starts before what it waits for, nobody after a failure.
    /// </summary>
    [Fact]
    public void Every_random_graph_is_drained_in_its_order() =>
        Fault.Inject(
            "F23",
            fault =>
                Parallel.For(
                    Fault.Seed,
                    Fault.Seed + Fault.Count(2_000, 100_000),
                    new ParallelOptions { MaxDegreeOfParallelism = 2 },
                    seed =>
                    {
                        Drain(new Random(seed));
                        fault.Injected();
                    }
                ),
            seeded: true
        );

    [Fact]
    public void A_chain_of_a_thousand_is_drained_link_by_link() =>
        Fault.Inject(
            "F23",
            fault =>
            {
                const int Links = 1_000;
                var world = new World();
                for (var i = 0; i < Links; i++)
                {
                    Put(world, i, i == 0 ? [] : [i - 1]);
                }

                var refused = Assert.Throws<QueueException>(() =>
                    world.Open().Control.AddDependency(Id(0), Id(Links - 1))
                );
                Assert.Contains("cycle", refused.Message, StringComparison.Ordinal);
                var validated = new DependencyCheck(
                    world.Open().Queue,
                    QueueSnapshot.Take(world.Open().Queue)
                ).Validate();
                Assert.Empty(validated);
                // Each pass looks at what has not ended, so a whole drain would take minutes: the last twenty.
                for (var i = 0; i < Links - 20; i++)
                {
                    var now = world.Time.GetUtcNow();
                    world.Put(world.Read(Id(i)) with { State = new TaskState.Complete(now, now) });
                }

                world.Open().Run.BeginDrain(new(3));
                world.Backend.LiveAll();
                Assert.Equal(
                    Enumerable.Range(Links - 20, 20).Select(Id),
                    world.Host.Started.Select(static a => a.Task)
                );
                fault.Injected();
            }
        );

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_fan_of_a_hundred_opens_and_closes(bool fails) =>
        Fault.Inject(
            "F23",
            fault =>
            {
                var world = new World();
                world.Host.Script = id =>
                    new FakeAgent().Exit(1, code: fails && id == Id(0) ? 1 : 0);
                Put(world, 0, []);
                for (var i = 1; i <= 100; i++)
                {
                    Put(world, i, [0]);
                }

                Put(world, 101, [.. Enumerable.Range(1, 100)]);
                world.Open().Run.BeginDrain(new(10));
                world.Backend.LiveAll();
                Assert.Equal(fails ? 1 : 102, world.Host.Started.Count);
                Assert.Equal(Id(fails ? 0 : 101), world.Host.Started[^1].Task);
                Assert.Equal(
                    fails ? Id(0) : null,
                    (world.Read(Id(50)).State as TaskState.Pending)?.BlockedBy
                );
                fault.Injected(102);
            }
        );

    [Fact]
    public void A_task_that_is_not_there_cannot_be_depended_on() =>
        Fault.Inject(
            "F23",
            fault =>
            {
                var world = new World();
                Put(world, 0, []);
                var before = world.Disk.Files().Count();
                Assert.Throws<QueueException>(() =>
                    world
                        .Open()
                        .NewTasks.Create(new NewTask("coder", "p") { DependsOn = [Id(0), Id(9)] })
                );
                Assert.Throws<QueueException>(() =>
                    world.Open().Control.AddDependency(Id(0), Id(9))
                );
                Assert.Throws<QueueException>(() =>
                    world.Open().Control.AddDependency(Id(0), Id(0))
                );
                Assert.Single(world.Disk.FilesIn(World.Root + "/.agents/tasks"));
                fault.Injected(3);
            }
        );

    /// <summary>Written into the files by another program, which nobody could refuse.</summary>
    [Fact]
    public void What_can_never_start_is_reported_and_keeps_nobody_else() =>
        Fault.Inject(
            "F23",
            fault =>
            {
                var world = new World();
                Put(world, 0, [0]);
                Put(world, 1, [2]);
                Put(world, 2, [3]);
                Put(world, 3, [1]);
                Put(world, 4, [99]);
                Put(world, 5, [4]);
                Put(world, 6, []);
                Put(world, 7, [6, 6]);
                world.Open().Run.BeginDrain(new(3));
                world.Backend.LiveAll();
                Assert.Equal([Id(6), Id(7)], world.Host.Started.Select(static a => a.Task));
                var queue = world.Open().Queue;
                var problems = new DependencyCheck(queue, QueueSnapshot.Take(queue)).Validate();
                Assert.Equal(2, problems.Count(static p => p.Fault == DependencyFault.Cycle));
                Assert.Equal(
                    Id(4),
                    Assert.Single(problems, static p => p.Fault == DependencyFault.Unknown).Task
                );
                Assert.Contains(
                    problems,
                    static p => p.Fault == DependencyFault.Blocked && p.Task == Id(5)
                );
                fault.Injected(8);
            }
        );

    private static void Drain(Random random)
    {
        var world = new World();
        var count = random.Next(2, 7);
        var edges = new bool[count, count];
        for (var i = 0; i < count; i++)
        {
            Put(world, i, []);
        }

        for (var i = random.Next(3 * count); i > 0; i--)
        {
            var (from, to) = (random.Next(count), random.Next(count));
            var isCycle = from == to || Reaches(edges, to, from);
            try
            {
                world.Open().Control.AddDependency(Id(from), Id(to));
                Assert.False(isCycle, "I10: a cycle was accepted");
                edges[from, to] = true;
            }
            catch (QueueException)
            {
                Assert.True(isCycle, "a sound dependency was refused");
            }
        }

        var fails = Enumerable.Range(0, count).Where(_ => random.Next(5) == 0).ToHashSet();
        world.Host.Script = id =>
            new FakeAgent().Exit(random.Next(1, 5), code: fails.Contains(Number(id)) ? 1 : 0);
        world.Host.Launched = agent =>
        {
            for (var on = 0; on < count; on++)
            {
                Assert.True(
                    !edges[Number(agent.Task), on]
                        || world.Read(Id(on)).State is TaskState.Complete,
                    $"I10: {agent.Task} was started before {Id(on)} was complete"
                );
            }
        };
        world.Open().Run.BeginDrain(new(random.Next(1, 4)));
        world.Backend.LiveAll();
        var started = world.Host.Started.Select(static a => Number(a.Task)).ToHashSet();
        Assert.Equal(started.Count, world.Host.Started.Count);
        for (var i = 0; i < count; i++)
        {
            var isDoomed = Enumerable
                .Range(0, count)
                .Any(on => on != i && fails.Contains(on) && Reaches(edges, i, on));
            Assert.Equal(!isDoomed, started.Contains(i));
        }
    }

    private static bool Reaches(bool[,] edges, int from, int to)
    {
        var seen = new HashSet<int> { from };
        var open = new Queue<int>(seen);
        while (open.TryDequeue(out var at))
        {
            if (at == to)
            {
                return true;
            }

            for (var next = 0; next < edges.GetLength(0); next++)
            {
                if (edges[at, next] && seen.Add(next))
                {
                    open.Enqueue(next);
                }
            }
        }

        return false;
    }

    private static TaskId Id(int number) => TaskId.Parse($"task_{number:d4}");

    private static int Number(TaskId id) =>
        int.Parse(id.Value.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture);

    private static void Put(World world, int number, int[] on) =>
        world.Put(world.NewTask($"{number:d4}", t => t with { DependsOn = [.. on.Select(Id)] }));
}
