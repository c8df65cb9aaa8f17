using AgentQueue.Config;
using AgentQueue.Git;
using AgentQueue.Scheduling;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>A worktree of which a note tells.</summary>
/// <param name="Users">The tasks that work, or have worked, in it.</param>
/// <param name="Tree">Null if there is no repository any more.</param>
internal sealed record NotedWorktree(
    WorktreeNote Note,
    IReadOnlyList<AgentTask> Users,
    TaskTree? Tree
);

/// <summary>
/// Removes worktrees with the tasks that they were for, but only those whose work is somewhere else, or that
/// have none. Where no worktree was ever made it costs a look for one folder.
/// </summary>
internal sealed class WorktreeSweep(ProjectQueue project)
{
    private readonly QueueFolder _queue = project.Queue;
    private readonly WorktreeNotes _notes = new(project.Queue);

    /// <summary>
    /// Before tasks are cleaned: removes their worktrees, and refuses the tasks whose work is nowhere else.
    /// One that a task works in that stays, stays too.
    /// </summary>
    /// <returns>The tasks that may go.</returns>
    public IReadOnlyList<TaskId> BeforeClean(IReadOnlyList<TaskId> ids, List<Refusal> refused)
    {
        var going = ids.ToHashSet();
        foreach (var noted in Noted(going))
        {
            if (noted.Users.All(t => going.Contains(t.Id) && t.IsFinished))
            {
                RemoveOrRefuse(noted, going, refused);
            }
        }

        return refused.Count == 0 ? ids : [.. ids.Where(going.Contains)];
    }

    /// <summary>Of tasks that are archived: removes their worktrees if nothing is lost by it; returns how many.</summary>
    public int OfArchived(IReadOnlyList<TaskId> ids)
    {
        var removed = 0;
        foreach (var noted in Noted(ids.ToHashSet()))
        {
            removed +=
                noted.Users.All(static t => t.IsFinished)
                && !noted.Users.Any(t => _queue.Disk.Facts(_queue.TaskFile(t.Id)) is not null)
                && TryRemove(noted) is null
                    ? 1
                    : 0;
        }

        return removed;
    }

    /// <summary>Removes those of tasks that are gone if nothing is lost by it; returns how many.</summary>
    public int Fix()
    {
        var removed = 0;
        foreach (var noted in Noted(null).Where(static n => n.Users.Count == 0))
        {
            removed += TryRemove(noted) is null ? 1 : 0;
        }

        return removed;
    }

    public void Check(List<Finding> findings)
    {
        var all = Noted(null).ToList();
        if (all.Count == 0)
        {
            return;
        }

        var gone = all.Where(static n => n.Users.Count == 0).ToList();
        var healthy = all.Count - gone.Count;
        if (healthy > 0 || gone.Count == 0)
        {
            findings.Add(
                new Finding(
                    "worktrees",
                    Health.Ok,
                    $"{(healthy == 1 ? "1 worktree" : $"{healthy} worktrees")} of tasks"
                )
            );
        }

        foreach (var noted in gone)
        {
            findings.Add(
                Problem(noted) is { } problem
                    ? new Finding(
                        "worktrees",
                        Health.Warning,
                        $"{noted.Note.Path} is of task {noted.Note.Task}, which is gone, and has {problem}",
                        $"Take them: git merge {noted.Note.Branch}; or lose them: git worktree remove --force {noted.Note.Path}"
                    )
                    : new Finding(
                        "worktrees",
                        Health.Warning,
                        $"{noted.Note.Path} is of task {noted.Note.Task}, which is gone, and nothing would be lost with it",
                        "Remove it: agentq doctor --fix"
                    )
            );
        }
    }

    private void RemoveOrRefuse(NotedWorktree noted, HashSet<TaskId> going, List<Refusal> refused)
    {
        if (TryRemove(noted) is not { } problem)
        {
            return;
        }

        foreach (var user in noted.Users)
        {
            going.Remove(user.Id);
            refused.Add(
                new Refusal(
                    user.Id,
                    $"Task {user.Id} was left: its worktree has {problem}",
                    $"Take its work: agentq merge {user.Id}; or lose it: agentq discard {user.Id} --force"
                )
            );
        }
    }

    // What keeps it from going; null if it is gone.
    private string? TryRemove(NotedWorktree noted)
    {
        if (Problem(noted) is { } problem)
        {
            return problem;
        }

        try
        {
            if (noted.Tree is { IsHalf: false, Tree: { } there })
            {
                Teardown.Run(
                    project,
                    noted.Users is [var user, ..] ? user : Nobody(noted.Note),
                    there.Top
                );
            }

            noted.Tree?.Remove(_queue.Disk);
            _notes.Remove(noted.Note.Task);
            return null;
        }
        catch (QueueException e)
        {
            return $"something that keeps it: {e.Message}";
        }
    }

    private static string? Problem(NotedWorktree noted)
    {
        try
        {
            return noted.Tree is not { } tree
                ? Directory.Exists(noted.Note.Path)
                    ? "no repository any more that could tell"
                    : null
                : tree.Lock is not null
                    ? "a lock that somebody has put on it"
                    : tree.Unmerged();
        }
        catch (QueueException e)
        {
            return $"something that keeps it: {e.Message}";
        }
    }

    // A task that is gone had an agent that nobody knows.
    private static AgentTask Nobody(WorktreeNote note) =>
        new()
        {
            Id = note.Task,
            Agent = AgentDefinition.Shell,
            Prompt = "",
            CreatedAt = default,
            State = new TaskState.Pending(),
        };

    /// <param name="which">Only worktrees that one of these works in; null for all.</param>
    private IEnumerable<NotedWorktree> Noted(HashSet<TaskId>? which)
    {
        var notes = _notes.All();
        if (notes.Count == 0)
        {
            yield break;
        }

        var users = Users();
        foreach (var note in notes)
        {
            // The task that it is made for may not have been told of it yet.
            List<AgentTask> mine =
            [
                .. users[note.Path]
                    .Concat(
                        new[] { _queue.Read(note.Task), _queue.ReadArchived(note.Task) }
                            .OfType<TaskRead.Found>()
                            .Select(static f => f.Task)
                    )
                    .DistinctBy(static t => t.Id),
            ];
            if (
                which is null
                || which.Contains(note.Task)
                || mine.Exists(t => which.Contains(t.Id))
            )
            {
                yield return new NotedWorktree(
                    note,
                    mine,
                    TaskTree.Open(
                        note.ToWorktree(),
                        Directory.Exists(note.Repository) ? note.Repository : project.Root,
                        project.Clock
                    )
                );
            }
        }
    }

    private ILookup<string, AgentTask> Users() =>
        new TaskLookup(_queue)
            .All()
            .Select(_queue.Read)
            .Concat(
                _queue
                    .Disk.List(_queue.Archive)
                    .Where(static n => n.EndsWith(".json", StringComparison.Ordinal))
                    .Select(static n => n[..^".json".Length])
                    .Where(static n => TaskId.TryParse(n, out _))
                    .Select(n => _queue.ReadArchived(TaskId.Parse(n)))
            )
            .OfType<TaskRead.Found>()
            .Where(static f => f.Task.Worktree?.Path is not null)
            .ToLookup(static f => f.Task.Worktree!.Path!, static f => f.Task);
}
