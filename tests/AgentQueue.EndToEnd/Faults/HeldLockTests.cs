namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// Locks whose holder dies, whose holder is stopped and does not let go, and file systems that have none:
/// a verb takes over, or waits for a bounded time and says so, or refuses; it never goes on unlocked.
/// </summary>
public sealed class HeldLockTests
{
    // What changes tasks, and so needs a lock: the task's own, or the queue's.
    private static readonly string[] s_locking =
    [
        "run",
        "run $FREE",
        "run --drain",
        "run --stop",
        "start shell true --run",
        "cancel $ID",
        "hold $ID",
        "release $HELD",
        "retry $FAILED",
        "timeout extend $ID 60",
        "deps add $ID $HELD",
        "deps remove $ID $FAILED",
        "clean all -y",
        "start --batch batch.jsonl",
    ];

    public static TheoryData<string, string> Unsupported
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var verb in s_locking)
            {
                data.Add(verb, "EOPNOTSUPP");
                data.Add(verb, "ENOLCK");
            }

            return data;
        }
    }

    [NeedsTheory(Machine.Strace)]
    [Trait("Fault", "F16")]
    [MemberData(nameof(Unsupported))]
    public void Without_locks_it_refuses(string verb, string error) =>
        Fault.Inject(
            "F16",
            fault =>
            {
                using var box = new Sandbox();
                var line = Prepare(box, verb);
                var before = box.Picture();

                var outcome = box.Sh(
                    $"exec strace -f -q -o {box.Outside}/trace -e trace=flock -e inject=flock:error={error} agentq {line}"
                );
                fault.Injected();

                outcome.Gives(1);
                Assert.Matches("(?m)^agentq: Cannot lock ", outcome.Err);
                Assert.Contains("local disk", outcome.Err, StringComparison.Ordinal);
                Assert.Empty(box.Journal.Starts);
                box.LeaveNothingRunning();
                if (!verb.StartsWith("start", StringComparison.Ordinal))
                {
                    Assert.Equal(before, box.Picture());
                }
            }
        );

    public static TheoryData<string, string> Held =>
        new()
        {
            { "run", "queue.lock" },
            { "run $FREE", "queue.lock" },
            { "run --drain", "queue.lock" },
            { "run --stop", "queue.lock" },
            { "deps add $ID $HELD", "queue.lock" },
            { "hold $ID", "$ID.lock" },
            { "release $HELD", "$HELD.lock" },
            { "retry $FAILED", "$FAILED.lock" },
            { "deps remove $ID $FAILED", "$ID.lock" },
        };

    /// <summary>Stopped, a holder keeps its lock; killed, it gives it up.</summary>
    [NeedsTheory(Machine.Linux)]
    [Trait("Fault", "F16")]
    [MemberData(nameof(Held))]
    public void A_stopped_holder_is_waited_for_a_while_and_a_killed_one_is_not(
        string verb,
        string file
    ) =>
        Fault.Inject(
            "F16",
            fault =>
            {
                using var box = new Sandbox();
                var line = Prepare(box, verb);
                var before = box.Picture();
                var path = Path.Join(box.Queue, "run", Prepare(box, file, make: false));
                using var holder = box.Program(
                    "/usr/bin/env",
                    null,
                    "flock",
                    path,
                    "sh",
                    "-c",
                    $"touch '{box.Outside}/holds'; exec sleep 300"
                );
                Eventually.Holds(
                    () => File.Exists(Path.Join(box.Outside, "holds")),
                    "the lock is held"
                );
                foreach (var pid in box.Mine)
                {
                    Processes.Signal(pid, Processes.Stop);
                }

                var refused = box.Run(line.Split(' '));
                fault.Injected();
                refused.Gives(1);
                Assert.Matches("(?m)^agentq: .*another agentq", refused.Err.ToLowerInvariant());
                Assert.True(refused.Took.TotalSeconds > 1, "it did not wait");
                Assert.Equal(before, box.Picture());

                box.Mine.ForEach(box.KillAtOnce);
                fault.Injected();
                box.Run(line.Split(' ')).Gives(0);
                box.Run("run", "--drain", "--wait").Gives(0, 3);
                box.Journal.ShowsNoSecondStart();
            }
        );

    private static string Prepare(Sandbox box, string line, bool make = true)
    {
        if (make)
        {
            box.Enqueue("exit 1");
            box.Run("run", "--wait").Gives(3);
            var failed = box.Ids[0];
            box.Run("timeout", "list").Gives(0);
            box.Enqueue(box.Journal.Around("true"), "--hold");
            box.Enqueue(box.Journal.Around("true"), "--timeout", "600");
            box.Run("deps", "add", box.Ids[2], failed).Gives(0);
            box.Enqueue(box.Journal.Around("true"));
            box.Write("batch.jsonl", """{"agent": "shell", "prompt": "true"}""" + "\n");
            box.LeaveNothingRunning();
        }

        return line.Replace("$FAILED", box.Ids[0], StringComparison.Ordinal)
            .Replace("$HELD", box.Ids[1], StringComparison.Ordinal)
            .Replace("$FREE", box.Ids[3], StringComparison.Ordinal)
            .Replace("$ID", box.Ids[2], StringComparison.Ordinal);
    }
}
