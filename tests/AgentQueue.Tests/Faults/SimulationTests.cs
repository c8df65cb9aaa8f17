using System.Collections.Concurrent;
using System.Globalization;
using AgentQueue.Tests.Simulation;
using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// F5. More or other seeds: <c>AGENTQ_SEEDS=50000</c>, and <c>AGENTQ_FIRST_SEED</c> to begin elsewhere.
/// </summary>
[Trait("Fault", "F5")]
public sealed class SimulationTests
{
    private const int Commands = 16;

    // More would not help whoever reads it.
    private const int MostFailures = 20;

    /// <summary>Seeds that once broke something; they stay.</summary>
    private static readonly int[] s_failing =
    [
        33,
        124,
        383,
        1064,
        1392,
        1707,
        1998,
        2456,
        3414,
        4177,
        4661,
        5298,
        4684,
        8147,
        7404,
        8233,
    ];

    [Fact]
    public void Seeds_that_once_broke_something_no_longer_do()
    {
        foreach (var seed in s_failing)
        {
            Assert.Null(Simulate(seed, out _));
        }
    }

    [Fact]
    public void Whatever_happens_no_invariant_is_broken() =>
        Fault.Inject(
            "F5",
            fault =>
            {
                var count = Seeds();
                var failures = new ConcurrentDictionary<int, string>();
                var next = Fault.Seed - 1;
                var agents = 0;
                Parallel.For(
                    0,
                    2,
                    _ =>
                    {
                        while (
                            failures.Count < MostFailures
                            && Interlocked.Increment(ref next) is var seed
                            && seed < Fault.Seed + count
                        )
                        {
                            if (Simulate(seed, out var simulation) is { } failure)
                            {
                                failures[seed] =
                                    count == 1
                                        ? $"{failure}\n{string.Join('\n', simulation.Steps)}"
                                        : failure;
                            }

                            fault.Injected(simulation.Faults);
                            Interlocked.Add(ref agents, simulation.Agents.Count);
                        }
                    }
                );
                Assert.True(failures.IsEmpty, Text(failures));
                Assert.InRange(agents, count, int.MaxValue);
            },
            seeded: true
        );

    [Fact]
    public void The_same_seed_tells_the_same_story()
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            Simulate(seed, out var first);
            Simulate(seed, out var second);
            Assert.Equal(first.Story, second.Story);
        }
    }

    // Null: nothing was broken.
    private static string? Simulate(int seed, out Simulation.Simulation simulation)
    {
        using var story = simulation = new Simulation.Simulation(seed);
        try
        {
            story.Run(Commands);
            return null;
        }
        catch (Exception e)
        {
            while (e.InnerException is { } inner)
            {
                e = inner;
            }

            return e is InvariantBroken ? e.Message : e.ToString();
        }
    }

    private static string Text(IEnumerable<KeyValuePair<int, string>> failures) =>
        string.Join(
            '\n',
            failures
                .OrderBy(static f => f.Key)
                .Select(static f =>
                    string.Create(CultureInfo.InvariantCulture, $"seed {f.Key}: {f.Value}")
                )
        );

    private static int Seeds() =>
        int.TryParse(
            Environment.GetEnvironmentVariable("AGENTQ_SEEDS"),
            CultureInfo.InvariantCulture,
            out var seeds
        )
            ? seeds
            : Fault.Count(10_000, 500_000);
}
