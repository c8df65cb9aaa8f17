namespace AgentQueue.EndToEnd.Faults;

/// <summary>
/// After a reboot all locks are free, nothing of ours lives, and the numbers of old mean strangers: what
/// ran is lost and says so, what waited waits, and nothing starts by itself.
/// </summary>
public sealed class RebootTests
{
    // First numbers that strangers have, then a boot id that nobody has seen.
    private const string Reboot =
        "cat /proc/sys/kernel/random/uuid > outside.boot && mount --bind outside.boot /proc/sys/kernel/random/boot_id";

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (
                var verb in new[]
                {
                    "status",
                    "status --all --json",
                    "run",
                    "run --parallel 1",
                    "wait --timeout 1",
                    "doctor",
                    "doctor --fix",
                    "cancel $ID",
                    "show $ID",
                    "timeout list",
                }
            )
            {
                data.Add(verb, "the agent did nothing");
                data.Add(verb, "the agent had written .done");
            }

            return data;
        }
    }

    [NeedsTheory(Machine.Mounts)]
    [Trait("Fault", "F10")]
    [MemberData(nameof(Cases))]
    public void What_ran_is_lost_and_what_waited_waits(string verb, string agent) =>
        Fault.Inject(
            "F10",
            fault =>
            {
                using var box = new Sandbox();
                var id = box.Enqueue(box.Journal.Around("sleep 300"));
                var waiting = box.Enqueue("true", "--depends-on", id);
                var free = box.Enqueue("true", "--hold");
                box.Run("run", "--drain", "--parallel", "1").Gives(0);
                var record = box.PathOf("run", id, ".run");
                Eventually.Holds(
                    () => File.Exists(record) && box.Journal.StartsOf(id) == 1,
                    "the agent runs"
                );
                box.KillAtOnce(box.SupervisorOf(id));
                box.KillProcessesOf(id);
                box.Run("release", free).Gives(0);
                var done = agent == "the agent had written .done";
                if (done)
                {
                    File.WriteAllText(box.PathOf("tasks", id, ".done"), "");
                }

                using var stranger = box.Program("/bin/sleep", null, "300");
                var lines = File.ReadAllLines(record);
                for (var i = 0; i < 2; i++)
                {
                    var words = lines[i].Split(' ', 3);
                    lines[i] = $"{stranger.Pid} {Processes.StartTicks(stranger.Pid)} {words[2]}";
                }

                File.WriteAllLines(record, lines);

                Rebooted(box, verb.Replace("$ID", id, StringComparison.Ordinal)).Gives(0, 1, 3, 5);
                Rebooted(box, "status").Gives(0);
                fault.Injected();

                Assert.True(Processes.IsAlive(stranger.Pid), "the stranger was ended");
                var task = box.Task(id);
                if (verb.StartsWith("cancel", StringComparison.Ordinal))
                {
                    Assert.Equal("cancelled", task.Status);
                }
                else
                {
                    Assert.Equal(
                        done ? ("complete", null) : ("failed", "lost"),
                        (task.Status, task.Reason)
                    );
                }

                if (!verb.StartsWith("run", StringComparison.Ordinal))
                {
                    Assert.Equal("pending", box.Task(waiting).Status);
                    Assert.Equal("pending", box.Task(free).Status);
                    Assert.Empty(box.Supervisors);
                }

                Assert.Equal(3, box.Ids.Count);
                box.Journal.ShowsNoSecondStart();
            }
        );

    private static Outcome Rebooted(Sandbox box, string verb) =>
        box.Sh(
            $"exec unshare --mount sh -c 'cd ../outside && {Reboot} && cd ../project && agentq {verb}'"
        );
}
