using AgentQueue.Storage;

namespace AgentQueue.Assistants;

/// <summary>
/// Puts agentq into assistants and takes it out again. The order of writing makes it safe to be killed at any
/// moment: first the manifest with all that is there and all that will be, then the files, then the manifest with
/// what is there. Whoever runs it again finds every file on record and finishes.
/// </summary>
internal sealed class AssistantSetup(SetupPlace place, IDisk disk, DurableFile durable)
{
    // Another program may write its configuration while we look at it; that happens now and then, not on and on.
    private const int MostTurns = 5;

    private const string LockName = ".assistants.lock";
    private const int MostPauses = 500;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>The assistants that it was done for.</summary>
    public IReadOnlyList<string> Names => ReadManifest().Manifest.Assistants;

    /// <summary>The assistants that something can be taken out of; without a record, by what is there as agentq makes it.</summary>
    public IReadOnlyList<string> NamesToRemove =>
        ReadManifest().Manifest is { IsEmpty: false } manifest
            ? manifest.Assistants
            : new AdoptedSetup(place, new SetupFiles(place, disk)).For([]).Assistants;

    /// <summary>True if something stands there that was not made for an entry of ours.</summary>
    public bool HasOfUser(string key) =>
        place.Has(key) && !ReadManifest().Manifest.Entries.Any(e => e.MadeFile && e.Path == key);

    /// <summary>Everything that these assistants need is there afterwards, as far as it can be.</summary>
    public SetupReport Write(IReadOnlyList<Assistant> assistants, bool dryRun) =>
        Do(plan => plan.Want(assistants), dryRun);

    /// <summary>How it stands; nothing is written.</summary>
    public SetupReport Check(IReadOnlyList<Assistant> assistants) =>
        Write(assistants, dryRun: true);

    /// <summary>
    /// What was made for these assistants alone is gone afterwards, unless the user has changed it. Without a record
    /// that is what is exactly as agentq makes it.
    /// </summary>
    public SetupReport Remove(IReadOnlyCollection<string> names, bool dryRun) =>
        Do(plan => plan.Remove(names), dryRun, names);

    /// <param name="adopted">Assistants whose things count as ours if nothing is on record; null for none.</param>
    private SetupReport Do(
        Action<SetupPlan> decide,
        bool dryRun,
        IReadOnlyCollection<string>? adopted = null
    )
    {
        var turn = Look(decide, adopted);
        if (dryRun || !(turn.Changes || HasTraces))
        {
            return turn.Plan.Report;
        }

        var path = Path.Join(Path.GetDirectoryName(place.Resolve(place.Manifest)), LockName);
        using (var held = Lock(path))
        {
            try
            {
                for (var i = 0; i < MostTurns; i++)
                {
                    turn = Look(decide, adopted);
                    if (Apply(turn))
                    {
                        return new([.. turn.Plan.Report.Steps, .. turn.Stuck.Select(StuckStep)]);
                    }
                }
            }
            finally
            {
                disk.RemoveLock(held, path);
                RemoveFolders(turn.Emptied);
            }
        }

        throw new QueueException(
            "Another program keeps changing the files that agentq would change",
            "End it and try again; what was done so far is on record"
        );
    }

    private SetupStep StuckStep(string folder) =>
        new(
            place.Shown(folder),
            null,
            [],
            SetupState.Refused,
            new QueueException(
                $"{place.Shown(folder)} is empty now, and may not be removed",
                "Make the folder above it writable, then run the same command again"
            )
        );

    private SetupTurn Look(Action<SetupPlan> decide, IReadOnlyCollection<string>? adopted)
    {
        var (old, manifest) = ReadManifest();
        var files = new SetupFiles(place, disk);
        // Folders alone are on record where one could not be removed.
        if (adopted is not null && old is { IsEmpty: true, Folders.IsEmpty: true })
        {
            old = new AdoptedSetup(place, files).For(adopted);
        }

        var plan = new SetupPlan(place, old, files);
        decide(plan);
        return new SetupTurn(place, old, plan, manifest, files);
    }

    // Two at once would take each other's half-made files for leftovers.
    private HeldLock Lock(string path)
    {
        for (var i = 0; i < MostPauses; i++)
        {
            disk.CreateFolder(Path.GetDirectoryName(path)!);
            if (disk.TryLock(path, create: true) is { } held)
            {
                return held;
            }

            disk.Pause(s_pause);
        }

        throw new QueueException(
            "Another agentq setup is at work here",
            "Wait until it has ended, and try again"
        );
    }

    /// <summary>True if one that was killed has left something in the manifest's folder.</summary>
    private bool HasTraces
    {
        get
        {
            var folder = place.PathOf(SetupTurn.Above(place.Manifest));
            return Directory.Exists(folder)
                && disk.List(folder).ToList() is var names
                && (names.Count == 0 || names.Exists(IsTrace));
        }
    }

    private bool IsTrace(string name) =>
        name == LockName || DurableFile.IsLeftoverOf(name, Path.GetFileName(place.Manifest));

    private (SetupManifest Manifest, PlannedFile File) ReadManifest()
    {
        var files = new SetupFiles(place, disk);
        var file = files[place.Manifest];
        var manifest = file.Found is { } bytes
            ? SetupManifest.Read(bytes, place.Shown(place.Manifest), place.IsUser)
            : SetupManifest.Empty;
        return (manifest, file);
    }

