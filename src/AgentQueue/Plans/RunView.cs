using System.Collections.Immutable;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Plans;

/// <summary>Where a node of a run stands.</summary>
internal enum NodeState
{
    /// <summary>It waits for other nodes.</summary>
    Pending,

    /// <summary>It could start, and does as soon as there is a slot.</summary>
    Ready,

    Running,

    /// <summary>It has failed, and is tried again when its pause is over.</summary>
    Retrying,

    /// <summary>It could start, and somebody has to say yes.</summary>
    Approval,

    /// <summary>It could start, and was held by hand.</summary>
    Held,

    Complete,
    Failed,
    Cancelled,

    /// <summary>It will not run: what it waits for did not end as it must, or its condition does not hold.</summary>
    Skipped,
}

/// <summary>Where a run stands.</summary>
internal enum RunState
{
    Running,

    /// <summary>Nothing runs until somebody approves, or lets go what is held.</summary>
    Waiting,

    /// <summary>There is work left and nobody does it: its supervisors were killed, or the machine was.</summary>
    Stopped,

    Complete,
    Failed,
    Cancelled,
}

/// <param name="Attempts">The node's tasks, the first one and its retries; empty if they are gone.</param>
/// <param name="Reason">Why it is what it is, as a short sentence; empty if there is nothing to say.</param>
internal sealed record NodeView(
    string Id,
    ImmutableArray<AgentTask> Attempts,
    NodeState State,
    string Reason
)
{
    public AgentTask? Last => Attempts.IsEmpty ? null : Attempts[^1];

    public bool IsOver =>
        State is NodeState.Complete or NodeState.Failed or NodeState.Cancelled or NodeState.Skipped;

    /// <summary>When its first attempt began; null if none has.</summary>
    public DateTimeOffset? StartedAt =>
        Attempts.Select(static t => StartOf(t)).FirstOrDefault(static s => s is not null);

    /// <summary>When its last attempt ended; null if it has not.</summary>
    public DateTimeOffset? EndedAt => (Last?.State as TaskState.Finished)?.CompletedAt;

    /// <summary>How long its last attempt runs, or ran; null if it never did.</summary>
    public TimeSpan? Took(DateTimeOffset now) =>
        Last is { } last && StartOf(last) is { } from
            ? TimeSpan.FromTicks(Math.Max(((EndedAt ?? now) - from).Ticks, 0))
            : null;

    public static DateTimeOffset? StartOf(AgentTask task) =>
        task.State switch
        {
            TaskState.Running running => running.StartedAt,
            TaskState.Finished finished => finished.StartedAt,
            _ => null,
        };
}

/// <summary>A run at one moment, as its tasks' files tell.</summary>
internal sealed record RunView(RunRecord Record, ImmutableArray<NodeView> Nodes, RunState State)
{
    public bool IsOver => State is RunState.Complete or RunState.Failed or RunState.Cancelled;

    public DateTimeOffset? StartedAt => Nodes.Min(static n => n.StartedAt);

    public DateTimeOffset? EndedAt => IsOver ? Nodes.Max(static n => n.EndedAt) : null;

    public int Count(NodeState state) => Nodes.Count(n => n.State == state);

    public static RunView Of(QueueFolder queue, RunRecord record, DateTimeOffset now)
    {
        var snapshot = QueueSnapshot.Take(queue);
        var dependencies = new Dependencies(queue, snapshot);
        var attempts = record
            .Nodes.Select((_, i) => AttemptsOf(queue, record.TaskOf(i)))
            .ToImmutableArray();
        var failed = record.Rules.FailFast
            ? attempts
                .Select(static a => a.LastOrDefault())
                .FirstOrDefault(static t =>
                    t is { State: TaskState.Failed { RetryIntent: null } }
                    && RetryPolicy.DueAt(t) is null
                )
            : null;
        var nodes = ImmutableArray.CreateBuilder<NodeView>(attempts.Length);
        for (var i = 0; i < attempts.Length; i++)
        {
            var (state, reason) = attempts[i] is [.., var last]
                ? StateOf(queue, last, dependencies, failed, now)
                : (NodeState.Pending, "its task is not there");
            nodes.Add(new NodeView(record.Nodes[i], attempts[i], state, reason));
        }

        var view = new RunView(record, nodes.MoveToImmutable(), RunState.Running);
        return view with { State = view.StateOf(queue) };
    }

