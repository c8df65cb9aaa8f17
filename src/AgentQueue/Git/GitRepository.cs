using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Storage;

namespace AgentQueue.Git;

/// <summary>
/// One work tree of a git repository, the main one or a linked one. Nothing here changes the user's index,
/// branches or files; what is written is objects that nothing refers to, which git prunes by itself.
/// </summary>
internal sealed class GitRepository
{
    /// <summary>What agentq keeps in <c>.agents/</c> for itself, also where no <c>.gitignore</c> says so.</summary>
    private static readonly string[] s_runtime =
    [
        "archive",
        "events",
        "logs",
        "plans",
        "records",
        "results",
        "run",
        "runs",
        "tasks",
        "workspace",
        "worktrees",
    ];

    // No program of the user's configuration, no hook, and no index that is spread over files of its own.
    private static readonly string[] s_plain =
    [
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.splitIndex=false",
        "-c",
        "core.hooksPath=/dev/null",
    ];

    private static long s_indexes;

    private GitRepository(GitProgram git, string top, string folder, string common)
    {
        Git = git;
        Top = top;
        GitFolder = folder;
        CommonFolder = common;
    }

    public GitProgram Git { get; }

    /// <summary>The top folder of the work tree, absolute.</summary>
    public string Top { get; }

    /// <summary>The <c>.git</c> folder of this work tree, absolute.</summary>
    public string GitFolder { get; }

    /// <summary>The <c>.git</c> folder that all work trees of the repository share, absolute.</summary>
    public string CommonFolder { get; }

    /// <summary>True for a work tree that <c>git worktree add</c> has made.</summary>
    public bool IsLinked => GitFolder != CommonFolder;

    /// <summary>The repository whose work tree the folder is in; null without git, or outside of any.</summary>
    /// <param name="limit">Of each call of git; null for <see cref="GitProgram.DefaultLimit"/>.</param>
    public static GitRepository? Find(
        string folder,
        TimeProvider? clock = null,
        TimeSpan? limit = null
    ) =>
        GitProgram.Find(clock ?? TimeProvider.System, limit) is { } git && Directory.Exists(folder)
            ? Find(git, folder)
            : null;

    private static GitRepository? Find(GitProgram git, string folder)
    {
        var end = git.Run(
            folder,
            [
                "rev-parse",
                "--path-format=absolute",
                "--show-toplevel",
                "--git-dir",
                "--git-common-dir",
            ]
        );
        // More lines than that are folders with line breaks in their names: nothing to work with.
        return end.IsSuccess && end.Text.Split('\n') is [var top, var own, var common]
            ? new GitRepository(
                git,
                Path.GetFullPath(top),
                Path.GetFullPath(own),
                Path.GetFullPath(common)
            )
            : null;
    }

    /// <summary>The commit that is checked out; null before the first one.</summary>
    public string? Head() => CommitOf("HEAD");

    /// <summary>The branch that is checked out, in short; null for a detached HEAD.</summary>
    public string? Branch() =>
        Git.Run(Top, ["symbolic-ref", "--quiet", "--short", "HEAD"]) is { IsSuccess: true } end
            ? end.Text
            : null;

    /// <summary>The commit that a name means; null if it means none.</summary>
    public string? CommitOf(string name) =>
        Git.Run(Top, ["rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"])
            is { IsSuccess: true } end
            ? end.Text
            : null;

    /// <summary>What differs from the commit, each untracked file by itself, as <c>status --porcelain -z</c> says it.</summary>
    public GitEnd Status() =>
        Call(["status", "--porcelain", "-z", "--untracked-files=all", "--", .. Everything()]);

    /// <summary>A tree with nothing in it.</summary>
    public string EmptyTree => Call(["hash-object", "-t", "tree", "--stdin"]).Text;

