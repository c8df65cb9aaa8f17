using System.Collections.Immutable;

namespace AgentQueue.Git;

/// <summary>What was brought into a work tree.</summary>
/// <param name="Files">That changed; none if all of it was there already.</param>
/// <param name="LeftOut">Repositories inside, by path, with changes that were not brought in: submodules for the most part.</param>
internal sealed record AppliedWork(
    ImmutableArray<ChangedFile> Files,
    ImmutableArray<string> LeftOut
);

/// <summary>The work tree that a task's changes are brought into. It is changed wholly or not at all.</summary>
internal sealed class TargetTree(GitRepository repository)
{
    private const int MostNamed = 10;

    public GitRepository Repository => repository;

    /// <summary>
    /// Brings a task's changes into the files, without committing anything or touching the index; what is there,
    /// committed or not, stays.
    /// </summary>
    /// <exception cref="QueueException">Something that is there does not go together with it.</exception>
    public AppliedWork Apply(TaskTree task)
    {
        var content = task.Content();
        var before = repository.Snapshot();
        var (from, to) = TaskTree.Merge(repository, task.Base, before, content) switch
        {
            { Conflicts.IsEmpty: false } merge => throw Conflict(merge.Conflicts, "apply"),
            { } merge => (before, merge.Tree),
            // An older git brings in only what fits as it is.
            null => (task.Base, content),
        };
        var patch = repository
            .Call([
                "diff-tree",
                "-r",
                "--patch",
                "--binary",
                "--full-index",
                "--no-ext-diff",
                "--no-textconv",
                "--no-renames",
                "--ignore-submodules=all",
                "--end-of-options",
                from,
                to,
            ])
            .Output;
        string[] links = [.. repository.ChangedLinks(from, to)];
        var work = new AppliedWork(
            [.. repository.Changes(from, to).Where(f => !links.Contains(f.Path))],
            [.. links.Union(task.UncommittedSubmodules).Order(StringComparer.Ordinal)]
        );
        if (patch.Length == 0)
        {
            return work with { Files = [] };
        }

        var end = repository.Git.Run(
            repository.Top,
            ["apply", "--whitespace=nowarn", "-"],
            writes: true,
            input: patch
        );
        return end.IsSuccess
            ? work
            : throw new QueueException(
                $"The changes do not fit what is in {repository.Top}: {end.Problem}",
                "Nothing was changed; commit or move away what is in the way"
            );
    }

    /// <summary>Merges a commit into the branch that is checked out; false if it has it already.</summary>
    /// <param name="name">What its message calls it.</param>
    /// <exception cref="QueueException">They conflict, or something here is in the way; all is as it was.</exception>
    public bool Merge(string commit, string name)
    {
        if (repository.Branch() is null)
        {
            throw new QueueException(
                $"No branch is checked out in {repository.Top} that it could be merged into",
                "Switch to one: git switch BRANCH"
            );
        }

        if (Path.Exists(Path.Join(repository.GitFolder, "MERGE_HEAD")))
        {
            throw new QueueException(
                $"A merge has not been ended in {repository.Top}",
                "End it (git commit), or give it up: git merge --abort"
            );
        }

        if (
            repository.Head() is { } head
            && repository
                .Git.Run(repository.Top, ["merge-base", "--is-ancestor", commit, head])
                .IsSuccess
        )
        {
            return false;
        }

        // Conflicts are found without touching anything, where this git can.
        var test = repository.Git.Run(
            repository.Top,
            ["merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", "HEAD", commit],
            writes: true
        );
        if (test.ExitCode == 1 && test.Items is [_, .. { Length: > 0 } conflicts])
        {
            throw Conflict([.. conflicts], "merge");
        }

        var end = repository.Git.Run(
            repository.Top,
            ["merge", "--no-edit", "-m", $"Merge {name}", commit],
            writes: true
        );
        if (end.IsSuccess)
        {
            return true;
        }

        var unmerged = repository
            .Git.Run(repository.Top, ["diff", "--name-only", "--diff-filter=U", "-z"])
            .Items;
        if (Path.Exists(Path.Join(repository.GitFolder, "MERGE_HEAD")))
        {
            repository.Call(["merge", "--abort"], writes: true);
        }

        throw unmerged.Length > 0
            ? Conflict([.. unmerged], "merge")
            : new QueueException(
                $"git merge failed in {repository.Top}: {Said(end)}",
                "Your branch and files are as they were; commit or stash what is in the way"
            );
    }

    // The names of the files that are in the way stand between two lines of git's.
    private static string Said(GitEnd end) =>
        string.Join(
            ' ',
            (end.Errors.Length > 0 ? end.Errors : end.Text).Split(
                '\n',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            )
        );

    private QueueException Conflict(ImmutableArray<string> files, string verb)
    {
        var names = string.Join(", ", files.Distinct().Take(MostNamed));
        return new QueueException(
            $"It conflicts with what is in {repository.Top}, in {names}{(files.Length > MostNamed ? ", …" : "")}",
            verb == "merge"
                ? "Your branch and files are as they were; bring your branch into the task's worktree and settle it there, then try again"
                : "Nothing was changed; agentq diff shows what it is about"
        );
    }
}
