namespace AgentQueue.Bench;

/// <summary>One thing that is measured by itself; <paramref name="Name"/> is what <c>--only</c> takes.</summary>
internal sealed record Part(string Name, string Title, Action<Workbench, Findings> Measure)
{
    public static IReadOnlyList<Part> All { get; } =
    [
        new("scale", "what verbs cost in larger and larger queues", VerbCosts.Measure),
        new("memory", "the memory of status", StatusMemory.Measure),
        new("drain", "draining", Draining.Measure),
        new("plans", "runs of plans", PlanRuns.Measure),
        new("events", "from an event to what it starts; watching files", Events.Measure),
        new("streams", "reading what agents print", Streams.Measure),
        new("batch", "a batch of 10,000 tasks", BatchStart.Measure),
        new("agents", "200 agents at once", ManyAgents.Measure),
        new("latency", "launch, dependency, cancel, one supervisor", Latencies.Measure),
        new("peers", "other queues, as far as they are installed", PeerComparison.Measure),
    ];
}
