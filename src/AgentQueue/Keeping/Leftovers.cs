using System.Globalization;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>A file that an interrupted call left behind.</summary>
/// <param name="Task">The task that it was of; null for an interrupted write.</param>
/// <param name="BackTo">Where it belongs, if a move into the archive was interrupted.</param>
internal sealed record Leftover(string Path, TaskId? Task = null, string? BackTo = null);

/// <summary>
/// Finds files of ours that belong to no task any more. Only names that agentq itself makes count, and only
/// after they have been left alone for a minute.
/// </summary>
internal sealed class Leftovers(QueueFolder queue, TimeProvider clock)
{
    private const int Named = 5;
    private static readonly TimeSpan s_old = TimeSpan.FromMinutes(1);
    private static readonly string[] s_besideTasks =
    [
        .. SentinelNames.All.Select(SentinelNames.Extension),
        ".pid",
    ];

    public void Check(List<Finding> findings)
    {
        var found = Find();
        if (found.Count == 0)
        {
            findings.Add(new Finding("leftovers", Health.Ok, "None"));
            return;
        }

        var names = found.Take(Named).Select(f => Path.GetRelativePath(queue.ProjectRoot, f.Path));
        findings.Add(
            new Finding(
                "leftovers",
                Health.Problem,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{found.Count} files belong to no task: {string.Join(", ", names)}{(found.Count > Named ? ", …" : "")}"
                ),
                "Remove them: agentq doctor --fix"
            )
        );
    }

    /// <summary>Removes them, each under the lock of the task that it was of; returns how many.</summary>
    public int Remove()
    {
        var removed = 0;
        foreach (var leftover in Find())
        {
            if (leftover.Task is not { } id)
            {
                removed += queue.Disk.Delete(leftover.Path) ? 1 : 0;
                continue;
            }

            using var held = queue.TryLockPassing(id);
            if (held is null)
            {
                continue;
            }

            // The lock goes with its own file; a task that has come back meanwhile keeps the rest.
            if (leftover.Path == queue.LockFile(id))
            {
                removed++;
            }
            else if (leftover.BackTo is { } place)
            {
                removed += queue.Disk.RenameNew(leftover.Path, place) ? 1 : 0;
            }
            else if (queue.Read(id) is TaskRead.Missing or TaskRead.Found({ IsFinished: true }, _))
            {
                removed += queue.Disk.Delete(leftover.Path) ? 1 : 0;
            }
        }

        return removed;
    }

    public IReadOnlyList<Leftover> Find()
    {
        var tasks = Ids(queue.Tasks);
        var archived = Ids(queue.Archive);
        IEnumerable<Leftover> found =
        [
            .. InterruptedWrites(),
            .. Of(queue.Tasks, s_besideTasks, id => !tasks.Contains(id)),
            .. Of(queue.Plans, ["_plan.md"], id => !tasks.Contains(id) && !archived.Contains(id)),
            .. Of(queue.Logs, [".log"], id => !tasks.Contains(id) && !archived.Contains(id)),
            .. Of(
                    queue.Archive,
                    ["_plan.md", ".log", .. s_besideTasks],
                    id => !archived.Contains(id)
                )
                .Select(l => tasks.Contains(l.Task!.Value) ? l with { BackTo = Home(l) } : l),
            .. InRun(tasks),
        ];
        return [.. found.Where(l => IsOld(l.Path))];
    }

    private IEnumerable<Leftover> InterruptedWrites()
    {
        // Not the workspace: its files are the agents'.
        string[] folders =
        [
            queue.Folder,
            queue.Tasks,
            queue.Plans,
            queue.Logs,
            queue.Run,
            queue.Archive,
        ];
        foreach (var folder in folders)
        {
            foreach (var name in queue.Disk.List(folder).Where(DurableFile.IsLeftover))
            {
                yield return new Leftover(Path.Join(folder, name));
            }
        }

        foreach (var name in queue.Disk.List(queue.ProjectRoot))
        {
            if (
                name.StartsWith("." + QueueFolder.ConfigName, StringComparison.Ordinal)
                && DurableFile.IsLeftover(name)
            )
            {
                yield return new Leftover(Path.Join(queue.ProjectRoot, name));
            }
        }
    }

    private IEnumerable<Leftover> Of(string folder, string[] endings, Func<TaskId, bool> isLeft)
    {
        foreach (var name in queue.Disk.List(folder))
        {
            foreach (var ending in endings)
            {
                if (
                    name.EndsWith(ending, StringComparison.Ordinal)
                    && TaskId.TryParse(name.AsSpan(0, name.Length - ending.Length), out var id)
                    && isLeft(id)
                )
                {
                    yield return new Leftover(Path.Join(folder, name), id);
                }
            }
        }
    }

    // While anybody holds the task's lock its files are in use, whatever became of the task.
    private IEnumerable<Leftover> InRun(HashSet<TaskId> tasks)
    {
        foreach (var name in queue.Disk.List(queue.Run))
        {
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            if (
                dot > 0
                && TaskId.TryParse(name.AsSpan(0, dot), out var id)
                && (
                    !tasks.Contains(id) || queue.Read(id) is TaskRead.Found({ IsFinished: true }, _)
                )
                && !queue.IsSupervised(id)
            )
            {
                yield return new Leftover(Path.Join(queue.Run, name), id);
            }
        }
    }

    private string Home(Leftover leftover)
    {
        var name = Path.GetFileName(leftover.Path);
        return Path.Join(
            name.EndsWith("_plan.md", StringComparison.Ordinal) ? queue.Plans
                : name.EndsWith(".log", StringComparison.Ordinal) ? queue.Logs
                : queue.Tasks,
            name
        );
    }

    private HashSet<TaskId> Ids(string folder)
    {
        var ids = new HashSet<TaskId>();
        foreach (var name in queue.Disk.List(folder))
        {
            if (
                name.EndsWith(".json", StringComparison.Ordinal)
                && TaskId.TryParse(name.AsSpan(0, name.Length - ".json".Length), out var id)
            )
            {
                ids.Add(id);
            }
        }

        return ids;
    }

    private bool IsOld(string path) =>
        queue.Disk.Facts(path) is { } file && clock.GetUtcNow() - ForeignFiles.TimeOf(file) > s_old;
}
