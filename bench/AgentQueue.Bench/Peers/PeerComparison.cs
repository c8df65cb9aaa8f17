namespace AgentQueue.Bench;

/// <summary>
/// The same work done by agentq and by the other queues that are installed; wall time, since that is what
/// their users wait for. Only agentq is durable; beside them stands what it costs without.
/// </summary>
internal static class PeerComparison
{
    private const string EnqueueWork = "enqueue one entry";
    private const string MemoryWaiting = "memory for one more waiting task";
    private const string MemoryRunning = "memory for one more running task";

    private static readonly (string Package, Func<Workbench, Peer> Make)[] s_peers =
    [
        ("task-spooler", b => new TaskSpooler(b)),
        ("nq", b => new Nq(b)),
        ("parallel", b => new GnuParallel(b)),
        ("make", b => new Make(b)),
    ];

    public static void Measure(Workbench bench, Findings findings)
    {
        foreach (var fsync in (bool[])[true, false])
        {
            MeasureAgentq(bench, findings, fsync);
        }

        foreach (var (package, make) in s_peers)
        {
            try
            {
                using var peer = make(bench);
                Workbench.Say(peer.Name);
                MeasurePeer(bench, findings, peer);
            }
            catch (BenchException e)
            {
                findings.Gaps.Add(Gap.Of($"{package}, beside agentq", e));
            }
        }
    }

    private static void MeasureAgentq(Workbench bench, Findings findings, bool fsync)
    {
        using var agentq = new AgentqAsPeer(bench, fsync);
        Workbench.Say(agentq.Name);
        var table = findings.Peers;
        foreach (var size in bench.Scope.PeerSizes.Prepend(10))
        {
            agentq.Lengthen(size);
            Set(Enqueuing(size), Repeat(bench, agentq.Enqueue));
            if (fsync && size > 10)
            {
                Set(Listing(size), Repeat(bench, () => agentq.List("--all")));
                table.Set(
                    $"{Listing(size)}, default view",
                    agentq.Name,
                    Repeat(bench, () => agentq.List()),
                    "ms"
                );
            }
        }

        table.Set(
            Draining(bench),
            agentq.Name,
            Rate(bench, agentq.Drain(bench.Scope.Drained)),
            "a second"
        );
        if (fsync)
        {
            table.Set(MemoryWaiting, agentq.Name, "none, it is a file");
            table.Set(
                MemoryRunning,
                agentq.Name,
                new Samples([agentq.MemoryOfOneMoreRunning()]),
                "KiB"
            );
        }

        void Set(string work, Samples samples) => table.Set(work, agentq.Name, samples, "ms");
    }

    private static void MeasurePeer(Workbench bench, Findings findings, Peer peer)
    {
        var table = findings.Peers;
        foreach (var size in bench.Scope.PeerSizes.Prepend(10))
        {
            peer.Lengthen(size);
            if (peer.Enqueue() is not null)
            {
                var samples = Repeat(bench, () => peer.Enqueue()!.Value);
                table.Set(Enqueuing(size), peer.Name, samples, "ms");
                findings.Points.Add(new PlotPoint($"{peer.Name}, enqueue", size, samples.Median));
            }

            if (peer.List() is not null)
            {
                var samples = Repeat(bench, () => peer.List()!.Value);
                findings.Points.Add(new PlotPoint($"{peer.Name}, list", size, samples.Median));
                if (size > 10)
                {
                    table.Set(Listing(size), peer.Name, samples, "ms");
                }
            }
        }

        peer.Stop();
        table.Set(
            Draining(bench),
            peer.Name,
            Rate(bench, peer.Drain(bench.Scope.Drained)),
            "a second"
        );
        peer.Stop();
        table.Set(MemoryWaiting, peer.Name, Memory(peer, running: false));
        table.Set(MemoryRunning, peer.Name, Memory(peer, running: true));
        table.Set("remark", peer.Name, peer.Remark);
    }

    private static string Enqueuing(int size) => $"{EnqueueWork}, {Show.Count(size)} in the list";

    private static string Listing(int size) => $"list {Show.Count(size)} entries";

    private static string Draining(Workbench bench) =>
        $"{Show.Count(bench.Scope.Drained)} no-ops with two slots, enqueued and run";

    private static string Memory(Peer peer, bool running)
    {
        var memory = peer.MemoryOfOneMore(running);
        return memory < 1 ? "under 1 KiB" : $"{Show.Number(memory)} KiB";
    }

    private static Samples Rate(Workbench bench, TimeSpan time) =>
        new([bench.Scope.Drained / time.TotalSeconds]);

    private static Samples Repeat(Workbench bench, Func<TimeSpan> measure)
    {
        var samples = new Samples();
        for (var i = 0; i < bench.Scope.Rounds / 2; i++)
        {
            samples.Add(measure());
        }

        return samples;
    }
}
