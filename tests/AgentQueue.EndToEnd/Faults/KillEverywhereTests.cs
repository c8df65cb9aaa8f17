using System.Globalization;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// <c>kill -9</c> at every file-system call that touches the queue, of each verb, and of the supervisors
/// and agents that it starts: nothing that was accepted is lost, nothing is started twice, no file is half,
/// and the next verbs settle what is left.
/// </summary>
/// <remarks>
/// <c>./build.sh faults --long</c> takes every call; otherwise a long list is thinned out evenly, always in
/// the same way.
/// </remarks>
public sealed class KillEverywhereTests(ITestOutputHelper output)
{
    private const int MostForOneVerb = 34;

    public static TheoryData<string> Verbs => [.. Flows.All.Keys];

    [NeedsTheory(Machine.Strace)]
    [Trait("Fault", "F1")]
    [MemberData(nameof(Verbs))]
    public void Killed_at_every_call_it_loses_nothing(string verb) =>
        Fault.Inject("F1", fault => KillEverywhere(verb, fault));

    private void KillEverywhere(string verb, Fault fault)
    {
        using var flow = new TracedFlow(Flows.All[verb]);
        var points = flow.Points();
        var chosen = TracedFlow.Thin(points, Fault.Count(MostForOneVerb, int.MaxValue));
        var killed = 0;

        flow.ForEach(
            chosen,
            (box, point, before) =>
            {
                var struck = flow.Strike(box, point, "signal=KILL");
                flow.CheckAndSettle(box, before, struck);
                // The verb, or a supervisor or an agent that it had started.
                if (struck.WasKilled)
                {
                    Interlocked.Increment(ref killed);
                    fault.Injected();
                }
            }
        );

        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{points.Count} calls on the queue, {chosen.Count} runs, {killed} of them killed"
            )
        );
        Assert.True(killed > chosen.Count / 4, "strace has hardly ever killed anything");
    }
}
