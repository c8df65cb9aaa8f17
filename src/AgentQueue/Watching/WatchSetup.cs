using System.Collections.Immutable;
using AgentQueue.Config;

namespace AgentQueue.Watching;

/// <summary>What to watch, and where that is written.</summary>
/// <param name="Files">Absolute; when one of them changes, all of this is read anew.</param>
internal sealed record WatchSetup(ImmutableArray<WatchRule> Rules, ImmutableArray<string> Files);

/// <summary>What became of an event.</summary>
/// <param name="Started">The ids of what it started.</param>
/// <param name="Ignored">What it would have started, and why it has not: a sentence for each.</param>
internal sealed record WatchOutcome(ImmutableArray<string> Started, ImmutableArray<string> Ignored);

/// <summary>Makes an event happen.</summary>
/// <exception cref="QueueException">It could not.</exception>
internal delegate WatchOutcome MakeEvent(
    string name,
    IReadOnlyDictionary<string, string> variables
);
