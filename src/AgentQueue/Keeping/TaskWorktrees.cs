using AgentQueue.Git;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>What merging a task's work came to.</summary>
/// <param name="Commit">Of the task's work.</param>
/// <param name="Into">The branch that has it now.</param>
/// <param name="Committed">Some of it had not been committed before.</param>
/// <param name="Merged">False if the branch had all of it already.</param>
/// <param name="Kept">Why the worktree is still there; null if it is gone.</param>
internal sealed record MergedWork(
    string Commit,
    string Into,
    bool Committed,
    bool Merged,
    string? Kept
);

/// <summary>What became of a worktree that was discarded.</summary>
/// <param name="Tip">A commit of all that was in it, which git keeps for a while; null if nothing was lost.</param>
internal sealed record DiscardedWork(string Branch, string? Tip);

/// <summary>
/// What people do with the work in worktrees of tasks that have ended. A worktree belongs to a task and its
/// retries, one of which works in it at a time.
/// </summary>
internal sealed class TaskWorktrees(ProjectQueue project)
{
    private readonly QueueFolder _queue = project.Queue;
    private readonly WorktreeNotes _notes = new(project.Queue);

    /// <exception cref="QueueException">It has none, or nothing of it is left.</exception>
    public TaskTree Open(AgentTask task)
    {
        var worktree = WorktreeOf(task);
        return worktree.Commit is null || worktree.Branch is null
            ? throw new QueueException($"The worktree of task {task.Id} has not been made yet")
            : TaskTree.Open(worktree, RepositoryOf(worktree), project.Clock)
                ?? throw new QueueException(
                    $"There is no git repository any more in {RepositoryOf(worktree)}"
                );
    }

    // Where its maker died before the task was told of it, the note knows.
    private Worktree WorktreeOf(AgentTask task) =>
        CheckAsked(task) is { Path: null, Outcome: null } untold && _notes.Find(task.Id) is { } note
            ? untold with
            {
                Branch = note.Branch,
                Commit = note.Commit,
                Path = note.Path,
            }
            : task.Worktree!;

    private static Worktree CheckAsked(AgentTask task) =>
        task.Worktree
        ?? throw new QueueException(
            $"Task {task.Id} has no worktree",
            "A task gets one with agentq start … --worktree"
        );

    /// <summary>The task, in the queue or in the archive.</summary>
    public AgentTask Read(TaskId id) =>
        _queue.Read(id) is TaskRead.Missing
            ? _queue.ReadArchivedOrThrow(id)
            : _queue.ReadOrThrow(id);

    /// <summary>The work tree that a folder is in, if it is one of the task's repository, and not the task's own.</summary>
    /// <exception cref="QueueException">It is the task's own; or it is none, and the project is in none either.</exception>
    public TargetTree TargetOf(TaskTree task, string folder)
    {
        var here = GitRepository.Find(folder, project.Clock);
        if (here?.CommonFolder != task.Shared.CommonFolder)
        {
            here = WorktreeMaker.RepositoryOf(project.Root, project.Clock);
        }

        return here.CommonFolder != task.Shared.CommonFolder
                ? throw new QueueException(
                    $"{here.Top} is no work tree of the task's repository",
                    "Change to one of them and try again"
                )
            : task.Tree is { } own && WorktreeMaker.SamePath(own.Top, here.Top)
                ? throw new QueueException(
                    $"{here.Top} is the task's own worktree",
                    "Change to the work tree that its work shall come into, and try again"
                )
            : new TargetTree(here);
    }

    public AppliedWork Apply(TaskId id, string folder)
    {
        var task = Read(id);
        var tree = Open(task);
        return TargetOf(tree, folder).Apply(tree);
    }

    /// <summary>
    /// Commits what is not committed on the task's branch, merges that into the branch that is checked out, and
    /// removes the worktree.
    /// </summary>
    /// <param name="keep">Leave the worktree and its branch.</param>
    /// <exception cref="QueueException">It has not ended, or does not go together with what is there; nothing is lost.</exception>
    public MergedWork Merge(TaskId id, string folder, bool keep)
    {
        using var held = Hold(id, out var task);
        var tree = Open(task);
        var target = TargetOf(tree, folder);
        var committed = tree.Commit(MessageOf(task));
        var tip =
            tree.Tip ?? throw new QueueException($"Nothing is left of the branch {tree.Branch}");
        if (tree.Tree is { } own)
        {
            Submodules.Save(own, tree.Branch);
        }

        var merged = target.Merge(tip, $"{tree.Branch} ({task.Id})");
        var into = target.Repository.Branch() ?? "";
        return new MergedWork(
            tip,
            into,
            committed,
            merged,
            keep ? "it was to be kept" : TryRemove(task, tip)
        );
    }

