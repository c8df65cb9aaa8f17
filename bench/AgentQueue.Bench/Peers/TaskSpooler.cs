using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>task-spooler: a server that holds the queue in memory, and a client that waits for each job.</summary>
internal sealed class TaskSpooler : Peer
{
    public TaskSpooler(Workbench bench)
        : base(bench, "tsp", "task-spooler")
    {
        Environment["TS_SOCKET"] = Path.Join(Folder, "socket");
        Environment["TMPDIR"] = Folder;
        Environment["TS_MAXFINISHED"] = "100000";
        Environment["TS_MAXCONN"] = "500";
    }

    public override string Name => "tsp";

    public override string Remark =>
        "`tsp -n`, which keeps no output; its list is of finished jobs, because a waiting one is a process";

    /// <summary>Finished entries, as they remain after a drain; then one that blocks the only slot.</summary>
    public override void Lengthen(int entries)
    {
        Stop();
        Drain(entries);
        Run(Program, "-S", "1");
        Run(Program, "-n", "sleep", "1000");
    }

    public override TimeSpan? Enqueue() => Run(Program, "-n", "true").Wall;

    public override TimeSpan? List() => Run(Program, "-l").Wall;

    /// <summary>The server ends jobs in any order: it is asked for its list until nothing is left.</summary>
    public override TimeSpan Drain(int count)
    {
        Run(Program, "-S", "2");
        return Shell(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                i=0; while [ $i -lt {{count}} ]; do "$tool" -n true > /dev/null; i=$((i + 1)); done
                "$tool" -w > /dev/null
                while "$tool" -l | grep -qE '^[0-9]+ +(running|queued)'; do sleep 0.01; done
                """
            )
        ).Wall;
    }

    protected override void Hold(int running, int waiting)
    {
        Run(Program, "-S", $"{running}");
        for (var i = 0; i < running + waiting; i++)
        {
            Run(Program, "-n", "sleep", "1000");
        }
    }

    /// <summary>Its server is of the brood; a socket without a server would be tried by the next client.</summary>
    public override void Stop()
    {
        base.Stop();
        File.Delete(Environment["TS_SOCKET"]);
    }
}
