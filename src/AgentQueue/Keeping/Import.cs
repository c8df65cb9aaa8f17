using System.Text.Json;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Keeping;

/// <summary>
/// Takes over the tasks of the older tool with their plans and logs, its archive and its agents, and the
/// commands and variables of the older tool of events. Nothing is changed there, and no path in its files is believed. What cannot be read is told of and does not stop
/// the rest. It may be called again: what was taken over is known by a mark in the task.
/// </summary>
internal sealed class Import(QueueFolder queue, TimeProvider clock)
{
    private readonly ForeignState _state = new(queue.Disk, clock);

    /// <param name="named">Folders of the older tools, projects that hold one, and files of commands and events.</param>
    /// <param name="currentFolder">What the names are relative to.</param>
    /// <exception cref="QueueException">There is nothing to import, a file is refused, or the disk did.</exception>
    public ImportReport Run(IReadOnlyList<string> named, string currentFolder, bool dryRun)
    {
        var report = new ImportReport();
        var files = new List<EventFile>();
        var sources = new List<ImportSource>();
        foreach (var name in named)
        {
            var path = Path.GetFullPath(name, currentFolder);
            if (EventFile.At(path, name) is not { } file)
            {
                sources.AddRange(ImportSource.Find(path, queue));
                continue;
            }

            files.Add(file);
            if (file.Path != path)
            {
                sources.AddRange(ImportSource.In(path));
            }
        }

        if (files.Count > 0)
        {
            // First, because a file that is refused is refused before anything is imported.
            new ImportEvents(queue, OperatingSystem.IsWindows()).Import(files, report, dryRun);
        }

        if (sources.Count > 0)
        {
            ImportQueues([.. sources.Distinct()], report, dryRun);
        }

        return report;
    }

    private void ImportQueues(IReadOnlyList<ImportSource> sources, ImportReport report, bool dryRun)
    {
        report.Folders.AddRange(sources.Select(static s => s.Folder));
        var known = KnownMarks();
        var taken = new HashSet<TaskId>(known.Values);
        foreach (var source in sources)
        {
            ImportTasks(source, known, taken, report, dryRun);
            if (File.Exists(Path.Join(source.Folder, "config.json")))
            {
                report.Skip(
                    Path.Join(source.Folder, "config.json"),
                    "settings have other names here; see agentq config show"
                );
            }
        }

        new ImportAgents(queue).Import(sources, report, dryRun);
        if (!dryRun && report.Tasks.Count > 0)
        {
            queue.Durable.SyncAll(queue.Tasks);
        }
    }

    private void ImportTasks(
        ImportSource source,
        Dictionary<string, TaskId> known,
        HashSet<TaskId> taken,
        ImportReport report,
        bool dryRun
    )
    {
        var found = new Dictionary<string, ForeignTask>(StringComparer.Ordinal);
        ReadFolder(source, archived: false, found, report);
        ReadFolder(source, archived: true, found, report);
        var ids = new Dictionary<string, TaskId>(StringComparer.Ordinal);
        var fresh = new List<ForeignTask>();
        foreach (var task in found.Values.OrderBy(static t => t.Stem, StringComparer.Ordinal))
        {
            if (known.TryGetValue(task.Key, out var there))
            {
                report.AlreadyThere++;
                ids[task.Stem] = ids[task.OwnId] = there;
                continue;
            }

            var id = ChooseId(task.Stem, taken);
            taken.Add(id);
            known[task.Key] = id;
            ids[task.Stem] = ids[task.OwnId] = id;
            fresh.Add(task);
        }

        foreach (var foreign in fresh)
        {
            ImportTask(foreign, ids[foreign.Stem], Map, report, dryRun);
        }

        // A task that is gone there is named as before, so that history reads the same, unless the name
        // means another task here.
        TaskId? Map(string name) =>
            ids.TryGetValue(name, out var id) ? id
            : TaskId.TryParse(name, out var same) && !taken.Contains(same) && !Exists(same) ? same
            : null;
    }

    private void ReadFolder(
        ImportSource source,
        bool archived,
        Dictionary<string, ForeignTask> found,
        ImportReport report
    )
    {
        var folder = archived ? source.Archive : source.Tasks;
        foreach (var name in queue.Disk.List(folder).Order(StringComparer.Ordinal))
        {
            var stem = Path.GetFileNameWithoutExtension(name);
            if (
                Path.GetExtension(name) != ".json"
                || name == "index.json"
                || found.ContainsKey(stem)
            )
            {
                continue;
            }

            var path = Path.Join(folder, name);
            var read = queue.Disk.Read(path, TaskJson.LongestFile);
            if (read.Status != ReadStatus.Ok)
            {
                report.Skip(
                    path,
                    read.Status switch
                    {
                        ReadStatus.NotAFile => "it is not a regular file",
                        ReadStatus.TooLarge => "it is too large for a task",
                        _ => read.Problem ?? "it cannot be read",
                    }
                );
                continue;
            }

            try
            {
                found[stem] = ForeignTask.Read(
                    source,
                    stem,
                    archived,
                    read.Content,
                    ForeignFiles.TimeOf(read.Facts)
                );
            }
            catch (FormatException e)
            {
                report.Skip(path, e.Message);
            }
        }
    }

