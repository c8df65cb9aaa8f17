using System.Globalization;
using System.Text;

namespace AgentQueue.Git;

/// <summary>
/// Brings files that git ignores, such as <c>.env</c>, into a new worktree: those of the work tree that it is
/// made from which <c>.worktreeinclude</c> there names, by patterns like those of a .gitignore. No link is
/// followed or copied, here or there, and nothing is replaced.
/// </summary>
internal static class WorktreeInclude
{
    public const string FileName = ".worktreeinclude";

    private const int MostNamed = 3;

    public static void Copy(GitRepository from, string to, Action<string> tell)
    {
        if (!File.Exists(Path.Join(from.Top, FileName)))
        {
            return;
        }

        var named = from.Call([
            "ls-files",
            "-z",
            "--others",
            "--ignored",
            "--exclude-from=" + FileName,
            "--",
            .. GitRepository.Everything(),
        ]);
        if (named.Output.Length == 0)
        {
            return;
        }

        // Untracked files that are not ignored are work in progress: nobody's business but their author's.
        var ignored = from.Git.Run(
            from.Top,
            ["check-ignore", "-z", "--stdin"],
            input: named.Output
        );
        if (ignored.ExitCode > 1)
        {
            throw from.Failed("check-ignore", ignored);
        }

        var copied = 0;
        var left = new List<string>();
        foreach (var path in ignored.Items)
        {
            if (CopyOne(from.Top, to, path) is not { } problem)
            {
                copied++;
            }
            else
            {
                left.Add($"{path} ({problem})");
            }
        }

        if (copied > 0)
        {
            tell(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{copied} {(copied == 1 ? "file" : "files")} copied that {FileName} names"
                )
            );
        }

        if (left.Count > 0)
        {
            tell(
                $"Not copied, though {FileName} names them: {string.Join(", ", left.Take(MostNamed))}{(left.Count > MostNamed ? ", …" : "")}"
            );
        }
    }

    // Why it was not copied; null if it was.
    private static string? CopyOne(string from, string to, string path)
    {
        var parts = path.Split('/');
        if (HasLink(from, parts, parts.Length))
        {
            return "a link";
        }

        if (HasLink(to, parts, parts.Length - 1))
        {
            return "a link is in its place";
        }

        try
        {
            var target = Path.Join(to, path);
            if (Path.Exists(target))
            {
                return "it is there already";
            }

            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Join(from, path), target, overwrite: false);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private static bool HasLink(string root, string[] parts, int count)
    {
        var path = new StringBuilder(root);
        for (var i = 0; i < count; i++)
        {
            path.Append(Path.DirectorySeparatorChar).Append(parts[i]);
            if (new FileInfo(path.ToString()).LinkTarget is not null)
            {
                return true;
            }
        }

        return false;
    }
}
