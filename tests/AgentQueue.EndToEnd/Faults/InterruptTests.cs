using System.Globalization;
using System.Text;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Signals at random moments of every verb, once and twice: it ends as the signal says or as it would have,
/// and what it had begun is whole.
/// </summary>
public sealed class InterruptTests
{
    private const int Limit = 4;
    private const int LongestDelayMs = 30;

    private static readonly (string Name, int Number)[] s_signals =
    [
        ("INT", 2),
        ("TERM", 15),
        ("HUP", 1),
        ("QUIT", 3),
    ];

    // $1 and $2 are finished, failed, waiting or running tasks, as the verb needs them.
    private static readonly string[] s_verbs =
    [
        "start shell \"$WORKS\" --quiet",
        "start shell \"$FAILS\" --quiet --run",
        "start shell \"$WORKS\" --quiet --wait",
        "start --batch \"$BATCH\"",
        "run --parallel 4",
        "run --parallel 4 --wait",
        "run --drain --parallel 4",
        "run --drain --parallel 4 --wait",
        "run --stop",
        "wait",
        "status",
        "status --all --json",
        "status --watch",
        "cancel WAITING",
        "cancel RUNNING",
        "retry FAILED --quiet",
        "clean FINISHED",
        "hold WAITING",
        "release WAITING",
        "timeout extend WAITING 100",
        "timeout RUNNING",
        "deps add WAITING FAILED",
        "logs RUNNING --follow",
        "show FAILED",
        "daemon",
        "doctor",
    ];

    [Needs(Machine.Bash)]
    [Trait("Fault", "F18")]
    public void A_verb_that_is_interrupted_leaves_nothing_half_done() =>
        Fault.Inject(
            "F18",
            fault =>
            {
                var random = new Random(Fault.Seed);
                var left = Fault.Count(300, 6_000);
                // Some queues instead of one, so that none grows old.
                for (; left > 0; left -= 100)
                {
                    Interrupt(random, Math.Min(left, 100));
                    fault.Injected(Math.Min(left, 100));
                }
            },
            seeded: true
        );

    private static void Interrupt(Random random, int times)
    {
        using var box = new Sandbox();
        box.Settings($"\"fsync\": false, \"parallel\": {Limit}, \"timeout\": 1000");
        var works = box.Journal.Noting("sleep 0.01");
        var failed = ParallelRunTests.Batch(box, 20, box.Journal.Noting("false"));
        var finished = ParallelRunTests.Batch(box, 20, works);
        box.Run("run", "--drain", "--parallel", "8", "--wait").Gives(3);
        var waiting = ParallelRunTests.Batch(box, 20, works);
        box.Run(["hold", .. waiting]).Gives(0);
        var running = Enumerable
            .Range(0, 2)
            .Select(_ => box.RunInBackground(box.Journal.Noting("sleep 300")))
            .ToList();
        box.Environment["WORKS"] = works;
        box.Environment["FAILS"] = box.Journal.Noting("false");
        box.Environment["BATCH"] = box.Write(
            "more.jsonl",
            string.Concat(
                Enumerable.Repeat(
                    "{\"agent\": \"shell\", \"prompt\": \"true\", \"held\": true}\n",
                    5
                )
            )
        );

        var script = new StringBuilder(
            $$"""
            # A shell of its own for each: only then are INT and QUIT not ignored.
            set -m
            ulimit -c 0
            cd {{box.Outside}}; mkfifo pause; exec 9<>pause; cd {{box.Folder}}
            hit() {
              local signal=$1 delay=$2 times=$3 out=$4
              shift 4
              agentq "$@" >> ../outside/$out 2>> ../outside/err </dev/null 9>&- &
              read -t $delay -u 9
              kill -$signal $! 2>/dev/null
              [ $times = 1 ] || kill -$signal $! 2>/dev/null
              wait $!
              echo "$? $signal $*" >> ../outside/codes
            }

            """
        );
        for (var i = 0; i < times; i++)
        {
            var verb = s_verbs[random.Next(s_verbs.Length)]
                .Replace("WAITING", waiting[random.Next(waiting.Count)], StringComparison.Ordinal)
                .Replace("FAILED", failed[random.Next(failed.Count)], StringComparison.Ordinal)
                .Replace(
                    "FINISHED",
                    finished[random.Next(finished.Count)],
                    StringComparison.Ordinal
                )
                .Replace("RUNNING", running[random.Next(running.Count)], StringComparison.Ordinal);
            var takesIds =
                verb.StartsWith("start", StringComparison.Ordinal)
                || verb.StartsWith("retry", StringComparison.Ordinal);
            script.Append(
                CultureInfo.InvariantCulture,
                $"hit {s_signals[random.Next(s_signals.Length)].Name} 0.0{random.Next(LongestDelayMs * 10):000} {random.Next(1, 3)} {(takesIds ? "ids" : "out")} {verb}\n"
            );
        }

        box.Write("../outside/interrupt.sh", script.ToString());
        box.Sh("exec bash ../outside/interrupt.sh", seconds: 300).Gives(0, 1);

        Check(box, times, [.. failed, .. waiting, .. running], finished);
    }

    private static void Check(
        Sandbox box,
        int times,
        IEnumerable<string> kept,
        IReadOnlyList<string> mayBeCleaned
    )
    {
        var codes = File.ReadAllLines(Path.Join(box.Outside, "codes"));
        Assert.Equal(times, codes.Length);
        foreach (var line in codes)
        {
            var words = line.Split(' ');
            var number = s_signals.Single(s => s.Name == words[1]).Number;
            var code = int.Parse(words[0], CultureInfo.InvariantCulture);
            Assert.True(code is 0 or 1 or 3 or 4 || code == 128 + number, line);
        }

        // Before anybody has mended anything.
        Assert.All(box.Tasks, static t => Assert.NotEmpty(t.Status));
        var shown = box.Run("status", "--all", "--format", "ids").Gives(0).Lines;
        var accepted = File.ReadAllLines(Path.Join(box.Outside, "ids"))
            .Where(static l => l.StartsWith("task_", StringComparison.Ordinal) && l.Length > 15);
        Assert.Empty(kept.Concat(accepted).Except(shown));
        Assert.True(shown.Order(StringComparer.Ordinal).SequenceEqual(box.Ids));
        foreach (var id in mayBeCleaned.Except(shown))
        {
            // Gone as a whole, or the next clean sees to it.
            Assert.False(File.Exists(box.TaskPath(id)));
        }

        box.Run("cancel", "--all").Gives(0, 1);
        box.Run("run", "--stop").Gives(0, 1);
        box.Run("status").Gives(0);
        Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
        box.HoldInJournal(Limit + 4);
        box.HoldInFiles(noted: false, mayBeCleaned);
        box.LeaveNothingRunning();
        box.HoldStill();
    }
}
