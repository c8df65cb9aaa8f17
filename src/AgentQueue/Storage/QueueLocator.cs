using AgentQueue.Native;

namespace AgentQueue.Storage;

/// <summary>Finds the project that a call is about.</summary>
internal static class QueueLocator
{
    public const string RootVariable = "AGENTQ_ROOT";

    /// <summary>
    /// The project's root: <paramref name="explicitRoot"/>, else <c>AGENTQ_ROOT</c>, else the nearest folder
    /// from the current one upwards that holds <c>.agents</c> or <c>agent-config.json</c>, within the
    /// repository; in a git worktree, of the main checkout. Otherwise the current folder, with
    /// <c>Found</c> false.
    /// </summary>
    /// <exception cref="QueueException">A root that was named does not exist.</exception>
    public static (string Root, bool Found) Locate(string? explicitRoot, string currentFolder)
    {
        return RealOf(
            Named(explicitRoot, currentFolder) is { } named ? (named, true) : Find(currentFolder)
        );
    }

    /// <summary>
    /// Where files go that belong to a working tree and not to the queue: as <see cref="Locate"/>, but a git
    /// worktree is a tree of its own, and without a project it is the top of the tree. <c>Found</c> is false
    /// then, too.
    /// </summary>
    /// <inheritdoc cref="Locate"/>
    public static (string Root, bool Found) LocateTree(
        string? explicitRoot,
        string currentFolder
    ) =>
        RealOf(
            Named(explicitRoot, currentFolder) is { } named
                ? (named, true)
                : FindTree(currentFolder)
        );

    // One project has one name, whichever link led to it: processes are known by paths below it.
    private static (string, bool) RealOf((string Root, bool Found) project) =>
        (
            OperatingSystem.IsWindows()
                ? project.Root
                : Libc.RealPath(project.Root) ?? project.Root,
            project.Found
        );

    private static string? Named(string? explicitRoot, string currentFolder)
    {
        var named = explicitRoot ?? Environment.GetEnvironmentVariable(RootVariable);
        if (string.IsNullOrEmpty(named))
        {
            return null;
        }

        var root = Path.GetFullPath(named, currentFolder);
        return Directory.Exists(root)
            ? Path.TrimEndingDirectorySeparator(root)
            : throw new QueueException(
                $"There is no folder {root}",
                explicitRoot is null ? $"It comes from {RootVariable}" : null
            );
    }

    private static (string, bool) FindTree(string currentFolder)
    {
        for (var folder = currentFolder; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (IsProject(folder))
            {
                return (folder, true);
            }

            if (Path.Exists(Path.Join(folder, ".git")))
            {
                // A home folder that is kept in git is no project of everything below it.
                return (
                    folder == Environment.GetEnvironmentVariable("HOME") ? currentFolder : folder,
                    false
                );
            }
        }

        return (currentFolder, false);
    }

    private static (string Root, bool Found) Find(string currentFolder)
    {
        for (var folder = currentFolder; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var git = Path.Join(folder, ".git");
            if (File.Exists(git) && MainCheckout(git) is { } main)
            {
                var same = Path.GetFullPath(Path.GetRelativePath(folder, currentFolder), main);
                return FindUpwards(same, main)
                    ?? FindUpwards(currentFolder, folder)
                    ?? (currentFolder, false);
            }

            if (IsProject(folder))
            {
                // A worktree may carry committed parts of .agents itself; its main checkout decides.
                return (EnclosingMain(folder) ?? folder, true);
            }

            if (Directory.Exists(git))
            {
                // What lies above a repository was not put there by it.
                break;
            }
        }

        return (currentFolder, false);
    }

    private static (string, bool)? FindUpwards(string from, string top)
    {
        for (var folder = from; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (IsProject(folder))
            {
                return (folder, true);
            }

            if (folder == top)
            {
                break;
            }
        }

        return null;
    }

    private static string? EnclosingMain(string project)
    {
        for (var folder = project; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var git = Path.Join(folder, ".git");
            if (File.Exists(git))
            {
                return
                    MainCheckout(git) is { } main
                    && Path.GetFullPath(Path.GetRelativePath(folder, project), main) is var same
                    && IsProject(same)
                    ? same
                    : null;
            }

            if (Directory.Exists(git))
            {
                return null;
            }
        }

        return null;
    }

    private static bool IsProject(string folder) =>
        HasQueue(Path.Join(folder, QueueFolder.FolderName), folder)
        || File.Exists(Path.Join(folder, QueueFolder.ConfigName));

    // Assistants keep the user's own skills in ~/.agents/skills; that makes no project of everything below.
    private static bool HasQueue(string queue, string folder) =>
        Directory.Exists(queue)
        && (
            folder != Environment.GetEnvironmentVariable("HOME")
            || Directory.Exists(Path.Join(queue, "tasks"))
        );

    // A worktree's .git is a file: "gitdir: /main/.git/worktrees/NAME".
    private static string? MainCheckout(string gitFile)
    {
        const string Key = "gitdir:";
        try
        {
            var text = File.ReadAllText(gitFile).Trim();
            if (!text.StartsWith(Key, StringComparison.Ordinal))
            {
                return null;
            }

            var target = Path.GetFullPath(
                text[Key.Length..].Trim(),
                Path.GetDirectoryName(gitFile)!
            );
            var worktrees = Path.GetDirectoryName(target);
            var git = Path.GetDirectoryName(worktrees);
            return Path.GetFileName(worktrees) == "worktrees" && Path.GetFileName(git) == ".git"
                ? Path.GetDirectoryName(git)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not readable: then it is an ordinary folder to us.
            return null;
        }
    }
}
