namespace AgentQueue.Tasks;

/// <summary>
/// The git worktree that a task works in: what was asked for, then what became of it. A retry has that of the
/// task before it, and goes on in it.
/// </summary>
internal sealed record Worktree
{
    /// <summary>Branches below it are agentq's to make and, once merged, to remove.</summary>
    public const string OwnBranches = "agentq/";

    /// <summary>The branch; null until it is made, if none was asked for.</summary>
    public string? Branch { get; init; }

    /// <summary>What its branch begins from, as it was asked for; null for what was checked out.</summary>
    public string? Base { get; init; }

    /// <summary>The commit that it begins from; null until that is known.</summary>
    public string? Commit { get; init; }

    /// <summary>Its folder, absolute; null until it is made, and when it is gone.</summary>
    public string? Path { get; init; }

    /// <summary>The last commit of it when it went; null until then.</summary>
    public string? Tip { get; init; }

    /// <summary>How it went: <c>merged</c> or <c>discarded</c>; null until then.</summary>
    public string? Outcome { get; init; }

    /// <summary>What a retry has of it: the same, or a new one if it is gone.</summary>
    public Worktree ForRetry() =>
        Outcome is null ? this
        : Branch is { } branch && !IsOwn(branch) ? new Worktree { Branch = branch }
        : new Worktree();

    public static bool IsOwn(string branch) =>
        branch.StartsWith(OwnBranches, StringComparison.Ordinal);

    public static string BranchOf(TaskId id) => OwnBranches + TokenOf(id);

    /// <summary>What a task's id has behind its prefix.</summary>
    public static string TokenOf(TaskId id) =>
        id.Value.StartsWith(TaskId.Prefix, StringComparison.Ordinal)
            ? id.Value[TaskId.Prefix.Length..]
            : id.Value;
}
