using System.Globalization;
using AgentQueue.Tests.Simulation;
using Xunit.Abstractions;

namespace AgentQueue.Tests.Faults;

/// <summary>
/// F3: the power goes at every step of every flow, and of what was not synced every part is kept, lost or
/// torn. Whoever looks next finds all that was promised.
/// </summary>
[Trait("Fault", "F3")]
public sealed class PowerLossTests(ITestOutputHelper output)
{
    private const int Least = 200_000;

    [Fact]
    public void Whenever_the_power_goes_what_was_promised_is_there() =>
        Fault.Inject(
            "F3",
            fault =>
            {
                var states = 0;
                Parallel.ForEach(
                    PowerLossFlows.All,
                    new ParallelOptions { MaxDegreeOfParallelism = 2 },
                    flow =>
                    {
                        var moments = Tell(flow.Key, false, false);
                        var (explored, disks, broken) = Explore(flow.Key, moments);
                        Assert.True(broken is null, broken);
                        fault.Injected(explored);
                        Interlocked.Add(ref states, explored);
                        lock (output)
                        {
                            output.WriteLine(
                                $"{flow.Key}: {moments.Count} steps, {explored} states, {disks} disks"
                            );
                        }
                    }
                );
                Assert.InRange(states, Least, int.MaxValue);
            },
            seeded: true
        );

    /// <summary>The exploration is worth something only as long as it notices what a sync is for.</summary>
    [Theory]
    [InlineData("start, another", true, false)]
    [InlineData("start, another", false, true)]
    [InlineData("start --batch", true, false)]
    [InlineData("start --batch", false, true)]
    [InlineData("exit 3", true, false)]
    [InlineData("exit 3", false, true)]
    [InlineData("cancel, pending", true, false)]
    [InlineData("cancel, pending", false, true)]
    [InlineData("retry", true, false)]
    [InlineData("retry", false, true)]
    [InlineData("archive, restore", false, true)]
    [InlineData("clean", false, true)]
    public void A_sync_that_is_left_out_is_noticed(string flow, bool files, bool folders)
    {
        var (_, _, broken) = Explore(flow, Tell(flow, files, folders));
        Assert.NotNull(broken);
    }

    private static List<PowerLossMoment> Tell(string flow, bool files, bool folders)
    {
        var story = new PowerLossStory(files, folders);
        PowerLossFlows.All[flow](story);
        story.End();
        return story.Moments;
    }

    private static (int States, int Disks, string? Broken) Explore(
        string flow,
        List<PowerLossMoment> moments
    )
    {
        var random = new Random(Fault.Seed);
        var seen = new HashSet<(ulong, int)>();
        var states = 0;
        for (var step = 0; step < moments.Count; step++)
        {
            try
            {
                states += moments[step].Explore(Fault.Count(1_000, 50_000), random, seen);
            }
            catch (InvariantBroken e)
            {
                return (
                    states,
                    seen.Count,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{flow}, power lost before step {step} of {moments.Count}: {e.Message}"
                    )
                );
            }
        }

        return (states, seen.Count, null);
    }
}
