using System.Globalization;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>What 50 supervisors cost that have nothing to do but wait.</summary>
public sealed class IdleCostTests(ITestOutputHelper output)
{
    private const int Supervisors = 50;

    // What is aimed at, and three times that is refused: a machine may be slow.
    private const double MostOfOneCore = 0.01;
    private const double Headroom = 3;
    private const double MostMegabytesEach = 8;

    [Needs(Machine.ProcessorTimes)]
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
                // The last that each of them has to do for the start of its task.
                var log = Path.Join(box.Queue, "events", "log.jsonl");
                Eventually.Holds(
                    () =>
                        File.Exists(log)
                        && File.ReadLines(log)
                            .Count(static l =>
                                l.Contains("\"task_started:", StringComparison.Ordinal)
                            ) == Supervisors,
                    "all starts are told"
                );
                var pids = box.Tasks.Select(static t => t.Pid!.Value).ToList();
                Assert.Equal(Supervisors, pids.Distinct().Count());

                // The one place where time is waited for: it is what the cost is measured over.
                var seconds = Fault.Count(10, 60);
                var before = pids.Sum(Seconds);
                Thread.Sleep(TimeSpan.FromSeconds(seconds));
                var ofOneCore = (pids.Sum(Seconds) - before) / seconds;
                var megabytes = pids.Select(Megabytes).ToList();
                fault.Injected(Supervisors);

                var figures = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Supervisors} supervisors over {seconds} s: {ofOneCore:0.000%} of one core together, {megabytes.Average():0.0} MB each (PSS; most {megabytes.Max():0.0})"
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

    // Nanoseconds of all threads. The ticks of /proc/PID/stat are too coarse: none has used a whole one.
    private static double Seconds(int pid) =>
        Directory
            .EnumerateDirectories($"/proc/{pid}/task")
            .Sum(static t =>
                long.Parse(
                    File.ReadAllText(Path.Join(t, "schedstat")).Split(' ')[0],
                    CultureInfo.InvariantCulture
                )
            ) / 1e9;

    private static double Megabytes(int pid) =>
        int.Parse(
            File.ReadLines($"/proc/{pid}/smaps_rollup")
                .First(static l => l.StartsWith("Pss:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture
        ) / 1024.0;
}
