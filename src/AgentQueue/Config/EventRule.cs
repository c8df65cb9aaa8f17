using System.Collections.Immutable;

namespace AgentQueue.Config;

/// <summary>What to do with an event while as many tasks as may be are at work already.</summary>
internal enum OnRetrigger
{
    /// <summary>End them, and start anew when they are gone.</summary>
    CancelAndRestart,

    /// <summary>Pass over the event.</summary>
    Ignore,

    /// <summary>Start when one of them has ended.</summary>
    Queue,
}

/// <summary>What <see cref="EventRule.Debounce"/> is counted from.</summary>
internal enum DebounceMode
{
    /// <summary>The last start: events that come sooner are passed over.</summary>
    Start,

    /// <summary>The last end: events that come sooner are passed over.</summary>
    Completion,

    /// <summary>The last event: the task starts when they have stopped coming.</summary>
    Trailing,
}

/// <summary>When events start or end tasks of an agent.</summary>
internal sealed record EventRule
{
    /// <summary>Names of events of which each starts a task; <c>*</c> stands for any run of characters.</summary>
    public ImmutableArray<string> Triggers { get; init; } = [];

    /// <summary>Names of events that start a task when all of them have come since it last did so.</summary>
    public ImmutableArray<string> AllOf { get; init; } = [];

    /// <summary>Names of events that end what events have started of this agent.</summary>
    public ImmutableArray<string> CancelOn { get; init; } = [];

    /// <summary>How many tasks that events started are at work at once; null for any number.</summary>
    public int? MaxConcurrent { get; init; } = 1;

    public OnRetrigger OnRetrigger { get; init; }

    /// <summary>Zero for none.</summary>
    public TimeSpan Debounce { get; init; }

    public DebounceMode DebounceMode { get; init; }

    /// <summary>How many ended tasks that events started are kept; −1 for all; null for the project's number.</summary>
    public int? KeepHistory { get; init; }

    /// <summary>Beginning with a dot: what was printed can be found under this extension too; null for none.</summary>
    public string? OutputExtension { get; init; }

    /// <summary>False: what this agent's tasks cause may be caused by the same again, up to a limit.</summary>
    public bool LoopDetection { get; init; } = true;

    /// <summary>True if any event concerns the agent.</summary>
    public bool Listens => !Triggers.IsEmpty || !AllOf.IsEmpty || !CancelOn.IsEmpty;
}
