using System.Collections.Immutable;
using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Git;

/// <summary>How far two trees could be brought together.</summary>
/// <param name="Tree">The result; with marks in it where there are conflicts.</param>
/// <param name="Conflicts">Files that both have changed in ways that do not go together.</param>
internal sealed record TreeMerge(string Tree, ImmutableArray<string> Conflicts);

/// <summary>
/// What a task has done in its worktree: commits on its branch, and what is not committed. It only looks,
/// until <see cref="Commit"/> or <see cref="Remove"/> is called.
/// </summary>
internal sealed class TaskTree
{
    private const string Heads = "refs/heads/";

    // What nobody will see as an author needs a name all the same.
    private static readonly string[] s_nobody =
    [
        "GIT_AUTHOR_NAME=agentq",
        "GIT_AUTHOR_EMAIL=agentq@localhost",
        "GIT_COMMITTER_NAME=agentq",
        "GIT_COMMITTER_EMAIL=agentq@localhost",
    ];

    // A merge, rebase or the like that has not been ended.
    private static readonly string[] s_unended =
    [
        "MERGE_HEAD",
        "CHERRY_PICK_HEAD",
        "REVERT_HEAD",
        "rebase-merge",
        "rebase-apply",
    ];

    private readonly Worktree _worktree;
    private readonly ListedWorktree? _listed;

    private TaskTree(
        GitRepository shared,
        Worktree worktree,
        ListedWorktree? listed,
        GitRepository? tree
    )
    {
        Shared = shared;
        _worktree = worktree;
        _listed = listed;
        Tree = tree;
    }

    /// <summary>Another work tree of its repository.</summary>
    public GitRepository Shared { get; }

    /// <summary>The worktree; null if it is gone.</summary>
    public GitRepository? Tree { get; }

    public string Branch => _worktree.Branch!;

    /// <summary>The commit that it began from.</summary>
    public string Base => _worktree.Commit!;

    /// <summary>Nobody has worked in it: it was never set up to its end.</summary>
    public bool IsHalf => WorktreeMaker.IsOurs(_listed?.Lock);

    /// <summary>Somebody asked git to leave it alone; why, or empty.</summary>
    public string? Lock => IsHalf ? null : _listed?.Lock;

    /// <summary>True if its folder, its branch or a note of git is still there.</summary>
    public bool IsThere => _listed is not null || Tree is not null || BranchTip is not null;

    private string? BranchTip => Shared.CommitOf(Heads + Branch);

    /// <summary>Its last commit; null if nothing is known of it any more.</summary>
    public string? Tip =>
        (IsHalf ? null : Tree?.Head())
        ?? BranchTip
        ?? (_worktree.Tip is { } tip ? Shared.CommitOf(tip) : null);

    /// <summary>What there is of a task's worktree; null if it was never made, or there is no repository any more.</summary>
    /// <param name="repository">A folder in a work tree of the same repository.</param>
    public static TaskTree? Open(Worktree worktree, string repository, TimeProvider clock)
    {
        if (
            worktree is not { Branch: not null, Commit: not null }
            || GitRepository.Find(repository, clock) is not { } shared
        )
        {
            return null;
        }

        var listed = worktree.Path is { } path
            ? ListedWorktree.Of(shared).FirstOrDefault(w => WorktreeMaker.SamePath(w.Path, path))
            : null;
        var tree = listed is null ? null : GitRepository.Find(listed.Path, clock);
        return new TaskTree(
            shared,
            worktree,
            listed,
            // A folder without its .git is a part of the work tree around it.
            tree is not null
            && WorktreeMaker.SamePath(tree.Top, listed!.Path)
                ? tree
                : null
        );
    }

    /// <summary>The id of a tree of all that is in it, committed or not.</summary>
    /// <exception cref="QueueException">Nothing of it is left.</exception>
    public string Content() =>
        IsHalf ? TreeOf(Base)
        : Tree is not null ? Tree.Snapshot()
        : TreeOf(Tip ?? throw Gone());

    /// <summary>Some of it is not committed.</summary>
    public bool IsDirty => Tree is not null && !IsHalf && Tree.Snapshot() != TreeOf(Tree.Head()!);

    /// <summary>Submodules, by path, in which something is not committed.</summary>
    public IEnumerable<string> UncommittedSubmodules =>
        Tree is null || IsHalf ? [] : Submodules.Uncommitted(Tree);

    public ImmutableArray<ChangedFile> Changes() => Shared.Changes(Base, Content());

    /// <summary>What it has changed, as git shows differences.</summary>
    /// <param name="stat">Only the names and how much of each.</param>
    public byte[] Difference(bool stat) =>
        Shared
            .Call([
                "diff-tree",
                "-r",
                "-M",
                "--no-ext-diff",
                "--no-textconv",
                stat ? "--stat" : "--patch",
                "--end-of-options",
                Base,
                Content(),
            ])
            .Output;

    /// <summary>
    /// What would be lost with it; null if all of it is in another branch, or in what is checked out here,
    /// by whatever way it came there. Ignored files do not count.
    /// </summary>
    public string? Unmerged()
    {
        if (IsHalf || Tip is not { } tip)
        {
            return null;
        }

        if (Tree is not null && Submodules.WithOwnWork(Tree) is [var submodule, ..])
        {
            return $"commits in its submodule {submodule} that are nowhere else";
        }

        if (UncommittedSubmodules.FirstOrDefault() is { } open)
        {
            return $"changes that are not committed in its submodule {open}";
        }

        if (Tree is not null && Submodules.Embedded(Tree) is [var inner, ..])
        {
            return $"a repository of its own, {inner}";
        }

        var content = Tree is null ? TreeOf(tip) : Tree.Snapshot(isStrict: true);
        var isDirty = content != TreeOf(tip);
        string[] tips = [.. new[] { tip, BranchTip }.OfType<string>().Distinct()];
        if (!isDirty && (!Worktree.IsOwn(Branch) || tips.All(IsElsewhere)))
        {
            return null;
        }

        var here = Shared.Head() is { } head ? TreeOf(head) : null;
        if (
            here is not null
            && tips.All(t => t == tip || IsElsewhere(t))
            && Merge(Shared, Base, here, content) is { Conflicts.IsEmpty: true } merge
            && merge.Tree == here
        )
        {
            return null;
        }

        return isDirty
            ? "changes that are not committed"
            : $"commits that are in no other branch than {Branch}";
    }

