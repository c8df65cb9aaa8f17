using AgentQueue.Tests.Support;
using Xunit.Abstractions;

namespace AgentQueue.Tests.Simulation;

public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 300;
    private const int Commands = 25;

    /// <summary>Seeds that once broke something; they stay.</summary>
    private static readonly int[] s_failing = [];

    [Fact]
    public void Seeds_that_once_broke_something_no_longer_do()
    {
        foreach (var seed in s_failing)
        {
            Simulate(seed);
        }
    }

    /// <summary>More seeds, for a night: AGENTQ_SEEDS=100000, and AGENTQ_FIRST_SEED to begin elsewhere.</summary>
    [Fact]
    public void Whatever_happens_no_invariant_is_broken()
    {
        var first = FromEnvironment("AGENTQ_FIRST_SEED", 1);
        var count = FromEnvironment("AGENTQ_SEEDS", Seeds);
        var (tasks, agents) = (0, 0);
        for (var seed = first; seed < first + count; seed++)
        {
            var (t, a) = Simulate(seed);
            (tasks, agents) = (tasks + t, agents + a);
        }

        output.WriteLine($"seeds {first} to {first + count - 1}: {tasks} tasks, {agents} agents");
        Assert.InRange(agents, count, int.MaxValue);
    }

    [Fact]
    public void The_same_seed_tells_the_same_story()
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            using var first = new Simulation(seed);
            using var second = new Simulation(seed);
            first.Run(Commands);
            second.Run(Commands);
            Assert.Equal(first.Story, second.Story);
        }
    }

    private static (int Tasks, int Agents) Simulate(int seed)
    {
        using var simulation = new Simulation(seed);
        try
        {
            simulation.Run(Commands);
        }
        catch (Exception e)
        {
            throw new InvariantBroken($"seed {seed}: {e}");
        }

        return (simulation.Tasks, simulation.Agents.Count);
    }

    private static int FromEnvironment(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var number) ? number : otherwise;
}
