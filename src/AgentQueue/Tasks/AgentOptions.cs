using System.Collections.Immutable;

namespace AgentQueue.Tasks;

/// <summary>What an agent may do by itself.</summary>
internal enum Permission
{
    /// <summary>Look at things.</summary>
    Read,

    /// <summary>Change files of the project.</summary>
    Edit,

    /// <summary>Anything that its user may.</summary>
    Full,
}

/// <summary>What one task asks of its agent's adapter; what is null is as the agent's configuration says.</summary>
internal sealed record AgentOptions
{
    public string? Model { get; init; }

    public Permission? Permission { get; init; }

    /// <summary>The agent's own session to go on with; null for a new one.</summary>
    public string? Session { get; init; }

    /// <summary>Said in that session in the place of the prompt.</summary>
    public string? FollowUp { get; init; }

    /// <summary>The task whose session it goes on with.</summary>
    public TaskId? Continues { get; init; }

    /// <summary>What to do when the agent's account has no more for now; null for the setting.</summary>
    public LimitPolicy? OnLimit { get; init; }

    /// <summary>Dollars, over all attempts.</summary>
    public decimal? MaxUsd { get; init; }

    /// <summary>Tokens in and out, cached ones not counted.</summary>
    public long? MaxTokens { get; init; }

    public int? MaxTurns { get; init; }

    /// <summary>How long it may be silent at first.</summary>
    public TimeSpan? StartTimeout { get; init; }

    /// <summary>Agents that it is given to if it fails, one after the other; null for those of its agent.</summary>
    public ImmutableArray<string>? Fallback { get; init; }

    /// <summary>How often a usage limit has put it off.</summary>
    public int TimesPutOff { get; init; }
}

/// <summary>What becomes of a task whose agent's account has reached a usage limit.</summary>
/// <param name="Waits">It waits for the reset; else it fails.</param>
/// <param name="Fallback">The agent that a failed one is given to; null for none.</param>
internal sealed record LimitPolicy(bool Waits, string? Fallback = null)
{
    private const string FallbackWord = "fallback:";

    /// <summary>The words as people write them.</summary>
    public const string Words = "wait, fail or fallback:AGENT";

    /// <summary>Null if it is none of <see cref="Words"/>.</summary>
    public static LimitPolicy? Parse(string? text) =>
        text switch
        {
            "wait" => new LimitPolicy(true),
            "fail" => new LimitPolicy(false),
            _ when text?.StartsWith(FallbackWord, StringComparison.Ordinal) == true
                    && text.Length > FallbackWord.Length => new LimitPolicy(
                false,
                text[FallbackWord.Length..]
            ),
            _ => null,
        };

    public override string ToString() =>
        Fallback is { } agent ? FallbackWord + agent
        : Waits ? "wait"
        : "fail";
}

/// <summary>The words for <see cref="Permission"/>.</summary>
internal static class Permissions
{
    public static readonly (string Word, Permission Choice)[] Words =
    [
        ("read", Permission.Read),
        ("edit", Permission.Edit),
        ("full", Permission.Full),
    ];

    public static string Word(this Permission permission) =>
        permission switch
        {
            Permission.Read => "read",
            Permission.Edit => "edit",
            Permission.Full => "full",
            _ => throw new ArgumentOutOfRangeException(nameof(permission)),
        };

    /// <summary>Null if there is no such word.</summary>
    public static Permission? Parse(string? word) =>
        Array.FindIndex(Words, w => w.Word == word) is var i and >= 0 ? Words[i].Choice : null;
}
