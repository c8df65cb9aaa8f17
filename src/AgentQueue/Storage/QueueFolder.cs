using System.Globalization;
using System.Text;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <summary>
/// The queue folder, <c>.agents/</c> of a project: where everything of a task stands, how its file is read
/// and replaced, and who may do so. Rule of the protocol: once a task's file exists, only the holder of
/// <see cref="TryLockTask"/> replaces it.
/// </summary>
internal sealed class QueueFolder
{
    public const string FolderName = ".agents";
    public const string ConfigName = "agent-config.json";

    /// <summary>How long a verb waits for another agentq to finish its turn.</summary>
    public static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(2);

    // A night in 1972, to the second: no file of ours has that time by itself.
    private const long FirstWord = 77_777_700;

    private const string TasksName = "tasks";
    private const string PlansName = "plans";
    private const string LogsName = "logs";
    private const string RunName = "run";
    private const string ArchiveName = "archive";
    private const string WorkspaceName = "workspace";
    private const string RunsName = "runs";
    private const string RecordsName = "records";
    private const string TemplatesName = "templates";
    private const string EventsName = "events";
    private const string ResultsName = "results";

    private readonly Lazy<DurableFile> _durable;
    private readonly FolderTrust _trust;
    private string? _tasks,
        _plans,
        _logs,
        _run,
        _archive,
        _workspace,
        _runs,
        _records,
        _templates,
        _events,
        _results;
    private Dictionary<TaskId, AgentTask>? _shownAs;

    /// <param name="sync">Asked at the first write; false only for tests and scratch queues.</param>
    public QueueFolder(string projectRoot, IDisk disk, Func<bool>? sync = null)
    {
        ProjectRoot = projectRoot;
        Unsynced = new DurableFile(disk, sync: false);
        Disk = disk;
        _durable = new(() => new DurableFile(disk, sync?.Invoke() ?? true));
        Folder = Path.Join(projectRoot, FolderName);
        _trust = new FolderTrust(projectRoot, Folder);
    }

    public string ProjectRoot { get; }
    public IDisk Disk { get; }
    public DurableFile Durable => _durable.Value;

    /// <summary>For what a loss of power may take.</summary>
    public DurableFile Unsynced { get; }

    /// <summary>The <c>.agents</c> folder itself.</summary>
    public string Folder { get; }
    public string Tasks => _tasks ??= Part(TasksName);
    public string Plans => _plans ??= Part(PlansName);
    public string Logs => _logs ??= Part(LogsName);

    /// <summary>Private: locks, identities, requests, caches. Safe to lose when nothing runs.</summary>
    public string Run => _run ??= Part(RunName);
    public string Archive => _archive ??= Part(ArchiveName);
    public string Workspace => _workspace ??= Part(WorkspaceName);

    /// <summary>One folder for each execution of a plan.</summary>
    public string Runs => _runs ??= Part(RunsName);

    /// <summary>What was done and by whom; made with the first record.</summary>
    public string Records => _records ??= Part(RecordsName);

    /// <summary>What has happened, and what rules remember of it; made with the first event.</summary>
    public string Events => _events ??= Part(EventsName);

    /// <summary>What agents that can be read came to; made with the first result.</summary>
    public string Results => _results ??= Part(ResultsName);

    /// <summary>Told of what happens to tasks; null if nobody wants to know.</summary>
    public ITaskListener? Listener { get; set; }

    /// <summary>The project's own plans to begin with; people make it, and keep it in git.</summary>
    public string Templates => _templates ??= Part(TemplatesName);

    /// <summary>Where tasks and what belongs to them stand, trusted or not.</summary>
    public IReadOnlyList<string> Parts =>
        [
            Path.Join(Folder, TasksName),
            Path.Join(Folder, PlansName),
            Path.Join(Folder, LogsName),
            Path.Join(Folder, RunName),
            Path.Join(Folder, ArchiveName),
            Path.Join(Folder, WorkspaceName),
            Path.Join(Folder, RunsName),
            Path.Join(Folder, RecordsName),
            Path.Join(Folder, TemplatesName),
            Path.Join(Folder, EventsName),
            Path.Join(Folder, ResultsName),
        ];

    /// <summary>Why not to work with this queue, or null: it is somebody else's, or leads elsewhere.</summary>
    public QueueException? Doubt => _trust.Doubt(Parts);