    /// <summary>
    /// The id of a tree of everything that is in the work tree now, tracked, and untracked but not ignored,
    /// without what agentq keeps in <c>.agents/</c>. Files that cannot be read, and repositories inside that
    /// have no commit, are passed over.
    /// </summary>
    /// <param name="isStrict">Nothing is passed over: it is an error.</param>
    public string Snapshot(bool isStrict = false)
    {
        var index = Path.Join(
            GitFolder,
            string.Create(
                CultureInfo.InvariantCulture,
                $"agentq-{Environment.ProcessId}-{Environment.TickCount64:x}-{Interlocked.Increment(ref s_indexes)}.index"
            )
        );
        try
        {
            CopyIndex(index);
            string[] environment = [$"GIT_INDEX_FILE={index}"];
            // With 1 it has passed over some files, which it names; more is a failure.
            var add = Git.Run(
                Top,
                [.. s_plain, "add", "--all", "--ignore-errors", "--", .. Everything()],
                environment,
                writes: true
            );
            return add.ExitCode == 0 || (add.ExitCode == 1 && !isStrict)
                ? Call([.. s_plain, "write-tree"], environment, writes: true).Text
                : throw Failed("add", add);
        }
        finally
        {
            Remove(index);
            Remove(index + ".lock");
        }
    }

    /// <summary>What differs between two trees or commits, by path.</summary>
    public ImmutableArray<ChangedFile> Changes(string before, string after)
    {
        if (before == after)
        {
            return [];
        }

        var items = Call([
            "diff-tree",
            "-r",
            "-M",
            "-z",
            "--name-status",
            "--end-of-options",
            before,
            after,
        ]).Items;
        var changes = ImmutableArray.CreateBuilder<ChangedFile>();
        for (var i = 0; i + 1 < items.Length; i++)
        {
            var status = items[i][0];
            var path = items[++i];
            changes.Add(
                status is 'R' or 'C' && i + 1 < items.Length
                    ? new ChangedFile(
                        items[++i],
                        status == 'R' ? ChangeKind.Renamed : ChangeKind.Added,
                        status == 'R' ? path : null
                    )
                    : new ChangedFile(path, KindOf(status))
            );
        }

        return changes.ToImmutable();
    }

    /// <summary>
    /// Submodules and other repositories inside, by path, that two trees have at different commits, or of which only
    /// one of them has it.
    /// </summary>
    public IEnumerable<string> ChangedLinks(string before, string after)
    {
        const string Link = "160000";
        const string Nothing = "000000";
        var items = Call([
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--ignore-submodules=none",
            "--end-of-options",
            before,
            after,
        ]).Items;
        for (var i = 0; i + 1 < items.Length; i += 2)
        {
            // ":MODE MODE ID ID STATUS", then the path.
            var (old, now) = (items[i][1..7], items[i][8..14]);
            if (old is Link or Nothing && now is Link or Nothing)
            {
                yield return items[i + 1];
            }
        }
    }

    /// <exception cref="QueueException">It did not end with 0.</exception>
    public GitEnd Call(
        IReadOnlyList<string> arguments,
        IReadOnlyList<string>? environment = null,
        bool writes = false
    )
    {
        var end = Git.Run(Top, arguments, environment, writes);
        return end.IsSuccess ? end : throw Failed(GitProgram.WordOf(arguments), end);
    }

    public QueueException Failed(string word, GitEnd end) =>
        new($"git {word} failed in {Top}: {end.Problem}");

    /// <summary>Pathspecs of all but what agentq keeps for itself.</summary>
    public static IEnumerable<string> Everything() =>
        s_runtime
            .Select(static name => $":(top,exclude,glob)**/.agents/{name}/**")
            .Prepend(":(top)")
            .Append(":(top,exclude,glob)**/.agents/usage.jsonl")
            .Append(":(top,exclude,glob)**/.agents/schedule.json");

    private static ChangeKind KindOf(char status) =>
        status switch
        {
            'A' => ChangeKind.Added,
            'D' => ChangeKind.Deleted,
            'T' => ChangeKind.TypeChanged,
            _ => ChangeKind.Modified,
        };

    // The times in it spare git from reading every file again.
    private void CopyIndex(string to)
    {
        var real = Path.Join(GitFolder, "index");
        try
        {
            if (File.Exists(real))
            {
                File.Copy(real, to, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueException($"Cannot copy {real}: {e.Message}", cause: e);
        }
    }

    private static void Remove(string path)
    {
        try
        {
            IDisk disk = OperatingSystem.IsWindows()
                ? new WindowsDisk(TimeProvider.System)
                : new UnixDisk();
            disk.Delete(path);
        }
        catch (QueueException)
        {
            // A file of ours that is left in .git harms nobody.
        }
    }
}
