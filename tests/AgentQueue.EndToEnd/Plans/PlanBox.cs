using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentQueue.EndToEnd.Plans;

/// <summary>One task of a run, as <c>plan status --json</c> tells it.</summary>
internal sealed record PlanNode(
    string Id,
    string State,
    string Reason,
    string TaskId,
    int Attempts,
    bool TimedOut
);

/// <summary>A run, as <c>plan status --json</c> tells it.</summary>
internal sealed record PlanState(
    string Run,
    string State,
    string Folder,
    IReadOnlyList<PlanNode> Nodes
)
{
    public bool IsOver => State is "complete" or "failed" or "cancelled";

    public PlanNode this[string node] => Nodes.Single(n => n.Id == node);

    /// <summary>The states of its tasks, in the plan's order.</summary>
    public string States => string.Join(' ', Nodes.Select(static n => n.State));
}

/// <summary>What stories about plans have in common.</summary>
internal static partial class PlanBox
{
    /// <summary>Writes <c>p.yaml</c> and runs it to its end.</summary>
    public static Outcome RunPlan(this Sandbox box, string plan, params string[] more)
    {
        box.Write("p.yaml", plan);
        return box.RunLong(300, ["plan", "run", "p.yaml", .. more]);
    }

    /// <summary>Writes <c>p.yaml</c>, sets it going, and returns the id of the run.</summary>
    public static string Detach(this Sandbox box, string plan, params string[] more)
    {
        var first = box.RunPlan(plan, ["--detach", .. more]).Gives(0).Lines[0];
        return RunIds().Match(first).Value;
    }

    public static Outcome RunLong(this Sandbox box, double seconds, params string[] args)
    {
        using var running = box.Begin(args);
        return running.End(seconds);
    }

    public static PlanState Plan(this Sandbox box, string run = "last") =>
        Parse(box.Run("plan", "status", run, "--json").Gives(0).Json);

    public static PlanState Parse(JsonElement root) =>
        new(
            root.GetProperty("run").GetString()!,
            root.GetProperty("state").GetString()!,
            root.GetProperty("folder").GetString()!,
            [
                .. root.GetProperty("tasks")
                    .EnumerateArray()
                    .Select(static t => new PlanNode(
                        t.GetProperty("id").GetString()!,
                        t.GetProperty("state").GetString()!,
                        t.GetProperty("reason").GetString()!,
                        t.GetProperty("taskId").GetString()!,
                        t.GetProperty("attempts").GetInt32(),
                        t.GetProperty("timedOut").GetBoolean()
                    )),
            ]
        );

    /// <summary>Waits until the run is in the state; one that ended otherwise fails the test at once.</summary>
    public static PlanState Reaches(this Sandbox box, string state, double seconds = 60)
    {
        PlanState? seen = null;
        Eventually.Holds(
            () => (seen = box.Plan()).State == state || seen.IsOver,
            $"the run is {state}",
            seconds
        );
        Assert.True(seen!.State == state, $"The run is {seen.State}, not {state}: {seen.States}");
        return seen;
    }

    public static PlanState NodeReaches(
        this Sandbox box,
        string node,
        string state,
        double seconds = 60
    )
    {
        PlanState? seen = null;
        Eventually.Holds(
            () =>
                box.Run("plan", "list", "--json").Gives(0).Json.GetProperty("runs").GetArrayLength()
                    > 0
                && (seen = box.Plan())[node].State == state,
            $"{node} is {state}",
            seconds
        );
        return seen!;
    }

    /// <summary>A command of a plan: a script of the shell.</summary>
    public static string Sh(string script) => $"[sh, -c, {JsonSerializer.Serialize(script)}]";

    /// <summary>A command that notes its start, does something, and notes its end if that went well.</summary>
    public static string Noting(this Sandbox box, string name, string what = "true") =>
        Sh(
            $"echo start {name} >> '{box.Journal.Path}'; {what} && echo stop {name} >> '{box.Journal.Path}'"
        );

    /// <summary>Waits for the file.</summary>
    public static string Gate(this Sandbox box, string name = "gate") =>
        $"until test -e '{Path.Join(box.Outside, name)}'; do sleep 0.02; done";

    /// <summary>Waits until so many have noted their starts, and a little longer: were there more, they would start too.</summary>
    public static string UntilStarted(this Sandbox box, int count) =>
        $"until test $(grep -c start '{box.Journal.Path}') -ge {count}; do sleep 0.02; done; sleep 0.05";

    public static void Open(this Sandbox box, string name = "gate") =>
        File.WriteAllText(Path.Join(box.Outside, name), "");

    public static void Starts(this Sandbox box, string node, int times = 1) =>
        Eventually.Holds(
            () => box.Journal.StartsOf(node) >= times,
            $"{node} has started: {string.Join(", ", box.Journal.Lines)}"
        );

    /// <summary>The journal as words: <c>start a, stop a</c>.</summary>
    public static string Told(this Sandbox box) =>
        string.Join(", ", box.Journal.Lines.Select(static l => $"{l.Word} {l.Task}"));

    /// <summary>Ends everything that was started in the sandbox, at once.</summary>
    public static void KillAll(this Sandbox box)
    {
        var killed = new HashSet<int>();
        Eventually.Holds(
            () =>
            {
                var mine = box.Mine;
                foreach (var pid in mine)
                {
                    Processes.Signal(pid, Processes.Kill);
                    killed.Add(pid);
                }

                // The threads of one that is dead may still hold its locks.
                return mine.Count == 0 && killed.All(Processes.IsGone);
            },
            "all are dead"
        );
    }

    [GeneratedRegex("run_[0-9a-z]+")]
    private static partial Regex RunIds();
}
