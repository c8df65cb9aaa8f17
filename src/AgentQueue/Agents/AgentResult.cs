using System.Collections.Immutable;
using AgentQueue.Tasks;

namespace AgentQueue.Agents;

/// <summary>A file that is not as it was before the agent began.</summary>
/// <param name="Path">From the top of the repository, with slashes.</param>
/// <param name="Change"><c>added</c>, <c>modified</c>, <c>deleted</c>.</param>
internal sealed record ResultFile(string Path, string Change);

/// <summary>What an agent says of its own run.</summary>
internal enum AgentWord
{
    /// <summary>It prints nothing that could be read.</summary>
    None,
    Success,
    Error,

    /// <summary>It broke off without a word about its end.</summary>
    Incomplete,
}

/// <summary>What the checks of the work came to.</summary>
internal enum Verification
{
    /// <summary>None was asked for, or the agent did not come so far.</summary>
    None,
    Passed,
    Failed,

    /// <summary>A check could not be made, which says nothing of the work.</summary>
    Unavailable,
}

/// <summary>
/// What is known of an agent's run when it is over, as <c>results/&lt;id&gt;.json</c> holds it. Three things are kept
/// apart: how the process ended, what the agent says, and what was verified. What is not known is null.
/// </summary>
internal sealed record AgentResult
{
    public required TaskId Task { get; init; }
    public required int Attempt { get; init; }
    public required string Agent { get; init; }

    /// <summary>Empty for an agent that is only a command.</summary>
    public required string Adapter { get; init; }

    public required DateTimeOffset EndedAt { get; init; }
    public string? Model { get; init; }

    /// <summary>The last thing that the agent said.</summary>
    public string? Text { get; init; }

    public string? Session { get; init; }
    public int? Turns { get; init; }
    public int? ToolCalls { get; init; }

    /// <summary>Null outside of a repository.</summary>
    public ImmutableArray<ResultFile>? Files { get; init; }

    /// <summary>All attempts of the task together.</summary>
    public Usage Usage { get; init; } = new();

    /// <summary>What the session has used in all, earlier tasks included.</summary>
    public Usage SessionUsage { get; init; } = new();

    public TimeSpan Duration { get; init; }
    public ExitStatus? Exit { get; init; }
    public AgentWord Word { get; init; }

    /// <summary>Its account of what went wrong.</summary>
    public string? WordMessage { get; init; }

    public Verification Verification { get; init; }
    public string? VerificationMessage { get; init; }

    /// <summary>How often it was told what a check had said.</summary>
    public int FixAttempts { get; init; }

    /// <summary>Null if it ended well.</summary>
    public ReadError? Error { get; init; }

    public DateTimeOffset? ResetsAt { get; init; }
}
