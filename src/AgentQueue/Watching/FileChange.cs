namespace AgentQueue.Watching;

internal enum ChangeKind
{
    Created,
    Modified,
    Deleted,
}

/// <param name="Path">Relative to the project's root, with slashes.</param>
internal readonly record struct FileChange(string Path, ChangeKind Kind)
{
    /// <summary>As it is called in variables and in what is printed.</summary>
    public string Word =>
        Kind switch
        {
            ChangeKind.Created => "created",
            ChangeKind.Modified => "modified",
            ChangeKind.Deleted => "deleted",
        };
}
