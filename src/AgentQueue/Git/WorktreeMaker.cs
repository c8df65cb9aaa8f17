using AgentQueue.Native;
using AgentQueue.Storage;
using AgentQueue.Tasks;

namespace AgentQueue.Git;

/// <summary>A worktree that is there, and where in it the task works.</summary>
/// <param name="Folder">The same place in it as the task's folder has in its own work tree.</param>
/// <param name="IsNew">It has still to be set up; until <see cref="WorktreeMaker.Finish"/> it counts as half made.</param>
internal sealed record MadeWorktree(Worktree Worktree, string Folder, bool IsNew)
{
    public string Path => Worktree.Path!;
}

/// <summary>
/// Makes the worktree of a task. While it is made and set up it is locked, as git knows it, with a reason of
/// ours: whoever comes after one who died in between finds that, removes the half and begins anew. No agent
/// has worked in it before, so nothing is lost.
/// </summary>
internal sealed class WorktreeMaker(QueueFolder queue, TimeProvider clock)
{
    // Others that make worktrees of the same repository hold git's locks for moments.
    private const int MostTries = 40;

    private static readonly TimeSpan s_checkout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly WorktreeNotes _notes = new(queue);

    /// <param name="asked">As the task has it; a path in it is that of the task before a retry.</param>
    /// <param name="folder">Where the task would work without one; absolute.</param>
    /// <param name="root">Where worktrees are made, as configured.</param>
    /// <param name="tell">Is told what is worth knowing, a sentence at a time.</param>
    /// <exception cref="QueueException">It cannot be made; the message says why.</exception>
    public MadeWorktree Make(
        TaskId id,
        Worktree asked,
        string folder,
        string? root,
        Action<string> tell
    )
    {
        var repository = RepositoryOf(folder, clock);
        var branch = asked.Branch ?? Worktree.BranchOf(id);
        var path = asked.Path ?? Path.Join(RootOf(root, repository), Worktree.TokenOf(id));
        var commit = asked.Commit ?? CommitOf(repository, branch, asked.Base);
        var made = new MadeWorktree(
            asked with
            {
                Branch = branch,
                Commit = commit,
                Path = path,
                Tip = null,
                Outcome = null,
            },
            Path.GetFullPath(Path.Join(path, PlaceIn(repository, folder))),
            IsNew: true
        );
        using var turn = Turn();
        var there = Look(repository, path);
        if (there?.Lock is { } reason && IsOurs(reason))
        {
            RemoveHalf(repository, path, reason);
        }
        else if (there is not null && Directory.Exists(path))
        {
            return made with { IsNew = false };
        }

        CheckPlace(path);
        _notes.Write(new WorktreeNote(id, repository.Top, path, branch, commit));
        Add(repository, id, path, branch, commit);
        turn?.Dispose();
        Submodules.Initialise(repository, path, tell);
        WorktreeInclude.Copy(repository, path, tell);
        return made;
    }

    // git reads what another git has half made, and dies of it: one after the other. Whoever waits too long tries
    // without a turn.
    private HeldLock? Turn() => queue.LockRun("worktrees.lock", s_checkout);

    /// <summary>From now on it is whole, and stays until somebody removes it on purpose.</summary>
    public void Finish(MadeWorktree made)
    {
        if (made.IsNew && GitRepository.Find(made.Path, clock) is { } tree)
        {
            using var turn = Turn();
            tree.Call(["worktree", "unlock", made.Path], writes: true);
        }
    }

    /// <summary>True for a worktree that nobody has finished.</summary>
    public static bool IsOurs(string? reason) =>
        reason?.StartsWith(ReasonPrefix, StringComparison.Ordinal) == true;

    public static GitRepository RepositoryOf(string folder, TimeProvider clock) =>
        GitRepository.Find(folder, clock)
        ?? throw (
            GitProgram.Find(clock) is null
                ? new QueueException(
                    "There is no program 'git' on the PATH, and a worktree needs it",
                    "Install git: https://git-scm.com"
                )
                : new QueueException(
                    $"{folder} is in no git repository, so there can be no worktree of it",
                    "Make one: git init, and a first commit"
                )
        );

    /// <summary>The commit that a task with this branch and base begins from.</summary>
    /// <exception cref="QueueException">There is none; or the base of a branch that is there already was asked for.</exception>
    public static string CommitOf(GitRepository repository, string? branch, string? from)
    {
        var there = branch is null ? null : repository.CommitOf("refs/heads/" + branch);
        if (there is not null && from is not null && !Worktree.IsOwn(branch!))
        {
            throw new QueueException(
                $"The branch {branch} is there already, so --base has no meaning for it",
                "Leave out --base, or name a new branch"
            );
        }

        return (there is not null && from is null ? there : null)
            ?? repository.CommitOf(from ?? "HEAD")
            ?? throw (
                from is null
                    ? new QueueException(
                        $"The repository {repository.Top} has no commit yet, so there can be no worktree of it",
                        "Make a first commit: git commit"
                    )
                    : new QueueException($"There is no commit {from} in {repository.Top}")
            );
    }

    private const string ReasonPrefix = "agentq: ";

    private static string ReasonOf(TaskId id) => $"{ReasonPrefix}{id} is being set up";