    /// <summary>False if a file is no longer as it was when the plan was made.</summary>
    private bool Apply(SetupTurn turn)
    {
        SweepLeftovers(turn);
        if (turn.Manifest.Found is null)
        {
            turn.Made.UnionWith(FoldersOfManifest());
        }

        var manifest = turn.Manifest;
        var changes = turn.Files.Changes.ToList();
        if (changes.Count > 0)
        {
            manifest.Wanted = turn.Between.Write();
            if (!Put(manifest))
            {
                return false;
            }

            manifest = new PlannedFile(manifest.Key, manifest.Path, manifest.Wanted);
            try
            {
                if (!changes.TrueForAll(Put))
                {
                    return false;
                }
            }
            catch (QueueException)
            {
                Settle(turn, manifest);
                throw;
            }
        }

        RemoveFolders(turn.NotNeeded.Where(f => !SetupTurn.IsAbove(f, place.Manifest)));
        turn.Stuck.UnionWith(
            turn.NotNeeded.Where(f => !SetupTurn.IsAbove(f, place.Manifest) && IsEmptyFolder(f))
        );
        manifest.Wanted = turn.Final;
        if (manifest.Changes && !Put(manifest))
        {
            return false;
        }

        if (manifest.Wanted is null)
        {
            turn.Emptied.AddRange(turn.NotNeeded.Where(f => SetupTurn.IsAbove(f, place.Manifest)));
        }

        return true;
    }

    /// <summary>A file could not be written: what was done is on record, and nothing else.</summary>
    private void Settle(SetupTurn turn, PlannedFile manifest)
    {
        try
        {
            var files = new SetupFiles(place, disk);
            var undone = turn
                .Files.Changes.Where(f =>
                    !new PlannedFile(f.Key, f.Path, f.Found)
                    {
                        Wanted = files.Read(f.Path, place.Shown(f.Key)),
                    }.Changes
                )
                .Select(static f => f.Key)
                .ToHashSet(StringComparer.Ordinal);
            RemoveFolders(turn.Made.Except(turn.Old.Folders));
            turn.Made.RemoveWhere(f => !Directory.Exists(place.PathOf(f)));
            manifest.Wanted = turn.Reached(undone);
            Put(manifest);
            if (manifest.Wanted is null)
            {
                turn.Emptied.AddRange(turn.Made.Except(turn.Old.Folders));
            }
        }
        catch (QueueException)
        {
            // The record says of each file what it was and what it was to be: the next one finishes.
        }
    }

    private bool IsEmptyFolder(string key) =>
        Directory.Exists(place.PathOf(key)) && !disk.List(place.PathOf(key)).Any();

    // Of one that was killed while it wrote one of these files. The folders are the user's: nothing else in them is ours.
    private void SweepLeftovers(SetupTurn turn)
    {
        var keys = ((SetupManifest[])[turn.Old, turn.Plan.Next])
            .SelectMany(static m =>
                m.Files.Select(static f => f.Path).Concat(m.Entries.Select(static e => e.Path))
            )
            .Append(place.Manifest);
        foreach (
            var folder in keys.Distinct()
                .Select(turn.Files.PathOf)
                .OfType<string>()
                .GroupBy(Path.GetDirectoryName)
        )
        {
            var names = folder.Select(Path.GetFileName).ToList();
            foreach (var name in disk.List(folder.Key!).Where(DurableFile.IsLeftover))
            {
                if (names.Exists(n => DurableFile.IsLeftoverOf(name, n!)))
                {
                    disk.Delete(Path.Join(folder.Key, name));
                }
            }
        }
    }

    // People's files keep the permissions that they have. What is new in a project is for all who work on it, as
    // git would make it; in the home folder it is its owner's alone.
    private bool Put(PlannedFile file)
    {
        var now = new SetupFiles(place, disk).Read(file.Path, place.Shown(file.Key));
        if (
            now is null != file.Found is null
            || (now is not null && !now.AsSpan().SequenceEqual(file.Found))
        )
        {
            return false;
        }

        if (file.Wanted is not { } wanted)
        {
            disk.Delete(file.Path);
            durable.SyncFolderOf(file.Path);
            return true;
        }

        if (file.Found is null)
        {
            var folder = Path.GetDirectoryName(file.Path)!;
            if (place.IsUser)
            {
                disk.CreateFolder(folder);
                return durable.TryCreate(file.Path, wanted);
            }

            disk.CreateFolderShared(folder);
            return durable.TryCreateShared(file.Path, wanted);
        }

        durable.ReplaceAlike(file.Path, wanted);
        return true;
    }

    // Nothing is on record before the manifest is, so a folder of its own in which nothing stands counts as made
    // by one of us that was killed.
    private IEnumerable<string> FoldersOfManifest()
    {
        var below = "";
        for (
            var folder = SetupTurn.Above(place.Manifest);
            folder.Length > 0;
            folder = SetupTurn.Above(folder)
        )
        {
            if (disk.List(place.PathOf(folder)).Any(n => n != below && !IsTrace(n)))
            {
                yield break;
            }

            yield return folder;
            below = Path.GetFileName(folder);
        }
    }

    private void RemoveFolders(IEnumerable<string> folders)
    {
        foreach (var folder in folders.OrderByDescending(static f => f.Length))
        {
            disk.DeleteEmptyFolder(place.PathOf(folder));
        }
    }
}
