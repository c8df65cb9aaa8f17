using System.Diagnostics;
using System.Globalization;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// The wall clock jumps while a task runs, and a machine's clocks say something else than those of the last
/// boot: limits are kept as time passes, nothing is ended early, and nothing is ended late.
/// </summary>
public sealed class ClockJumpTests
{
    /// <summary>Everything of agentq sees a wall clock that is read from a file, and may be moved there.</summary>
    [NeedsTheory(Machine.Faketime)]
    [Trait("Fault", "F14")]
    [InlineData("+1h")]
    [InlineData("-1h")]
    [InlineData("+3650d")]
    [InlineData("-3650d")]
    [InlineData("+1d")]
    public void A_limit_is_kept_though_the_wall_clock_jumps(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                using var box = new Sandbox();
                var clock = box.FakeClock();
                box.Run("init").Gives(0);
                var begun = Stopwatch.GetTimestamp();
                var id = box.RunInBackground("exec sleep 300", "--timeout", "8");

                File.WriteAllText(clock, jump + "\n");
                fault.Injected();
                Assert.Equal("running", box.Task(id).Status);
                box.Run("status").Gives(0);
                Assert.Equal("running", box.Task(id).Status);
                var task = box.Ended(id);

                Assert.Equal(("failed", "timeout"), (task.Status, task.Reason));
                Assert.True(Stopwatch.GetElapsedTime(begun).TotalSeconds >= 8, "ended early");
                Assert.Empty(box.ProcessesOf(id));
            }
        );

    [NeedsTheory(Machine.Faketime)]
    [Trait("Fault", "F14")]
    [InlineData("+1h")]
    [InlineData("-1h")]
    [InlineData("+3650d")]
    [InlineData("-3650d")]
    public void Nothing_is_ended_early_and_order_and_outcome_stay_right(string jump) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                using var box = new Sandbox();
                var clock = box.FakeClock();
                box.Run("init").Gives(0);
                var id = box.RunInBackground(
                    $"until [ -e '{box.Outside}/go' ]; do sleep 0.05; done; exit 7",
                    "--timeout",
                    "600",
                    "--idle-timeout",
                    "600"
                );

                File.WriteAllText(clock, jump + "\n");
                fault.Injected();
                box.Run("status").Gives(0);
                box.Run("doctor").Gives(0, 1);
                var later = box.Enqueue(box.Journal.Around("true"));
                box.Run("timeout", "extend", id, "600").Gives(0);
                Assert.Equal("running", box.Task(id).Status);
                File.WriteAllText(Path.Join(box.Outside, "go"), "");
                box.Ended(id);
                box.Run("run", "--drain", "--wait").Gives(0, 3);

                Assert.Equal(("failed", 7), (box.Task(id).Status, box.Task(id).ExitCode));
                Assert.Equal("complete", box.Task(later).Status);
                box.Journal.ShowsNoSecondStart();
            }
        );

    /// <summary>A monotonic clock that is a thousand days ahead, or that has only just begun.</summary>
    [NeedsTheory(Machine.TimeNamespace)]
    [Trait("Fault", "F14")]
    [InlineData(86_400_000)]
    [InlineData(3600)]
    public void A_limit_does_not_depend_on_what_the_monotonic_clock_says(int offset) =>
        Fault.Inject(
            "F14",
            fault =>
            {
                using var box = new Sandbox();
                box.Run("init").Gives(0);
                var id = box.Enqueue("exec sleep 300", "--timeout", "1");
                var begun = Stopwatch.GetTimestamp();

                box.Sh(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"exec unshare --time --fork --monotonic {offset} --boottime {offset} agentq run {id}"
                        )
                    )
                    .Gives(0);
                fault.Injected();
                // Looked at from outside, where processes seem to have begun at another time.
                box.Run("status").Gives(0);
                var task = box.Ended(id);

                Assert.Equal(("failed", "timeout"), (task.Status, task.Reason));
                Assert.True(Stopwatch.GetElapsedTime(begun).TotalSeconds >= 1, "ended early");
            }
        );
}
