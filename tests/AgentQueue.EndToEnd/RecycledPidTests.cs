using System.Globalization;
using Xunit.Abstractions;

namespace AgentQueue.EndToEnd;

/// <summary>A number that once was a process of ours and now is somebody else's is never signalled.</summary>
public sealed class RecycledPidTests(ITestOutputHelper output)
{
    [Needs(Machine.Linux)]
    public void A_stranger_with_a_recorded_number_outlives_every_verb()
    {
        using var box = new Sandbox();
        using var stranger = box.Program("/bin/sleep", null, "300");
        var id = box.RunInBackground("sleep 300");
        var record = box.PathOf("run", id, ".run");
        Eventually.Holds(() => File.Exists(record), "the supervisor has written who runs");
        box.KillAtOnce(box.SupervisorOf(id));
        // As if the numbers of the supervisor and of the agent had both gone to the stranger.
        var lines = File.ReadAllLines(record);
        for (var i = 0; i < 2; i++)
        {
            var words = lines[i].Split(' ', 3);
            lines[i] = string.Create(
                CultureInfo.InvariantCulture,
                $"{stranger.Pid} {Processes.StartTicks(stranger.Pid) - 1} {words[2]}"
            );
        }

        File.WriteAllLines(record, lines);

        box.Run("status").Gives(0);
        box.Run("cancel", id).Gives(0, 1);
        box.Run("doctor").Gives(0, 1);
        box.Run("doctor", "--fix").Gives(0, 1);
        box.Run("run", "--parallel", "3", "--wait").Gives(0);

        Assert.True(Processes.IsAlive(stranger.Pid), "the stranger was ended");
        Assert.True(box.Task(id).IsFinished);
        Assert.Empty(box.ProcessesOf(id));
    }

    [NeedsTheory(Machine.Linux)]
    [InlineData("1")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("2147483647")]
    [InlineData("99999999999999999999")]
    public void An_absurd_number_in_the_record_harms_nobody(string pid)
    {
        using var box = new Sandbox();
        using var stranger = box.Program("/bin/sleep", null, "300");
        var id = box.RunInBackground("sleep 300");
        var record = box.PathOf("run", id, ".run");
        Eventually.Holds(() => File.Exists(record), "the supervisor has written who runs");
        box.KillAtOnce(box.SupervisorOf(id));
        var lines = File.ReadAllLines(record);
        lines[0] = pid + " " + lines[0].Split(' ', 2)[1];
        lines[1] = pid + " " + lines[1].Split(' ', 2)[1];
        File.WriteAllLines(record, lines);

        box.Run("status").Gives(0);
        box.Run("doctor", "--fix").Gives(0, 1);

        Assert.True(Processes.IsAlive(stranger.Pid), "the stranger was ended");
        Assert.True(box.Task(id).IsFinished);
        Assert.Empty(box.ProcessesOf(id));
    }

    /// <summary>
    /// In a pid namespace the next number can be chosen: the agent's goes to a stranger, while a process
    /// that the agent had started keeps the task alive.
    /// </summary>
    [Needs(Machine.PidNamespace)]
    public void A_stranger_that_really_got_the_agents_number_lives()
    {
        using var box = new Sandbox();
        box.Write(
            "recycle.sh",
            """
            set -e
            id=$(agentq start shell 'setsid sleep 300 & exec sleep 301' --quiet --run)
            until [ -s .agents/run/$id.run ]; do sleep 0.01; done
            supervisor=$(sed -n '1s/ .*//p' .agents/run/$id.run)
            agent=$(sed -n '2s/ .*//p' .agents/run/$id.run)
            until grep -q 301 /proc/$agent/cmdline; do sleep 0.01; done
            kill -9 $supervisor
            kill -9 $agent
            # Dead is not enough: the number is free when it has been reaped, by this namespace's init.
            while [ -e /proc/$agent ]; do sleep 0.01; done
            stranger=0
            tries=0
            while [ $stranger != $agent ] && [ $tries -lt 100 ]; do
              echo $((agent - 1)) > /proc/sys/kernel/ns_last_pid
              sleep 302 &
              stranger=$!
              tries=$((tries + 1))
            done
            echo "agent $agent stranger $stranger"
            for verb in status "cancel $id" "doctor --fix" "run --wait"; do
              agentq $verb >/dev/null 2>&1 || :
            done
            grep -q 302 /proc/$stranger/cmdline && echo the stranger lives
            grep -l sleep.300 /proc/[0-9]*/cmdline && echo something is left || :
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
            "sh recycle.sh & wait $!; code=$?; exit $code"
        );
        var outcome = run.End();
        output.WriteLine(outcome.ToString());

        var numbers = outcome.Lines.First(static l =>
            l.StartsWith("agent ", StringComparison.Ordinal)
        );
        var words = numbers.Split(' ');
        Assert.Equal(words[1], words[3]);
        Assert.Contains("the stranger lives", outcome.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("something is left", outcome.Out, StringComparison.Ordinal);
        Assert.All(box.Tasks, static t => Assert.True(t.IsFinished, t.ToString()));
    }

    [Needs(Machine.PidNamespace)]
    public void A_task_of_another_pid_namespace_is_left_alone()
    {
        using var box = new Sandbox();
        var id = box.RunInBackground("sleep 300");
        var agents = box.ProcessesOf(id);

        using var inside = box.Program(
            "/usr/bin/env",
            null,
            "unshare",
            "--pid",
            "--fork",
            "--mount-proc",
            "sh",
            "-c",
            "agentq status; agentq run; agentq doctor --fix; exit 0"
        );
        inside.End().Gives(0);

        Assert.Equal("running", box.Task(id).Status);
        Assert.All(agents, static p => Assert.True(Processes.IsAlive(p)));
    }
}