    /// <summary>As it is now, before anything is removed: each folder was looked at when it was first used.</summary>
    /// <exception cref="QueueException">It is not to be worked with.</exception>
    public void RequireTrust()
    {
        if (Doubt is { } doubt)
        {
            throw doubt;
        }
    }

    private string Part(string name)
    {
        var path = Path.Join(Folder, name);
        _trust.Require(path);
        return path;
    }

    public bool Exists => Disk.Facts(Tasks) is not null;

    public string TaskFile(TaskId id) => Path.Join(Tasks, id.Value + ".json");

    public string SentinelFile(TaskId id, Sentinel kind) =>
        Path.Join(Tasks, id.Value + SentinelNames.Extension(kind));

    public string PlanFile(TaskId id) => Path.Join(Plans, id.Value + "_plan.md");

    /// <summary>What an agent wants to know from a person; it writes that and ends.</summary>
    public string QuestionFile(TaskId id) => Path.Join(Tasks, id.Value + ".question");

    /// <summary>What a person has answered, for an agent that is not told of it in its prompt.</summary>
    public string AnswerFile(TaskId id) => Path.Join(Tasks, id.Value + ".answer");

    public string ResultFile(TaskId id) => Path.Join(Results, id.Value + ".json");

    /// <summary>What every attempt has used, one line each.</summary>
    public string UsageLog => Path.Join(Folder, "usage.jsonl");

    /// <summary>What the agent writes to standard output; without a plan, to standard error too.</summary>
    public string LogFile(TaskId id) =>
        RunId.Of(id) is { } run
            ? Path.Join(RunFolder(run), LogsName, RunId.PartOf(id) + ".out.log")
            : Path.Join(Logs, id.Value + ".log");

    /// <summary>What the agent of a plan's task writes to standard error; null where that is in <see cref="LogFile"/>.</summary>
    public string? ErrorLogFile(TaskId id) =>
        RunId.Of(id) is { } run
            ? Path.Join(RunFolder(run), LogsName, RunId.PartOf(id) + ".err.log")
            : null;

    /// <summary>What the checks of a plan's task print; null for a task of no plan.</summary>
    public string? CheckLogFile(TaskId id) =>
        RunId.Of(id) is { } run
            ? Path.Join(RunFolder(run), LogsName, RunId.PartOf(id) + ".verify.log")
            : null;

    /// <summary>The log's path for people, from the project's root, with slashes.</summary>
    public static string LogName(TaskId id) =>
        RunId.Of(id) is { } run
            ? $"{FolderName}/{RunsName}/{run}/{LogsName}/{RunId.PartOf(id)}.out.log"
            : $"{FolderName}/{LogsName}/{id.Value}.log";

    public string RunFolder(RunId run) => Path.Join(Runs, run.Value);

    public string ArchivedTask(TaskId id) => Path.Join(Archive, id.Value + ".json");

    public string ArchivedPlan(TaskId id) => Path.Join(Archive, id.Value + "_plan.md");

    public string ArchivedResult(TaskId id) => Path.Join(Archive, id.Value + ".result");

    public string ArchivedLog(TaskId id) => Path.Join(Archive, id.Value + ".log");

    public string ArchivedSentinel(TaskId id, Sentinel kind) =>
        Path.Join(Archive, id.Value + SentinelNames.Extension(kind));

    /// <summary>Where the log of a task stands that may be archived, or be on its way there or back.</summary>
    public string FindLog(TaskId id) => Present(LogFile(id), ArchivedLog(id));

    /// <summary>As <see cref="FindLog"/>, for the plan.</summary>
    public string FindPlan(TaskId id) => Present(PlanFile(id), ArchivedPlan(id));

    private string Present(string first, string second) =>
        Disk.Facts(first) is null && Disk.Facts(second) is not null ? second : first;

    /// <summary>Held by the task's supervisor for its whole life.</summary>
    public string LockFile(TaskId id) => RunFile(id, "lock");

    /// <summary>Locked on a descriptor that the agent inherits: held while anything of it lives.</summary>
    public string AliveFile(TaskId id) => RunFile(id, "alive");

    /// <summary>Who supervises the task and which process is the agent.</summary>
    public string IdentityFile(TaskId id) => RunFile(id, "run");

    /// <summary>The prompt, for an agent that takes it from standard input or a file.</summary>
    public string PromptFile(TaskId id) => RunFile(id, "prompt");

