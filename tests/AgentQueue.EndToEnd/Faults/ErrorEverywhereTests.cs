using System.Globalization;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Every file-system call that touches the queue fails once, in each way that a disk can fail: a verb then
/// fails with a sentence or keeps its promise, never crashes, and leaves nothing half or lost.
/// </summary>
public sealed class ErrorEverywhereTests(ITestOutputHelper output)
{
    private const int MostForOneVerb = 165;

    private static readonly string[] s_errors =
    [
        "EIO",
        "ENOSPC",
        "EDQUOT",
        "EACCES",
        "EROFS",
        "EINTR",
        "EMFILE",
    ];

    private static readonly string[] s_syncs = ["fsync", "fdatasync", "syncfs"];

    // After a signal these are simply done again.
    private static readonly string[] s_interruptible =
    [
        "openat",
        "write",
        "fsync",
        "syncfs",
        "flock",
    ];

    /// <summary>All that changes tasks, and with a supervisor's whole life.</summary>
    public static TheoryData<string> Verbs =>
        [
            "start in a queue that exists",
            "start --batch",
            "run",
            "run --drain",
            "cancel a pending task",
            "cancel a running task",
            "retry",
            "status after a supervisor was killed",
            "timeout extend of a running task",
        ];

    [NeedsTheory(Machine.Strace)]
    [Trait("Fault", "F2")]
    [MemberData(nameof(Verbs))]
    public void Refused_at_every_call_it_says_so_and_loses_nothing(string verb) =>
        Fault.Inject("F2", fault => FailEverywhere(verb, fault));

    private void FailEverywhere(string verb, Fault fault)
    {
        using var flow = new TracedFlow(Flows.All[verb]);
        var all = flow.Points()
            .SelectMany(static p => s_errors.Select(e => (Point: p, Error: e)))
            // The runtime reads folders, and no disk of this machine is interrupted at that.
            .Where(static s => (s.Point.Call, s.Error) != ("getdents64", "EINTR"))
            .ToList();
        var chosen = TracedFlow.Thin(all, Fault.Count(MostForOneVerb, int.MaxValue));
        var refused = 0;

        flow.ForEach(
            chosen,
            (box, strike, before) =>
            {
                var struck = flow.Strike(box, strike.Point, $"error={strike.Error}");
                var onQueue = struck
                    .Injected.Where(l => l.Contains(box.Folder, StringComparison.Ordinal))
                    .ToList();
                if (onQueue.Count > 0)
                {
                    CheckAnswer(struck, strike.Point, strike.Error, onQueue);
                    Interlocked.Increment(ref refused);
                    fault.Injected();
                }

                flow.CheckAndSettle(box, before, struck);
            }
        );

        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{all.Count} errors to inject, {chosen.Count} runs, {refused} of them met"
            )
        );
        Assert.True(refused > chosen.Count / 2, "strace has hardly ever injected anything");
    }

    /// <summary>What stands in the trace of the verb's own thread, and so must be what it answers to.</summary>
    private static void CheckAnswer(
        Struck struck,
        CallPoint point,
        string error,
        List<string> onQueue
    )
    {
        var outcome = struck.Outcome;
        Assert.All(
            struck.Trace,
            static l => Assert.DoesNotMatch(@"\+\+\+ (exited with (70|134)|killed by) ", l)
        );
        outcome.Gives(0, 1, 2, 3);
        Assert.DoesNotContain("   at ", outcome.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("bug in agentq", outcome.Err, StringComparison.Ordinal);
        var own = struck.Injected.Where(l =>
            l.StartsWith(struck.Verb + " ", StringComparison.Ordinal)
        );
        var isOwn = own.Any() && own.All(onQueue.Contains);
        if (outcome.Code != 0 && isOwn)
        {
            Assert.Matches("(?m)^agentq: .", outcome.Err);
        }

        if (isOwn && error == "EIO" && s_syncs.Contains(point.Call))
        {
            Assert.False(outcome.Code == 0 && outcome.Err.Length == 0, "what was lost is not told");
        }

        if (isOwn && error == "EINTR" && s_interruptible.Contains(point.Call))
        {
            outcome.Gives(0);
        }
    }
}
