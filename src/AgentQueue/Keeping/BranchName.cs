using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>The branch of a task: <c>task/</c> and its name, or its id, as git and every file system take it.</summary>
internal static class BranchName
{
    // A branch is a file, and git adds to its name while it writes it.
    private const int Longest = 100;

    public static string Of(AgentTask task) =>
        "task/"
        + (
            task.Name is { } name && Tame(name) is { Length: > 0 } tame ? tame : Tame(task.Id.Value)
        );

    // Only a-z 0-9 . _ - are left, so of git's rules those about dots and .lock remain.
    private static string Tame(string text)
    {
        var tame = new StringBuilder();
        foreach (var c in text.ToLowerInvariant())
        {
            var kept = char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? c : '-';
            if (tame.Length > 0 && kept is '-' or '.' && tame[^1] == kept)
            {
                continue;
            }

            tame.Append(kept);
            if (tame.Length == Longest)
            {
                break;
            }
        }

        const string Lock = ".lock";
        var name = tame.ToString().Trim('-', '.');
        while (name.EndsWith(Lock, StringComparison.Ordinal))
        {
            name = name[..^Lock.Length].Trim('-', '.');
        }

        return name;
    }
}
