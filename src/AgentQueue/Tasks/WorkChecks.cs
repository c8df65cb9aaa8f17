using System.Collections.Immutable;

namespace AgentQueue.Tasks;

/// <summary>
/// What must hold of an agent's work before its task counts as complete. It stands in the task's file from the
/// beginning, so that nobody who works on the task can change it.
/// </summary>
internal sealed record WorkChecks
{
    /// <summary>Commands that must succeed after the agent has ended well; each is a program and its arguments.</summary>
    public ImmutableArray<ImmutableArray<string>> Commands { get; init; } = [];

    /// <summary>Each output that its plan names must match something.</summary>
    public bool Outputs { get; init; }

    /// <summary>Something in the repository must have changed: a commit, or a file.</summary>
    public bool Changes { get; init; }

    /// <summary>Nothing may be left uncommitted.</summary>
    public bool Clean { get; init; }

    /// <summary>How often the agent is told what failed and goes on in the same session; 0 for never.</summary>
    public int FixAttempts { get; init; }

    /// <summary>What a task asks for itself, with what its agent asks of all its tasks.</summary>
    public static WorkChecks? Join(WorkChecks? own, WorkChecks? ofAgent) =>
        own is null ? ofAgent
        : ofAgent is null ? own
        : own with
        {
            Commands = own.Commands.IsEmpty ? ofAgent.Commands : own.Commands,
            Changes = own.Changes || ofAgent.Changes,
            Clean = own.Clean || ofAgent.Clean,
            FixAttempts = own.FixAttempts > 0 ? own.FixAttempts : ofAgent.FixAttempts,
        };

    public bool IsEmpty => Commands.IsEmpty && !Outputs && !Changes && !Clean;
}
