using System.Collections.Immutable;

namespace AgentQueue.Assistants;

/// <summary>How a file or an entry stands to what it should be.</summary>
internal enum SetupState
{
    UpToDate,

    /// <summary>It is not there, so it is made.</summary>
    Missing,

    /// <summary>It is as an older agentq has made it, so it is replaced.</summary>
    Outdated,

    /// <summary>It is ours and nobody needs it, so it is removed.</summary>
    Obsolete,

    /// <summary>The user has changed what agentq has made; it stays.</summary>
    Changed,

    /// <summary>Somebody else's stands in its place; that stays.</summary>
    Foreign,

    /// <summary>It cannot be read or written; it stays.</summary>
    Refused,

    /// <summary>It was to be removed, and is not there.</summary>
    Gone,

    /// <summary>It was to be removed, and stays for other assistants.</summary>
    Needed,
}

/// <summary>One file, or one entry in a file.</summary>
/// <param name="Path">As people name it.</param>
/// <param name="Entry">The entry's path in the file; null for a whole file.</param>
/// <param name="For">The assistants that it is for.</param>
/// <param name="Problem">Why it is left; null if its state says it all.</param>
internal sealed record SetupStep(
    string Path,
    string? Entry,
    ImmutableArray<string> For,
    SetupState State,
    QueueException? Problem = null
);

/// <summary>What a setup comes to.</summary>
internal sealed record SetupReport(ImmutableArray<SetupStep> Steps)
{
    /// <summary>Something could not be done.</summary>
    public bool HasProblems =>
        Steps.Any(static s => s.State is SetupState.Foreign or SetupState.Refused);

    /// <summary>Nothing is left for a setup to do; what the user has changed stays in any case.</summary>
    public bool IsUpToDate =>
        Steps.All(static s => s.State is SetupState.UpToDate or SetupState.Changed);

    /// <summary>A setup would make, update or remove something.</summary>
    public bool HasWork =>
        Steps.Any(static s =>
            s.State is SetupState.Missing or SetupState.Outdated or SetupState.Obsolete
        );
}