    /// <exception cref="QueueException">It has not ended, or has work that is nowhere else.</exception>
    public DiscardedWork Discard(TaskId id, bool force)
    {
        using var held = Hold(id, out var task);
        var tree = Open(task);
        var unmerged = tree.Unmerged();
        if (unmerged is not null && !force)
        {
            throw new QueueException(
                $"The worktree of task {id} has {unmerged}",
                $"See them: agentq diff {id}; take them: agentq merge {id}; or lose them: agentq discard {id} --force"
            );
        }

        // Bytes stay in git for a while, so that a slip can be undone.
        var tip =
            unmerged is null ? null
            : tree.IsDirty && tree.Tip is { } parent
                ? TaskTree.CommitOfTree(tree.Shared, tree.Content(), parent)
            : tree.Tip;
        Remove(task, tree, tip ?? tree.Tip, "discarded", force);
        return new DiscardedWork(tree.Branch, tip);
    }

    // The work is safe by now: what keeps the folder from going is only told.
    private string? TryRemove(AgentTask task, string tip)
    {
        try
        {
            // As it is now: something may have been left there meanwhile.
            var tree = Open(task);
            if (tree.Unmerged() is { } more)
            {
                return $"it has {more}";
            }

            Remove(task, tree, tip, "merged", force: false);
            return null;
        }
        catch (QueueException e)
        {
            return e.Message;
        }
    }

    private void Remove(AgentTask task, TaskTree tree, string? tip, string outcome, bool force)
    {
        if (tree.Lock is { } reason && !force)
        {
            throw new QueueException(
                $"Somebody has locked the worktree {tree.Tree?.Top ?? WorktreeOf(task).Path}{(reason.Length > 0 ? $": {reason}" : "")}",
                $"Unlock it: git worktree unlock {WorktreeOf(task).Path}"
            );
        }

        if (tree.Tree is { } there && !tree.IsHalf)
        {
            try
            {
                Teardown.Run(project, task, there.Top);
            }
            catch (QueueException) when (force)
            {
                // It was to go in any case.
            }
        }

        tree.Remove(_queue.Disk);
        var path = WorktreeOf(task).Path;
        foreach (var note in _notes.All())
        {
            if (
                note.Task == task.Id
                || (path is not null && WorktreeMaker.SamePath(note.Path, path))
            )
            {
                _notes.Remove(note.Task);
            }
        }

        if (_queue.Read(task.Id) is TaskRead.Found(var current, _))
        {
            _queue.Write(
                current with
                {
                    Worktree = current.Worktree! with { Path = null, Tip = tip, Outcome = outcome },
                }
            );
        }
    }

    /// <summary>The task's lock, so that nobody retries it meanwhile; an archived task needs none.</summary>
    /// <exception cref="QueueException">The task, or one that works in the same worktree, has not ended.</exception>
    private HeldLock? Hold(TaskId id, out AgentTask task)
    {
        task = Read(id);
        CheckAsked(task);
        // A running task's lock is its supervisor's: what it is comes before whether it is free.
        CheckEnded(task);
        if (_queue.Read(id) is TaskRead.Missing)
        {
            return null;
        }

        var held = _queue.LockTask(id);
        try
        {
            task = _queue.ReadOrThrow(id);
            CheckEnded(task);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private void CheckEnded(AgentTask task)
    {
        for (var seen = new HashSet<TaskId>(); seen.Add(task.Id); )
        {
            if (!task.IsFinished)
            {
                throw new QueueException(
                    $"Task {task.Id} is {TaskJson.NameOf(task.Status)}, and works in that worktree",
                    $"Wait for its end: agentq wait {task.Id}"
                );
            }

            if (
                task.State is TaskState.Unsuccessful { RetriedBy: { } next }
                && _queue.Read(next) is TaskRead.Found(var retry, _)
                && retry.Worktree?.Path == task.Worktree?.Path
            )
            {
                task = retry;
            }
        }
    }

    private string RepositoryOf(Worktree worktree) =>
        worktree.Path is { } path
        && _notes.All().FirstOrDefault(n => WorktreeMaker.SamePath(n.Path, path))
            is { Repository: var noted }
        && Directory.Exists(noted)
            ? noted
            : project.Root;

    private static string MessageOf(AgentTask task)
    {
        const int LongestTitle = 72;
        var title = (task.Name ?? task.Prompt).Trim().Split('\n')[0].Trim();
        title = title.Length > LongestTitle ? title[..(LongestTitle - 1)] + "…" : title;
        // A line that begins with this is a comment for git.
        return $"{(title.StartsWith('#') || title.Length == 0 ? "Work: " : "")}{title}\n\nAgent: {task.Agent}\nTask: {task.Id}\n";
    }
}
