using AgentQueue.Tasks;

namespace AgentQueue.Processes;

/// <summary>What a supervisor asks the operating system for. The seam for tests without processes.</summary>
internal interface IAgentHost
{
    /// <summary>Starts an agent whose output goes to its log and whose descendants are ours to end.</summary>
    /// <exception cref="LaunchException">It could not be started; the message says why.</exception>
    IAgentProcess Start(AgentLaunch launch);

    /// <summary>Until it is disposed, TERM simply ends this process: it has no agent that would be left alone.</summary>
    IDisposable? Idle() => null;
}

/// <summary>Everything needed to start an agent, resolved and absolute.</summary>
internal sealed record AgentLaunch
{
    public required string Executable { get; init; }

    /// <summary>Without the program's own name.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Entries <c>KEY=VALUE</c>: the whole environment.</summary>
    public required IReadOnlyList<string> Environment { get; init; }

    public required string WorkingFolder { get; init; }

    /// <summary>Opened for appending; made if needed.</summary>
    public required string LogFile { get; init; }

    /// <summary>For standard error, as <see cref="LogFile"/>; null to have it in there.</summary>
    public string? ErrorLogFile { get; init; }

    /// <summary>Becomes standard input; null for none.</summary>
    public string? InputFile { get; init; }

    /// <summary>A lock's descriptor that the agent inherits, so that its life shows in the lock.</summary>
    public required nint AliveDescriptor { get; init; }

    /// <summary>The file whose attributes change when somebody knocks.</summary>
    public required string KnockFile { get; init; }

    /// <summary>An environment entry that marks every process of this task.</summary>
    public required string Mark { get; init; }
}

/// <summary>The agent could not be started.</summary>
internal sealed class LaunchException(string message) : Exception(message);

[Flags]
internal enum Wake
{
    /// <summary>The time was up.</summary>
    None = 0,
    AgentEnded = 1,
    Knocked = 2,

    /// <summary>This supervisor was told to end (TERM).</summary>
    ToldToEnd = 4,
}

/// <summary>
/// A running agent and all that it started. The leader stays an unreaped zombie until
/// <see cref="IDisposable.Dispose"/>, so its number, and its group's, cannot pass to a stranger meanwhile.
/// </summary>
internal interface IAgentProcess : IDisposable
{
    ProcessIdentity Identity { get; }

    /// <summary>Waits for the first of the events, at most that long.</summary>
    Wake Wait(TimeSpan limit);

    /// <summary>How the agent itself ended; null while it runs.</summary>
    ExitStatus? Exit { get; }

    /// <summary>
    /// Ends everything: TERM and CONT to all, then as soon as all are gone, or after
    /// <paramref name="grace"/>, KILL until nothing is left.
    /// </summary>
    void EndAll(TimeSpan grace);

    /// <summary>Ends what the agent left behind after it ended by itself; nothing to do costs nothing.</summary>
    void EndLeftovers(TimeSpan grace);
}