    private string RootOf(string? configured, GitRepository repository)
    {
        if (configured is null)
        {
            return _notes.Folder;
        }

        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var root = Path.GetFullPath(
            configured.StartsWith("~/", StringComparison.Ordinal) && home.Length > 0
                ? Path.Join(home, configured[2..])
                : configured,
            queue.ProjectRoot
        );
        queue.Disk.CreateFolder(root);
        if (IsInside(root, repository.Top) && root != repository.Top)
        {
            _notes.Hide(root);
        }

        return root;
    }

    private static ListedWorktree? Look(GitRepository repository, string path) =>
        ListedWorktree.Of(repository).FirstOrDefault(w => SamePath(w.Path, path));

    private void CheckPlace(string path)
    {
        // What the repository brings must not lead us elsewhere.
        for (
            var above = Path.GetDirectoryName(path);
            above is not null && IsInside(above, queue.ProjectRoot) && above != queue.ProjectRoot;
            above = Path.GetDirectoryName(above)
        )
        {
            if (queue.Disk.Facts(above) is { IsFolder: false })
            {
                throw new QueueException($"{above} is a link or file; no worktree is made there");
            }
        }

        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new QueueException(
                $"There is something in {path} already, which is no worktree of this repository",
                "Move it away"
            );
        }
    }

    private void Add(GitRepository repository, TaskId id, string path, string branch, string commit)
    {
        for (var tries = 1; ; tries++)
        {
            var listed = ListedWorktree.Of(repository);
            if (
                listed.FirstOrDefault(w => w.Branch == branch && !SamePath(w.Path, path)) is
                { } other
            )
            {
                throw new QueueException(
                    $"The branch {branch} is checked out in {other.Path}, and git lets it be in one place at a time",
                    "Name another branch, or none"
                );
            }

            // Registered, but its folder is gone: taken anew, also if somebody locked it.
            string[] force = listed.Any(w => SamePath(w.Path, path)) ? ["-f", "-f"] : [];
            var isThere = repository.CommitOf("refs/heads/" + branch) is not null;
            var end = repository.Git.Run(
                repository.Top,
                [
                    "worktree",
                    "add",
                    "--lock",
                    "--reason",
                    ReasonOf(id),
                    .. force,
                    .. isThere ? (string[])[] : ["--no-track", "-b", branch],
                    "--",
                    path,
                    isThere ? branch : commit,
                ],
                writes: true,
                limit: s_checkout
            );
            if (end.IsSuccess)
            {
                return;
            }

            RemoveHalf(repository, path, ReasonOf(id));
            if (tries == MostTries || !IsBusy(end))
            {
                throw repository.Failed("worktree add", end);
            }

            queue.Disk.Pause(s_pause * Math.Min(tries, 10));
        }
    }

    // Another git holds a lock of the repository, or has made a name between our looking and taking it.
    private static bool IsBusy(GitEnd end) =>
        end.Errors.Contains(".lock", StringComparison.Ordinal)
        || end.Errors.Contains("File exists", StringComparison.Ordinal)
        || end.Errors.Contains("cannot lock ref", StringComparison.Ordinal)
        || ListedWorktree.IsHalfMade(end);

    private void RemoveHalf(GitRepository repository, string path, string reason)
    {
        repository.Git.Run(
            repository.Top,
            ["worktree", "remove", "--force", "--force", "--", path],
            writes: true,
            limit: s_checkout
        );
        // One that died before git had noted the place is not listed, and its lock would keep it for ever.
        var folders = Path.Join(repository.CommonFolder, "worktrees");
        if (Directory.Exists(folders))
        {
            foreach (var note in Directory.EnumerateDirectories(folders))
            {
                var read = queue.Disk.Read(Path.Join(note, "locked"), 4096);
                if (
                    read.Status == ReadStatus.Ok
                    && System.Text.Encoding.UTF8.GetString(read.Content).Trim() == reason
                )
                {
                    queue.Disk.DeleteFolder(note);
                    queue.Disk.DeleteFolder(path);
                }
            }
        }
    }

    private static string PlaceIn(GitRepository repository, string folder)
    {
        var real = OperatingSystem.IsWindows() ? folder : Libc.RealPath(folder) ?? folder;
        return IsInside(real, repository.Top) ? Path.GetRelativePath(repository.Top, real) : ".";
    }

    /// <summary>True for the folder itself too.</summary>
    public static bool IsInside(string path, string folder) =>
        Path.GetRelativePath(folder, path) is var way
        && way != ".."
        && !way.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal)
        && !Path.IsPathRooted(way);

    // git tells places with all links followed.
    public static bool SamePath(string a, string b) =>
        string.Equals(
            Real(a),
            Real(b),
            OperatingSystem.IsLinux()
                ? StringComparison.Ordinal
                : StringComparison.OrdinalIgnoreCase
        );

    private static string Real(string path) =>
        Path.TrimEndingDirectorySeparator(
            Path.GetFullPath(
                OperatingSystem.IsWindows() ? path
                : Libc.RealPath(path) is { } real ? real
                : Path.GetDirectoryName(path) is { } above && Libc.RealPath(above) is { } top
                    ? Path.Join(top, Path.GetFileName(path))
                : path
            )
        );
}
