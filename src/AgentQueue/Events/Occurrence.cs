using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Events;

/// <param name="Of">What the hook was told of.</param>
/// <param name="Problem">In one line.</param>
internal sealed record HookFailure(EventRecord Of, string Problem);

/// <summary>Something that happened once, whatever names it goes by.</summary>
/// <param name="Id">Tells it from everything else that ever happened in this queue.</param>
/// <param name="Names">The most telling one first.</param>
/// <param name="Chain">The events that led to it, the first one first.</param>
internal sealed record Occurrence(
    string Id,
    DateTimeOffset At,
    ImmutableArray<string> Names,
    ImmutableArray<string> Chain
)
{
    /// <summary>The task that changed, or that made it happen; null if a person or a program did.</summary>
    public AgentTask? Task { get; init; }

    /// <summary>What this tells of a hook that has failed; null for everything else.</summary>
    public HookFailure? Failure { get; init; }

    /// <summary>False: it may follow from itself.</summary>
    public bool LoopDetection { get; init; } = true;

    /// <summary>What it brings for templates; plain text.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public static Occurrence StartOf(AgentTask task) =>
        new(
            $"{task.Id}/{task.Attempt.ToString(CultureInfo.InvariantCulture)}",
            (task.State as TaskState.Running)?.StartedAt
                ?? (task.State as TaskState.Finished)?.StartedAt
                ?? task.CreatedAt,
            [.. NamesOf(task).Select(static n => EventName.Started + n)],
            ChainOf(task)
        )
        {
            Task = task,
        };

    public static Occurrence EndOf(AgentTask task)
    {
        var end = (TaskState.Finished)task.State;
        var how = end switch
        {
            TaskState.Complete => EventName.Success,
            TaskState.Cancelled => EventName.Cancelled,
            _ => EventName.Failed,
        };
        return new(
            $"{task.Id}/end",
            end.CompletedAt,
            [
                .. NamesOf(task).Select(n => how + n),
                .. NamesOf(task).Select(static n => EventName.Finished + n),
            ],
            ChainOf(task)
        )
        {
            Task = task,
        };
    }

    /// <summary>It waits for a person, or for its account.</summary>
    public static Occurrence ParkingOf(AgentTask task, DateTimeOffset now)
    {
        var pending = (TaskState.Pending)task.State;
        return new(
            $"{task.Id}/{task.Attempt.ToString(CultureInfo.InvariantCulture)}/parked",
            now,
            [
                .. NamesOf(task)
                    .Select(n =>
                        (pending.Question is null ? EventName.Limited : EventName.NeedsInput) + n
                    ),
            ],
            ChainOf(task)
        )
        {
            Task = task,
        };
    }

    /// <summary>The events behind a task, its own cause last.</summary>
    public static ImmutableArray<string> ChainOf(AgentTask? task) => task?.Cause?.Chain ?? [];

    // A task of a plan's command has no agent; its node is its name.
    private static IEnumerable<string> NamesOf(AgentTask task) =>
        new[]
        {
            task.Step is { Command.IsEmpty: false } ? null : task.Agent,
            task.Name ?? task.Step?.Node,
        }
            .OfType<string>()
            .Distinct(StringComparer.Ordinal);
}
