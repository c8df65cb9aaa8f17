using System.Globalization;
using AgentQueue.EndToEnd.Faults;
using AgentQueue.Faults;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Events;

/// <summary>What follows from an end happens once, wherever its maker dies.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int MostStrikes = 60;

    // The first one ends in any way; the second one follows from that.
    private static readonly Flow s_flow = new(
        "trigger go",
        static box =>
        {
            box.Settings("\"fsync\": false");
            box.Rules(
                ("first", Noted("first"), "\"triggers\": [\"go\"]"),
                ("second", Noted("second"), "\"triggers\": [\"task_finished:first\"]"),
                ("third", Noted("third"), "\"triggers\": [\"task_finished:second\"]")
            );
        }
    );

    [Needs(Machine.Strace)]
    public void Killed_at_any_call_each_end_has_one_follower_after_the_next_verb()
    {
        using var flow = new TracedFlow(s_flow);
        var points = flow.Points();
        var chosen = TracedFlow.Thin(points, MostStrikes);
        var killed = 0;
        flow.ForEach(
            chosen,
            (box, point, _) =>
            {
                var struck = flow.Strike(box, point, "signal=KILL");
                if (struck.WasKilled)
                {
                    Interlocked.Increment(ref killed);
                }

                Check(box, mustHave: struck.Outcome.Code == 0);
            }
        );
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{points.Count} calls, {chosen.Count} runs, {killed} killed"
            )
        );
        Assert.True(killed > chosen.Count / 2, "strace has hardly ever killed anything");
    }

    /// <summary>Each single call from the moment in which the first task's end is recorded.</summary>
    [Needs(Machine.Strace)]
    public void Killed_at_each_call_between_an_end_and_its_follower_it_follows_once()
    {
        using var flow = new TracedFlow(s_flow);
        var points = flow.PointsAfter("-e-first.done");
        Assert.NotEmpty(points);
        var killed = 0;
        flow.ForEach(
            points,
            (box, point, _) =>
            {
                var struck = flow.Strike(box, point, "signal=KILL");
                if (struck.WasKilled)
                {
                    Interlocked.Increment(ref killed);
                }

                Check(box, mustHave: struck.Outcome.Code == 0);
            }
        );
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{points.Count} calls, {killed} killed")
        );
        Assert.True(killed > points.Count / 2, "strace has hardly ever killed anything");
    }

    /// <summary>All that listens to an event somebody let happen, or none of it.</summary>
    [Needs(Machine.Strace)]
    public void A_trigger_that_is_killed_at_any_call_leaves_all_or_nothing()
    {
        string[] agents = ["a", "b", "c", "d"];
        using var flow = new TracedFlow(
            new Flow(
                "trigger go",
                box =>
                {
                    box.Settings("\"fsync\": false");
                    box.Rules([.. agents.Select(a => (a, Noted(a), "\"triggers\": [\"go\"]"))]);
                }
            )
        );
        var points = TracedFlow.Thin(flow.Points(), MostStrikes);
        flow.ForEach(
            points,
            (box, point, _) =>
            {
                flow.Strike(box, point, "signal=KILL");
                Eventually.Holds(
                    () =>
                    {
                        box.Run("status").Gives(0);
                        return box.Supervisors.Count == 0
                            && box.Ids.All(id => box.Task(id).IsFinished);
                    },
                    "everything has ended"
                );
                var counts = agents.Select(a => box.Of(a).Count).Distinct().ToList();
                Assert.True(counts is [0] or [1], string.Join(" ", box.Ids));
                Assert.All(agents, a => Assert.InRange(box.Journal.StartsOf(a), 0, 1));
            }
        );
    }

    private static void Check(Sandbox box, bool mustHave)
    {
        // Whatever still lives goes on by itself; then comes the next verb, and what it has to start.
        Eventually.Holds(() => box.Supervisors.Count == 0, "what was not killed has ended");
        Eventually.Holds(
            () =>
            {
                box.Run("status").Gives(0);
                return box.Supervisors.Count == 0
                    && box.Tasks.All(static t => t.IsFinished)
                    && (!mustHave || box.Of("third").Count > 0);
            },
            "everything has ended:\n" + string.Join("\n", box.Tasks)
        );

        var first = box.Of("first");
        var second = box.Of("second");
        var third = box.Of("third");
        Assert.InRange(first.Count, mustHave ? 1 : 0, 1);
        Assert.Equal(first.Count, second.Count);
        Assert.Equal(first.Count, third.Count);
        if (first.Count == 1)
        {
            Assert.Equal(first[0].Id, second[0].Text("triggerTask"));
            Assert.Equal(second[0].Id, third[0].Text("triggerTask"));
        }

        foreach (var name in (string[])["first", "second", "third"])
        {
            Assert.InRange(box.Journal.StartsOf(name), 0, 1);
        }

        // Each end is told once.
        var ends = box.Log()
            .Select(static e => e.GetProperty("id").GetString()!)
            .Where(static id => id.EndsWith("/end", StringComparison.Ordinal))
            .ToList();
        Assert.Equal(ends.Distinct().Count(), ends.Count);
        Assert.Equal(3 * first.Count, ends.Count);
    }

    // Relative to the queue, which is copied.
    private static string Noted(string name) =>
        $"echo start {name} $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal; echo stop {name} $AGENTQ_TASK_ID >> $AGENTQ_ROOT/../outside/journal";
}
