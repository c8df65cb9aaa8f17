using System.Collections.Immutable;
using AgentQueue.Plans;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Support;

/// <summary>A world with a run of a plan in it; its nodes are known by their names.</summary>
internal sealed class RunStage(params string[] nodes)
{
    public static readonly RunId Run = RunId.TryParse("run_0123456789abcd", out var run)
        ? run
        : throw new InvalidOperationException();

    private readonly Dictionary<string, int> _places = nodes
        .Index()
        .ToDictionary(static n => n.Item, static n => n.Index);

    public World World { get; } = NewWorld();

    public RunRecord Record { get; init; } =
        new()
        {
            Id = Run,
            Plan = "plan.yaml",
            Frozen = "plan.yaml",
            WorkingFolder = World.Root,
            Rules = new DrainRules(4),
            CreatedAt = FakeTime.Start,
            Nodes = [.. nodes],
        };

    private static World NewWorld()
    {
        var world = new World();
        world.Open().Queue.Create();
        world.Disk.Plant($"{World.Root}/.agents/runs/{Run}/logs/.keep", "");
        return world;
    }

    /// <summary>The first attempt at a node.</summary>
    public TaskId Id(string node) => Record.TaskOf(_places[node]);

    /// <summary>The node's task, pending.</summary>
    /// <param name="after">What it waits for: a name, or <c>afterany:NAME</c> and the like.</param>
    public AgentTask New(string node, params string[] after)
    {
        var dependencies = after
            .Select(a => a.Split(':'))
            .Select(a => new Dependency(
                Id(a[^1]),
                a.Length == 1 ? DependencyKind.AfterOk : DependencyKinds.Find(a[0])!.Value
            ))
            .ToList();
        return new AgentTask
        {
            Id = Id(node),
            Agent = PlanStep.CommandAgent,
            Prompt = node,
            Name = node,
            CreatedAt = FakeTime.Start,
            DependsOn = [.. dependencies.Select(static d => d.Id)],
            AfterAny = Those(DependencyKind.AfterAny),
            AfterNotOk = Those(DependencyKind.AfterNotOk),
            MaxRetries = 0,
            Step = new PlanStep { Node = node, Command = ["make", node] },
            State = new TaskState.Pending(),
        };

        ImmutableArray<TaskId> Those(DependencyKind kind) =>
            [.. dependencies.Where(d => d.Kind == kind).Select(static d => d.Id)];
    }

    public AgentTask Put(string node, params string[] after) => World.Put(New(node, after));

    public AgentTask Put(string node, TaskState state, params string[] after) =>
        World.Put(New(node, after) with { State = state });

    public AgentTask Read(string node) => World.Read(Id(node));

    public Dependencies Dependencies()
    {
        var queue = World.Open().Queue;
        return new Dependencies(queue, QueueSnapshot.Take(queue));
    }

    public RunView View() => RunView.Of(World.Open().Queue, Record, World.Time.GetUtcNow());

    /// <summary>Drains the run to its end, all supervisors one after the other.</summary>
    public void Drain(DrainRules? rules = null)
    {
        World.Open().RunOf(Run).BeginDrain(rules ?? Record.Rules);
        World.Backend.LiveAll();
    }

    public static TaskState.Complete Complete() =>
        new(FakeTime.Start, FakeTime.Start.AddSeconds(2)) { ExitCode = 0 };

    public static TaskState.Failed Failed(string reason = Reason.Exit) =>
        new(FakeTime.Start, FakeTime.Start.AddSeconds(2), reason, "it failed") { ExitCode = 1 };

    public static TaskState.Cancelled Cancelled() => new(null, FakeTime.Start.AddSeconds(2));

    public static TaskState.Cancelled Skipped() =>
        Cancelled() with
        {
            Skipped = "a is complete, not failed",
        };
}