    private void ImportTask(
        ForeignTask foreign,
        TaskId id,
        Func<string, TaskId?> map,
        ImportReport report,
        bool dryRun
    )
    {
        var path = Path.Join(
            foreign.IsArchived ? foreign.Source.Archive : foreign.Source.Tasks,
            foreign.Stem + ".json"
        );
        try
        {
            var changes = new List<string>();
            if (id.Value != foreign.Stem)
            {
                changes.Add(
                    TaskId.TryParse(foreign.Stem, out _)
                        ? "its id is taken here, so it has another"
                        : "its id cannot be one here, so it has another"
                );
            }

            if (_state.Settle(foreign, foreign.ToTask(id, map, changes), changes) is not { } task)
            {
                report.Skip(path, "its agent still runs; import again when it has ended");
                return;
            }

            task = task with { Attempt = StartedAt(task) is null ? 0 : 1 };
            var archived = foreign.IsArchived && task.IsFinished;
            if (!dryRun && !Store(foreign, task, archived, changes))
            {
                report.Skip(path, $"the id {id} was taken meanwhile; import again");
                return;
            }

            report.Tasks.Add(new ImportedTask(id, foreign.Stem, task.Status, archived, changes));
        }
        catch (FormatException e)
        {
            report.Skip(path, e.Message);
        }
    }

    // The task's own file comes last: without it there is no task, and the next import does it all again.
    private bool Store(ForeignTask foreign, AgentTask task, bool archived, List<string> changes)
    {
        queue.Create();
        if (archived)
        {
            queue.Disk.CreateFolder(queue.Archive);
        }

        using var held = queue.LockTask(task.Id);
        if (Exists(task.Id))
        {
            return false;
        }

        var (plan, log, file) = archived
            ? (queue.ArchivedPlan(task.Id), queue.ArchivedLog(task.Id), queue.ArchivedTask(task.Id))
            : (queue.PlanFile(task.Id), queue.LogFile(task.Id), queue.TaskFile(task.Id));
        Copy(foreign.Source.Plan(foreign.Stem, foreign.IsArchived), plan, "plan", changes);
        Copy(foreign.Source.Log(foreign.Stem, foreign.IsArchived), log, "log", changes);
        return queue.Durable.TryCreateUnsynced(file, TaskJson.Write(task));
    }

    private void Copy(string from, string to, string what, List<string> changes)
    {
        if (queue.Disk.Facts(from) is not { } file)
        {
            return;
        }

        if (!file.IsRegular)
        {
            changes.Add($"its {what} is not a regular file and was left");
            return;
        }

        try
        {
            queue.Durable.CopyUnsynced(from, to);
        }
        catch (QueueException e)
            when (e.InnerException is IOException or UnauthorizedAccessException)
        {
            changes.Add($"its {what} was left: {e.InnerException.Message}");
        }
    }

    private TaskId ChooseId(string stem, HashSet<TaskId> taken)
    {
        if (TaskId.TryParse(stem, out var same) && !taken.Contains(same) && !Exists(same))
        {
            return same;
        }

        TaskId id;
        do
        {
            id = TaskId.New(clock.GetUtcNow());
        } while (taken.Contains(id) || Exists(id));

        return id;
    }

    private bool Exists(TaskId id) =>
        queue.Disk.Facts(queue.TaskFile(id)) is not null
        || queue.Disk.Facts(queue.ArchivedTask(id)) is not null;

    /// <summary>What earlier imports took over, by the mark that they left.</summary>
    private Dictionary<string, TaskId> KnownMarks()
    {
        var known = new Dictionary<string, TaskId>(StringComparer.Ordinal);
        foreach (var id in new TaskLookup(queue).All(archived: true))
        {
            var read = queue.Read(id) is TaskRead.Found found ? found : queue.ReadArchived(id);
            if (
                read is TaskRead.Found(var task, _)
                && task.Unknown.FirstOrDefault(static m => m.Key == ForeignTask.Mark)
                    is { Key: not null, Value: { ValueKind: JsonValueKind.Object } mark }
                && mark.TryGetProperty("key", out var key)
                && key.ValueKind == JsonValueKind.String
            )
            {
                known.TryAdd(key.GetString()!, id);
            }
        }

        return known;
    }

    private static DateTimeOffset? StartedAt(AgentTask task) =>
        (task.State as TaskState.Finished)?.StartedAt;
}
