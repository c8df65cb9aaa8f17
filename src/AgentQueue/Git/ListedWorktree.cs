namespace AgentQueue.Git;

/// <summary>A work tree as git lists it.</summary>
/// <param name="Branch">In short; null for a detached HEAD.</param>
/// <param name="Lock">Why git is to leave it alone; empty for no reason, null if it is not locked.</param>
internal sealed record ListedWorktree(string Path, string? Branch, string? Lock)
{
    private const string Branches = "refs/heads/";

    private const int MostTries = 200;

    /// <summary>Another git was about to make a worktree while this one looked at all of them.</summary>
    public static bool IsHalfMade(GitEnd end) =>
        !end.IsSuccess && end.Errors.Contains("failed to read", StringComparison.Ordinal);

    private static string List(GitRepository repository)
    {
        string[] arguments = ["worktree", "list", "--porcelain"];
        for (var tries = 1; tries < MostTries; tries++)
        {
            var end = repository.Git.Run(repository.Top, arguments);
            if (!IsHalfMade(end))
            {
                return end.IsSuccess ? end.Text : throw repository.Failed("worktree list", end);
            }
        }

        return repository.Call(arguments).Text;
    }

    /// <summary>All of the repository, the main one first; also those whose folder is gone.</summary>
    public static IReadOnlyList<ListedWorktree> Of(GitRepository repository)
    {
        var list = new List<ListedWorktree>();
        foreach (var line in List(repository).Split('\n'))
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