    private bool IsElsewhere(string commit) =>
        IsAncestor(commit, Base)
        || Shared
            .Call([
                "for-each-ref",
                "--contains=" + commit,
                "--format=%(refname)",
                "refs/heads",
                "refs/remotes",
                "refs/tags",
            ])
            .Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Any(name => name != Heads + Branch);

    public bool IsAncestor(string commit, string of) =>
        Shared.Git.Run(Shared.Top, ["merge-base", "--is-ancestor", commit, of]).IsSuccess;

    /// <summary>Commits all that is not committed on its branch; false if there was nothing.</summary>
    /// <exception cref="QueueException">It cannot be committed as it is; the message says why.</exception>
    public bool Commit(string message)
    {
        if (Tree is null || IsHalf)
        {
            return false;
        }

        if (
            Array.Find(s_unended, n => Path.Exists(Path.Join(Tree.GitFolder, n))) is { } unended
            || Tree.Call(["ls-files", "--unmerged", "-z"]).Output.Length > 0
        )
        {
            throw new QueueException(
                $"A merge or rebase has not been ended in {Tree.Top}",
                $"End it there, or give it up: git -C {Tree.Top} merge --abort (or rebase --abort)"
            );
        }

        if (
            BranchTip is { } own
            && Tree.Head() is { } head
            && own != head
            && !IsAncestor(own, head)
        )
        {
            throw new QueueException(
                $"{Tree.Top} is on {Tree.Branch() ?? "no branch"} and does not have all that is on {Branch}",
                $"Bring them together there first: git -C {Tree.Top} merge {Branch}"
            );
        }

        if (!IsDirty)
        {
            return false;
        }

        if (Submodules.Embedded(Tree) is [var inner, ..])
        {
            throw new QueueException(
                $"{inner} in {Tree.Top} is a repository of its own, which cannot be committed",
                "Move it away, or ignore it"
            );
        }

        Tree.Call(["add", "--all", "--", .. GitRepository.Everything()], writes: true);
        var end = Tree.Git.Run(
            Tree.Top,
            ["commit", "--quiet", "--file=-"],
            writes: true,
            input: System.Text.Encoding.UTF8.GetBytes(message)
        );
        return end.IsSuccess ? true : throw Tree.Failed("commit", end);
    }

    /// <summary>
    /// A three-way merge in the object store alone; null if this git cannot do that (it is older than 2.38).
    /// </summary>
    /// <param name="ours">A tree, like <paramref name="theirs"/>.</param>
    public static TreeMerge? Merge(
        GitRepository repository,
        string from,
        string ours,
        string theirs
    )
    {
        var end = repository.Git.Run(
            repository.Top,
            [
                "merge-tree",
                "--write-tree",
                "--no-messages",
                "--name-only",
                "-z",
                CommitOfTree(repository, ours, from),
                CommitOfTree(repository, theirs, from),
            ],
            writes: true
        );
        return end.ExitCode is 0 or 1 && end.Items is [var tree, .. var conflicts]
            ? new TreeMerge(tree, [.. conflicts])
            : null;
    }

    /// <summary>A commit that nothing refers to.</summary>
    public static string CommitOfTree(GitRepository repository, string tree, string parent) =>
        repository.Call(["commit-tree", tree, "-p", parent, "-m", "agentq"], s_nobody, true).Text;

    /// <summary>
    /// Removes its folder, and its branch if that is agentq's; what is in them is not looked at any more.
    /// </summary>
    /// <exception cref="QueueException">It is still there, wholly or in part.</exception>
    public void Remove(IDisk disk)
    {
        var tip = BranchTip;
        if (_listed is { } listed)
        {
            var end = Shared.Git.Run(
                Shared.Top,
                ["worktree", "remove", "--force", "--force", "--", listed.Path],
                writes: true,
                limit: TimeSpan.FromMinutes(10)
            );
            if (!end.IsSuccess && ListedWorktree.Of(Shared).Any(w => w.Path == listed.Path))
            {
                throw Shared.Failed("worktree remove", end);
            }

            // git gives up at the first folder that is not writable, after it has let the worktree go.
            if (Directory.Exists(listed.Path))
            {
                MakeWritable(listed.Path);
                disk.DeleteFolder(listed.Path);
            }
        }

        if (tip is not null && Worktree.IsOwn(Branch))
        {
            // Only as it was looked at: nobody's newer commit goes with it.
            Shared.Call(["update-ref", "-d", Heads + Branch, tip], writes: true);
        }
    }

    private static void MakeWritable(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            File.SetUnixFileMode(
                folder,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
            foreach (var inner in new DirectoryInfo(folder).EnumerateDirectories())
            {
                if (inner.LinkTarget is null)
                {
                    MakeWritable(inner.FullName);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then removing it fails, and says so.
        }
    }

    private string TreeOf(string commit) => Shared.Call(["rev-parse", commit + "^{tree}"]).Text;

    private QueueException Gone() =>
        new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Nothing is left of the branch {Branch} in {Shared.Top}"
            )
        );
}
