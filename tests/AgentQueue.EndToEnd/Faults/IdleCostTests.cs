using System.Globalization;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>What 50 supervisors cost that have nothing to do but wait.</summary>
public sealed class IdleCostTests(ITestOutputHelper output)
{
    private const int Supervisors = 50;

    // What is aimed at, and three times that is refused: a machine may be slow, and ticks are coarse.
    private const double MostOfOneCore = 0.01;
    private const double Headroom = 3;
    private const double MostMegabytesEach = 8;

    [Needs(Machine.Linux)]
    [Trait("Fault", "F22")]
    public void Fifty_idle_supervisors_take_less_than_a_hundredth_of_a_core_and_8_MB_each() =>
        Fault.Inject(
            "F22",
            fault =>
            {
                using var box = new Sandbox();
                box.Settings("\"fsync\": false");
                var ids = ParallelRunTests.Batch(box, Supervisors, "exec sleep 300");
                box.Run(["run", .. ids]).Gives(0);
                Eventually.Holds(
                    () => box.Tasks.All(static t => t.Status == "running"),
                    "all run",
                    seconds: 60
                );
                var pids = box.Tasks.Select(static t => t.Pid!.Value).ToList();
                Assert.Equal(Supervisors, pids.Distinct().Count());

                // The one place where time is waited for: it is what the cost is measured over.
                var seconds = Fault.Count(10, 60);
                var before = pids.Sum(Ticks);
                Thread.Sleep(TimeSpan.FromSeconds(seconds));
                var ofOneCore = (pids.Sum(Ticks) - before) / 100.0 / seconds;
                var megabytes = pids.Select(Megabytes).ToList();
                fault.Injected(Supervisors);

                var figures = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Supervisors} supervisors over {seconds} s: {ofOneCore:0.00%} of one core together, {megabytes.Average():0.0} MB each (PSS; most {megabytes.Max():0.0})"
                );
                output.WriteLine(figures);
                Assert.True(ofOneCore < MostOfOneCore * Headroom, figures);
                Assert.True(megabytes.Max() < MostMegabytesEach, figures);
                Assert.All(ids, id => Assert.Equal("running", box.Task(id).Status));

                box.Run("cancel", "--all").Gives(0);
                Assert.All(box.Tasks, static t => Assert.Equal("cancelled", t.Status));
                box.LeaveNothingRunning();
            }
        );

    // User and system time; the kernel tells it in hundredths of a second.
    private static long Ticks(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture)
            + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    private static double Megabytes(int pid) =>
        int.Parse(
            File.ReadLines($"/proc/{pid}/smaps_rollup")
                .First(static l => l.StartsWith("Pss:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture
        ) / 1024.0;
}
