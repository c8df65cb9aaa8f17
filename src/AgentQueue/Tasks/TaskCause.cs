using System.Collections.Immutable;

namespace AgentQueue.Tasks;

/// <summary>The event that started a task.</summary>
/// <param name="Event">Its name.</param>
/// <param name="Chain">The events that led to it, the first one first, itself last.</param>
internal sealed record TaskCause(string Event, ImmutableArray<string> Chain)
{
    /// <summary>The task whose change of state the event was; null if somebody made it happen.</summary>
    public TaskId? Task { get; init; }

    /// <summary>Variables that the event brought, for the agent's templates. Plain text, never a template.</summary>
    public ImmutableSortedDictionary<string, string> Variables { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
}
