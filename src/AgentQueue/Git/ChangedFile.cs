namespace AgentQueue.Git;

internal enum ChangeKind
{
    Added,
    Modified,
    Deleted,
    Renamed,

    /// <summary>A file became a link or a submodule, or the other way round.</summary>
    TypeChanged,
}

/// <summary>A file that differs between two trees.</summary>
/// <param name="Path">Relative to the top of the work tree, with <c>/</c>; the new one of a file that was renamed.</param>
/// <param name="From">The old path of a file that was renamed; else null.</param>
internal sealed record ChangedFile(string Path, ChangeKind Kind, string? From = null);
