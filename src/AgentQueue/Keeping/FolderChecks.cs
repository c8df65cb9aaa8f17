using System.Globalization;
using AgentQueue.Native;
using AgentQueue.Processes;
using AgentQueue.Storage;

namespace AgentQueue.Keeping;

/// <summary>Whether the folder and its file system keep what the protocol needs of them.</summary>
internal sealed class FolderChecks(QueueFolder queue, TimeProvider clock)
{
    private const long LittleSpace = 100L << 20;
    private const long FewFiles = 1000;
    private const int WritableByAll = 2;

    public void Check(List<Finding> findings)
    {
        findings.Add(new Finding("folder", Health.Ok, queue.Folder));
        if (!OperatingSystem.IsWindows())
        {
            CheckAccess(findings);
        }

        CheckFileSystem(findings);
        try
        {
            CheckLocks(findings);
            CheckRenames(findings);
        }
        catch (QueueException e)
        {
            findings.Add(new Finding("writable", Health.Problem, e.Message, e.Hint));
        }
    }

    private void CheckAccess(List<Finding> findings)
    {
        var fine = true;
        string[] paths =
        [
            queue.Folder,
            .. queue.Parts,
            Path.Join(queue.Folder, Config.Settings.FileName),
            Path.Join(queue.ProjectRoot, QueueFolder.ConfigName),
        ];
        foreach (var path in paths)
        {
            if (FileStat.Of(path) is { } stat && (stat.IsRegular || stat.IsFolder))
            {
                fine &= CheckAccess(findings, path, stat);
            }
        }

        if (fine)
        {
            findings.Add(new Finding("access", Health.Ok, "Yours, and nobody else may write it"));
        }
    }

    private static bool CheckAccess(List<Finding> findings, string path, FileStat stat)
    {
        var fine = true;
        if ((stat.Mode & WritableByAll) != 0)
        {
            fine = false;
            findings.Add(
                new Finding(
                    "access",
                    Health.Problem,
                    $"Everybody on this machine may write {path}, and so have you run what they like",
                    $"chmod o-w {path}"
                )
            );
        }

        if (stat.Owner != Libc.EffectiveUser())
        {
            fine = false;
            findings.Add(
                new Finding(
                    "access",
                    Health.Warning,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{path} belongs to user {stat.Owner}, not to you"
                    ),
                    "Use the queue as its owner: files that you make may be closed to them"
                )
            );
        }

        return fine;
    }

    private void CheckFileSystem(List<Finding> findings)
    {
        if (FileSystemFacts.Of(queue.Folder) is not { } facts)
        {
            return;
        }

        findings.Add(
            facts switch
            {
                { IsRemote: true } => new Finding(
                    "filesystem",
                    Health.Warning,
                    $"The queue lies on {facts.Name}, where locks may fail or come late",
                    "Keep the project on a local disk, and use it from one machine at a time"
                ),
                { IsMemory: true } => new Finding(
                    "filesystem",
                    Health.Warning,
                    "The queue lies in memory (tmpfs) and is gone after a restart",
                    "Keep what matters on a disk"
                ),
                _ => new Finding("filesystem", Health.Ok, facts.Name),
            }
        );
        var mib = facts.FreeBytes >> 20;
        findings.Add(
            facts.FreeBytes < LittleSpace
                ? new Finding(
                    "space",
                    Health.Warning,
                    string.Create(CultureInfo.InvariantCulture, $"Only {mib} MiB are free"),
                    "See what may go: agentq clean all --older-than 7d --dry-run"
                )
            : facts.Files > 0 && facts.FreeFiles < FewFiles
                ? new Finding(
                    "space",
                    Health.Warning,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Only {facts.FreeFiles} more files can be made (inodes)"
                    ),
                    "Each task has about five: agentq clean all --older-than 7d --dry-run"
                )
            : new Finding(
                "space",
                Health.Ok,
                string.Create(CultureInfo.InvariantCulture, $"{mib} MiB free")
            )
        );
    }

    private void CheckLocks(List<Finding> findings)
    {
        var path = Probe("lock");
        var first = queue.Disk.TryLock(path, create: true);
        try
        {
            if (first is null || IsFree(path))
            {
                findings.Add(
                    new Finding(
                        "locks",
                        Health.Problem,
                        "Two at once can hold the same lock here, so tasks may be started twice",
                        "Move the project to a local disk"
                    )
                );
                return;
            }

            var lives = InheritedLock.While(
                first.Descriptor,
                () =>
                {
                    first.Dispose();
                    return !IsFree(path);
                },
                clock
            );
            findings.Add(
                lives switch
                {
                    true when IsFree(path) => new Finding(
                        "locks",
                        Health.Ok,
                        "They exclude, and pass on to child processes"
                    ),
                    true => new Finding(
                        "locks",
                        Health.Problem,
                        "A lock outlives the processes that held it, so ended tasks look alive",
                        "Move the project to a local disk"
                    ),
                    false => new Finding(
                        "locks",
                        Health.Problem,
                        "A lock is lost when it passes to a child process, so tasks look dead",
                        "Move the project to a local disk"
                    ),
                    null => new Finding(
                        "locks",
                        Health.Warning,
                        "They exclude; whether they pass on could not be tried"
                    ),
                }
            );
        }
        finally
        {
            first?.Dispose();
            queue.Disk.Delete(path);
        }
    }

    private bool IsFree(string path)
    {
        using var held = queue.Disk.TryLock(path, create: false);
        return held is not null;
    }

    private void CheckRenames(List<Finding> findings)
    {
        var (path, other) = (Probe("old"), Probe("new"));
        try
        {
            queue.Disk.WriteNew(path, "1"u8, sync: true);
            queue.Disk.WriteNew(other, "2"u8, sync: true);
            var refuses = !queue.Disk.RenameNew(other, path) && Content(path) == 1;
            queue.Disk.Rename(other, path);
            var replaces = Content(path) == 2 && queue.Disk.Facts(other) is null;
            queue.Disk.SyncFolder(queue.Run);
            findings.Add(
                refuses && replaces
                    ? new Finding("renames", Health.Ok, "They replace, or refuse to, as asked")
                    : new Finding(
                        "renames",
                        Health.Problem,
                        refuses
                            ? "Replacing a file by renaming does not work here"
                            : "A file that exists is overwritten where it must not be",
                        "Move the project to a local disk"
                    )
            );
        }
        finally
        {
            queue.Disk.Delete(path);
            queue.Disk.Delete(other);
        }
    }

    private int Content(string path) =>
        queue.Disk.Read(path, 10) is { Status: ReadStatus.Ok, Content: [var only] }
            ? only - '0'
            : -1;

    // Named like an interrupted write, so that it is swept if this is killed.
    private string Probe(string name) =>
        Path.Join(
            queue.Run,
            string.Create(
                CultureInfo.InvariantCulture,
                $".doctor-{name}.tmp-{Environment.ProcessId:x}-{clock.GetTimestamp():x}"
            )
        );
}