    public string RequestFile(TaskId id, string request) => RunFile(id, request);

    private string RunFile(TaskId id, string extension) =>
        Path.Join(Run, $"{id.Value}.{extension}");

    /// <summary>Makes the folders and the <c>.gitignore</c> that keeps them out of git; repeatable.</summary>
    public void Create()
    {
        foreach (var folder in (ReadOnlySpan<string>)[Tasks, Plans, Logs, Run, Workspace])
        {
            Disk.CreateFolder(folder);
        }

        var ignore = Path.Join(Folder, ".gitignore");
        if (Disk.Facts(ignore) is null)
        {
            Durable.TryCreate(
                ignore,
                "/tasks/\n/plans/\n/logs/\n/run/\n/runs/\n/workspace/\n/archive/\n/records/\n/events/\n/results/\n/usage.jsonl\n/schedule.json\n"u8
            );
        }

        // A task is as durable as the folders above it.
        Durable.SyncFolderOf(Tasks);
        Durable.SyncFolderOf(Folder);
    }

    public TaskRead Read(TaskId id) =>
        _shownAs?.TryGetValue(id, out var shown) == true
            ? new TaskRead.Found(shown, default)
            : ReadFile(TaskFile(id), id);

    /// <summary>
    /// From now on this process reads the task like that, because its file cannot be brought up to date.
    /// Only for showing.
    /// </summary>
    public void ShowAs(AgentTask task) => (_shownAs ??= [])[task.Id] = task;

    /// <summary>True if <see cref="ShowAs"/> was called for any task.</summary>
    public bool ShowsOtherwise => _shownAs is not null;

    public bool IsShownOtherwise(TaskId id) => _shownAs?.ContainsKey(id) == true;

    public TaskRead ReadArchived(TaskId id) => ReadFile(ArchivedTask(id), id);

    /// <summary>The task, or an error that says why there is none to use.</summary>
    public AgentTask ReadOrThrow(TaskId id) => OrThrow(Read(id), id, TaskFile(id));

    /// <summary>As <see cref="ReadOrThrow"/>, for a task that was archived.</summary>
    public AgentTask ReadArchivedOrThrow(TaskId id) =>
        OrThrow(ReadArchived(id), id, ArchivedTask(id));

    private static AgentTask OrThrow(TaskRead read, TaskId id, string path) =>
        read switch
        {
            TaskRead.Found(var task, _) => task,
            TaskRead.Unreadable(_, var reason) => throw new QueueException(
                $"Cannot read {path}: {reason}",
                "It was left as it is; repair it by hand or move it away"
            ),
            _ => throw new QueueException(
                $"There is no task {id}",
                "See what there is: agentq status --all"
            ),
        };

    private TaskRead ReadFile(string path, TaskId id)
    {
        var read = Disk.Read(path, TaskJson.LongestFile);
        switch (read.Status)
        {
            case ReadStatus.Missing:
                return new TaskRead.Missing();
            case ReadStatus.NotAFile:
                return new TaskRead.Unreadable(id, "it is not a regular file");
            case ReadStatus.TooLarge:
                return new TaskRead.Unreadable(
                    id,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"it is larger than {TaskJson.LongestFile >> 20} MiB"
                    )
                );
            case ReadStatus.Refused:
                return new TaskRead.Unreadable(id, read.Problem ?? "the system refused");
        }

