using System.Globalization;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd.Faults;

/// <summary>A number that once was a process of ours and now is somebody else's is never signalled.</summary>
public sealed class RecycledPidTests(ITestOutputHelper output)
{
    /// <summary>What stands in the record, of a stranger with the number <c>N</c>, started at <c>T</c>, here <c>M</c>.</summary>
    private static readonly string[] s_forgeries =
    [
        "N T-1 M",
        "N T+1 M",
        "N 0 M",
        // As if the stranger had got the number within the same tick.
        "N T M",
        "1 T M",
        "0 T M",
        "-1 T M",
        "-N T M",
        "2147483647 T M",
        "2147483648 T M",
        "4294967297 T M",
        "99999999999999999999 T M",
        "N 99999999999999999999 M",
        "N -1 M",
        "N T another-host/boot/pid:[1]",
        "N T M-of-another-boot",
        "N T",
        "",
    ];

    public static TheoryData<string, string> Forgeries
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var forgery in s_forgeries)
            {
                data.Add(forgery, "the agent lives");
                data.Add(forgery, "the agent is gone");
            }

            return data;
        }
    }

    [NeedsTheory(Machine.Linux)]
    [Trait("Fault", "F9")]
    [MemberData(nameof(Forgeries))]
    public void A_stranger_with_a_recorded_number_outlives_every_verb(
        string forgery,
        string agent
    ) =>
        Fault.Inject(
            "F9",
            fault =>
            {
                using var box = new Sandbox();
                using var stranger = box.Program("/bin/sleep", null, "300");
                var id = box.RunInBackground("sleep 300");
                var record = box.PathOf("run", id, ".run");
                Eventually.Holds(() => File.Exists(record), "the supervisor has written who runs");
                box.KillAtOnce(box.SupervisorOf(id));
                if (agent == "the agent is gone")
                {
                    box.KillProcessesOf(id);
                }

                Forge(record, forgery, stranger.Pid);
                fault.Injected();

                box.Run("status").Gives(0);
                box.Run("doctor").Gives(0, 1);
                box.Run("doctor", "--fix").Gives(0, 1);
                box.Run("run", "--parallel", "3").Gives(0);

                Assert.True(Processes.IsAlive(stranger.Pid), "the stranger was ended");
                if (box.ProcessesOf(id).Count > 0)
                {
                    // Recorded elsewhere and alive: it is not ours to judge, and never ours to end.
                    Assert.Contains("another", forgery, StringComparison.Ordinal);
                    Assert.Equal("running", box.Task(id).Status);
                }
                else
                {
                    Assert.Equal(("failed", "lost"), (box.Task(id).Status, box.Task(id).Reason));
                }
            }
        );

    // As if the numbers of the supervisor and of the agent had both gone to the stranger.
    private static void Forge(string record, string forgery, int stranger)
    {
        var lines = File.ReadAllLines(record);
        var ticks = Processes.StartTicks(stranger);
        for (var i = 0; i < 2; i++)
        {
            lines[i] = forgery
                .Replace(
                    "N",
                    stranger.ToString(CultureInfo.InvariantCulture),
                    StringComparison.Ordinal
                )
                .Replace(
                    "T+1",
                    (ticks + 1).ToString(CultureInfo.InvariantCulture),
                    StringComparison.Ordinal
                )
                .Replace(
                    "T-1",
                    (ticks - 1).ToString(CultureInfo.InvariantCulture),
                    StringComparison.Ordinal
                )
                .Replace(
                    "T",
                    ticks.ToString(CultureInfo.InvariantCulture),
                    StringComparison.Ordinal
                )
                .Replace("M", lines[i].Split(' ', 3)[^1], StringComparison.Ordinal);
        }

        File.WriteAllLines(record, lines);
    }

    /// <summary>
    /// In a pid namespace the next number can be chosen: the agent's goes to a stranger, while a process
    /// that the agent had started keeps the task alive, or nothing does.
    /// </summary>
    [NeedsTheory(Machine.PidNamespace)]
    [Trait("Fault", "F9")]
    [InlineData("agent")]
    [InlineData("supervisor")]
    public void A_stranger_that_really_got_the_number_lives(string whose) =>
        Fault.Inject(
            "F9",
            fault =>
            {
                using var box = new Sandbox();
                var rounds = Fault.Count(10, 100);
                box.Write(
                    "recycle.sh",
                    """
                    whose=$1
                    round=0
                    while [ $round -lt $2 ]; do
                      round=$((round + 1))
                      left='setsid sleep 300 & '
                      [ $((round % 2)) = 0 ] || left=
                      id=$(agentq start shell "${left}exec sleep 301" --quiet --run)
                      until [ -s .agents/run/$id.run ]; do sleep 0.01; done
                      supervisor=$(sed -n '1s/ .*//p' .agents/run/$id.run)
                      agent=$(sed -n '2s/ .*//p' .agents/run/$id.run)
                      until grep -q 301 /proc/$agent/cmdline; do sleep 0.01; done
                      kill -9 $supervisor
                      kill -9 $agent
                      wanted=$agent
                      [ $whose = agent ] || wanted=$supervisor
                      # Dead is not enough: the number is free when it has been reaped, by this namespace's init.
                      while [ -e /proc/$wanted ]; do sleep 0.01; done
                      stranger=0
                      tries=0
                      while [ $stranger != $wanted ] && [ $tries -lt 100 ]; do
                        echo $((wanted - 1)) > /proc/sys/kernel/ns_last_pid
                        sleep 302 &
                        stranger=$!
                        tries=$((tries + 1))
                      done
                      for verb in status "cancel $id" "doctor --fix" "run --wait"; do
                        agentq $verb >/dev/null 2>&1 || :
                      done
                      [ $stranger = $wanted ] && grep -q 302 /proc/$stranger/cmdline && echo the stranger lives
                      grep -l sleep.30[01] /proc/[0-9]*/cmdline && echo something is left || :
                      kill $stranger
                    done
                    """
                );
                // The script is not the namespace's init: that must reap what is orphaned, as a system's does.
                using var run = box.Program(
                    "/usr/bin/env",
                    null,
                    "unshare",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    "--kill-child",
                    "sh",
                    "-c",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"sh recycle.sh {whose} {rounds} & wait $!; code=$?; exit $code"
                    )
                );
                var outcome = run.End(60 + (rounds * 5));
                output.WriteLine(outcome.ToString());

                Assert.Equal(rounds, outcome.Lines.Count(static l => l == "the stranger lives"));
                Assert.DoesNotContain("something is left", outcome.Out, StringComparison.Ordinal);
                Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
                fault.Injected(rounds);
            }
        );
}
