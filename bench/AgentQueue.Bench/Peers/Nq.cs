using System.Globalization;

namespace AgentQueue.Bench;

/// <summary>nq: a folder of job files, each waiting process locking its own and waiting for those before.</summary>
internal sealed class Nq : Peer
{
    private int _queues;

    public Nq(Workbench bench)
        : base(bench, "nq", "nq") => NewQueue();

    public override string Name => "nq";

    public override string Remark => "has one slot, not two; its list is `ls -F` of its folder";

    public override void Lengthen(int entries)
    {
        Stop();
        NewQueue();
        for (var i = 0; i < entries; i++)
        {
            var name = string.Create(
                CultureInfo.InvariantCulture,
                $",{1_700_000_000_000 + i:x}.{1000 + i}"
            );
            File.WriteAllText(
                Path.Join(Environment["NQDIR"], name),
                "exec nq true\n\n\n[exited with status 0.]\n"
            );
        }

        Run(Program, "-q", "sleep", "1000");
    }

    public override TimeSpan? Enqueue() => Run(Program, "-q", "true").Wall;

    public override TimeSpan? List() => Run("/bin/ls", "-F", Environment["NQDIR"]).Wall;

    public override TimeSpan Drain(int count)
    {
        NewQueue();
        return Shell(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                i=0; while [ $i -lt {{count}} ]; do "$tool" -q true; i=$((i + 1)); done
                "$tool" -w
                """
            )
        ).Wall;
    }

    /// <summary>One queue runs one job: so many running are so many queues.</summary>
    protected override void Hold(int running, int waiting)
    {
        for (var i = 0; i < running; i++)
        {
            NewQueue();
            Run(Program, "-q", "sleep", "1000");
        }

        for (var i = 0; i < waiting; i++)
        {
            Run(Program, "-q", "sleep", "1000");
        }
    }

    private void NewQueue() =>
        Environment["NQDIR"] = Directory
            .CreateDirectory(Path.Join(Folder, $"queue{_queues++}"))
            .FullName;
}
