using System.Diagnostics;

namespace AgentQueue.Bench;

/// <summary>agentq itself, on the work that its peers do, so that all stand in one table.</summary>
internal sealed class AgentqAsPeer(Workbench bench, bool fsync) : IDisposable
{
    private ScratchQueue? _queue;

    public string Name => fsync ? "agentq" : "agentq, fsync off";

    public void Lengthen(int entries)
    {
        _queue?.Dispose();
        _queue = bench.NewQueue(fsync);
        bench.Pattern.Fill(_queue, entries, entries / 10 * 9);
        _queue.Agentq("status");
    }

    public TimeSpan Enqueue()
    {
        Queue.Start("true", out var cost);
        return cost.Wall;
    }

    public TimeSpan List(params string[] options) => Queue.Agentq(["status", .. options]).Wall;

    /// <summary>From the call of <c>start --batch</c> to the last exit code.</summary>
    public TimeSpan Drain(int count)
    {
        using var queue = bench.NewQueue(fsync);
        var begin = Stopwatch.GetTimestamp();
        queue.StartBatch("true", count);
        queue.Agentq("run", "--drain", "--parallel", "2");
        queue.AwaitExitCodes(count, TimeSpan.FromMinutes(3));
        var time = Stopwatch.GetElapsedTime(begin);
        queue.Agentq("wait");
        return time;
    }

    /// <summary>Memory (PSS) of one more supervisor beside others, in KiB.</summary>
    public double MemoryOfOneMoreRunning()
    {
        using var queue = bench.NewQueue(fsync);
        return (Weigh(22) - Weigh(2)) / 20;

        double Weigh(int running)
        {
            queue.StartBatch("exec sleep 1000", running);
            queue.Agentq("run", "--parallel", $"{running}");
            var supervisors = ManyAgents.Supervisors(queue, running);
            Thread.Sleep(300);
            var memory = supervisors.Sum(s => s.Proportional) * 1024;
            queue.Agentq("status", "--state", "running", "--format", "ids", "--all");
            queue.Agentq(["cancel", .. queue.Printed.Split('\n')]);
            return memory;
        }
    }

    public void Dispose() => _queue?.Dispose();

    private ScratchQueue Queue => _queue ?? throw new UnreachableException();
}