        try
        {
            return new TaskRead.Found(TaskJson.Read(read.Content, id), read.Facts);
        }
        catch (FormatException e)
        {
            return new TaskRead.Unreadable(id, e.Message);
        }
    }

    /// <summary>Replaces the task's file durably. The caller holds the task's lock.</summary>
    public void Write(AgentTask task) => Durable.Replace(TaskFile(task.Id), TaskJson.Write(task));

    /// <summary>Stores a new task durably; false if the id is taken.</summary>
    public bool TryCreate(AgentTask task) =>
        Durable.TryCreate(TaskFile(task.Id), TaskJson.Write(task));

    /// <summary>
    /// The task's lock, or null while a supervisor or another verb holds it, or while something stands in
    /// its place that is no file: then the task stays as it is, and the others go on.
    /// </summary>
    public HeldLock? TryLockTask(TaskId id)
    {
        try
        {
            return Disk.TryLock(LockFile(id), create: true);
        }
        catch (QueueException) when (IsPlanted(LockFile(id)))
        {
            return null;
        }
    }

    /// <summary>
    /// As <see cref="TryLockTask"/>, and moves a planted link or folder out of the way. The caller holds the
    /// queue's lock: nobody else does this now, so what is moved is never a lock that somebody holds.
    /// </summary>
    public HeldLock? TryLockToStart(TaskId id)
    {
        if (TryLockTask(id) is { } held)
        {
            return held;
        }

        if (!IsPlanted(LockFile(id)))
        {
            return null;
        }

        MoveAside(LockFile(id));
        return TryLockTask(id);
    }

    /// <summary>
    /// Makes room for the private files of a task that is about to run. The caller holds the task's lock, so
    /// nobody else makes any.
    /// </summary>
    public void ClearPlanted(TaskId id)
    {
        foreach (
            var path in (ReadOnlySpan<string>)[AliveFile(id), IdentityFile(id), PromptFile(id)]
        )
        {
            MakeRoom(path);
        }
    }

    /// <summary>Removes a private file; a folder that was planted under its name goes out of the way.</summary>
    public void Discard(string path)
    {
        try
        {
            Disk.Delete(path);
        }
        catch (QueueException) when (IsPlanted(path))
        {
            MoveAside(path);
        }
    }

    /// <summary>Moves a planted folder out of the way of a file; false if none stands there.</summary>
    public bool MakeRoom(string path)
    {
        if (!IsPlanted(path))
        {
            return false;
        }

        MoveAside(path);
        return true;
    }

    /// <summary>True if something stands under a name of ours that is no file.</summary>
    public bool IsPlanted(string path) => Disk.Facts(path) is { IsRegular: false };

    // Named like an interrupted write, which nobody takes for anything else.
    private void MoveAside(string path) =>
        Disk.Rename(
            path,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetDirectoryName(path)}{Path.DirectorySeparatorChar}.{Path.GetFileName(path)}.tmp-planted-{Environment.TickCount64:x}"
            )
        );

    /// <summary>The tasks whose lock has a file: all that are supervised, and few others.</summary>
    public List<TaskId> LockNames()
    {
        var ids = new List<TaskId>();
        using var run = Disk.LookInto(Run);
        run.Visit(
            (name, _) =>
            {
                if (name.EndsWith(".lock"u8) && TaskId.IsWellFormed(name[..^5]))
                {
                    ids.Add(TaskId.Parse(Encoding.ASCII.GetString(name[..^5])));
                }
            }
        );
        return ids;
    }

    /// <summary>True while a supervisor (or a verb at work on the task) holds its lock.</summary>
    public bool IsSupervised(TaskId id) => IsHeld(LockFile(id));

    /// <summary>True while the agent or a process that it started lives.</summary>
    public bool IsAgentAlive(TaskId id) => IsHeld(AliveFile(id));

    private bool IsHeld(string path)
    {
        if (Disk.Facts(path) is null)
        {
            return false;
        }

        // Shared, so that two who look at once do not take each other for the holder.
        try
        {
            using var free = Disk.TryLockShared(path, create: false);
            return free is null && Disk.Facts(path) is not null;
        }
        catch (QueueException) when (IsPlanted(path))
        {
            // Nobody's: what holds locks makes files.
            return false;
        }
    }

    /// <summary>
    /// The task's lock, for a short change to a task that does not run; its file goes with it.
    /// </summary>
    /// <exception cref="QueueException">Another agentq kept it for longer than <see cref="LockPatience"/>.</exception>
    public HeldLock LockTask(TaskId id, TimeSpan? patience = null) =>
        Lock(LockFile(id), patience ?? LockPatience) is { } held
            ? new PassingLock(held, Disk, LockFile(id))
            : throw new QueueException(
                $"Task {id} is in use by another agentq",
                "Try again in a moment"
            );

    /// <summary>
    /// The queue's lock: held while choosing what starts, so that the limit is never exceeded.
    /// </summary>
    /// <exception cref="QueueException">Another agentq kept it for longer than the patience.</exception>
    public HeldLock LockQueue(TimeSpan? patience = null) =>
        Lock(Path.Join(Run, "queue.lock"), patience ?? LockPatience)
        ?? throw new QueueException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Another agentq has held the queue for {(patience ?? LockPatience).TotalSeconds:0} s"
            ),
            OperatingSystem.IsWindows() ? null : $"See who: fuser -v {Path.Join(Run, "queue.lock")}"
        );

    /// <summary>As <see cref="TryLockRun"/>, but waits for its turn; null if the patience is over.</summary>
    public HeldLock? LockRun(string name, TimeSpan patience) =>
        Lock(Path.Join(Run, name), patience);

    public HeldLock? TryLockRun(string name) => Disk.TryLock(Path.Join(Run, name), create: true);

    /// <summary>As <see cref="LockTask"/>, without waiting: null if somebody holds it.</summary>
    public PassingLock? TryLockPassing(TaskId id) =>
        TryLockTask(id) is { } held ? new PassingLock(held, Disk, LockFile(id)) : null;

    private HeldLock? Lock(string path, TimeSpan patience)
    {
        var waited = TimeSpan.Zero;
        var step = TimeSpan.FromMilliseconds(0.25);
        while (true)
        {
            if (Disk.TryLock(path, create: true) is { } held)
            {
                return held;
            }

            if (waited >= patience)
            {
                return null;
            }

            Disk.Pause(step);
            waited += step;
            step = TimeSpan.FromMilliseconds(Math.Min(step.TotalMilliseconds * 2, 8));
        }
    }

    /// <summary>Asks the task's supervisor for something: a small file and a knock on its lock.</summary>
    public void Request(TaskId id, string request, string content = "")
    {
        // Not synced: what was running when the power went need not be told to end.
        Unsynced.ReplaceUnsynced(RequestFile(id, request), Encoding.UTF8.GetBytes(content));
        Knock(id);
    }

    /// <summary>Wakes the task's supervisor, if there is one; what was said by <see cref="Say"/> stays.</summary>
    public void Knock(TaskId id) =>
        Disk.Touch(LockFile(id), RawWordOf(id) is > 0 and var word ? TimeOf(word) : null);

    /// <summary>
    /// A word between the holder of a task's lock and those who ask it for something, for when there is no
    /// room for a file: the lock's file gets a time long ago, which costs nothing.
    /// </summary>
    /// <param name="exit">The agent's exit code, said with the same touch; null to leave it unsaid.</param>
    public void Say(TaskId id, LockWord word, int? exit = null) =>
        Disk.Touch(
            LockFile(id),
            TimeOf(
                RawWordOf(id) | (int)word | (exit is { } code ? ExitSaid | (code << ExitShift) : 0)
            )
        );

    /// <summary>All that was said.</summary>
    public LockWord HeardOf(TaskId id) => (LockWord)(RawWordOf(id) & (ExitSaid - 1));

    /// <summary>The exit code that was said; null if none was.</summary>
    public int? HeardExit(TaskId id) =>
        RawWordOf(id) is var word && (word & ExitSaid) != 0 ? word >> ExitShift : null;

    // The flags of LockWord, whether an exit code follows, the code.
    private const int ExitSaid = 16;
    private const int ExitShift = 5;
    private const int LastWord = (256 << ExitShift) - 1;

    private int RawWordOf(TaskId id)
    {
        var time = Disk.Facts(LockFile(id))?.ModifiedNs ?? 0;
        var word = (time / 1_000_000_000) - FirstWord;
        return time % 1_000_000_000 == 0 && word is > 0 and <= LastWord ? (int)word : 0;
    }

    private static DateTimeOffset TimeOf(int word) =>
        DateTimeOffset.FromUnixTimeSeconds(FirstWord + word);

    /// <summary>
    /// Removes what only matters while a task runs. The caller holds the task's lock; its file goes last,
    /// so that nobody finds a task half swept and unlocked.
    /// </summary>
    public void SweepRunFiles(TaskId id)
    {
        DeleteRunFiles(id);
        Disk.Delete(LockFile(id));
    }

    /// <summary>As <see cref="SweepRunFiles"/>, but the lock stays in force.</summary>
    public void DeleteRunFiles(TaskId id)
    {
        var prefix = id.Value + ".";
        foreach (var name in Disk.List(Run))
        {
            if (
                name.StartsWith(prefix, StringComparison.Ordinal)
                && !name.EndsWith(".lock", StringComparison.Ordinal)
            )
            {
                Discard(Path.Join(Run, name));
            }
        }
    }
}
