namespace AgentQueue.Tasks;

/// <summary>
/// Which end of another task a dependency waits for, in the words of Slurm
/// (https://slurm.schedmd.com/sbatch.html, <c>--dependency</c>).
/// </summary>
internal enum DependencyKind
{
    /// <summary>It is complete.</summary>
    AfterOk,

    /// <summary>It has ended, however.</summary>
    AfterAny,

    /// <summary>It has failed for good, or was cancelled.</summary>
    AfterNotOk,
}

/// <summary>What a dependency has come to.</summary>
internal enum DependencyStanding
{
    /// <summary>It does not keep the task from starting.</summary>
    Met,

    /// <summary>It may still come to either.</summary>
    Open,

    /// <summary>It cannot be met any more, unless what it rests on is retried.</summary>
    Lost,
}

/// <summary>One task that another one waits for.</summary>
internal readonly record struct Dependency(TaskId Id, DependencyKind Kind = DependencyKind.AfterOk)
{
    public static implicit operator Dependency(TaskId id) => new(id);
}

internal static class DependencyKinds
{
    private static readonly (DependencyKind Kind, string Word)[] s_words =
    [
        (DependencyKind.AfterOk, "afterok"),
        (DependencyKind.AfterAny, "afterany"),
        (DependencyKind.AfterNotOk, "afternotok"),
    ];

    public static IEnumerable<string> Words => s_words.Select(static w => w.Word);

    public static string Word(this DependencyKind kind) =>
        Array.Find(s_words, w => w.Kind == kind).Word;

    public static DependencyKind? Find(string word)
    {
        var at = Array.FindIndex(s_words, w => w.Word == word);
        return at < 0 ? null : s_words[at].Kind;
    }

    /// <param name="status">Of the last task in the line of retries; null if it is gone.</param>
    /// <param name="skipped">Its plan does not let it run: it has neither succeeded nor failed, but it is over.</param>
    public static DependencyStanding Judge(
        this DependencyKind kind,
        TaskStatus? status,
        bool skipped = false
    ) =>
        status switch
        {
            not null when skipped => kind == DependencyKind.AfterAny
                ? DependencyStanding.Met
                : DependencyStanding.Lost,
            TaskStatus.Pending or TaskStatus.Running => DependencyStanding.Open,
            TaskStatus.Complete => kind == DependencyKind.AfterNotOk
                ? DependencyStanding.Lost
                : DependencyStanding.Met,
            TaskStatus.Failed or TaskStatus.Cancelled => kind == DependencyKind.AfterOk
                ? DependencyStanding.Lost
                : DependencyStanding.Met,
            // How it ended cannot be told any more.
            _ => DependencyStanding.Lost,
        };
}
