namespace AgentQueue.Git;

/// <summary>A work tree as git lists it.</summary>
/// <param name="Branch">In short; null for a detached HEAD.</param>
/// <param name="Lock">Why git is to leave it alone; empty for no reason, null if it is not locked.</param>
internal sealed record ListedWorktree(string Path, string? Branch, string? Lock)
{
    private const string Branches = "refs/heads/";

    /// <summary>All of the repository, the main one first; also those whose folder is gone.</summary>
    public static IReadOnlyList<ListedWorktree> Of(GitRepository repository)
    {
        var list = new List<ListedWorktree>();
        foreach (var line in repository.Call(["worktree", "list", "--porcelain"]).Text.Split('\n'))
        {
            var (key, value) = line.IndexOf(' ', StringComparison.Ordinal) is var space and >= 0
                ? (line[..space], line[(space + 1)..])
                : (line, "");
            if (key == "worktree")
            {
                list.Add(new ListedWorktree(System.IO.Path.GetFullPath(value), null, null));
            }
            else if (list.Count > 0 && key == "branch")
            {
                list[^1] = list[^1] with
                {
                    Branch = value.StartsWith(Branches, StringComparison.Ordinal)
                        ? value[Branches.Length..]
                        : value,
                };
            }
            else if (list.Count > 0 && key == "locked")
            {
                list[^1] = list[^1] with { Lock = value };
            }
        }

        return list;
    }
}