    private RunState StateOf(QueueFolder queue)
    {
        if (Nodes.All(static n => n.IsOver))
        {
            return Count(NodeState.Cancelled) > 0 ? RunState.Cancelled
                : Count(NodeState.Failed) > 0 ? RunState.Failed
                : RunState.Complete;
        }

        var drain = new Drain(queue, Record.Id);
        if (Count(NodeState.Running) > 0 || (drain.Rules is not null && !drain.IsDeserted))
        {
            return RunState.Running;
        }

        return Nodes.Any(static n => n.State is NodeState.Ready or NodeState.Retrying)
            || Nodes.Any(static n => n.Attempts.IsEmpty)
                ? RunState.Stopped
            : Nodes.Any(static n => n.State is NodeState.Approval or NodeState.Held)
                ? RunState.Waiting
            : RunState.Stopped;
    }

    private static (NodeState State, string Reason) StateOf(
        QueueFolder queue,
        AgentTask task,
        Dependencies dependencies,
        AgentTask? failed,
        DateTimeOffset now
    )
    {
        switch (task.State)
        {
            case TaskState.Complete complete:
                return (NodeState.Complete, complete.Note ?? "");
            // In a moment its retry will be there.
            case TaskState.Unsuccessful { RetryIntent: not null } ended:
                return (NodeState.Retrying, (ended as TaskState.Failed)?.Message ?? "");
            case TaskState.Cancelled { Skipped: { } why }:
                return (NodeState.Skipped, why);
            case TaskState.Cancelled:
                return (
                    NodeState.Cancelled,
                    task.Step?.Approval is not null && NodeView.StartOf(task) is null
                        ? "not approved"
                        : ""
                );
            // Once the run has ended at a failure, nobody waits for this one's pause.
            case TaskState.Failed failure when failed is null && RetryPolicy.DueAt(task) is { } due:
                return (
                    NodeState.Retrying,
                    $"retry in {TaskView.Countdown(due > now ? due - now : TimeSpan.Zero)}; {failure.Message}"
                );
            case TaskState.Failed failure:
                return (NodeState.Failed, failure.Message);
            case TaskState.Running:
                return (NodeState.Running, "");
            case TaskState.Pending when queue.IsSupervised(task.Id):
                return (NodeState.Running, "starting");
        }

        return (dependencies.Check(task), task.State) switch
        {
            (Readiness.Blocked blocked, _) => (
                NodeState.Skipped,
                $"{NameOf(queue, blocked.By)} {blocked.Note}"
            ),
            _ when failed is not null => (
                NodeState.Skipped,
                $"fail-fast: {failed.Step?.Node ?? failed.Id.Value} failed"
            ),
            (Readiness.Waiting waiting, _) => (
                NodeState.Pending,
                $"waits for {string.Join(", ", waiting.For.Take(3).Select(id => NameOf(queue, id)))}{(waiting.For.Count > 3 ? $" and {waiting.For.Count - 3} more" : "")}"
            ),
            (_, TaskState.Pending { Held: true }) => task.Step?.Approval is { } question
                ? (NodeState.Approval, question)
                : (NodeState.Held, "held"),
            _ => (NodeState.Ready, ""),
        };
    }

    private static string NameOf(QueueFolder queue, TaskId id) =>
        queue.Read(id) is TaskRead.Found({ Step: { } step }, _) ? step.Node : id.Value;

    private static ImmutableArray<AgentTask> AttemptsOf(QueueFolder queue, TaskId first)
    {
        var attempts = ImmutableArray.CreateBuilder<AgentTask>();
        var id = first;
        // Lines of retries are short; the bound is for files edited into a ring.
        for (var step = 0; step < 10_000; step++)
        {
            if (queue.Read(id) is not TaskRead.Found(var task, _))
            {
                break;
            }

            attempts.Add(task);
            if (task.State is not TaskState.Unsuccessful { RetriedBy: { } next })
            {
                break;
            }

            id = next;
        }

        return attempts.ToImmutable();
    }

    public static string WordOf(NodeState state) =>
        state switch
        {
            NodeState.Approval => "approval",
            _ => state.ToString().ToLowerInvariant(),
        };

    public static string WordOf(RunState state) => state.ToString().ToLowerInvariant();

    /// <summary>The exit code of one who waited for the run.</summary>
    public ExitCode ExitCode =>
        State switch
        {
            RunState.Complete => ExitCode.Ok,
            RunState.Cancelled => ExitCode.WorkCancelled,
            _ => ExitCode.WorkFailed,
        };
}
